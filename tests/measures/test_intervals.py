"""Intervals: definitions written out, the spread of fresh samples, and what must stay unknown."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from scipy.stats import beta, binomtest

from credit_risk.measures import intervals
from credit_risk.measures.intervals import (
    bootstrap,
    calibration_level,
    clustered_auc,
    delong,
    delong_covariance,
    jeffreys,
    mean,
    median,
    paired_difference,
    proportion,
    resampled,
    share,
)
from credit_risk.measures.metrics import Economics, Sample, UnusableSample, measure, ranking
from sample_figure import figure

ECONOMICS = Economics(cut_off=0.3, margin=0.2, lgd=0.6, cost=0.01)


def drawn(rows, seed=0):
    """Outcomes, the right PDs, and the PDs of a weaker model, tied at two decimals."""
    generator = np.random.default_rng(seed)
    log_odds = generator.normal(-1.2, 1, rows)
    bad = generator.random(rows) < 1 / (1 + np.exp(-log_odds))
    weaker = 1 / (1 + np.exp(-(log_odds + generator.normal(0, 0.8, rows))))
    return bad, 1 / (1 + np.exp(-log_odds)), np.clip(weaker.round(2), 0.01, 0.99)


def width(interval):
    return interval.high - interval.low


def delong_by_definition(bad, *pds):
    """DeLong, DeLong and Clarke-Pearson 1988: placements from every pair of a bad and a good."""
    bads_by_model, goods_by_model = [], []
    for pd in pds:
        wins = [[(b > g) + (b == g) / 2 for g in pd[~bad]] for b in pd[bad]]
        bads_by_model.append(np.mean(wins, axis=1))
        goods_by_model.append(np.mean(wins, axis=0))
    bads, goods = bad.sum(), (~bad).sum()
    return np.mean(bads_by_model, axis=1), np.cov(bads_by_model) / bads + np.cov(goods_by_model) / goods


def test_the_value_is_that_of_the_sample_and_the_ends_lie_around_it():
    bad, pd, _ = drawn(500)
    sample = Sample.of(bad, pd, economics=ECONOMICS)
    found = bootstrap(sample, replicates=200, seed=1)
    values = measure(sample)
    assert list(found) == list(values)
    for name, interval in found.items():
        assert interval.value == values[name]
        assert interval.n == 500
        assert interval.has_interval
        assert interval.low < interval.high
        if name != "ece":  # noise raises it in every replicate
            assert interval.low < interval.value < interval.high


def test_one_seed_gives_one_answer_however_the_draws_are_cut(monkeypatch):
    bad, _, weaker = drawn(200)
    sample = Sample.of(bad, weaker, economics=ECONOMICS)
    at_once = bootstrap(sample, replicates=101, seed=7)
    monkeypatch.setattr(intervals, "BLOCK", 1_000)
    by_fives = bootstrap(sample, replicates=101, seed=7)
    for name, interval in at_once.items():
        assert (interval.low, interval.high) == pytest.approx((by_fives[name].low, by_fives[name].high), rel=1e-12)
    assert at_once["auc"] != bootstrap(sample, replicates=101, seed=8)["auc"]


def test_each_draw_takes_as_many_applicants_as_there_are():
    weights = np.vstack(list(intervals._draws(np.arange(50), replicates=4_000, seed=1)))
    assert weights.shape == (4_000, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.var() == pytest.approx(1 - 1 / 50, rel=0.02)  # multinomial


def test_rows_of_one_applicant_are_drawn_together():
    weights = np.vstack(list(intervals._draws(np.array([0, 1, 0, 2, 1]), replicates=100, seed=1)))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_copies_of_a_row_are_no_evidence_when_applicants_are_drawn():
    bad, pd, _ = drawn(400)
    bad, pd, applicant = np.repeat(bad, 4), np.repeat(pd, 4), np.repeat([f"a{i}" for i in range(400)], 4)
    rows = bootstrap(Sample.of(bad, pd), replicates=400, seed=1)
    applicants = bootstrap(Sample.of(bad, pd, applicant), replicates=400, seed=1)
    for name in ("auc", "brier", "calibration_slope", "calibration_in_the_large"):
        assert width(applicants[name]) == pytest.approx(2 * width(rows[name]), rel=0.2)


@pytest.mark.weekly
def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    bad, pd, _ = drawn(400_000)
    truth = figure("auc", bad, pd)
    found = []
    for start in range(0, 100_000, 500):
        part = Sample.of(bad[start : start + 500], pd[start : start + 500])
        found.append(bootstrap(part, replicates=200, seed=start)["auc"])
    assert np.mean([each.low <= truth <= each.high for each in found]) == pytest.approx(0.95, abs=0.04)


def test_more_confidence_is_a_wider_interval():
    bad, pd, _ = drawn(300)
    sample = Sample.of(bad, pd)
    sure, surer = (bootstrap(sample, replicates=300, seed=1, confidence=c)["auc"] for c in (0.8, 0.99))
    assert surer.low < sure.low < sure.high < surer.high


def test_a_figure_missing_from_many_replicates_has_no_interval():
    # the one bad is absent from a replicate with chance (4/5)^5 = 0.33
    found = bootstrap(Sample.of([0, 1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4, 0.5]), replicates=200, seed=1)
    assert found["auc"].value == 0.25
    assert math.isnan(found["auc"].low)
    assert math.isnan(found["auc"].high)
    assert not found["auc"].has_interval
    assert found["brier"].has_interval


def test_a_figure_missing_from_few_replicates_keeps_its_interval():
    # five bads of fifty are all absent with chance 0.9^50 = 0.005
    generator = np.random.default_rng(2)
    sample = Sample.of([1] * 5 + [0] * 45, generator.uniform(0.1, 0.9, 50))
    draws = intervals._redraw(sample, 1_000, 1, intervals.measure)
    assert 0 < np.isnan(draws["auc"]).mean() < 0.01
    assert bootstrap(sample, replicates=1_000, seed=1)["auc"].has_interval


def test_no_bad_in_any_draw_is_not_a_certain_zero():
    bad, pd = [0] * 20 + [1] * 5 + [0] * 5, [0.1] * 20 + [0.5] * 10
    found = bootstrap(Sample.of(bad, pd, economics=ECONOMICS), replicates=200, seed=1)["bad_rate_of_approved"]
    assert found.value == 0
    assert not found.has_interval


def test_one_class_is_unknown_not_a_crash():
    found = bootstrap(Sample.of([0] * 10, np.linspace(0.1, 0.5, 10)), replicates=100, seed=1)
    assert math.isnan(found["auc"].value)
    assert not found["auc"].has_interval
    assert found["brier"].has_interval


def test_a_model_does_not_differ_from_itself():
    bad, pd, _ = drawn(200)
    found = paired_difference(Sample.of(bad, pd), Sample.of(bad, pd), replicates=100, seed=1)
    assert {(each.value, each.low, each.high) for each in found.values()} == {(0, 0, 0)}


def test_a_difference_is_a_minus_b_on_the_same_draws():
    bad, pd, weaker = drawn(2_000)
    a, b = Sample.of(bad, pd, economics=ECONOMICS), Sample.of(bad, weaker, economics=ECONOMICS)
    found = paired_difference(a, b, replicates=300, seed=1)
    alone_a, alone_b = bootstrap(a, replicates=300, seed=1), bootstrap(b, replicates=300, seed=1)
    assert list(found) == list(alone_a)
    assert found["auc"].value == figure("auc", bad, pd) - figure("auc", bad, weaker)
    assert found["auc"].low > 0
    assert width(found["auc"]) < 0.9 * math.hypot(width(alone_a["auc"]), width(alone_b["auc"]))


def test_models_are_compared_only_on_the_same_rows():
    bad, pd = [1, 0, 0, 1], [0.4, 0.3, 0.2, 0.1]
    sample = Sample.of(bad, pd, ["a", "b", "c", "c"])
    for other in (
        Sample.of(bad[:3], pd[:3]),
        Sample.of([0, 1, 0, 1], pd, ["a", "b", "c", "c"]),
        Sample.of(bad, pd, ["a", "a", "b", "c"]),
    ):
        with pytest.raises(UnusableSample, match="compared only on the same rows"):
            paired_difference(sample, other, replicates=10, seed=1)


@pytest.mark.parametrize("seed", range(5))
def test_delong_is_its_definition_over_all_pairs(seed):
    bad, pd, weaker = drawn(60, seed)
    aucs, covariance = delong_covariance(bad, pd, weaker)
    expected_aucs, expected = delong_by_definition(bad, pd, weaker)
    assert aucs == pytest.approx(expected_aucs, abs=1e-12)
    assert aucs == pytest.approx([figure("auc", bad, pd), figure("auc", bad, weaker)], abs=1e-12)
    assert covariance == pytest.approx(expected, abs=1e-12)


def test_delong_by_hand():
    # bads at 4 and 2, goods at 3 and 1: placements of the bads 1 and 1/2, of the goods 1/2 and 1
    aucs, covariance = delong_covariance([1, 0, 1, 0], [0.4, 0.3, 0.2, 0.1])
    assert aucs.tolist() == [0.75]
    assert covariance.tolist() == [[0.125 / 2 + 0.125 / 2]]


@pytest.mark.slow
def test_delong_and_bootstrap_are_equally_wide():
    bad, pd, weaker = drawn(2_000)
    a, b = Sample.of(bad, pd), Sample.of(bad, weaker)
    redrawn = bootstrap(a, replicates=2_000, seed=1)["auc"]
    difference = paired_difference(a, b, replicates=2_000, seed=1)["auc"]
    assert width(delong(bad, pd)) == pytest.approx(width(redrawn), rel=0.08)
    assert width(delong(bad, pd, weaker)) == pytest.approx(width(difference), rel=0.08)
    assert delong(bad, pd, weaker).value == pytest.approx(difference.value, abs=1e-12)


def test_delong_of_a_model_against_itself_is_no_difference():
    bad, pd, _ = drawn(200)
    found = delong(bad, pd, pd)
    assert (found.value, found.n) == (0, 200)
    assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-9)


def test_delong_stays_within_what_an_auc_can_be():
    found = delong([1, 0, 1, 0], [0.4, 0.3, 0.2, 0.1])
    assert found.low >= 0
    assert found.high == 1


@pytest.mark.parametrize(
    ("bad", "value"),
    [([0, 0, 0, 0], math.nan), ([0, 1, 0, 0], 2 / 3), ([1, 1, 0, 0], 1.0), ([0, 0, 1, 1], 0.0)],
)
def test_delong_knows_no_interval_for_one_bad_or_a_perfect_ranking(bad, value):
    found = delong(bad, [0.4, 0.3, 0.2, 0.1])
    assert found.value == pytest.approx(value, nan_ok=True)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_delong_refuses_a_missing_pd():
    with pytest.raises(ValueError, match="1 of 2 PDs are missing"):
        delong([1, 0], [0.1, 0.2], [0.1, np.nan])


@pytest.mark.parametrize(("k", "n"), [(0, 20), (1, 20), (7, 20), (20, 20), (300, 1_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_agrees_with_scipy(k, n, confidence):
    found = proportion(k, n, confidence=confidence)
    expected = binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert (found.value, found.n) == (k / n, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_of_nothing_is_unknown():
    assert not proportion(0, 0).has_interval
    assert math.isnan(proportion(0, 0).value)


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2)])
def test_a_share_is_part_of_its_whole(k, n):
    with pytest.raises(ValueError, match=f"0 <= k <= n, got {k} of {n}"):
        proportion(k, n)


def test_jeffreys_ends_are_quantiles_of_a_beta_and_whole_where_there_is_nothing_beyond():
    low, high = jeffreys(2, 10, confidence=0.95)
    assert (low, high) == pytest.approx((beta(2.5, 8.5).ppf(0.025), beta(2.5, 8.5).ppf(0.975)))
    assert jeffreys(0, 10, confidence=0.95)[0] == 0
    assert jeffreys(10, 10, confidence=0.95)[1] == 1


def test_models_that_are_compared_in_pairs_are_drawn_once_each(monkeypatch):
    counted, draws = [], intervals._draws
    monkeypatch.setattr(intervals, "_draws", lambda *how: counted.append(how) or draws(*how))
    first, second, third = (
        Sample.of([1, 0, 1, 0], pds) for pds in ([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.5] * 4)
    )
    draw = {"replicates": 200, "seed": 1}
    for sample in (first, second, third):
        bootstrap(sample, **draw)
    paired_difference(first, second, **draw)
    paired_difference(first, third, **draw)
    assert len(counted) == 3
    bootstrap(first, replicates=200, seed=2)
    assert len(counted) == 4


def test_figures_of_ranking_alone_are_those_among_all():
    generator = np.random.default_rng(4)
    bad, first, second = generator.random(60) < 0.3, generator.uniform(0.1, 0.9, 60), generator.uniform(0.1, 0.9, 60)
    pair, draw = (Sample.of(bad, first), Sample.of(bad, second)), {"replicates": 200, "seed": 1}
    every, some = paired_difference(*pair, **draw), paired_difference(*pair, **draw, figures=ranking)
    assert set(some) == {"auc", "gini", "ks", "average_precision"}
    assert some == {name: every[name] for name in some}


def ratio(totals):
    return totals[0] / totals[1]


def test_a_figure_of_sums_varies_as_its_rows_do():
    """A hundred rows, half of which count: a share of 0.5, two standard errors of 0.05 to either side."""
    sums = np.column_stack([np.arange(100) % 2, np.ones(100)])
    figure = resampled(sums, ratio, replicates=2_000, seed=1, confidence=0.95)
    assert (figure.value, figure.n) == (0.5, 100)
    assert (figure.low, figure.high) == (pytest.approx(0.402, abs=0.015), pytest.approx(0.598, abs=0.015))
    assert figure == resampled(sums, ratio, replicates=2_000, seed=1, confidence=0.95)
    narrower = resampled(sums, ratio, replicates=2_000, seed=1, confidence=0.5)
    assert (narrower.low, narrower.high) == (pytest.approx(0.466, abs=0.015), pytest.approx(0.534, abs=0.015))


def test_a_figure_of_no_rows_says_why_it_is_not_known():
    figure = resampled(np.zeros((0, 2)), ratio, replicates=100, seed=1, confidence=0.95, why="nobody was declined")
    assert (math.isnan(figure.value), figure.n, figure.why) == (True, 0, "nobody was declined")
    assert not figure.known


def test_a_median_lies_in_the_middle_and_its_ends_are_medians_of_draws():
    figure = median(np.arange(101.0), replicates=1_000, seed=1, confidence=0.95)
    assert (figure.value, figure.n) == (50.0, 101)
    assert (figure.low, figure.high) == (pytest.approx(36, abs=4), pytest.approx(64, abs=4))


@pytest.mark.parametrize(("scores", "area"), [([0.9, 0.1], 1.0), ([0.1, 0.9], 0.0)])
def test_an_area_of_goods_and_bads_that_are_parted_perfectly_has_no_ends(scores, area):
    figure = clustered_auc(np.array([True, False]), np.array(scores), np.arange(2), confidence=0.95)
    assert (figure.value, figure.has_interval, figure.why) == (area, False, "goods and bads are parted perfectly")


def test_an_area_says_no_more_for_an_applicants_row_that_stands_twice():
    bad, pd, _ = drawn(400)
    once = clustered_auc(bad, pd, np.arange(400), confidence=0.95)
    twice = clustered_auc(np.tile(bad, 2), np.tile(pd, 2), np.tile(np.arange(400), 2), confidence=0.95)
    assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high))
    assert 0.5 < once.low < once.value < once.high < 1
    strangers = clustered_auc(np.tile(bad, 2), np.tile(pd, 2), np.arange(800), confidence=0.95)
    assert width(strangers) == pytest.approx(width(once) / math.sqrt(2), rel=0.01)


def test_a_level_of_a_certain_pd_is_not_known():
    figure = calibration_level(np.array([True, False]), np.array([0.0, 0.3]), np.arange(2), confidence=0.95)
    assert (figure.known, figure.why) == (False, "a PD of exactly 0 or 1 has no log-odds")


@pytest.mark.parametrize("measured", [share, mean])
def test_a_share_or_mean_of_no_rows_says_that_there_are_none(measured):
    figure = measured(np.zeros(0), np.zeros(0, dtype=int), confidence=0.95)
    assert (figure.known, figure.n, figure.why) == (False, 0, "there are no rows")


def test_a_share_is_worth_as_many_rows_as_there_are_applicants_who_always_say_the_same():
    flags, pairs = np.repeat([True, False, False, False], 2), np.repeat(np.arange(4), 2)
    alone = share(flags, np.arange(8), confidence=0.95)
    assert (alone.value, alone.low, alone.high, alone.n) == pytest.approx((0.25, *astuple(proportion(2, 8))[1:3], 8))
    together = share(flags, pairs, confidence=0.95)
    assert (together.low, together.high, together.n) == pytest.approx((*astuple(proportion(1, 4))[1:3], 8))
    nobody = share(np.zeros(8, dtype=bool), pairs, confidence=0.95)
    assert (nobody.low, nobody.high) == (0.0, proportion(0, 4).high)


def test_a_mean_varies_as_its_applicants_do():
    """1, 3, 1, 3: a standard deviation of 1.1547, so an error of 0.577 of four applicants, and of 1 of two."""
    values = np.array([1.0, 3.0, 1.0, 3.0])
    four = mean(values, np.arange(4), confidence=0.95)
    assert (four.value, four.low, four.high) == pytest.approx(
        (2, 2 - 1.959964 / math.sqrt(3), 2 + 1.959964 / math.sqrt(3))
    )
    two = mean(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]), confidence=0.95)
    assert (two.low, two.high) == pytest.approx((2 - 1.959964, 2 + 1.959964))


@pytest.mark.parametrize(("values", "applicant"), [([1.0, 3.0], [0, 0]), ([2.0, 2.0], [0, 1])])
def test_a_mean_of_a_single_applicant_or_of_equal_values_has_no_ends(values, applicant):
    figure = mean(np.array(values), np.array(applicant), confidence=0.95)
    assert (figure.value, figure.has_interval) == (2.0, False)


@pytest.mark.parametrize("weight", [None, np.full(4, 2.0)])
def test_a_level_is_what_the_log_odds_lack_and_varies_as_its_rows_do(weight):
    """Four PDs of a quarter and two bads: ln 3 too low; four influences of a half make an error of 1."""
    bad = np.array([True, True, False, False])
    figure = calibration_level(bad, np.full(4, 0.25), np.arange(4), confidence=0.95, weight=weight)
    assert (figure.value, figure.low, figure.high) == pytest.approx(
        (math.log(3), math.log(3) - 1.959964, math.log(3) + 1.959964), abs=1e-5
    )
