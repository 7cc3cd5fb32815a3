"""A person has a key for each month of decision; a hold keeps what it names from every destruction."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from ledger_trial import KEY, entry

from credit_risk.ledger.chain import HOLD, OVERRIDE, RELEASE
from credit_risk.ledger.errors import EntryError, LedgerRefused
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import LedgerReader, verify


def decide(ledger, day: datetime, *applicants: str | None) -> list[str]:
    with patch("credit_risk.ledger.entry.time.time_ns", lambda: int(day.timestamp()) * 1_000_000_000):
        return [recorded.decision_id for recorded in ledger.append([entry(name) for name in applicants])]


def keys(ledger) -> list[tuple[int, str, bool]]:
    with ledger.store.reading() as cursor:
        cursor.execute("SELECT number, period, wrapped IS NULL FROM keys ORDER BY number")
        return [(number, period, bool(gone)) for number, period, gone in cursor.fetchall()]


OCTOBER, NOVEMBER = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


def test_a_person_has_a_key_for_each_month_in_utc(ledger):
    decide(ledger, OCTOBER, "Ada", "Ada", "Bob")
    decide(ledger, NOVEMBER, "Ada", None)
    decide(ledger, NOVEMBER, "Ada")
    assert [(number, period) for number, period, _ in keys(ledger)] == [
        *((1, "2026-10"), (2, "2026-10"), (3, "2026-11"), (4, "2026-11"))
    ]
    assert [record.seq for record in ledger.decisions_about("Ada")] == [1, 2, 4, 6]
    assert verify(ledger).faults == []


def test_one_transaction_over_midnight_seals_under_both_months(ledger):
    seconds = iter([OCTOBER, NOVEMBER, OCTOBER, NOVEMBER])
    with patch("credit_risk.ledger.entry.time.time_ns", lambda: int(next(seconds).timestamp()) * 1_000_000_000):
        ledger.append([entry("Ada"), entry("Ada"), entry("Ada"), entry("Ada")])
    assert [period for _, period, _ in keys(ledger)] == ["2026-10", "2026-11"]
    assert verify(ledger).faults == []


def test_erasing_a_person_destroys_the_keys_of_all_months(ledger):
    decide(ledger, OCTOBER, "Ada", "Bob")
    decide(ledger, NOVEMBER, "Ada", "Bob")
    assert ledger.erase("Ada", by="Kim Lee") == 2
    assert [gone for _, _, gone in keys(ledger)] == [True, False, True, False]
    assert verify(ledger).erased == 2


def test_a_key_of_before_is_not_used_again_and_goes_with_its_person(ledger):
    with patch("credit_risk.ledger.entry.period_of", lambda _: ""):  # as version 3 sealed
        ledger.append([entry("Ada"), entry("Bob")])
    head = ledger.head()
    decide(ledger, NOVEMBER, "Ada")
    assert keys(ledger) == [(1, "", False), (2, "", False), (3, "2026-11", False)]
    assert verify(ledger, [head]).faults == []
    assert ledger.erase("Ada", by="Kim Lee") == 2
    assert verify(ledger, [head]).faults == []
    assert [gone for _, _, gone in keys(ledger)] == [True, False, True]


def test_an_entry_under_the_key_of_another_month_is_a_fault_that_the_public_key_finds(ledger, url):
    with patch("credit_risk.ledger.entry.period_of", lambda _: "2020-01"):
        ledger.append([entry("Ada")])
    assert verify(ledger).faults == ["key 1 is of the period '2020-01', and entry 1 is not"]
    with LedgerReader.open(url, verification_key=ledger.verification_key) as reader:
        assert verify(reader).count == 1


def test_a_held_decision_is_neither_erased_nor_destroyed_until_it_is_released(ledger):
    ada, bob = decide(ledger, NOVEMBER, "Ada", "Bob")
    assert ledger.note(HOLD, ada, by="J. Roe", reason="case 17/2026")
    hold = ledger.holds()[ada]
    assert (hold.key, hold.by, hold.reason) == (1, "J. Roe", "case 17/2026")
    with pytest.raises(LedgerRefused, match=f"decision {ada} is under a legal hold by J. Roe since .*: case 17/2026"):
        ledger.erase("Ada", by="Kim Lee")
    assert ledger.destroy([1, 2], {"policy": "p"}, by="Kim Lee") == {2: 1}
    assert not ledger.get(ada).erased
    assert ledger.get(bob).erased
    ledger.note(RELEASE, ada, by="J. Roe", reason="case closed")
    assert ledger.holds() == {}
    assert ledger.erase("Ada", by="Kim Lee") == 1
    assert verify(ledger).faults == []


def test_what_is_said_of_a_decision_is_chained_and_is_no_decision_itself(ledger, url):
    [ada] = decide(ledger, NOVEMBER, "Ada")
    ledger.note(OVERRIDE, ada, by="J. Roe", reason="income proved", to="approve")
    assert (verify(ledger).entries, verify(ledger).faults) == (2, [])
    assert [record.seq for record in ledger.decisions_about("Ada")] == [1]
    assert ledger.erase("Ada", by="Kim Lee") == 1
    assert ledger.get(ada).erased
    with Ledger.open(url, key=KEY) as again:
        assert verify(again).faults == []


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("who", " why"), ("who", "a\nb"), ("w" * 501, "why")])
def test_who_and_why_must_be_said(local, by, reason):
    [ada] = decide(local, NOVEMBER, "Ada")
    with pytest.raises(EntryError, match="expected 1 to 500 visible characters"):
        local.note(HOLD, ada, by=by, reason=reason)
    assert local.head().seq == 1


def test_nothing_is_said_of_a_decision_that_is_not_there_or_is_gone(local):
    [ada] = decide(local, NOVEMBER, "Ada")
    assert not local.note(HOLD, "no-such-decision", by="J. Roe", reason="why")
    local.erase("Ada", by="Kim Lee")
    with pytest.raises(LedgerRefused, match="its key was destroyed"):
        local.note(HOLD, ada, by="J. Roe", reason="why")
    assert local.head().seq == 2
