"""Expected against actual bad rates, and vintages, on accounts that can be counted by hand."""

import math

import pandas as pd
import pytest

from credit_risk.measures.intervals import jeffreys
from credit_risk.monitoring import backtest
from credit_risk.monitoring.accounts import OUTCOMES


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_a_band_has_its_mean_pd_its_bad_rate_and_a_verdict():
    accounts = table(
        band=["A"] * 10 + ["B"] * 10 + ["A"],
        state=["bad"] + ["good"] * 9 + ["bad"] * 9 + ["good"] + ["immature"],
        pd=[0.1] * 10 + [0.2] * 10 + [0.9],
    )
    a, b, c = backtest.by_band(accounts, ["A", "B", "C"], confidence=0.95)
    assert (a["rows"], a["bads"], a["bad_rate"].value, a["verdict"]) == (10, 1, 0.1, "IN")
    assert a["mean_pd"] == pytest.approx(0.1)
    assert (b["rows"], b["bads"], b["bad_rate"].value, b["verdict"]) == (10, 9, 0.9, "OUT")
    assert (c["rows"], c["verdict"], c["bad_rate"].known) == (0, "CANNOT SAY", False)


def test_accounts_that_were_not_looked_up_widen_a_band_to_whatever_they_are():
    accounts = table(band=["A"] * 10, state=["bad"] + ["good"] * 7 + [backtest.OPEN] * 2, pd=[0.1] * 10)
    (band,) = backtest.by_band(accounts, ["A"], confidence=0.95)
    assert (band["rows"], band["not_known"], band["bad_rate"].value) == (8, 2, 1 / 8)
    assert band["bad_rate"].low == jeffreys(1, 10, confidence=0.95)[0]
    assert band["bad_rate"].high == jeffreys(3, 10, confidence=0.95)[1]
    assert band["bad_rate"].why == "2 accounts were not looked up by that month"


@pytest.mark.parametrize(
    ("states", "why"),
    [
        (["good"] * 9 + ["no_outcome_approve"], ""),
        (["good"] * 9 + ["no_outcome_decline"] * 50, ""),
        (["immature"] * 9, backtest.NOBODY),
        (
            ["bad"] * 8 + ["no_outcome_approve", backtest.OPEN],
            "2 of 10 matured approvals have no known outcome (20.0%), and at most 10.0% may lack one",
        ),
    ],
)
def test_where_the_good_may_be_missing_no_figure_is_given(states, why):
    assert backtest.why_withheld(table(state=states), 0.1) == why


def test_a_vintage_rises_with_the_accounts_that_turned_bad():
    accounts = table(
        vintage=["2025-01"] * 4,
        decision=["approve"] * 3 + ["decline"],
        age=[3, 3, 4, 5],
        erased=[False] * 4,
        known=[{3: "good"}, {1: "good", 2: "bad"}, {2: "good", 3: "bad"}, {3: "good"}],
    )
    (curve,) = backtest.vintages(accounts, confidence=0.95, most_not_known=0.5).values()
    assert [(point.value, point.n) for point in curve] == [(0, 4), (0.25, 4), (0.5, 4)]


def test_a_month_that_nobody_looked_up_is_not_known_and_half_known_ones_hold_both_ends():
    accounts = table(
        vintage=["2025-01"] * 2,
        decision=["approve"] * 2,
        age=[2, 2],
        erased=[False] * 2,
        known=[{2: "bad"}, {2: "good"}],
    )
    first, second = backtest.vintages(accounts, confidence=0.95, most_not_known=0.5)["2025-01"]
    assert (first.value, first.n, first.why) == (0, 1, "1 accounts were not looked up by that month")
    assert first.low == 0
    assert first.high > 0.5  # the other one may have been bad already
    assert second.value == 0.5
    strict, _ = backtest.vintages(accounts, confidence=0.95, most_not_known=0.4)["2025-01"]
    assert math.isnan(strict.value)
    assert (strict.n, strict.why) == (1, "1 accounts were not looked up by that month")
    (alone,) = backtest.vintages(accounts.iloc[:1].assign(age=1), confidence=0.95, most_not_known=0.5)["2025-01"]
    assert math.isnan(alone.value)


def test_a_young_vintage_of_which_only_the_bad_were_delivered_has_no_figure():
    accounts = table(
        vintage=["2025-01"] * 5,
        decision=["approve"] * 4 + ["decline"],
        age=[2] * 5,
        erased=[False] * 5,
        known=[{1: "good", 2: "bad"}, {}, {}, {}, {}],
    )
    points = backtest.vintages(accounts, confidence=0.95, most_not_known=0.7)["2025-01"]
    assert [(point.n, point.known, point.why) for point in points] == [
        (1, False, "3 accounts were not looked up by that month")
    ] * 2
    allowed = backtest.vintages(accounts, confidence=0.95, most_not_known=0.75)["2025-01"]
    assert [point.value for point in allowed] == [0, 1]  # three of four are never taken up, as the limit says


def test_states_are_spelled_as_outcomes():
    assert set(OUTCOMES) == {"good", "bad", "indeterminate"}
