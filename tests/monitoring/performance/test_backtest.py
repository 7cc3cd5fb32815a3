"""Expected against actual bad rates, and vintages, on accounts that can be counted by hand."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from credit_risk.config.schema import Evaluation
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import delong, jeffreys
from credit_risk.monitoring.outcomes import maturing
from credit_risk.monitoring.performance import backtest
from credit_risk.monitoring.performance.book import Book
from credit_risk.monitoring.records.pd_cells import PdCells, odds_bin

EVALUATION = Evaluation(replicates=500, confidence=0.95, seed=1)


def cells(*rows: tuple[str, int | None, str, int, float]) -> pd.DataFrame:
    """Accounts as Book.accounts gives them: band, bin, outcome, how many, and the PD of each."""
    made = [("2025-01", "s", "approve", *row[:4], row[3] * row[4], row[3] * row[4] ** 2) for row in rows]
    columns = ["month", "scorer", "decision", "band", "bin", "outcome", "n", "pd", "pd2"]
    return pd.DataFrame(made, columns=columns)


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
    accounts = cells(("A", 0, "bad", 40, 0.06), ("A", 0, "good", 360, 0.06))
    (band,) = backtest.by_band(accounts, ["A"], confidence=0.95, correlation=0.04)
    assert (band["verdict"], band["correlated"]["verdict"]) == ("OUT", "IN")
    assert band["correlated"]["low"] < band["bad_rate"].low < band["bad_rate"].high < band["correlated"]["high"]


def test_a_band_has_its_mean_pd_its_bad_rate_and_a_verdict():
    accounts = cells(
        *(("A", 0, "bad", 1, 0.1), ("A", 1, "good", 9, 0.1), ("B", 2, "bad", 9, 0.2), ("B", 2, "good", 1, 0.2)),
        ("A", None, "bad", 5, 0.0),  # decided without a PD
    )
    a, b, c = backtest.by_band(accounts, ["A", "B", "C"], confidence=0.95, correlation=0.04)
    assert (a["rows"], a["bads"], a["bad_rate"].value, a["verdict"]) == (10, 1, 0.1, "IN")
    assert a["mean_pd"] == pytest.approx(0.1)
    assert (b["rows"], b["bads"], b["bad_rate"].value, b["verdict"]) == (10, 9, 0.9, "OUT")
    assert (c["rows"], c["verdict"], c["bad_rate"].known) == (0, "CANNOT SAY", False)


def test_accounts_that_were_not_looked_up_widen_a_band_to_whatever_they_are():
    accounts = cells(("A", 0, "bad", 1, 0.1), ("A", 0, "good", 7, 0.1), ("A", 0, "not_known", 2, 0.1))
    (band,) = backtest.by_band(accounts, ["A"], confidence=0.95, correlation=0.04)
    assert (band["rows"], band["not_known"], band["bad_rate"].value) == (8, 2, 1 / 8)
    assert band["bad_rate"].low == jeffreys(1, 10, confidence=0.95)[0]
    assert band["bad_rate"].high == jeffreys(3, 10, confidence=0.95)[1]
    assert band["bad_rate"].why == "2 accounts were not looked up by that month"


def test_figures_of_bins_are_those_of_their_accounts():
    """Of three bads and two goods: five pairs of six are in order, and one is a tie, which counts half."""
    accounts = cells(
        *(("A", 3, "bad", 2, 0.4), ("A", 1, "bad", 1, 0.2), ("A", 1, "good", 1, 0.2), ("A", 0, "good", 1, 0.1))
    )
    figures = backtest.overall(accounts, EVALUATION)
    assert figures["auc"].value == pytest.approx(5.5 / 6)
    assert figures["gini"].value == pytest.approx(5 / 6)
    assert figures["brier"].value == pytest.approx((2 * 0.36 + 0.64 + 0.04 + 0.01) / 5)
    assert figures["auc"].n == 5


def test_of_one_class_no_figure_is_given():
    figures = backtest.overall(cells(("A", 0, "good", 7, 0.1)), EVALUATION)
    assert {figure.why for figure in figures.values()} == {"one class only: 0 bads among 7 accounts"}
    nobody = backtest.overall(cells(("A", 0, "indeterminate", 7, 0.1)), EVALUATION)
    assert {figure.why for figure in nobody.values()} == {backtest.NOBODY}


def test_the_interval_of_an_auc_is_that_of_drawing_accounts():
    """As wide as DeLong's on the same accounts."""
    random = np.random.default_rng(3)
    pds = random.choice([0.02, 0.05, 0.1, 0.2, 0.4], 2000)
    bad = random.random(2000) < pds
    rows = [
        ("A", odds_bin(pd_), outcome, int(((pds == pd_) & (bad == flag)).sum()), pd_)
        for pd_ in np.unique(pds)
        for outcome, flag in (("bad", True), ("good", False))
    ]
    drawn, exact = backtest.overall(cells(*rows), EVALUATION)["auc"], delong(bad, pds)
    assert drawn.value == pytest.approx(exact.value, abs=1e-12)
    assert (drawn.low, drawn.high) == pytest.approx((exact.low, exact.high), abs=0.004)


def test_profit_loses_with_the_bad_rate(config):
    policy = config.policy.model_copy(update={"margin": 0.1, "lgd": 0.5, "cost": 0.01})
    figure = backtest.profit(cells(("A", 0, "bad", 1, 0.1), ("A", 0, "good", 9, 0.1)), policy, confidence=0.95)
    assert figure.value == pytest.approx(0.9 * 0.1 - 0.1 * 0.5 - 0.01)
    low, high = jeffreys(1, 10, confidence=0.95)
    assert (figure.low, figure.high) == pytest.approx((0.09 - 0.6 * high, 0.09 - 0.6 * low))


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ({"good": 9, "no_outcome_approve": 1}, ""),
        ({"good": 9, "no_outcome_decline": 50}, ""),
        ({"immature": 9}, backtest.NOBODY),
        (
            {"bad": 8, "no_outcome_approve": 1, backtest.OPEN: 1},
            "2 of 10 matured approvals have no known outcome (20.0%), and at most 10.0% may lack one",
        ),
    ],
)
def test_where_the_good_may_be_missing_no_figure_is_given(states, why):
    assert backtest.why_withheld(states, 0.1) == why


def curve(histories: list[dict[int, str]], approvals: int, age: date, most_not_known: float) -> list[Figure]:
    """The vintage of January 2025 with these accounts, among this many approvals."""
    window = {"month": "2025-01", "scorer": "s", "decisions": approvals, "counts": {"decision": {"approve": approvals}}}
    counted = PdCells()
    for known in histories:
        maturing.count_account(counted, ("approve", "A", 0), 0.1, maturing.states(known), 1)
    booked = {"approve": sum(1 for known in histories)}
    outcomes = {"month": "2025-01", "scorer": "s", "booked": booked, "cells": counted.rows()}
    book = Book([window], [outcomes], (), age, 12)
    return backtest.vintage(book, "2025-01", confidence=0.95, most_not_known=most_not_known)


def test_a_vintage_rises_with_the_accounts_that_turned_bad():
    histories = [{3: "good"}, {1: "good", 2: "bad"}, {2: "good", 3: "bad"}, {3: "good"}]
    points = curve(histories, 4, date(2025, 4, 30), 0.5)
    assert [(point.value, point.n) for point in points] == [(0, 4), (0.25, 4), (0.5, 4)]


def test_a_month_that_nobody_looked_up_is_not_known_and_half_known_ones_hold_both_ends():
    histories = [{2: "bad"}, {2: "good"}]
    first, second = curve(histories, 2, date(2025, 3, 31), 0.5)
    assert (first.value, first.n, first.why) == (0, 1, "1 accounts were not looked up by that month")
    assert first.low == 0
    assert first.high > 0.5  # the other one may have been bad already
    assert second.value == 0.5
    strict, _ = curve(histories, 2, date(2025, 3, 31), 0.4)
    assert math.isnan(strict.value)
    assert (strict.n, strict.why) == (1, "1 accounts were not looked up by that month")


def test_a_young_vintage_of_which_only_the_bad_were_delivered_has_no_figure():
    points = curve([{1: "good", 2: "bad"}], 4, date(2025, 3, 31), 0.7)
    assert [(point.n, point.known, point.why) for point in points] == [
        (1, False, "3 accounts were not looked up by that month")
    ] * 2
    allowed = curve([{1: "good", 2: "bad"}], 4, date(2025, 3, 31), 0.75)
    assert [point.value for point in allowed] == [0, 1]  # three of four are never taken up, as the limit says
