"""Disk full, database gone, locked: nothing is answered, nothing half-written, and it works again afterwards."""

import resource
import shutil
import sqlite3
import stat
import time

import psycopg
import pytest
from ledger_trial import KEY, entry, submit

from credit_risk.ledger.commit.group_commit import GroupCommit
from credit_risk.ledger.database import store
from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from tools import PATIENCE


def test_a_full_disk(local, file):
    """The process may write no file beyond what the ledger has now: SQLite meets what it meets on a full disk."""
    local.append([entry("Ada")])
    before = local.head()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(path.stat().st_size for path in file.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, limits[1]))
    try:
        with pytest.raises(LedgerUnavailable, match=r"cannot be used now: .*(full|I/O)"):
            local.append([entry(f"p{number}") for number in range(200)])
        assert local.head() == before
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert local.append([entry("Bob")])[0].seq == 2
    found = verify(local, [before])
    assert (found.holds, found.entries) == (True, 2)


def test_a_full_disk_fails_those_who_wait_and_not_those_after(local, file):
    commit = GroupCommit(local)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        with pytest.raises(LedgerUnavailable):
            submit(commit, entry()).result(PATIENCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert submit(commit, entry()).result(PATIENCE).seq == 1
    commit.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_moved_away_takes_no_decision_with_it(local, file, replaced):
    local.append([entry("Ada")])
    away = file.with_name("away.db")
    file.rename(away)
    if replaced:
        shutil.copy(away, file)
    for _ in range(2):
        with pytest.raises(LedgerUnavailable, match="it was moved or replaced"):
            local.append([entry("Bob", "r1")])
    with pytest.raises(LedgerUnavailable, match="it was moved or replaced"):
        local.ready()
    assert replaced or not file.exists()  # no empty ledger in its place
    away.rename(file)
    local.ready()
    [recorded] = local.append([entry("Bob", "r1")])
    assert local.get(recorded.decision_id).applicant == "Bob"
    assert verify(local).holds


def test_another_writer_that_does_not_end(local, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="locked"):
        local.append([entry("Ada")])
    local.ready()  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    assert local.append([entry("Ada")])[0].seq == 1


def test_a_key_that_was_altered_fails_its_own_person_alone(local):
    local.append([entry("Ada"), entry("Bob")])
    with local.store.core() as connection:
        connection.exec_driver_sql("UPDATE keys SET wrapped = zeroblob(60) WHERE number = 1")
    ada, bob = local.append([entry("Ada"), entry("Bob")])
    assert isinstance(ada, LedgerUnavailable)
    assert bob.seq == 3


def test_a_lost_head_is_said(local):
    with local.store.core() as connection:
        connection.exec_driver_sql("DELETE FROM head")
    with pytest.raises(LedgerUnavailable, match="has lost its head"):
        local.append([entry()])


def test_a_file_that_is_no_database(file):
    file.parent.mkdir()
    file.write_bytes(b"not a database, by no means" * 100)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        Ledger.open(f"sqlite:///{file}", key=KEY)


def test_the_file_is_for_its_owner_alone_and_syncs_fully(local, file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with local.store.reading() as cursor:
        got = {}
        for pragma in ("journal_mode", "synchronous", "secure_delete"):
            cursor.execute(f"PRAGMA {pragma}")
            got[pragma] = cursor.fetchone()[0]
    assert got == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_a_server_that_crashes_and_comes_back(server):
    """SIGQUIT: nothing is flushed. What was answered is there; a first decision after it is not refused for long."""
    url = server.new_database()
    with Ledger.open(url, key=KEY, busy_timeout_s=2) as ledger:
        [before] = ledger.append([entry("Ada", "r1")])
        server.stop()
        with pytest.raises(LedgerUnavailable, match="cannot be used now"):
            ledger.append([entry("Bob", "r2")])
        with pytest.raises(LedgerUnavailable):
            ledger.ready()
        server.start()
        assert ledger.append([entry("Bob", "r2")])[0].seq == 2
        assert ledger.append([entry("Ada", "r1")])[0].decision_id == before.decision_id
        assert verify(ledger).holds


def test_another_writer_in_postgresql_that_does_not_end(server):
    url = server.new_database()
    with Ledger.open(url, key=KEY, busy_timeout_s=0.2) as ledger, psycopg.connect(url) as other:
        other.execute("SELECT * FROM head FOR UPDATE")
        with pytest.raises(LedgerUnavailable, match="lock timeout"):
            ledger.append([entry()])
        other.rollback()
        assert ledger.append([entry()])[0].seq == 1


def test_a_server_that_is_set_to_lose_decisions_while_it_runs_takes_none(server, monkeypatch):
    url = server.new_database()
    monkeypatch.setattr(store, "RECHECK_S", 0.05)
    with Ledger.open(url, key=KEY) as ledger, psycopg.connect(url, autocommit=True) as connection:
        ledger.append([entry("Ada")])
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)
        try:
            for use in (lambda: ledger.append([entry("Bob")]), ledger.ready, lambda: ledger.append([entry("Bob")])):
                with pytest.raises(LedgerUnavailable, match="full_page_writes=off: decisions would be lost"):
                    use()
        finally:
            connection.execute("ALTER SYSTEM RESET full_page_writes")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)
        assert ledger.append([entry("Bob")])[0].seq == 2


def test_a_server_that_loses_what_it_called_durable_is_refused(server):
    url = server.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(LedgerRefused, match="synchronous_commit=off: decisions would be lost"):
        Ledger.open(url, key=KEY)
