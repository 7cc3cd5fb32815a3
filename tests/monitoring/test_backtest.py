"""Expected against actual bad rates, and vintages, on accounts that can be counted by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from credit_risk.measures.intervals import jeffreys
from credit_risk.monitoring import backtest
from credit_risk.monitoring.accounts import OUTCOMES


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


@pytest.mark.parametrize(("bads", "rows"), [(2, 10), (0, 50), (30, 30), (40, 1000)])
def test_without_correlation_to_speak_of_the_interval_is_jeffreys(bads, rows):
    shared = backtest.jeffreys_correlated(bads, rows, correlation=1e-4, confidence=0.95)
    assert shared == pytest.approx(jeffreys(bads, rows, confidence=0.95), abs=2e-3)


def test_however_many_accounts_one_year_leaves_the_average_year_open():
    """With so many accounts the year's bad rate is known: what is left is the shared factor, normal in probits."""
    low, high = backtest.jeffreys_correlated(500_000, 10_000_000, correlation=0.04, confidence=0.95)
    middle, spread = norm.ppf(0.05) * math.sqrt(0.96), 0.2
    draws = np.linspace(-8, 8, 200_001) * spread + middle
    weight = norm.pdf((draws - middle) / spread) * norm.pdf(draws) / np.sqrt(norm.cdf(draws) * norm.sf(draws))
    ends = norm.cdf(np.interp([0.025, 0.975], np.cumsum(weight) / weight.sum(), draws))
    assert (low, high) == pytest.approx(tuple(ends), abs=1e-4)
    assert high - low > 0.07


def test_of_years_that_share_a_factor_the_interval_holds_the_average_as_often_as_it_says():
    """500 seeded years of 400 accounts at a PD of 5 %, correlation 0.1: the naive interval misses many a year."""
    random, pd_, correlation, years = np.random.default_rng(7), 0.05, 0.1, 500
    factor = random.normal(size=years)
    rate = norm.cdf((norm.ppf(pd_) - math.sqrt(correlation) * factor) / math.sqrt(1 - correlation))
    bads = random.binomial(400, rate)
    shared = {k: backtest.jeffreys_correlated(k, 400, correlation=correlation, confidence=0.95) for k in set(bads)}
    naive = {k: jeffreys(k, 400, confidence=0.95) for k in set(bads)}
    hit = {
        name: np.mean([ends[k][0] <= pd_ <= ends[k][1] for k in bads])
        for name, ends in (("shared", shared), ("naive", naive))
    }
    assert hit["shared"] > 0.95 - 3 * math.sqrt(0.95 * 0.05 / years)
    assert hit["naive"] < 0.7


def test_a_bad_year_alone_convicts_no_scorer():
    accounts = table(band=["A"] * 400, state=["bad"] * 40 + ["good"] * 360, pd=[0.06] * 400)
    (band,) = backtest.by_band(accounts, ["A"], confidence=0.95, correlation=0.04)
    assert (band["verdict"], band["correlated"]["verdict"]) == ("OUT", "IN")
    assert band["correlated"]["low"] < band["bad_rate"].low < band["bad_rate"].high < band["correlated"]["high"]


def test_a_band_has_its_mean_pd_its_bad_rate_and_a_verdict():
    accounts = table(
        band=["A"] * 10 + ["B"] * 10 + ["A"],
        state=["bad"] + ["good"] * 9 + ["bad"] * 9 + ["good"] + ["immature"],
        pd=[0.1] * 10 + [0.2] * 10 + [0.9],
    )
    a, b, c = backtest.by_band(accounts, ["A", "B", "C"], confidence=0.95, correlation=0.04)
    assert (a["rows"], a["bads"], a["bad_rate"].value, a["verdict"]) == (10, 1, 0.1, "IN")
    assert a["mean_pd"] == pytest.approx(0.1)
    assert (b["rows"], b["bads"], b["bad_rate"].value, b["verdict"]) == (10, 9, 0.9, "OUT")
    assert (c["rows"], c["verdict"], c["bad_rate"].known) == (0, "CANNOT SAY", False)


def test_accounts_that_were_not_looked_up_widen_a_band_to_whatever_they_are():
    accounts = table(band=["A"] * 10, state=["bad"] + ["good"] * 7 + [backtest.OPEN] * 2, pd=[0.1] * 10)
    (band,) = backtest.by_band(accounts, ["A"], confidence=0.95, correlation=0.04)
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
