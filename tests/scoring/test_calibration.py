"""Calibration: the line it finds, and what it refuses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, logit

from credit_risk.errors import DataError
from credit_risk.modelling.fitting import calibrated
from credit_risk.scoring.calibration import Calibration


def test_two_margins_are_calibrated_to_their_own_bad_rates():
    # At margin 0 one in five goes bad, at margin 2 four in five: ln(1/4) = -1.386 and ln 4 = 1.386.
    margin = np.repeat([0.0, 2.0], 10)
    bad = np.array([True] * 2 + [False] * 8 + [True] * 8 + [False] * 2)
    fitted = calibrated(margin, bad, np.ones(len(bad)))
    assert_allclose([fitted.intercept, fitted.slope], [-np.log(4), np.log(4)], rtol=1e-6)
    assert_allclose(fitted.pd(np.array([0.0, 2.0])), [0.2, 0.8], rtol=1e-6)


def test_a_known_slope_is_recovered():
    random = np.random.default_rng(1)
    margin = random.normal(-1.5, 1, 50_000)
    bad = random.random(50_000) < expit(0.3 + 0.7 * margin)
    fitted = calibrated(margin, bad, np.ones(len(bad)))
    assert_allclose([fitted.intercept, fitted.slope], [0.3, 0.7], atol=0.06)


def test_the_pd_is_the_logistic_of_the_line_and_keeps_the_ranking():
    pd = Calibration(intercept=-1.0, slope=2.0).pd(np.array([-400.0, 0, 0.5, 1, 400]))
    assert_allclose(pd, [0, expit(-1), 0.5, expit(1), 1], atol=1e-12)
    assert_allclose(logit(pd[1:4]), [-1, 0, 1], atol=1e-12)


def test_one_margin_gets_the_pd_that_a_table_gives_it_to_the_bit():
    line, margins = Calibration(intercept=-1.1, slope=0.7), [-3.3, 0.0, 0.1, 2.7]
    assert [float(line.pd(one)) for one in margins] == line.pd(np.array(margins)).tolist()


def test_a_ranking_the_wrong_way_round_is_refused():
    margin = np.array([1.0, 2, 3, 4, 5, 6])
    bad = np.array([True, True, False, True, False, False])
    with pytest.raises(DataError, match=r"slope of -\d.*expected above 0"):
        calibrated(margin, bad, np.ones(len(bad)))


def test_margins_that_are_all_alike_are_refused():
    with pytest.raises(DataError, match="expected above 0"):
        calibrated(np.ones(10), np.arange(10) < 3, np.ones(10))
