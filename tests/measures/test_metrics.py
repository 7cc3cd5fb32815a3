"""Figures of a PD model: small samples that can be counted, scikit-learn for the rest."""

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from credit_risk.measures import metrics
from credit_risk.measures.metrics import Economics, Sample, UnusableSample, measure, why_undefined
from sample_figure import figure

ECONOMICS = Economics(cut_off=0.3, margin=0.2, lgd=0.6, cost=0.01)

#            riskiest             safest
PD = np.array([0.8, 0.6, 0.5, 0.2, 0.1])
BAD = np.array([1, 0, 1, 0, 0])


def drawn(rows, seed=0, decimals=None):
    """Outcomes, PDs that are a little off (tied if rounded) and weights."""
    generator = np.random.default_rng(seed)
    log_odds = generator.normal(-1.5, 1.2, rows)
    bad = generator.random(rows) < 1 / (1 + np.exp(-log_odds))
    pd = 1 / (1 + np.exp(-(0.3 + 0.8 * log_odds)))
    pd = pd if decimals is None else np.clip(np.round(pd, decimals), 0.01, 0.99)
    return bad, pd, generator.exponential(size=rows)


def recalibrated(bad, pd, weights):
    """Slope by scikit-learn's logistic regression without penalty."""
    x = np.log(pd / (1 - pd))[:, None]
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    return fit.fit(x, bad, sample_weight=weights).coef_[0, 0]


def test_auc_counts_the_pairs_in_which_the_bad_is_riskier():
    # 2 bads x 3 goods: the bad at 0.8 beats all three, the bad at 0.5 beats two of three
    assert figure("auc", BAD, PD) == 5 / 6
    assert metrics.gini(BAD, PD) == pytest.approx(4 / 6, abs=1e-15)


def test_a_tie_counts_half():
    assert figure("auc", [1, 0], [0.4, 0.4]) == 0.5
    assert figure("auc", [1, 0, 0], [0.4, 0.4, 0.1]) == 0.75


def test_ks_is_the_greatest_gap_between_shares_of_bads_and_goods():
    # at 0.5 and above: 2 of 2 bads, 1 of 3 goods
    assert figure("ks", BAD, PD) == 2 / 3


def test_average_precision_is_the_mean_precision_at_each_bad():
    # the first bad is found at 1 of 1, the second at 2 of 3
    assert figure("average_precision", BAD, PD) == (1 + 2 / 3) / 2


def test_brier_is_the_mean_squared_distance():
    assert figure("brier", [1, 0], [0.9, 0.3]) == pytest.approx((0.01 + 0.09) / 2, abs=1e-15)


def test_ece_is_the_mean_gap_over_ten_bins():
    # 20 rows in ten bins of two, each bin half bad against a PD of 0.4 ... 0.49: gaps of 0.1 ... 0.01
    pd = np.repeat(np.arange(0.40, 0.50, 0.01), 2)
    bad = np.tile([1, 0], 10)
    assert figure("ece", bad, pd) == pytest.approx(np.arange(0.01, 0.11, 0.01).mean(), abs=1e-12)


def test_ece_keeps_rows_of_one_pd_in_one_bin_whatever_their_order():
    assert figure("ece", [1, 0, 0, 0], [0.25] * 4) == 0
    assert figure("ece", [0, 0, 0, 1], [0.25] * 4) == 0


def test_intercept_of_pds_that_foretell_half_the_odds_is_ln_2():
    # odds foretold 1:4, odds seen 1:2
    assert metrics.calibration_in_the_large([1, 0, 0], [0.2] * 3) == pytest.approx(math.log(2), abs=1e-12)


def test_slope_of_two_groups_is_the_ratio_of_their_distances_in_log_odds():
    # seen odds 1:3 and 3:1, foretold 1:9 and 9:1: log-odds 2 ln 3 apart against 2 ln 9
    bad = [1, 0, 0, 0, 1, 1, 1, 0]
    pd = [0.1] * 4 + [0.9] * 4
    assert figure("calibration_slope", bad, pd) == pytest.approx(0.5, abs=1e-12)


def test_approved_are_those_strictly_below_the_cut_off():
    assert figure("approval_rate", BAD, PD, economics=Economics(0.5, 0, 0)) == 2 / 5
    assert figure("approval_rate", BAD, PD, economics=Economics(0.51, 0, 0)) == 3 / 5
    assert figure("bad_rate_of_approved", BAD, PD, economics=Economics(0.51, 0, 0)) == 1 / 3


def test_profit_counts_margins_losses_and_costs_of_the_approved_over_all_applications():
    economics = Economics(cut_off=0.51, margin=0.2, lgd=0.6, cost=0.01)
    # 2 goods earn 0.2, 1 bad loses 0.6, 3 accounts cost 0.01, over 5 applications
    assert figure("profit_per_application", BAD, PD, economics=economics) == pytest.approx(
        (0.4 - 0.6 - 0.03) / 5, abs=1e-15
    )


def test_nobody_approved_earns_nothing_and_has_no_bad_rate():
    economics = Economics(cut_off=0.05, margin=0.2, lgd=0.6)
    assert figure("approval_rate", BAD, PD, economics=Economics(0.05, 0, 0)) == 0
    assert figure("profit_per_application", BAD, PD, economics=economics) == 0
    assert math.isnan(figure("bad_rate_of_approved", BAD, PD, economics=Economics(0.05, 0, 0)))
    assert why_undefined(Sample.of(BAD, PD, economics=economics)) == {
        "bad_rate_of_approved": "nobody is approved: the lowest PD of 5 rows is 0.1"
    }


@pytest.mark.parametrize("decimals", [None, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_figures_agree_with_scikit_learn(decimals, weighted):
    bad, pd, weights = drawn(3_000, decimals=decimals)
    weights = weights if weighted else np.ones(3_000)
    figures = measure(Sample.of(bad, pd), weights)
    assert figures["auc"] == pytest.approx(roc_auc_score(bad, pd, sample_weight=weights), abs=1e-12)
    expected = average_precision_score(bad, pd, sample_weight=weights)
    assert figures["average_precision"] == pytest.approx(expected, abs=1e-12)
    expected = brier_score_loss(bad, y_proba=pd, sample_weight=weights)
    assert figures["brier"] == pytest.approx(expected, abs=1e-12)
    assert figures["calibration_slope"] == pytest.approx(recalibrated(bad, pd, weights), abs=1e-6)


def test_ks_agrees_with_scipy():
    bad, pd, _ = drawn(3_000, decimals=2)
    assert figure("ks", bad, pd) == pytest.approx(ks_2samp(pd[bad], pd[~bad]).statistic, abs=1e-12)


def test_the_intercept_makes_the_mean_pd_the_bad_rate():
    bad, pd, weights = drawn(3_000)
    odds = np.exp(metrics.calibration_in_the_large(bad, pd, weights)) * pd / (1 - pd)
    assert np.average(odds / (1 + odds), weights=weights) == pytest.approx(np.average(bad, weights=weights), abs=1e-12)


@pytest.mark.parametrize("decimals", [None, 2])
def test_whole_weights_are_repeated_rows(decimals):
    bad, pd, _ = drawn(400, decimals=decimals)
    times = np.random.default_rng(1).integers(0, 4, 400)
    weighted = measure(Sample.of(bad, pd, economics=ECONOMICS), times)
    repeated = measure(Sample.of(np.repeat(bad, times), np.repeat(pd, times), economics=ECONOMICS))
    counted = ("auc", "gini", "ks", "approval_rate", "bad_rate_of_approved", "profit_per_application")
    assert {name: weighted[name] for name in counted} == {name: repeated[name] for name in counted}
    for name in ("average_precision", "brier", "calibration_slope", "calibration_in_the_large"):
        assert weighted[name] == pytest.approx(repeated[name], rel=1e-12)


def test_a_weight_of_two_for_all_changes_nothing():
    bad, pd, _ = drawn(400)
    sample = Sample.of(bad, pd, economics=ECONOMICS)
    assert measure(sample, np.full(400, 2.0)) == pytest.approx(measure(sample), rel=1e-12)


def test_a_matrix_of_weights_gives_what_its_lines_give():
    bad, pd, _ = drawn(300, decimals=2)
    sample = Sample.of(bad, pd, economics=ECONOMICS)
    lines = np.random.default_rng(1).integers(0, 3, (20, 300))
    together = measure(sample, lines)
    for number, line in enumerate(lines):
        assert {name: values[number] for name, values in together.items()} == pytest.approx(
            measure(sample, line), rel=1e-12
        )


def test_the_order_of_the_rows_does_not_matter():
    bad, pd, weights = drawn(300, decimals=2)
    mixed = np.random.default_rng(1).permutation(300)
    assert measure(Sample.of(bad[mixed], pd[mixed]), weights[mixed]) == pytest.approx(
        measure(Sample.of(bad, pd), weights), rel=1e-12
    )


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_class_ranks_nothing_and_says_so(outcome):
    sample = Sample.of([outcome] * 4, [0.1, 0.2, 0.3, 0.4], economics=ECONOMICS)
    needs_both = {"auc", "gini", "ks", "average_precision", "calibration_slope", "calibration_in_the_large"}
    reasons = why_undefined(sample)
    assert set(reasons) == needs_both
    assert set(reasons.values()) == {f"one class only: {4 * outcome} bads among 4 rows"}


def test_one_pd_ranks_like_a_coin_and_has_no_slope():
    sample = Sample.of([1, 0, 0, 0], [0.2] * 4)
    figures = measure(sample)
    assert (figures["auc"], figures["ks"], figures["average_precision"]) == (0.5, 0, 0.25)
    assert why_undefined(sample) == {"calibration_slope": "every row has the same PD, 0.2"}


@pytest.mark.parametrize("pd", [[0.9, 0.8, 0.2, 0.1], [0.1, 0.2, 0.8, 0.9], [0.9, 0.5, 0.5, 0.1]])
def test_perfect_separation_has_no_slope(pd):
    assert why_undefined(Sample.of([1, 1, 0, 0], pd)) == {
        "calibration_slope": "the PDs separate goods and bads perfectly: the steeper the slope, the better it fits"
    }


def test_a_certain_pd_has_no_log_odds():
    reason = "a PD of exactly 0 or 1 has no log-odds"
    reasons = why_undefined(Sample.of([1, 0, 1, 0], [1.0, 0.5, 0.4, 0.0]))
    assert reasons == {"calibration_slope": reason, "calibration_in_the_large": reason}


def test_no_weight_at_all_leaves_every_figure_unknown():
    figures = measure(Sample.of(BAD, PD, economics=ECONOMICS), np.zeros(5))
    assert all(np.isnan(value) for value in figures.values())


def test_without_economics_nothing_is_said_of_approvals():
    assert "approval_rate" not in measure(Sample.of(BAD, PD))


@pytest.mark.parametrize(
    ("bad", "pd", "group", "sentence"),
    [
        ([1, 0], [0.1, np.nan], None, "1 of 2 PDs are missing or outside 0 to 1; mend these rows"),
        ([1, 0], [0.1, 1.1], None, "1 of 2 PDs are missing or outside 0 to 1"),
        ([1, np.nan], [0.1, 0.2], None, "1 of 2 outcomes are neither 0"),
        ([1, 2], [0.1, 0.2], None, "1 of 2 outcomes are neither 0"),
        ([1, 0], [0.1, 0.2], ["a", None], "1 of 2 rows have no applicant"),
        ([1, 0], [0.1], None, r"columns of the same rows, at least one; got \(2,\), \(1,\)"),
        ([], [], None, r"columns of the same rows, at least one; got \(0,\)"),
        ([[1, 0]], [[0.1, 0.2]], None, r"columns of the same rows, at least one; got \(1, 2\)"),
    ],
)
def test_what_cannot_be_measured_is_refused(bad, pd, group, sentence):
    with pytest.raises(ValueError, match=sentence):
        Sample.of(bad, pd, group)


@pytest.mark.parametrize("weights", [[1, -1, 1, 1, 1], [1, np.nan, 1, 1, 1], [1, np.inf, 1, 1, 1]])
def test_weights_must_count_rows(weights):
    with pytest.raises(UnusableSample, match="A weight is missing, infinite or negative"):
        figure("auc", BAD, PD, weights)


@pytest.mark.parametrize("weights", [[1, 1], 1.0, np.ones((1, 1, 5))])
def test_weights_must_fit_the_rows(weights):
    with pytest.raises(UnusableSample, match="Weights must be one a row, or a matrix of 5 columns"):
        measure(Sample.of(BAD, PD), weights)
