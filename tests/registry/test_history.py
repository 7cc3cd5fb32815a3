"""The history: a number is given once, and what was changed, put in or taken out shows."""

import json
import os
import shutil
import sqlite3
import threading
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import event

from credit_risk.config import identities
from credit_risk.data import digest
from credit_risk.errors import UsageError
from credit_risk.registry import history
from credit_risk.registry.errors import RegistryBroken, RegistryMoved, RegistryUnavailable
from credit_risk.registry.history import History
from credit_risk.registry.lifecycle import MoveRefused
from credit_risk.registry.settings import RegistrySettings
from credit_risk.scoring import signing
from credit_risk.scoring.live_statement import LiveStatement, LiveVersion
from credit_risk.scoring.signed_chain import SignedFacts, link
from credit_risk.scoring.signing import SignatureRefused, SignedBy
from identities_trial import write_identities
from tools import PATIENCE, processes

RACES = int(os.environ.get("REGISTRY_RACES", "10"))
DATABASES = ("sqlite", "postgresql")
BY = SignedBy(public_key="build/signing/signing.pub")


@pytest.fixture(autouse=True)
def key(tmp_path, monkeypatch):
    """The development key of a root, the only one that counts here."""
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    signing.private_key(tmp_path, {})


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "registry" / "history.db"


def of(url: str, root: Path, statement: str | None = None) -> History:
    settings = RegistrySettings(tracking="nowhere", history=url, signed_by=BY, statement=statement)
    return History(settings, root, "simulated-lender")


@pytest.fixture(params=DATABASES)
def url(request, file) -> str:
    return f"sqlite:///{file}" if request.param == "sqlite" else request.getfixturevalue("server").new_database()


@pytest.fixture
def opened(url, tmp_path):
    found = of(url, tmp_path)
    yield found
    found.close()


def add(to: History, after: int, version: int = 1, move: str = "register", by: str = "Kim Lee"):
    return to.append(move, version, "5c", by=by, reason="a first try", facts={"verdict": "PASS"}, after=after)


def test_moves_are_read_as_they_were_made(opened, url, tmp_path):
    made = [add(opened, 0), add(opened, 1, 2)]
    assert opened.read() == made
    assert [(one.seq, one.version, one.facts) for one in made] == [
        (1, 1, {"verdict": "PASS"}),
        (2, 2, {"verdict": "PASS"}),
    ]
    again = of(url, tmp_path)
    assert again.read() == made
    assert again.head() == opened.head()
    assert opened.head().seq == 2
    again.close()


def test_of_two_moves_on_the_same_history_the_second_is_refused(opened):
    add(opened, 0)
    with pytest.raises(RegistryMoved, match="somebody moved a scorer meanwhile"):
        add(opened, 0, 2)
    assert [one.version for one in opened.read()] == [1]


def race(url: str, root: Path, version: int, gun, won) -> None:
    """Another process, which registers its own version on the history that both have read."""
    mine = of(url, root)
    for after in range(RACES):
        gun.wait()
        try:
            add(mine, after, version)
            won.put((after, version))
        except RegistryMoved:
            pass
    mine.close()


def test_of_two_movers_at_once_one_wins_each_time(url, tmp_path):
    of(url, tmp_path).close()
    context = processes()
    gun, won = context.Barrier(2, timeout=PATIENCE), context.Queue()
    movers = [context.Process(target=race, args=(url, tmp_path, version, gun, won)) for version in (1, 2)]
    for one in movers:
        one.start()
    winners = [won.get(timeout=PATIENCE) for _ in range(RACES)]
    for one in movers:
        one.join(PATIENCE)
    assert sorted(after for after, _ in winners) == list(range(RACES))
    assert won.empty()
    after = of(url, tmp_path)
    assert [one.seq for one in after.read()] == list(range(1, RACES + 1))
    after.close()


@pytest.mark.parametrize("table", ["registry_moves", "registry_statements"])
@pytest.mark.parametrize(
    ("url", "statement"),
    [
        *product(DATABASES, ("UPDATE {0} SET seq = seq + 7", "DELETE FROM {0}")),
        *product(  # PostgreSQL knows no REPLACE
            ("sqlite",),
            ("REPLACE INTO {0} SELECT * FROM {0}", "INSERT OR REPLACE INTO {0} SELECT * FROM {0} WHERE seq = 1"),
        ),
    ],
    indirect=["url"],
)
def test_the_database_itself_refuses_to_change_a_move(opened, statement, table):
    add(opened, 0)
    add(opened, 1, 2)
    with opened._engine.connect() as connection, pytest.raises(Exception, match="only grows"):
        connection.exec_driver_sql(statement.format(table))


def test_triggers_that_an_earlier_version_lacked_are_made(file, tmp_path):
    of(f"sqlite:///{file}", tmp_path).close()
    changed(file)
    again = of(f"sqlite:///{file}", tmp_path)
    add(again, 0)
    with again._engine.connect() as connection, pytest.raises(Exception, match="only grows"):
        connection.exec_driver_sql("REPLACE INTO registry_moves SELECT * FROM registry_moves")
    again.close()


def changed(file: Path, *statements: str) -> None:
    """What somebody does who holds the file."""
    with sqlite3.connect(file) as connection:
        triggers = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for statement in (*(f"DROP TRIGGER {name}" for name in triggers), *statements):
            connection.execute(statement)
    connection.close()


@pytest.fixture
def three(file, tmp_path):
    opened = of(f"sqlite:///{file}", tmp_path)
    for after in range(3):
        add(opened, after, after + 1)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE registry_moves SET body = replace(body, 'Kim', 'Kam') WHERE seq = 2", "entry 2 is not what was"),
        (
            "UPDATE registry_moves SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 1",
            "entry 1 is not what",
        ),
        ("DELETE FROM registry_moves WHERE seq = 2", "entries 2 to 2 are missing"),
        ("DELETE FROM registry_moves WHERE seq = 3", "entries 3 to 3 are missing: the end was cut off"),
        ("UPDATE registry_moves SET seq = 0 WHERE seq = 1", "entry 0 stands before the chain"),
        (
            "UPDATE registry_moves SET hash = (SELECT hash FROM registry_moves WHERE seq = 1) WHERE seq = 3",
            "entry 3 is",
        ),
        (
            "UPDATE registry_moves SET body = (SELECT body FROM registry_moves AS o "
            "WHERE o.seq = 5 - registry_moves.seq) WHERE seq IN (2, 3)",
            "entry 2 is not what was recorded",
        ),
        ("DELETE FROM registry_statements", "signed by nobody.*take-over"),
        ("DELETE FROM registry_statements WHERE seq = 3", "entries 3 to 3 stand behind the head"),
        ("UPDATE registry_statements SET facts = replace(facts, 'lender', 'lander') WHERE seq = 3", "does not count"),
        (
            "UPDATE registry_statements SET signature = (SELECT signature FROM registry_statements WHERE seq = 1)",
            "does not count",
        ),
        ("UPDATE registry_statements SET signature = '{}'", "does not count"),
        ("UPDATE registry_statements SET facts = '{}' WHERE seq = 2", "statement 3 was not signed behind statement 2"),
        ("UPDATE registry_statements SET facts = '[' WHERE seq = 2", "statement 2 cannot be read"),
        (
            "UPDATE registry_statements SET signature = '' WHERE seq = 2",
            "statement 3 was not signed behind statement 2",
        ),
        ("UPDATE registry_statements SET facts = facts || ' ' WHERE seq = 1", "statement 2 was not signed behind"),
        ("UPDATE registry_moves SET hash = upper(hash) WHERE seq = 2", "entry 2 is not what was recorded"),
        ("UPDATE registry_moves SET hash = ' ' || hash WHERE seq = 3", "entry 3 is not what was recorded"),
        ("DELETE FROM registry_statements WHERE seq = 2", r"statements behind 0 have the numbers \[1, 3\]"),
        ("UPDATE registry_statements SET seq = 0 WHERE seq = 1", r"statements behind 0 have the numbers \[0, 2, 3\]"),
        ("UPDATE registry_statements SET facts = x'ff' WHERE seq = 3", "statements stands one with the number 3 that"),
        ("UPDATE registry_moves SET hash = x'ff' WHERE seq = 2", "moves stands one with the number 2 that no registry"),
        ("UPDATE registry_moves SET body = 5 WHERE seq = 2", "entry 2 is not what was recorded"),
    ],
)
def test_what_was_changed_put_in_or_taken_out_is_named(three, file, statement, fault):
    changed(file, statement)
    with pytest.raises(RegistryBroken, match=fault):
        three.read()


def test_an_earlier_statement_of_the_same_end_in_the_place_of_the_last_is_named(three, file):
    """Both are signed, of the same moves; the last lets a version be live that the earlier does not."""
    three.restate(LiveVersion(1, "earlier", "5c", "aa"))
    changed(
        file,
        "UPDATE registry_statements SET (facts, signature) = "
        "(SELECT facts, signature FROM registry_statements WHERE seq = 3) WHERE seq = 4",
    )
    with pytest.raises(RegistryBroken, match="statement 4 was not signed behind statement 3"):
        three.read()


def test_statements_from_before_they_named_the_one_before_go_on(three, file, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(LiveStatement, "as_facts", lambda self: WithoutPrevious(as_facts(self)))
        three.restate()
        three.restate()
    assert [json.loads(text).get("previous", "none") for text in texts(file)][3:] == ["none"] * 2
    three.restate()
    assert len(three.read()) == 3
    changed(file, "UPDATE registry_statements SET signature = '' WHERE seq = 5")
    with pytest.raises(RegistryBroken, match="statement 6 was not signed behind statement 5"):
        three.read()


as_facts = LiveStatement.as_facts


class WithoutPrevious(dict):
    """The facts of a statement as they were signed before."""

    def __or__(self, other):
        return dict(self)


def texts(file: Path) -> list[str]:
    with sqlite3.connect(file) as connection:
        found = [text for (text,) in connection.execute("SELECT facts FROM registry_statements ORDER BY seq")]
    connection.close()
    return found


@pytest.mark.parametrize("table", ["registry_moves", "registry_statements"])
def test_a_move_that_the_database_ignores_without_an_error_is_none_and_publishes_nothing(opened, tmp_path, table):
    add(opened, 0)
    published = tmp_path / "live.json"
    opened.settings = opened.settings.model_copy(update={"statement": str(published)})
    ignores = {
        "sqlite": [f"CREATE TRIGGER ignores BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END"],
        "postgresql": [
            "CREATE FUNCTION ignores() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            f"CREATE TRIGGER ignores BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION ignores()",
        ],
    }
    with opened._engine.begin() as connection:
        for statement in ignores[connection.dialect.name]:
            connection.exec_driver_sql(statement)
    with pytest.raises(RegistryUnavailable, match="took a row without an error and did not store it"):
        add(opened, 1, 2)
    assert (len(opened.read()), published.exists()) == (1, False)


@pytest.mark.parametrize("table", ["registry_moves", "registry_statements"])
@pytest.mark.parametrize("number", ["NULL", "'x'", "2.5", "2"])
def test_what_was_put_in_under_no_number_of_its_own_is_named(three, file, table, number):
    """In a table that was made anew a number may be anything, and stand twice."""
    anew = (
        f"CREATE TABLE anew AS SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE anew RENAME TO {table}",
    )
    changed(file, *anew)
    assert len(three.read()) == 3
    columns = "body, hash" if table == "registry_moves" else "facts, signature"
    changed(file, f"INSERT INTO {table} SELECT {number}, {columns} FROM {table} WHERE seq = 1")
    with pytest.raises(RegistryBroken, match="put in"):
        three.read()


@pytest.mark.parametrize("body", ["no JSON", "[]", "5", "{}", '{"at": 5}', "[" * 100_000])
def test_a_move_that_cannot_be_read_is_named_to_who_looks_at_what_nobody_vouches_for(three, file, body):
    changed(file, f"UPDATE registry_moves SET body = '{body}' WHERE seq = 2")
    with pytest.raises(RegistryBroken, match="entry 2 is no move"):
        three.unverified()


@pytest.mark.parametrize("facts", ["no JSON", "[]", '{"unverified": 5}'])
def test_a_history_whose_statement_cannot_be_read_can_be_taken_over(three, file, facts):
    changed(
        file,
        f"UPDATE registry_statements SET facts = '{facts}' WHERE seq = 3",
        "DELETE FROM registry_statements WHERE seq = 1",
    )
    with pytest.raises(RegistryBroken):
        three.read()
    three.take_over("Ada Berg", "looked through with the log of moves")
    assert [(note["up_to"], note["statements"]) for note in three.notes()] == [(3, 3)]
    add(three, 3, 4)
    assert len(three.read()) == 4
    changed(file, "DELETE FROM registry_statements WHERE seq = 4")
    with pytest.raises(RegistryBroken, match=r"statements behind 3 have the numbers \[5\]"):
        three.read()


def rewritten(file: Path, keep: int = 3) -> None:
    """The whole history anew, as somebody else's, each entry chained as it must be."""
    with sqlite3.connect(file) as connection:
        bodies = [body for (body,) in connection.execute("SELECT body FROM registry_moves ORDER BY seq")][:keep]
    connection.close()
    previous, statements = bytes(32), ["DELETE FROM registry_moves"]
    for seq, body in enumerate((body.replace("Kim Lee", "Eve Doe") for body in bodies), 1):
        previous = link(previous, body)
        statements.append(f"INSERT INTO registry_moves VALUES ({seq}, '{body}', '{previous.hex()}')")
    changed(file, *statements)


def test_a_history_that_was_written_anew_shows_though_its_hashes_hold(three, file):
    rewritten(file)
    with pytest.raises(RegistryBroken, match="entry 3 is not the one that the head names"):
        three.read()
    changed(file, "DELETE FROM registry_statements")
    with pytest.raises(RegistryBroken, match="signed by nobody"):
        three.read()
    with pytest.raises(RegistryBroken, match="signed by nobody"):  # nor does the next move sign for it
        add(three, 3, 4)


def test_an_older_state_of_everything_shows_against_a_head_written_down_since(three, file, tmp_path):
    old = tmp_path / "old.db"
    shutil.copy(file, old)
    add(three, 3, 4)
    head = three.head()
    three._engine.dispose()
    shutil.copy(old, file)
    assert len(three.read()) == 3
    with pytest.raises(RegistryBroken, match="once reached entry 4 and now ends at 3"):
        three.read([head])


def test_another_history_signed_by_the_same_key_shows_against_a_head_written_down(three, tmp_path):
    other = of(f"sqlite:///{tmp_path / 'other.db'}", tmp_path)
    for after in range(3):
        add(other, after, after + 1, by="Ada Berg")
    with pytest.raises(RegistryBroken, match="entry 3 is not the one that was written down"):
        other.read([three.head()])
    other.close()


def test_a_move_after_one_that_is_gone_is_not_made(three, file):
    changed(file, "DELETE FROM registry_moves WHERE seq = 3", "DELETE FROM registry_statements WHERE seq = 3")
    with pytest.raises(RegistryBroken, match="entry 3 is missing"):
        add(three, 3)


def test_a_move_takes_the_key_that_counts(three, tmp_path, monkeypatch):
    signing.make_keys(tmp_path / "another.key")
    monkeypatch.setenv(signing.VARIABLE, str(tmp_path / "another.key"))
    with pytest.raises(SignatureRefused, match=r"another key than the one that counts.*CREDIT_RISK_SIGNING_KEY"):
        add(three, 3, 4)
    assert len(three.read()) == 3


def before_signatures(file: Path) -> None:
    """As a version without signatures left it."""
    changed(file, "DROP TABLE registry_statements")


def test_a_history_from_before_is_taken_over_as_unverified_and_never_signed_silently(three, file, tmp_path):
    before_signatures(file)
    again = of(f"sqlite:///{file}", tmp_path)
    with pytest.raises(RegistryBroken, match="3 entries are signed by nobody"):
        add(again, 3, 4)
    assert [one.version for one in again.unverified()] == [1, 2, 3]
    with pytest.raises(MoveRefused, match="a first and a last name"):
        again.take_over("kim", "looked it through today")
    signed = again.take_over("Kim Lee", "looked it through today")
    add(again, 3, 4)
    for statement in (signed, again.restate()):  # what it says is carried on
        (note,) = json.loads(statement.text)["unverified"]
        assert (note["up_to"], note["by"], note["reason"]) == (3, "Kim Lee", "looked it through today")
    assert [note["up_to"] for note in again.notes()] == [3]
    assert [one.version for one in again.read()] == [1, 2, 3, 4]
    again.close()


def test_a_history_that_does_not_follow_is_not_taken_over_either(three, file, tmp_path):
    before_signatures(file)
    changed(file, "UPDATE registry_moves SET body = replace(body, 'Kim', 'Kam') WHERE seq = 2")
    again = of(f"sqlite:///{file}", tmp_path)
    with pytest.raises(RegistryBroken, match="entry 2 is not what was recorded"):
        again.take_over("Kim Lee", "looked it through today")
    again.close()


BACK = LiveVersion(1, "rolled back to", "5c", "")


def in_between(opened: History, monkeypatch, what) -> None:
    """Let something happen once, after the history was read and before what follows from it is recorded."""
    read = opened._verified

    def verified(remembered=()):
        monkeypatch.setattr(opened, "_verified", read)
        reading = read(remembered)
        what()
        return reading

    monkeypatch.setattr(opened, "_verified", verified)


@pytest.mark.parametrize("signed_anew", [History.restate, lambda opened: add(opened, 3, 4)], ids=["restate", "move"])
@pytest.mark.parametrize("first", ["move", "restate"])
def test_what_was_read_before_somebody_else_was_faster_is_never_signed(
    three, tmp_path, monkeypatch, first, signed_anew
):
    other = of(three.settings.history, tmp_path)
    in_between(three, monkeypatch, lambda: add(other, 3, 1, "nominate") if first == "move" else other.restate(BACK))
    with pytest.raises(RegistryMoved, match="somebody moved a scorer meanwhile"):
        signed_anew(three)
    assert len(three.read()) == 3 + (first == "move")
    roles = [version.role for version in LiveStatement.of_facts(json.loads(three.signed().text)).live]
    assert roles == (["challenger"] if first == "move" else ["rolled back to"])
    other.close()


@pytest.mark.parametrize("signed_anew", [History.restate, lambda opened: add(opened, 3, 4)], ids=["restate", "move"])
def test_neither_database_signs_what_was_read_before_somebody_was_faster(
    opened, url, tmp_path, monkeypatch, signed_anew
):
    for after in range(3):
        add(opened, after, after + 1)
    other = of(url, tmp_path)
    in_between(opened, monkeypatch, lambda: add(other, 3, 1, "nominate"))
    with pytest.raises(RegistryMoved, match="somebody moved a scorer meanwhile"):
        signed_anew(opened)
    assert [one.move for one in opened.read()] == ["register"] * 3 + ["nominate"]
    other.close()


def test_both_tables_are_read_at_one_moment_while_somebody_moves(opened, url, tmp_path):
    """Read one after the other, the last statement would be of another history than the moves."""
    mover = of(url, tmp_path)
    moving = threading.Thread(target=lambda: [add(mover, after, after + 1) for after in range(RACES)])
    moving.start()
    lengths = []
    while moving.is_alive():
        lengths.append(len(opened.read()))
    moving.join()
    assert lengths == sorted(lengths)
    assert len(opened.read()) == RACES
    mover.close()


def test_a_move_during_a_take_over_is_not_signed_as_unseen(three, file, tmp_path, monkeypatch):
    other, read = of(f"sqlite:///{file}", tmp_path), three._reading

    def reading():
        monkeypatch.setattr(three, "_reading", read)
        seen = read()
        add(other, 3, 4)
        return seen

    monkeypatch.setattr(three, "_reading", reading)
    with pytest.raises(RegistryMoved):
        three.take_over("Kim Lee", "looked it through today")
    assert three.notes() == []
    other.close()


def test_a_version_to_be_rolled_back_to_stays_named_until_the_next_move(three, tmp_path):
    def live(signed):
        return LiveStatement.of_facts(signed.verified(BY, tmp_path)).live

    assert live(three.restate(BACK)) == (BACK,)
    assert live(three.restate()) == (BACK,)  # as a schedule does it
    assert live(three.restate(BACK)) == (BACK,)
    add(three, 3, 2, "nominate")
    assert [version.role for version in live(three.restate())] == ["challenger"]


def test_a_release_that_no_registry_has_is_let_live_by_a_move_with_its_person_and_reason(three, tmp_path):
    def live():
        named = LiveStatement.of_facts(three.restate().verified(BY, tmp_path)).live
        return [(version.version, version.role, version.scorer, version.gate_record) for version in named]

    for by, reason in (("kim", "the first release here"), ("Kim Lee", "because")):
        with pytest.raises(MoveRefused, match="expected"):
            three.let_live("7d", "8e", by=by, reason=reason)
    made = three.let_live("7d", "8e", by="Kim Lee", reason="the first release here")
    assert (made.seq, made.move, made.by, made.reason) == (4, "here", "Kim Lee", "the first release here")
    assert three.read()[-1] == made
    add(three, 4, 1, "nominate")
    assert live() == [(1, "challenger", "5c", ""), (0, "here", "7d", "8e")]
    three.let_live("9f", "0a", by="Kim Lee", reason="the second release here")
    assert live() == [(1, "challenger", "5c", ""), (0, "here", "9f", "0a")]
    add(three, 6, 1, "promote")
    assert live() == [(1, "champion", "5c", "")]


PROVED = "Ada Berg <account:ada>"


def test_once_somebody_was_proved_no_typed_name_moves_anything(three):
    three.let_live("7d", "8e", by=PROVED, reason="the first release here")
    with pytest.raises(MoveRefused, match="a name that was typed, and who moved before was proved"):
        three.let_live("7d", "8e", by="Kim Lee", reason="the second release here")
    with pytest.raises(MoveRefused, match="a name that was typed"):
        three.take_over("Kim Lee", "looked it through today")
    assert len(three.read()) == 4


def test_a_move_by_a_proved_person_says_who_was_who_then(three, tmp_path):
    write_identities(tmp_path, {"name": "Ada Berg", "accounts": ["ada"]})
    made = three.let_live("7d", "8e", by=PROVED, reason="the first release here")
    assert made.facts["identities"] == digest.of_file(tmp_path / identities.FILE)
    assert "identities" not in three.read()[0].facts  # of a name that was typed


def test_each_move_states_what_may_be_live_and_publishes_it(tmp_path, file):
    published = tmp_path / "public" / "live.json"
    opened = of(f"sqlite:///{file}", tmp_path, "public/live.json")

    def move(name: str, version: int, after: int) -> list[tuple[int, str]]:
        facts = {"gate_record": f"{version}a"}
        opened.append(name, version, f"{version}c", by="Kim Lee", reason="a first try", facts=facts, after=after)
        signed = SignedFacts.parse(published.read_text())
        statement = LiveStatement.of_facts(signed.verified(BY, tmp_path))
        assert (statement.project, statement.head) == ("simulated-lender", opened.head())
        assert all(version.scorer == f"{version.version}c" for version in statement.live)
        return [(version.version, version.role) for version in statement.live]

    assert move("register", 1, 0) == []
    assert move("nominate", 1, 1) == [(1, "challenger")]
    assert move("promote", 1, 2) == [(1, "champion")]
    assert move("register", 2, 3) == [(1, "champion")]
    assert move("nominate", 2, 4) == [(1, "champion"), (2, "challenger")]
    assert move("promote", 2, 5) == [(2, "champion")]
    before = LiveVersion(1, "rolled back to", "1c", "1a")
    also = LiveStatement.of_facts(opened.restate(before).verified(BY, tmp_path))
    assert also.live == (LiveVersion(2, "champion", "2c", "2a"), before)
    assert move("rollback", 1, 6) == [(1, "champion")]
    opened.close()


def test_a_whole_history_of_another_project_under_the_same_key_does_not_count(three, file, tmp_path):
    settings = RegistrySettings(tracking="nowhere", history=f"sqlite:///{file}", signed_by=BY)
    another = History(settings, tmp_path, "another-lender")
    for use in (another.read, lambda: add(another, 3), another.restate, another.signed):
        with pytest.raises(
            RegistryBroken, match="it is of project 'simulated-lender', and this one is 'another-lender'"
        ):
            use()
    another.close()
    assert len(three.read()) == 3


@pytest.mark.parametrize("signature", ["[" * 100_000, "null", "7", '{"dsseEnvelope": []}'])
def test_a_signature_that_is_none_is_a_finding_and_no_crash(three, file, tmp_path, signature):
    changed(file, f"UPDATE registry_statements SET signature = '{signature}' WHERE seq = 3")
    with pytest.raises(RegistryBroken, match="its signed statement does not count"):
        three.read()


def test_a_statement_that_cannot_be_written_leaves_the_move_standing(tmp_path, file, caplog):
    (tmp_path / "public").write_text("a file where a folder should be")
    opened = of(f"sqlite:///{file}", tmp_path, "public/live.json")
    add(opened, 0)
    assert len(opened.read()) == 1
    assert "could not be written" in caplog.text
    opened.close()


def test_a_locked_file_is_said_and_a_second_try_works(file, monkeypatch, tmp_path):
    monkeypatch.setattr(history, "BUSY_S", 0.1)
    opened = of(f"sqlite:///{file}", tmp_path)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RegistryUnavailable, match=r"database is locked.*try the same command again"):
        add(opened, 0)
    other.execute("ROLLBACK")
    other.close()
    assert add(opened, 0).seq == 1
    opened.close()


def test_a_full_disk_is_said_and_nothing_is_half_written(file, tmp_path):
    opened = of(f"sqlite:///{file}", tmp_path)
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


@pytest.mark.parametrize("url", ["history.db", "mysql+nothing://x/y", "postgresql://[::1"])
def test_a_url_that_is_no_database_is_said(url, tmp_path):
    with pytest.raises(UsageError, match="no database for the registry's history"):
        of(url, tmp_path)


def test_a_server_that_is_not_there_is_said(tmp_path):
    with pytest.raises(RegistryUnavailable, match="cannot be used"):
        of("postgresql://nobody@127.0.0.1:9/registry", tmp_path)
