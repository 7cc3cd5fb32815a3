"""The approved book of six applications."""

import numpy as np
import pytest
from scipy.stats import beta

from credit_risk.measures.metrics import Economics
from credit_risk.validator import book

MONEY = Economics(cut_off=0.25, margin=0.2, lgd=0.6, cost=0.01)
PD = np.array([0.1, 0.1, 0.2, 0.2, 0.3, 0.6])
BAD = np.array([False, True, False, False, True, True])
APPROVED = np.array([True, True, True, False, False, False])


def test_what_came_stands_beside_what_was_foretold():
    found = book.backtest(APPROVED, BAD, PD, np.arange(6), MONEY, confidence=0.95)
    assert (found["approved"], found["approval_rate"], found["bads"]) == (3, 0.5, 1)
    assert found["bads_foretold"] == pytest.approx(0.4)
    assert found["bad_rate"] == pytest.approx(1 / 3)
    assert found["bads_ratio"] == pytest.approx(1 / 0.4)
    assert found["bads_ratio_low"] == pytest.approx(found["bad_rate_low"] / (0.4 / 3))
    assert found["jeffreys_p"] == pytest.approx(beta(1.5, 2.5).cdf(0.4 / 3))
    assert found["profit"] == pytest.approx((0.19 - 0.61 + 0.19) / 3)
    assert found["profit_foretold"] == pytest.approx((0.11 + 0.11 + 0.03) / 3)
    assert found["profit_low"] < found["profit"] < found["profit_high"]


def test_nobody_approved_is_said_and_no_figure_is_made_up():
    found = book.backtest(~np.ones(6, dtype=bool), BAD, PD, np.arange(6), MONEY, confidence=0.95)
    assert found == {"approved": 0, "why": "no test row was approved"}


def test_approvals_by_pd_and_by_policy_are_reconciled():
    found = book.by_pd_and_by_policy(np.array([True, True, True, False, True, False]), PD, MONEY)
    assert found == {
        "approved_by_pd": 4,
        "taken_by_rules_or_referral": 1,
        "approved_against_the_pd": 1,
        "approved": 4,
    }


def test_higher_odds_raise_the_bad_rate_of_the_same_book():
    table = book.stressed(APPROVED, PD, MONEY, odds=(1.0, 2.0))
    same, double = table.to_dict("records")
    assert same["bad_rate"] == pytest.approx(0.4 / 3)
    twice = [2 / 11, 2 / 11, 1 / 3]  # odds of 1 to 9 become 2 to 9, those of 1 to 4 become 2 to 4
    assert double["bad_rate"] == pytest.approx(sum(twice) / 3)
    assert double["profit"] == pytest.approx(sum((1 - p) * 0.2 - p * 0.6 - 0.01 for p in twice) / 3)
    assert (same["still_pays"], double["still_pays"]) == (1, pytest.approx(2 / 3))
