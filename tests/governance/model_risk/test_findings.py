"""Findings on the record: which step follows which, who may make it, and what closes the gate."""

from datetime import UTC, date, datetime

import pytest

from credit_risk.governance.model_risk import findings
from credit_risk.governance.records import Entered, RecordRefused

AT = datetime(2026, 11, 30, tzinfo=UTC)
KIM, ADA = "Kim Lee <account:kim>", "Ada Berg <account:ada>"


def entry(kind, by=KIM, about="F1", **facts):
    return Entered(AT, kind, about, by, "a reason of five words", facts)


def opened(severity="severe", due="2026-12-31", about="F1"):
    return entry("open", by=ADA, about=about, severity=severity, owner="Kim Lee", due=due)


ANSWERED = [opened(), entry("answer")]
VERIFIED = [*ANSWERED, entry("verify", by=ADA, holds=True)]


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([opened()], "open"),
        (ANSWERED, "answered"),
        (VERIFIED, "verified"),
        ([*ANSWERED, entry("verify", by=ADA, holds=False)], "open"),
        ([*VERIFIED, entry("close", by=ADA)], "closed"),
    ],
)
def test_what_a_finding_is_follows_from_its_entries(entries, state):
    assert findings.register(entries)["F1"].state == state


@pytest.mark.parametrize(
    ("kind", "entries", "by", "sentence"),
    [
        ("answer", [], KIM, "no finding 'F1'; known: none"),
        ("verify", [opened()], ADA, "F1 is open; to verify it, it must be answered"),
        ("close", ANSWERED, ADA, "F1 is answered; to close it, it must be verified"),
        ("answer", ANSWERED, KIM, "F1 is answered; to answer it, it must be open"),
        ("verify", ANSWERED, KIM, "was answered by Kim Lee: somebody else"),
        ("verify", ANSWERED, "K. Lee <account:kim>", "was answered by Kim Lee: somebody else"),  # by identity
        ("close", VERIFIED, KIM, "was answered by Kim Lee: somebody else"),
        ("close", [*VERIFIED, entry("close", by=ADA)], ADA, "F1 is closed"),
    ],
)
def test_a_step_out_of_order_or_by_who_answered_is_refused(kind, entries, by, sentence):
    with pytest.raises(RecordRefused, match=sentence):
        findings.refuse_step(kind, findings.register(entries), "F1", by)


@pytest.mark.parametrize(("kind", "entries", "by"), [("answer", [opened()], KIM), ("verify", ANSWERED, ADA)])
def test_a_step_in_order_by_the_right_person_is_taken(kind, entries, by):
    findings.refuse_step(kind, findings.register(entries), "F1", by)


@pytest.mark.parametrize(
    ("severity", "entries", "today", "blocks"),
    [
        ("severe", [], date(2026, 12, 31), 0),  # on its day it is in time
        ("severe", [], date(2027, 1, 1), 1),
        ("high", [], date(2027, 1, 1), 0),
        ("severe", VERIFIED[1:], date(2027, 1, 1), 1),
        ("severe", [*VERIFIED[1:], entry("close", by=ADA)], date(2027, 1, 1), 0),
    ],
)
def test_a_severe_finding_that_is_overdue_closes_the_gate(severity, entries, today, blocks):
    assert len(findings.blocking(findings.register([opened(severity), *entries]), today)) == blocks


@pytest.mark.parametrize(
    "wrong", [{"severity": "bad"}, {"owner": "the team"}, {"owner": "Kim"}, {"due": date(2026, 11, 29)}]
)
def test_a_finding_needs_a_severity_a_person_and_a_day_ahead(wrong):
    of = {"severity": "high", "owner": "Kim Lee", "due": date(2026, 12, 31), "today": date(2026, 11, 30)}
    findings.refuse_opening(**of)
    with pytest.raises(RecordRefused):
        findings.refuse_opening(**of | wrong)


def test_ids_go_on_where_they_ended():
    known = findings.register([opened(), opened(about="F2")])
    assert (list(known), findings.next_id(known), findings.next_id({})) == (["F1", "F2"], "F3", "F1")
