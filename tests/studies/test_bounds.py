"""Bounds on a handful of applications, by hand and by trying every outcome that the rejected could have had."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from credit_risk.studies import bounds

PD = np.array([0.8, 0.2])
BAD = np.array([True, False])
ONES = np.ones(2)


def test_of_the_rejected_nobody_or_everybody_could_have_gone_bad():
    assert bounds.bad_rate(np.array([True, False, False]), np.ones(3), rejected=1.0) == (0.25, 0.5)
    assert bounds.bad_rate(BAD, np.array([1.0, 3.0]), rejected=4.0) == (0.125, 0.625)


@pytest.mark.parametrize(
    ("rejected", "low", "high"),
    [
        ([0.9], 0.5, 1.0),  # a good above the bad, or a second bad above the good
        ([0.1], 0.5, 1.0),
        ([0.5], 1.0, 1.0),  # between the two it is ranked right whatever became of it
        ([0.8], 0.75, 1.0),  # as a good it is the bad's equal
        ([], 1.0, 1.0),
    ],
)
def test_one_rejected_application_is_a_bad_or_a_good(rejected, low, high):
    assert bounds.auc(PD, BAD, ONES, np.array(rejected), 1.0) == pytest.approx((low, high))


@pytest.mark.parametrize("seed", range(20))
def test_the_ends_are_those_of_all_outcomes_that_could_have_been(seed):
    draw = np.random.default_rng(seed)
    pd_, rejected = draw.integers(1, 9, 12) / 10, draw.integers(1, 9, 7) / 10  # with many equals
    bad = np.arange(12) < 5
    weight, each = draw.integers(1, 4, 12).astype(float), 2.0
    tried = [
        roc_auc_score(
            np.concatenate([bad, outcome]),
            np.concatenate([pd_, rejected]),
            sample_weight=np.concatenate([weight, np.full(7, each)]),
        )
        for outcome in product([False, True], repeat=7)
    ]
    assert bounds.auc(pd_, bad, weight, rejected, each) == pytest.approx((min(tried), max(tried)))
