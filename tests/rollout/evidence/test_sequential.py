"""Bounds that hold at every look: exact where a reader can compute, and right as often as they say."""

import numpy as np
import pytest
from scipy.special import beta

from credit_risk.rollout.evidence.sequential import bounds


def test_without_trials_every_share_is_possible():
    low, high = bounds(0, 0, 0.05)
    assert (low, high) == (0, 1)


def test_no_hit_in_one_trial_refuses_what_makes_it_twenty_times_too_unlikely():
    # The mixture says B(1/2, 3/2) / B(1/2, 1/2) = 1/2, so that 1/2 / (1 - p) = 20 at p = 0.975.
    low, high = bounds(0, 1, 0.05)
    assert low == 0
    assert high == pytest.approx(0.975, abs=1e-9)


def test_hits_only_mirror_no_hits():
    low, high = bounds(1, 1, 0.05)
    assert (low, high) == (pytest.approx(0.025, abs=1e-9), 1)


def test_at_both_ends_the_likelihood_ratio_is_one_over_alpha():
    for share in bounds(15, 50, 0.01):
        ratio = beta(15.5, 35.5) / beta(0.5, 0.5) / (share**15 * (1 - share) ** 35)
        assert ratio == pytest.approx(100, rel=1e-6)


def test_many_counts_at_once_are_as_one_at_a_time():
    low, high = bounds([[0, 3], [5, 7]], [[10, 10], [5, 20]], 0.1)
    for place in np.ndindex(2, 2):
        one = bounds(np.array([[0, 3], [5, 7]])[place], np.array([[10, 10], [5, 20]])[place], 0.1)
        assert (low[place], high[place]) == one


@pytest.mark.parametrize("share", [0.01, 0.3])
def test_looking_after_every_trial_misses_the_truth_no_more_often_than_it_says(share):
    # 1,000 streams of 2,000 trials, looked at after each: an interval made for one look would miss in far more than a
    # tenth of the streams.
    hits = np.cumsum(np.random.default_rng(3).random((1_000, 2_000)) < share, axis=1)[:, ::10]
    low, high = bounds(hits, np.arange(1, 2_001)[::10], 0.1)
    missed = ((low > share) | (high < share)).any(axis=1).mean()
    assert 0 < missed <= 0.1
