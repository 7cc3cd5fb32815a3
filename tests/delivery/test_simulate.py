"""Simulated rollouts: sound ones are not rolled back more often than the config allows, faulty ones are."""

import numpy as np

from credit_risk.delivery.simulate import Truth, at_the_tolerance, faulty, rollout

STEPS = (10, 50)


def ended(candidate, analysis, times, seed):
    random = np.random.default_rng(seed)
    return [
        rollout(Truth(), candidate, analysis, STEPS, per_look=4_000, most_looks=15, random=random) for _ in range(times)
    ]


def test_sound_rollouts_go_through_and_are_not_rolled_back(analysis):
    outcomes = ended(Truth(), analysis, 40, seed=1)
    assert sum(one.rolled_back for one in outcomes) == 0
    assert sum(one.held for one in outcomes) == 0


def test_candidates_at_every_tolerance_are_not_rolled_back_more_often_than_is_allowed(analysis):
    outcomes = ended(at_the_tolerance(Truth(), analysis), analysis, 40, seed=2)
    assert (
        sum(one.rolled_back for one in outcomes) <= 1
    )  # a hundredth is allowed; two of 40 would be by chance once in 19
    assert all(one.held for one in outcomes if not one.rolled_back)


def test_every_fault_is_rolled_back(analysis):
    for name, candidate in faulty(Truth()).items():
        assert all(one.rolled_back for one in ended(candidate, analysis, 5, seed=3)), name
