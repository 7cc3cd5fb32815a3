"""What leaves the rows: counts at limits, on rows that a reader can count."""

import numpy as np
import pytest

from credit_risk.measures.intervals import mean, z_of
from credit_risk.scoring.decision import APPROVE, DECLINE, REFER, REFUSED
from credit_risk.what_if.aggregates import at_limit
from credit_risk.what_if.grid import TriedPolicy
from credit_risk.what_if.rows import JudgedRows

ROWS = JudgedRows(
    pd=np.array([0.05, 0.10, 0.20, 0.30, 0.10, 0.30, 0.05, np.nan]),
    at_best=np.array([APPROVE, APPROVE, APPROVE, APPROVE, REFER, REFER, DECLINE, REFUSED], dtype=np.int8),
    bad=np.array([0, 1, 0, 1, 0, 0, 1, 0], dtype=bool),
    applicant=np.array([0, 1, 2, 3, 4, 5, 6, 6]),
)


def test_a_policy_decides_by_the_stricter_of_pd_and_rules():
    assert ROWS.outcomes(TriedPolicy(0.2, 0.05)).tolist() == [
        APPROVE, APPROVE, REFER, DECLINE, REFER, DECLINE, DECLINE, REFUSED,
    ]  # fmt: skip
    # Without a band nobody is referred for nearness, and who lies on the cut-off is declined.
    assert ROWS.outcomes(TriedPolicy(0.2, 0.0)).tolist() == [
        APPROVE, APPROVE, DECLINE, DECLINE, REFER, DECLINE, DECLINE, REFUSED,
    ]  # fmt: skip


def test_the_counts_at_a_limit_tell_below_from_up_to():
    at = at_limit(ROWS, 0.1, 0.95)
    assert (at["below"], at["up_to"]) == ([1, 0], [1, 1])
    assert (at["ruled_below"], at["ruled_up_to"]) == ([0, 0], [1, 0])
    assert at["foretold"] == 0.05


def test_the_variances_give_the_interval_of_any_profit():
    good, bad = 0.15, 0.7
    of_goods, of_bads, both = at_limit(ROWS, 0.25, 0.95)["variance"]
    approved = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    figure = mean(approved * np.where(ROWS.bad, -bad, good), ROWS.applicant, confidence=0.95)
    error = z_of(0.95) * np.sqrt(good**2 * of_goods + bad**2 * of_bads - 2 * good * bad * both)
    assert error == pytest.approx(figure.high - figure.value, rel=1e-12)


def test_nobody_below_a_limit_has_no_bad_rate():
    assert at_limit(ROWS, 0.01, 0.95)["bad_rate"] == [None, None]
