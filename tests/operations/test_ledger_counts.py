"""Decisions by the hour, from a real ledger of either database; an hour without any is a nought and no gap."""

from datetime import UTC, datetime, timedelta

from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.settings import LedgerSettings
from credit_risk.operations import ledger_counts
from ledger_fixtures import KEY, file, ledger, server, url

__all__ = ["file", "ledger", "server", "url"]

BY = DecidedBy("1" * 64, "2" * 64, "3" * 64, "4" * 64)


def sample(applicant):
    return Entry({"income": 1.0}, {"decision": "approve"}, BY, client="c", body_digest="5" * 64, applicant=applicant)


def test_each_whole_hour_since_the_first_has_its_count(ledger):
    ledger.append([sample(f"a{number}") for number in range(3)])
    now = datetime.now(UTC)
    begun = now.replace(minute=0, second=0, microsecond=0)
    counts = ledger_counts.by_hour(ledger, now + timedelta(hours=3))
    assert counts.to_numpy()[-3:].tolist() == [3, 0, 0]
    assert counts.index[-3].to_pydatetime() == begun
    assert ledger_counts.decisions(ledger) == 3


def test_the_present_hour_does_not_count_yet(ledger):
    ledger.append([sample("a")])
    assert ledger_counts.by_hour(ledger, datetime.now(UTC)).empty


def test_what_is_no_decision_is_not_counted(ledger):
    ledger.append([sample("a")])
    ledger.erase("a", by="Kim Lee")
    assert ledger_counts.decisions(ledger) == 1


def test_no_ledger_or_no_key_is_none(tmp_path, file, monkeypatch):
    settings = LedgerSettings(url=f"sqlite:///{file}", key_file="ledger.key")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    with ledger_counts.ledger_if_there(tmp_path, settings) as ledger:
        assert ledger is None
