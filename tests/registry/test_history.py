"""The history: a number is given once, and what was changed, put in or taken out shows."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event

from credit_risk.errors import UsageError
from credit_risk.registry import history
from credit_risk.registry.errors import RegistryBroken, RegistryMoved, RegistryUnavailable
from credit_risk.registry.history import History
from tools import PATIENCE


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "registry" / "history.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, file) -> str:
    return f"sqlite:///{file}" if request.param == "sqlite" else request.getfixturevalue("server").new_database()


@pytest.fixture
def opened(url):
    found = History(url)
    yield found
    found.close()


def add(to: History, after: int, version: int = 1, move: str = "register"):
    return to.append(move, version, "5c", by="Kim Lee", reason="a first try", facts={"verdict": "PASS"}, after=after)


def test_moves_are_read_as_they_were_made(opened, url):
    made = [add(opened, 0), add(opened, 1, 2)]
    assert opened.read() == made
    assert [(one.seq, one.version, one.facts) for one in made] == [
        (1, 1, {"verdict": "PASS"}),
        (2, 2, {"verdict": "PASS"}),
    ]
    again = History(url)
    assert again.read() == made
    assert again.head() == opened.head()
    assert opened.head().startswith("2:")
    again.close()


def test_of_two_moves_on_the_same_history_the_second_is_refused(opened):
    add(opened, 0)
    with pytest.raises(RegistryMoved, match="somebody moved a scorer meanwhile"):
        add(opened, 0, 2)
    assert [one.version for one in opened.read()] == [1]


def race(url: str, version: int, gun, won) -> None:
    """Another process, which promotes its own version on the history that both have read."""
    mine = History(url)
    for after in range(50):
        gun.wait()
        try:
            add(mine, after, version, "promote")
            won.put((after, version))
        except RegistryMoved:
            pass
    mine.close()


def test_of_two_promoters_at_once_one_wins_fifty_times(url):
    History(url).close()
    context = multiprocessing.get_context("spawn")
    gun, won = context.Barrier(2, timeout=PATIENCE), context.Queue()
    promoters = [context.Process(target=race, args=(url, version, gun, won)) for version in (1, 2)]
    for one in promoters:
        one.start()
    winners = [won.get(timeout=PATIENCE) for _ in range(50)]
    for one in promoters:
        one.join(PATIENCE)
    assert sorted(after for after, _ in winners) == list(range(50))
    assert won.empty()
    after = History(url)
    assert [one.seq for one in after.read()] == list(range(1, 51))
    after.close()


@pytest.mark.parametrize("statement", ["UPDATE registry_moves SET body = '{}'", "DELETE FROM registry_moves"])
def test_the_database_itself_refuses_to_change_a_move(opened, statement):
    add(opened, 0)
    with pytest.raises(Exception, match="only grows"), opened._engine.connect() as connection:
        connection.exec_driver_sql(statement)


def changed(file: Path, *statements: str) -> None:
    """What somebody does who holds the file."""
    with sqlite3.connect(file) as connection:
        for statement in ("DROP TRIGGER moves_no_update", "DROP TRIGGER moves_no_delete", *statements):
            connection.execute(statement)
    connection.close()


@pytest.fixture
def three(file):
    opened = History(f"sqlite:///{file}")
    for after in range(3):
        add(opened, after, after + 1)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("statement", "move"),
    [
        ("UPDATE registry_moves SET body = replace(body, 'Kim', 'Kam') WHERE seq = 2", 2),
        ("UPDATE registry_moves SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 1", 1),
        ("DELETE FROM registry_moves WHERE seq = 2", 2),
        ("UPDATE registry_moves SET seq = 0 WHERE seq = 1", 1),
        ("UPDATE registry_moves SET hash = (SELECT hash FROM registry_moves WHERE seq = 1) WHERE seq = 3", 3),
    ],
)
def test_what_was_changed_put_in_or_taken_out_is_named(three, file, statement, move):
    changed(file, statement)
    with pytest.raises(RegistryBroken, match=f"move {move} of the registry's history was altered"):
        three.read()


def test_a_move_after_one_that_is_gone_is_not_made(three, file):
    changed(file, "DELETE FROM registry_moves WHERE seq = 3")
    with pytest.raises(RegistryBroken, match="move 3 is missing"):
        add(three, 3)


def test_a_locked_file_is_said_and_a_second_try_works(file, monkeypatch):
    monkeypatch.setattr(history, "BUSY_S", 0.1)
    opened = History(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RegistryUnavailable, match=r"database is locked.*try the same command again"):
        add(opened, 0)
    other.execute("ROLLBACK")
    other.close()
    assert add(opened, 0).seq == 1
    opened.close()


def test_a_full_disk_is_said_and_nothing_is_half_written(file):
    opened = History(f"sqlite:///{file}")
    add(opened, 0)

    def full(connection, _):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(opened._engine, "connect", full)
    opened._engine.dispose()
    with pytest.raises(RegistryUnavailable, match="full"):
        opened.append("register", 2, "5c", by="Kim Lee", reason="x" * 100_000, facts={}, after=1)
    event.remove(opened._engine, "connect", full)
    opened._engine.dispose()
    assert [one.seq for one in opened.read()] == [1]
    assert add(opened, 1).seq == 2
    opened.close()


@pytest.mark.parametrize("url", ["history.db", "mysql+nothing://x/y"])
def test_a_url_that_is_no_database_is_said(url):
    with pytest.raises(UsageError, match="no database for the registry's history"):
        History(url)


def test_a_server_that_is_not_there_is_said():
    with pytest.raises(RegistryUnavailable, match="cannot be used"):
        History("postgresql://nobody@127.0.0.1:9/registry")
