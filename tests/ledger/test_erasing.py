"""Erasing a person: what was decided stays, nothing personal can be read, and no copy of the key is left."""

import sqlite3

import pytest
from ledger_trial import BY, SECRET_INCOME, entry

from credit_risk.ledger.errors import Conflict, LedgerUnavailable
from credit_risk.ledger.verification import verify


def wrapped_key(ledger, applicant: str) -> bytes:
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.known_keys(1), (ledger._subjects(applicant)[0], "0000-00", "9999-12"))
        return cursor.fetchone()[3]


def test_what_was_decided_stays_and_by_which_model(ledger):
    first, bob, second = ledger.append([entry("Ada"), entry("Bob"), entry("Ada", "r1")])
    before = ledger.head()
    assert ledger.erase("Ada", by="Kim Lee") == 2
    for one in (first, second):
        record = ledger.get(one.decision_id)
        assert record.erased
        assert (record.decision, record.band, record.reasons, record.by) == ("decline", "C", ("R01",), BY)
        assert (record.applicant, record.request_id, record.inputs, record.decided) == (None, None, None, None)
        assert "Ada" not in str(record.as_dict())
        assert str(SECRET_INCOME) not in str(record.as_dict())
    assert ledger.get(bob.decision_id).inputs["income"] == SECRET_INCOME
    assert list(ledger.decisions_about("Ada")) == []
    found = verify(ledger, [before])
    assert (found.holds, found.erased, found.entries) == (True, 2, 4)


def test_no_copy_of_the_key_is_left_in_the_files(local, file):
    """secure_delete overwrites the row, the truncating checkpoint empties the write-ahead log."""
    local.append([entry("Ada"), entry("Bob")])
    ada, bob = wrapped_key(local, "Ada"), wrapped_key(local, "Bob")

    def stands(key: bytes) -> bool:
        return any(key in path.read_bytes() for path in file.parent.iterdir())

    assert stands(ada)
    local.erase("Ada", by="Kim Lee")
    assert not stands(ada)
    assert stands(bob)


def test_a_reader_that_keeps_the_log_is_said_and_the_erasure_can_be_run_again(local, file):
    local.append([entry("Ada")])
    reader = sqlite3.connect(file)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entries").fetchone()
    with pytest.raises(LedgerUnavailable, match="Run the same erasure again"):
        local.erase("Ada", by="Kim Lee")
    reader.close()
    assert local.erase("Ada", by="Kim Lee") == 0
    assert verify(local).holds
    assert file.with_name(file.name + "-wal").stat().st_size == 0


def test_a_person_who_applies_again_gets_a_new_key(ledger):
    [old] = ledger.append([entry("Ada")])
    ledger.erase("Ada", by="Kim Lee")
    [new] = ledger.append([entry("Ada")])
    assert [one.decision_id for one in ledger.decisions_about("Ada")] == [new.decision_id]
    assert ledger.get(old.decision_id).erased
    assert ledger.erase("Ada", by="Kim Lee") == 1
    assert verify(ledger).holds


def test_a_retry_after_the_erasure_conflicts_and_decides_nothing_anew(ledger):
    ledger.append([entry("Ada", "r1")])
    ledger.erase("Ada", by="Kim Lee")
    [again] = ledger.append([entry("Ada", "r1")])
    assert isinstance(again, Conflict)
    assert "erased" in str(again)


def test_a_decision_without_a_reference_is_erased_by_its_id(ledger):
    first, second = ledger.append([entry(None), entry(None)])
    assert ledger.erase_decision(first.decision_id, by="Kim Lee") == 1
    assert ledger.get(first.decision_id).erased
    assert not ledger.get(second.decision_id).erased
    assert verify(ledger).holds


def test_a_decision_with_a_reference_is_not_erased_by_its_id(ledger):
    [one] = ledger.append([entry("Ada")])
    assert ledger.erase_decision(one.decision_id, by="Kim Lee") == 0
    assert not ledger.get(one.decision_id).erased


def test_nobody_is_erased_by_a_reference_that_is_not_there(ledger):
    ledger.append([entry("Ada")])
    assert ledger.erase("ada", by="Kim Lee") == 0
    assert ledger.head().seq == 1
