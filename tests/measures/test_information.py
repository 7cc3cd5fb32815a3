"""Weights of evidence and information values: counted by hand, smoothed by five rows of the average bad rate."""

import numpy as np
import pytest

from credit_risk.measures import information

GOODS, BADS = (
    np.array([300.0, 100.0]),
    np.array([20.0, 80.0]),
)  # one in five is bad: 5 rows more hold 4 goods, 1 bad


def test_the_evidence_is_the_log_of_smoothed_shares():
    safe, risky = information.evidence(GOODS, BADS)
    assert safe == pytest.approx(np.log(304 / 400) - np.log(21 / 100))
    assert risky == pytest.approx(np.log(104 / 400) - np.log(81 / 100))


def test_an_empty_bin_is_the_average_and_one_class_is_much_and_not_all():
    empty, average, all_bad = information.evidence(np.array([0.0, 400.0, 0.0]), np.array([0.0, 16.0, 84.0]))
    assert empty == pytest.approx(0)
    assert average > 0
    assert all_bad == pytest.approx(np.log(4 / 400) - np.log(85 / 100))


def test_the_information_value_sums_differences_of_shares_times_evidence():
    safe, risky = information.evidence(GOODS, BADS)
    assert information.value(GOODS, BADS) == pytest.approx((0.75 - 0.2) * safe + (0.25 - 0.8) * risky)
    assert information.value(GOODS, GOODS / 4) == pytest.approx(0, abs=1e-12)


def test_what_the_pds_foretell_is_no_longer_marginal():
    assert information.marginal(GOODS, BADS, expected=BADS) == pytest.approx(0)
    average = (GOODS + BADS) / 5  # a model that gives every row the same PD leaves the whole of it
    flat = information.evidence(GOODS + BADS - average, average)
    whole = information.value(GOODS, BADS) - (0.55 * flat[0] - 0.55 * flat[1])
    assert information.marginal(GOODS, BADS, expected=average) == pytest.approx(whole)
    assert whole > 0.5
