"""What a purge destroys, what it keeps, what it proves; killed anywhere it is run again."""

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from ledger_trial import KEY, SECRET_INCOME, change, entry

from credit_risk.errors import CheckFailed
from credit_risk.ledger.chain import HOLD, RELEASE
from credit_risk.ledger.copies import backup
from credit_risk.ledger.errors import Conflict, LedgerBroken
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.replay import replay
from credit_risk.ledger.verification import LedgerReader, verify
from credit_risk.retention.byte_search import count_in
from credit_risk.retention.purge import due, kept_by_holds, opened_anew, prove_gone, purge
from tools import PATIENCE, processes

BEFORE = date(2024, 10, 1)
WHY = {"policy": "ecoa", "term_months": "25"}


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'ledger.db'}" if sqlite else request.getfixturevalue("server").new_database()
    with Ledger.open(url, key=KEY) as ledger:
        yield ledger


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", key=KEY) as ledger:
        yield ledger


def decide(ledger: Ledger, month: str, *applicants: str | None, day: int = 15) -> list[str]:
    at = datetime.fromisoformat(f"{month}-{day:02}T12:00:00+00:00").astimezone(UTC).timestamp()
    with patch("credit_risk.ledger.entry.time.time_ns", lambda: int(at) * 1_000_000_000):
        entries = [entry(name, f"{number}-{name}-{month}-{day}") for number, name in enumerate(applicants)]
        return [recorded.decision_id for recorded in ledger.append(entries)]


def proved(ledger: Ledger, before: date = BEFORE) -> int:
    purged = purge(ledger, before, WHY, by="Kim Lee")
    with opened_anew(ledger) as reader:
        return prove_gone(reader, purged, before)


def readable(ledger: Ledger, decision_ids: list[str]) -> list[bool]:
    return [not ledger.get(decision_id).erased for decision_id in decision_ids]


def test_the_old_decision_of_somebody_who_applied_again_last_week_goes_alone(ledger):
    old = decide(ledger, "2024-09", "Ada", "Ada", None)
    new = decide(ledger, "2026-11", "Ada")
    head = ledger.head()
    assert proved(ledger) == 3
    assert readable(ledger, old + new) == [False, False, False, True]
    assert [record.decision_id for record in ledger.decisions_about("Ada")] == new
    found = verify(ledger, [head])
    assert (found.faults, found.erased, found.entries) == ([], 3, 6)  # two keys went, and an entry says so of each


def test_the_others_replay(ledger):
    decide(ledger, "2024-09", "Ada", "Bob")
    decide(ledger, "2024-10", "Ada")
    decided = ledger.get(decide(ledger, "2024-11", "Bob")[0]).decided
    proved(ledger)
    replayed = replay(ledger, {"5c": lambda applications: [decided] * len(applications)})
    assert (replayed.same, replayed.erased, replayed.count) == (2, 2, 0)


def test_the_chain_says_of_each_key_why_it_went(ledger):
    decide(ledger, "2024-09", "Ada")
    purge(ledger, BEFORE, WHY, by="Kim Lee")
    with ledger.store.reading() as cursor:
        cursor.execute("SELECT facts FROM entries WHERE kind = 'erasure'")
        [(facts,)] = cursor.fetchall()
    assert all(word in facts for word in ('"period":"2024-09"', '"policy":"ecoa"', '"before":"2024-10-01"'))


def test_a_month_goes_when_all_of_it_lies_before_the_day(ledger):
    months = [decide(ledger, month, "Ada")[0] for month in ("2024-08", "2024-09", "2024-10")]
    purge(ledger, date(2024, 10, 31), WHY, by="Kim Lee")
    assert readable(ledger, months) == [False, False, True]


def test_a_key_from_before_months_goes_when_its_last_decision_does(ledger):
    with patch("credit_risk.ledger.entry.period_of", lambda _: ""):
        old = decide(ledger, "2024-01", "Ada", "Bob")
        later = decide(ledger, "2024-10", "Ada")
    newest = decide(ledger, "2026-11", "Ada")
    assert [key.number for key in due(ledger, BEFORE)] == [2]
    assert proved(ledger) == 1
    assert readable(ledger, [*old, *later, *newest]) == [True, False, True, True]
    assert proved(ledger, date(2024, 10, 16)) == 2
    assert readable(ledger, [*old, *later, *newest]) == [False, False, False, True]
    assert verify(ledger).faults == []


def test_a_hold_keeps_what_its_key_sealed_and_is_named(ledger):
    ada, bob = decide(ledger, "2024-09", "Ada", "Bob")
    again = decide(ledger, "2024-09", "Ada", day=20)
    ledger.note(HOLD, ada, by="J. Roe", reason="case 17/2026")
    purged = purge(ledger, BEFORE, WHY, by="Kim Lee")
    assert [(hold.decision_id, hold.by) for hold in purged.holds] == [(ada, "J. Roe")]
    assert (len(purged.wrapped), purged.decisions) == (1, 1)
    assert readable(ledger, [ada, bob, *again]) == [True, False, True]
    ledger.note(RELEASE, ada, by="J. Roe", reason="case closed")
    assert proved(ledger) == 2
    assert kept_by_holds(ledger, BEFORE) == []
    assert verify(ledger).faults == []


def test_nothing_is_purged_while_a_hold_is_not_as_it_was_recorded(ledger):
    ada, bob = decide(ledger, "2024-09", "Ada", "Bob")
    ledger.note(HOLD, ada, by="J. Roe", reason="case 17/2026")
    change(ledger, f"UPDATE entries SET facts = replace(facts, '{ada}', '{bob}') WHERE kind = 'hold'")
    with pytest.raises(LedgerBroken):
        purge(ledger, BEFORE, WHY, by="Kim Lee")
    assert [key.number for key in due(ledger, BEFORE)] == [1, 2]


def test_a_second_purge_destroys_nothing_more(ledger):
    decide(ledger, "2024-09", "Ada")
    decide(ledger, "2024-11", "Ada")
    assert proved(ledger) == 1
    head = ledger.head()
    assert proved(ledger) == 0
    assert ledger.head() == head


def test_a_retry_of_a_purged_request_conflicts_and_decides_nothing_anew(ledger):
    decide(ledger, "2024-09", "Ada")
    purge(ledger, BEFORE, WHY, by="Kim Lee")
    [again] = ledger.append([entry("Ada", "0-Ada-2024-09-15")])
    assert isinstance(again, Conflict)
    assert "erased or purged" in str(again)


def test_a_person_is_erased_after_some_of_the_months_were_purged(ledger):
    decide(ledger, "2024-09", "Ada")
    decide(ledger, "2024-11", "Ada")
    purge(ledger, BEFORE, WHY, by="Kim Lee")
    assert ledger.erase("Ada", by="Kim Lee") == 1
    assert verify(ledger).faults == []


def test_no_destroyed_key_and_no_content_stands_in_any_file(local, tmp_path):
    decide(local, "2024-09", *(f"person {number}" for number in range(300)))
    decide(local, "2024-11", "Ada")
    copy = tmp_path / "copies" / "ledger.backup"
    backup(local, copy, key=KEY)
    gone, kept = {key.wrapped for key in due(local, BEFORE)}, {key.wrapped for key in due(local, date(2025, 1, 1))}
    assert (len(gone), len(kept - gone)) == (300, 1)
    files = [path for path in tmp_path.iterdir() if path.name.startswith("ledger.db")]
    assert sum(count_in(path, gone) for path in files) >= 300
    purged = purge(local, BEFORE, WHY, by="Kim Lee")
    assert set(purged.wrapped.values()) == gone
    files = [path for path in tmp_path.iterdir() if path.name.startswith("ledger.db")]
    assert sum(count_in(path, gone) for path in files) == 0
    assert sum(count_in(path, kept - gone) for path in files) == 1
    content = {str(SECRET_INCOME).encode(), b"person 299"}
    assert sum(count_in(path, content) for path in files) == 0
    # The copy has them until it is purged too.
    assert count_in(copy, gone) == 300
    with Ledger.open(f"sqlite:///{copy}", key=KEY, create=False) as copied:
        purge(copied, BEFORE, WHY, by="Kim Lee")
        assert verify(copied).faults == []
    assert [count_in(path, gone) for path in copy.parent.iterdir()] == [0] * len(list(copy.parent.iterdir()))


def test_a_key_that_stayed_is_said(local):
    decide(local, "2024-09", "Ada", "Bob")
    purged = purge(local, BEFORE, WHY, by="Kim Lee")
    decide(local, "2024-09", "Cid")
    with opened_anew(local) as reader, pytest.raises(CheckFailed, match="1 key is due and was not destroyed"):
        prove_gone(reader, purged, BEFORE)


def test_a_decision_that_can_still_be_read_is_said(local, tmp_path):
    decide(local, "2024-09", "Ada")
    before = tmp_path / "before.db"
    backup(local, before, key=KEY)
    purged = purge(local, BEFORE, WHY, by="Kim Lee")
    with LedgerReader.open(f"sqlite:///{before}", key=KEY) as reader, pytest.raises(CheckFailed, match="still be read"):
        prove_gone(reader, purged, BEFORE)


def erasures(path: Path) -> int:
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30) as connection:
        return connection.execute("SELECT count(*) FROM entries WHERE kind = 'erasure'").fetchone()[0]


def purge_slowly(url: str) -> None:
    with patch("credit_risk.retention.purge.TOGETHER", 5), Ledger.open(url, key=KEY, busy_timeout_s=30) as ledger:
        purge(ledger, BEFORE, WHY, by="Kim Lee")


@pytest.mark.slow
def test_killed_anywhere_it_is_run_again(local, tmp_path):
    decide(local, "2024-09", *(f"person {number}" for number in range(400)))
    new = decide(local, "2026-11", "Ada", "Bob")
    local.close()
    path = tmp_path / "ledger.db"
    for number in (1, 60, 200):
        process = processes().Process(target=purge_slowly, args=(f"sqlite:///{path}",))
        process.start()
        deadline = time.monotonic() + PATIENCE
        while erasures(path) < number and time.monotonic() < deadline:
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    halfway = erasures(path)
    assert 200 <= halfway < 400
    shutil.copytree(tmp_path, tmp_path.with_name("halfway"))
    with Ledger.open(f"sqlite:///{path}", key=KEY) as ledger:
        assert verify(ledger).faults == []  # after the kill
        assert proved(ledger) == 400 - halfway
        assert verify(ledger).faults == []
        assert erasures(path) == 400  # each key was recorded once
        assert readable(ledger, new) == [True, True]
