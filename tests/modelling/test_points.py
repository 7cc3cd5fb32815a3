"""Points: each bin adds what its rows say beside all other characteristics; lines and steps go one way."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit

from credit_risk.config.tags import tagged
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.modelling import points
from credit_risk.scoring.model import Bins

NAN = np.nan


def number(
    values: Matrix, sign: int = 1, woe: tuple[float, ...] = (0.0,), edges: tuple[float, ...] = ()
) -> points.Shape:
    return points.shape(Bins(edges, woe, 0.0, by_code=False), sign, values)


def added(shape: points.Shape, bad: Mask) -> Matrix:
    return points.together([shape], bad, np.ones(len(bad)))[0][0]


def rows(*groups: tuple[float, int, int]) -> tuple[Matrix, Mask]:
    """Values and outcomes from (value, rows, bads)."""
    values = np.concatenate([np.full(size, value) for value, size, _ in groups])
    return values, np.concatenate([np.arange(size) < bads for _, size, bads in groups])


def test_bins_begin_with_a_value_and_none_is_empty():
    values = np.repeat([1.0, 2.0, 3.0, 9.0], 25)
    shape = number(values, edges=(2.5, 5.0), woe=(0.0, 0.0, 0.0))
    assert shape.empty.edges == (2.0, 3.0, 9.0)  # 2.5 is said as the first value above it
    assert_array_equal(np.bincount(shape.bin_of_row), [25, 25, 25, 25])


def test_many_rows_make_twenty_bins_of_equal_size_and_few_rows_bins_of_fifteen():
    assert_allclose(np.bincount(number(np.arange(400.0)).bin_of_row), [20] * 20, atol=1)
    assert len(number(np.arange(60.0)).empty.edges) == 3


def test_two_values_differ_by_the_log_odds_of_their_rows():
    values, bad = rows((0.0, 50_000, 5_000), (1.0, 50_000, 10_000))
    low, high, missing = added(number(values), bad)
    assert_allclose(high - low, logit(0.2) - logit(0.1), atol=1e-3)
    assert_allclose((low + high) / 2, 0, atol=1e-12)
    assert missing == 0


def test_the_mean_pd_is_the_bad_rate_and_the_penalty_is_met():
    """At the least loss the slope of the likelihood is the penalty's: bads less PDs by value, for a line and a step."""
    values, bad = rows((0.0, 60, 6), (1.0, 40, 14))
    shape = number(values)
    (its,), intercept = points.together([shape], bad, np.ones(100))
    pds = expit(intercept + its[shape.bin_of_row])
    assert_allclose(pds.sum(), 20, atol=1e-9)
    # line 0 and 1, spread 0.49; step 0 and 1: with d more bads than PDs foretell, line d / 0.49 and step d / 8.
    more, spread = 14 - pds[60:].sum(), np.sqrt(0.4 * 0.6)
    assert_allclose(its[1] - its[0], more / spread / points.OF_LINES / spread + more / points.OF_STEPS, atol=1e-9)


def test_a_linear_truth_is_a_line_of_points():
    draw = np.random.default_rng(1)
    values = draw.uniform(-1, 1, 20_000)
    bad = draw.random(20_000) < expit(-1 + values)
    steps = np.diff(added(number(values), bad)[:-1])
    assert len(steps) == 19
    assert_allclose(steps, 0.1, atol=0.05)  # 2 from end to end of twenty bins


def test_a_rare_value_that_jumps_is_no_part_of_the_line():
    """Of 4,000 rows one in ten goes bad, whatever the value, but of 80 with a 3 nine in ten."""
    values, bad = rows((0.0, 2_000, 200), (1.0, 1_000, 100), (2.0, 920, 92), (3.0, 80, 72))
    (its,), intercept = points.together([number(values, edges=(2.5,), woe=(0.25, -4.0))], bad, np.ones(4_000))
    pds = expit(intercept + its)
    assert_allclose(pds[[0, 1, 2]], 0.1, atol=0.015)
    assert pds[3] == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("sign", [1, -1])
def test_points_never_go_against_the_characteristics_way(sign: int):
    draw = np.random.default_rng(2)
    values = draw.uniform(0, 1, 3_000)
    bad = draw.random(3_000) < expit(-1 + np.sin(9 * values))
    assert (sign * np.diff(added(number(values, sign), bad)[:-1]) >= 0).all()


def test_a_declared_way_that_the_rows_contradict_adds_nothing():
    values, bad = rows((0.0, 500, 50), (1.0, 500, 100))
    assert_array_equal(added(number(values, -1), bad), [0, 0, 0])


def test_what_is_missing_and_each_code_stand_beside_the_line():
    """84 of 84 that are missing went bad: far out, and not without end; a code without rows is the average."""
    groups = ((1.0, 200, 16), (2.0, 200, 16), (NAN, 84, 84), (tagged(2), 100, 50))
    values, bad = rows(*groups)
    shape = points.shape(Bins((), (0.0,), 0.0, by_code=False, special=(0.0, 0.0)), 1, values)
    (its,), intercept = points.together([shape], bad, np.ones(len(bad)))
    pds = expit(intercept + its)
    assert 0.9 < pds[2] < 1
    assert its[3] == 0
    assert pds[4] == pytest.approx(0.5, abs=0.03)
    assert_allclose(pds[[0, 1]], 0.08, atol=0.02)


def test_a_category_of_few_rows_keeps_near_the_others():
    values, bad = rows((0.0, 1_000, 100), (1.0, 1_000, 200), (2.0, 4, 4))
    shape = points.shape(Bins((), (0.0, 0.0, 0.0, 0.0), 0.0, by_code=True), 1, values)
    first, second, few, unseen, missing = added(shape, bad)
    assert second - first == pytest.approx(logit(0.2) - logit(0.1), abs=0.15)
    assert second < few < second + 1
    assert (unseen, missing) == (0, 0)


def test_two_that_say_the_same_share_what_they_say():
    values, bad = rows((0.0, 5_000, 500), (1.0, 5_000, 1_000))
    (one, other), _ = points.together([number(values), number(values)], bad, np.ones(10_000))
    assert_allclose(one, other, atol=1e-9)
    assert 2 * (one[1] - one[0]) == pytest.approx(logit(0.2) - logit(0.1), abs=0.01)


def test_a_row_of_weight_three_is_three_rows():
    values, bad = rows((0.0, 100, 10), (1.0, 100, 30), (2.0, 100, 40))
    weight = np.where(bad, 3, 1)
    weighed, intercept = points.together([number(values)], bad, weight.astype(float))
    shape = number(values)
    several = points.Shape(shape.empty, np.repeat(shape.bin_of_row, weight), shape.design, shape.penalty, shape.bound)
    repeated, same = points.together([several], np.repeat(bad, weight), np.ones(weight.sum()))
    assert_allclose(weighed[0], repeated[0], atol=1e-9)
    assert intercept == pytest.approx(same, abs=1e-9)


def test_neighbours_that_weigh_alike_are_one_bin():
    shape = number(np.repeat([1.0, 2.0, 3.0], 25))
    bins = shape.bins(np.array([0.5, 0.5, -0.25, 0.125]))
    assert bins == Bins((3.0,), (0.5, -0.25), 0.125, by_code=False)


def test_a_weight_says_how_much_of_its_evidence_a_characteristic_adds():
    evidence = np.array([1.0, -1.0, 0.5, -0.5])
    assert points.weight(-evidence, evidence) == -1
    assert points.weight(-evidence / 2, evidence) == -0.5
    assert points.weight(evidence, evidence) == 1
    assert points.weight(np.zeros(4), evidence) == 0
