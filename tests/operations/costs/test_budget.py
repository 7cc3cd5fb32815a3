"""The month's budget: when somebody is called, when nothing more is started, and the one way around."""

from datetime import date

import pytest

from credit_risk.measures.verdict.waiver import Waiver, WaiverRefused
from credit_risk.operations.costs import BudgetEnforcer, pricing
from credit_risk.operations.costs.budget import BudgetExceeded

TODAY = date(2026, 6, 11)


def waiver(**other):
    facts = {
        "person": "Ada Berg",
        "role": "head of risk",
        "check": "monthly_budget",
        "reason": "the audit needs one more retraining",
        "expires": date(2026, 6, 30),
    }
    return Waiver(**(facts | other))


@pytest.fixture
def month(use, prices, now):
    """A function: the month in which this many EUR of a budget of 100 were spent."""
    return lambda spent: pricing.month_to_date([use("runner", "ci", runner_minutes=2 * spent)], prices, now)


@pytest.mark.parametrize(
    ("spent", "state"), [(0, "WITHIN"), (80, "WITHIN"), (80.5, "ALERT"), (100, "ALERT"), (100.5, "REFUSED")]
)
def test_above_a_share_somebody_is_called_and_above_all_of_it_nothing_starts(month, spent, state):
    assert BudgetEnforcer(0.8).judge(month(spent), TODAY).state == state


def test_a_refusal_says_what_was_spent_and_what_mends_it(month):
    with pytest.raises(
        BudgetExceeded, match=r"120\.00 of 100\.00 EUR are spent \(120\.0%\).*raise costs\.monthly_budget"
    ):
        BudgetEnforcer(0.8).enforce(month(120), TODAY)


def test_a_named_waiver_lifts_it_and_stands_in_the_verdict(month):
    verdict = BudgetEnforcer(0.8, [waiver()]).enforce(month(120), TODAY)
    assert (verdict.state, verdict.as_dict()["waiver"]["person"]) == ("WAIVED", "Ada Berg")


@pytest.mark.parametrize("fault", [{"expires": date(2026, 6, 10)}, {"person": "ops"}, {"check": "auc"}])
def test_a_waiver_that_is_none_is_a_finding(month, fault):
    with pytest.raises(WaiverRefused):
        BudgetEnforcer(0.8, [waiver(**fault)]).enforce(month(120), TODAY)


def test_a_month_in_which_nothing_was_measured_is_not_within_its_budget(prices, now):
    verdict = BudgetEnforcer(0.8).judge(pricing.month_to_date([], prices, now), TODAY)
    assert (verdict.state, "nothing was measured" in verdict.sentence) == ("CANNOT SAY", True)
