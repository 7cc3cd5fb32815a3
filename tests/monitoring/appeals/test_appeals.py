"""What is contested or referred waits until a person has answered, whatever they say, and no longer than is allowed."""

from datetime import date

import pytest
from book import clock, decide, entry
from ledger_trial import change

from credit_risk.errors import UsageError
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.verification import verify
from credit_risk.monitoring.appeals import appeals
from credit_risk.monitoring.outcomes import overrides
from credit_risk.monitoring.settings import Appeals

DAY, ASKED = date(2021, 1, 5), date(2021, 1, 20)
RULES = Appeals(answer_days=30, referral_days=7)
REASONS = ("income_proved", "decision_upheld")
WHO = "J. Roe"


@pytest.fixture
def decisions(ledger):
    """An approval, two declines and two referrals of one day."""
    answers = ["approve", "decline", "decline", "refer", "refer"]
    return decide(ledger, DAY, [entry(f"p{at}", answer) for at, answer in enumerate(answers)])


def asked(ledger, decision_id, on=ASKED):
    with clock(ASKED):
        return appeals.ask(ledger, decision_id, on, by=WHO)


def answered(ledger, decision_id, to, reason="income_proved"):
    with clock(date(2021, 2, 1)):
        return appeals.answer(ledger, decision_id, to, by=WHO, reason=reason, reasons=REASONS)


def waiting(ledger):
    return [(each.decision_id, each.kind, each.since, each.due) for each in appeals.waiting(ledger, RULES)]


def test_the_first_due_comes_first_and_who_asked_nothing_waits_for_nobody(ledger, decisions):
    assert asked(ledger, decisions[1])
    referred = sorted(decisions[3:])
    assert waiting(ledger) == [
        *((decision_id, "referred", DAY, date(2021, 1, 12)) for decision_id in referred),
        (decisions[1], "contested", ASKED, date(2021, 2, 19)),
    ]
    assert verify(ledger).faults == []


def test_contesting_a_referral_that_nobody_decided_wins_no_time(ledger, decisions):
    asked(ledger, decisions[3])
    assert (decisions[3], "contested", ASKED, date(2021, 1, 12)) in waiting(ledger)
    answered(ledger, decisions[3], "decline")
    asked(ledger, decisions[3])
    assert (decisions[3], "contested", ASKED, date(2021, 2, 19)) in waiting(ledger)


@pytest.mark.parametrize(("on", "overdue"), [(date(2021, 2, 19), False), (date(2021, 2, 20), True)])
def test_the_last_day_is_in_time(ledger, decisions, on, overdue):
    asked(ledger, decisions[1])
    contested = appeals.waiting(ledger, RULES)[-1]
    assert contested.is_overdue(on) is overdue
    assert contested.as_json(on) == {
        "decision_id": decisions[1],
        "kind": "contested",
        "decision": "decline",
        "since": "2021-01-20",
        "due": "2021-02-19",
        "overdue": overdue,
    }


def test_an_answer_that_differs_is_an_override_and_one_that_upholds_is_none(ledger, decisions):
    for decision_id in decisions[1:3]:
        asked(ledger, decision_id)
    assert answered(ledger, decisions[1], "approve") == "override"
    assert answered(ledger, decisions[2], "decline", "decision_upheld") == "upheld"
    assert answered(ledger, decisions[3], "decline") == "override"
    assert [(key, each.to) for key, each in overrides.read(ledger).items()] == [
        (decisions[1], "approve"),
        (decisions[3], "decline"),
    ]
    assert [each[0] for each in waiting(ledger)] == [decisions[4]]


def test_an_override_answers_too_and_what_stands_then_can_be_contested_again(ledger, decisions):
    asked(ledger, decisions[1])
    with clock(date(2021, 2, 1)):
        overrides.record(ledger, decisions[1], "approve", by=WHO, reason="income_proved", reasons=REASONS)
    assert decisions[1] not in [each[0] for each in waiting(ledger)]
    with clock(date(2021, 3, 1)):
        assert appeals.ask(ledger, decisions[1], date(2021, 3, 1), by=WHO)
        # What stands is the override's word, so the same word upholds it.
        assert appeals.answer(ledger, decisions[1], "approve", by=WHO, reason="income_proved", reasons=REASONS) == (
            "upheld"
        )


def test_what_is_no_appeal_or_no_answer_adds_nothing(ledger, decisions):
    asked(ledger, decisions[1])
    end = ledger.head().seq
    with pytest.raises(UsageError, match="contested already, since 2021-01-20"):
        asked(ledger, decisions[1])
    with pytest.raises(UsageError, match="decided on 2021-01-05, and cannot have been contested on 2021-01-04"):
        asked(ledger, decisions[2], date(2021, 1, 4))
    with pytest.raises(UsageError, match="2021-01-21 is still to come"):
        appeals.ask(ledger, decisions[2], date(2021, 1, 21), by=WHO, today=ASKED)
    with pytest.raises(UsageError, match="neither contested nor referred"):
        answered(ledger, decisions[2], "approve")
    for to in ("approve", "decline"):
        with pytest.raises(UsageError, match="'he is nice' is no reason"):
            answered(ledger, decisions[1], to, "he is nice")
    assert not asked(ledger, "no-such-decision")
    assert answered(ledger, "no-such-decision", "approve") is None
    assert ledger.head().seq == end
    answered(ledger, decisions[1], "approve")
    with pytest.raises(UsageError, match="answered already"):
        answered(ledger, decisions[1], "decline")


def test_an_appeal_that_somebody_changed_is_not_believed(ledger, decisions):
    asked(ledger, decisions[1])
    change(ledger, "UPDATE entries SET facts = replace(facts, '2021-01-20', '2021-06-20') WHERE seq = 6")
    with pytest.raises(LedgerBroken, match="entry 6"):
        waiting(ledger)
