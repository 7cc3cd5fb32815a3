"""The logistic fit for many weightings: answers known beforehand, and the ways to have none."""

import math

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from credit_risk.measures.recalibration import intercept, slope

ONES = np.ones((1, 8))


def test_slope_of_two_groups_is_the_ratio_of_their_distances_in_log_odds():
    # foretold odds 1:9 and 9:1, seen 1:3 and 3:1: log-odds 2 ln 9 apart against 2 ln 3
    foretold = np.log(9) * np.array([-1.0] * 4 + [1.0] * 4)
    assert slope(foretold, np.array([1.0, 0, 0, 0, 1, 1, 1, 0]), ONES) == pytest.approx([0.5], abs=1e-12)


def test_intercept_is_the_log_of_the_factor_between_odds_foretold_and_seen():
    # foretold 1:9 for all, seen 2:6
    assert intercept(np.full(8, -np.log(9)), np.array([1.0, 1, 0, 0, 0, 0, 0, 0]), ONES) == pytest.approx([np.log(3)])


@pytest.mark.parametrize("stretch", [0.02, 0.3, 5.0, 15.0])
@pytest.mark.parametrize("shift", [-8.0, 0.0, 8.0])
@pytest.mark.parametrize("bad_rate", [0.01, 0.5])
def test_slope_and_intercept_are_found_however_far_off_the_pds_are(stretch, shift, bad_rate):
    generator = np.random.default_rng(5)
    log_odds = generator.standard_t(4, 2_000).clip(-1.2, 1.2)
    bad = (generator.random(2_000) < expit(log_odds + math.log(bad_rate / (1 - bad_rate)))).astype(float)
    far, weights = log_odds * stretch + shift, np.ones((1, 2_000))
    assert slope(far, bad, weights) * stretch == pytest.approx(slope(log_odds, bad, weights), rel=1e-9)
    assert expit(far + intercept(far, bad, weights)).mean() == pytest.approx(bad.mean(), abs=1e-12)


def test_weights_of_very_unequal_size_do_not_throw_the_fit():
    # plain Newton steps leap to either side ever farther on these rows
    log_odds, bad = np.array([0.73, 0.93, 0.36]), np.array([0.0, 1, 1])
    weights = np.array([[3.7e-5, 6.1e-5, 7.7e-4]])
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=100_000)
    expected = fit.fit(log_odds[:, None], bad, sample_weight=weights[0] / weights.sum()).coef_[0]
    assert slope(log_odds, bad, weights) == pytest.approx(expected, rel=1e-4)


def test_log_odds_far_apart_do_not_throw_the_intercept():
    # half of the rows at odds of e^-20, half at e^20, three in four bad: half of the low ones must be bad too
    log_odds, bad = np.array([-20.0] * 4 + [20.0] * 4), np.array([1.0, 1, 0, 0, 1, 1, 1, 1])
    assert intercept(log_odds, bad, ONES) == pytest.approx([20], abs=1e-9)


def test_a_line_without_an_answer_does_not_disturb_its_neighbours():
    log_odds, bad = np.array([1.4, 0.4, 0.0, -1.4, -2.2]), np.array([1.0, 0, 1, 0, 0])
    all_rows, separated, one_class = [1, 1, 1, 1, 1], [1, 0, 1, 1, 1], [0, 1, 0, 1, 1]
    weights = np.array([all_rows, separated, all_rows, one_class, all_rows], dtype=float)
    slopes, intercepts = slope(log_odds, bad, weights), intercept(log_odds, bad, weights)
    assert np.isnan(slopes).tolist() == [False, True, False, True, False]
    assert np.isnan(intercepts).tolist() == [False, False, False, True, False]
    assert slopes[0] == slopes[2] == slopes[4]
    assert slopes[:1] == pytest.approx(slope(log_odds, bad, weights[:1]), rel=1e-12)


def test_infinite_log_odds_have_no_fit():
    log_odds = np.array([-np.inf, 0, 1, 2, 3, 4, 5, 6])
    bad = np.array([0.0, 1, 0, 1, 0, 1, 0, 1])
    assert np.isnan(slope(log_odds, bad, ONES)).all()
    assert np.isnan(intercept(log_odds, bad, ONES)).all()
