"""Suspected leaks: a feature that knows the answer, in whatever way it tells, and rows on both sides of the split."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from credit_risk.measures import leak

BAD = np.array([False, False, False, True])
NAN = math.nan


def test_gini_alone_counts_pairs_whichever_way_the_feature_points():
    # Three pairs of a good and the bad: 2 outranked, 1 outranking: AUC 2/3, Gini 1/3.
    assert leak.gini_alone(np.array([1.0, 2.0, 9.0, 5.0]), BAD) == pytest.approx(1 / 3)
    assert leak.gini_alone(-np.array([1.0, 2.0, 9.0, 5.0]), BAD) == pytest.approx(1 / 3)
    assert leak.gini_alone(np.array([7.0, 7.0, 7.0, 7.0]), BAD) == 0


def test_a_column_that_is_filled_in_only_after_a_default_is_seen_by_its_gaps():
    assert leak.gini_alone(np.array([NAN, NAN, NAN, 120.0]), BAD) == 1
    assert leak.gini_alone(np.array([3.0, 1.0, 2.0, NAN]), BAD) == 1


def test_the_strongest_feature_is_named_with_its_share_of_the_models_gini():
    columns = {"weak": np.array([1.0, 2.0, 9.0, 5.0]), "answer": np.array([0.0, 0.0, 0.0, 1.0])}
    found = leak.strongest(columns, BAD, model_gini=0.8)
    assert (found.feature, found.gini, found.share) == ("answer", 1, 1.25)


def test_the_share_is_unknown_where_the_model_ranks_nothing_or_there_is_one_class():
    column = {"x": np.array([1.0, 2.0, 3.0, 4.0])}
    assert math.isnan(leak.strongest(column, BAD, model_gini=0).share)
    assert math.isnan(leak.strongest(column, BAD, model_gini=NAN).share)
    assert math.isnan(leak.strongest(column, np.zeros(4, dtype=bool), model_gini=0.5).share)


def test_a_plain_category_gets_its_order_from_training():
    train = np.array([0.0, 0.0, 1.0, 1.0, 2.0, NAN])
    bad = np.array([True, False, False, False, True, True])
    rates = leak.bad_rates(train, bad, np.array([0.0, 1.0, 2.0, 3.0, NAN]))
    assert rates.tolist()[:3] == [0.5, 0, 1]
    assert np.isnan(rates[3:]).all()


def test_rows_that_stand_in_two_splits_are_counted_on_both_sides():
    train = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, NAN], [7.0, 7.0], [7.0, 7.0]])
    selection = np.array([[1.0, 2.0], [9.0, 9.0]])
    test = np.array([[5.0, NAN], [2.0, 1.0]])
    # [1, 2] and [5, missing] each in two splits; [7, 7] twice in one is no leak.
    assert leak.rows_across_splits([train, selection, test]) == 4
    assert leak.rows_across_splits([train, np.array([[0.0, 0.0]])]) == 0
    assert leak.rows_across_splits([train, np.asfortranarray(train)]) == 10


def test_what_marks_bads_for_certain_is_counted_whichever_way_round_and_where_cells_are_missing():
    bad = np.arange(200) < 100
    flagged = np.where(np.arange(200) < 40, 1.0, 0.0)  # 40 of the 100 bads, no good
    assert leak.marked(flagged, bad, confidence=0.95) == 0.4
    assert leak.marked(-flagged, bad, confidence=0.95) == 0.4
    amount = np.where(flagged == 1, np.arange(200.0), NAN)  # filled in after the default
    assert leak.marked(amount, bad, confidence=0.95) == 0.4
    assert leak.marked(np.where(flagged == 1, NAN, 7.0), bad, confidence=0.95) == 0.4


def test_a_strong_feature_that_only_ranks_marks_nobody():
    bad = np.arange(200) % 5 < 4  # four in five are bad wherever one looks
    assert leak.marked(np.arange(200.0), bad, confidence=0.95) == 0


def test_few_rows_that_are_bad_by_chance_mark_nobody():
    bad = np.arange(200) < 100
    assert leak.marked(np.where(np.arange(200) < 34, 1.0, 0.0), bad, confidence=0.95) == 0  # Wilson: 34 / 37.84 < 0.9
    assert leak.marked(np.where(np.arange(200) < 35, 1.0, 0.0), bad, confidence=0.95) == 0.35


def test_the_feature_that_marks_most_is_named():
    bad = np.arange(200) < 100
    columns = {"rank": np.zeros(200), "recovered": np.where(np.arange(200) < 60, 1.0, 0.0)}
    assert leak.telltale(columns, bad, confidence=0.95) == leak.Telltale("recovered", 0.6)
    assert leak.telltale({"rank": np.zeros(200)}, bad, confidence=0.95) == leak.Telltale("", 0)
    assert math.isnan(leak.telltale(columns, np.zeros(200, dtype=bool), confidence=0.95).share)


def test_rows_that_stand_for_several_count_as_often_in_what_a_feature_ranks_alone():
    # The good above the bad stands for two: two of four pairs are outranked.
    values = np.array([1.0, 2.0, 9.0, 5.0])
    assert leak.gini_alone(values, BAD, np.array([1.0, 1.0, 2.0, 1.0])) == pytest.approx(0)
    assert leak.strongest({"x": values}, BAD, 0.5, np.array([2.0, 2.0, 2.0, 2.0])).gini == pytest.approx(1 / 3)


def test_an_order_that_knows_the_outcome_ranks_it_and_one_that_does_not_is_near_nought():
    bad, rows = np.arange(1_000) % 4 == 0, np.arange(1_000.0)
    name, figure = leak.order_gini({"row": rows}, bad, np.arange(1_000), confidence=0.95)
    assert (name, figure.low) == ("row", 0.0)
    assert figure.high < 0.1
    first = np.where(bad, rows - 500, rows)  # bads stand half the file further up
    name, figure = leak.order_gini({"row": rows, "id": first}, bad, np.arange(1_000), confidence=0.95)
    assert name == "id"
    assert figure.low > 0.5
    turned = leak.order_gini({"id": -first}, bad, np.arange(1_000), confidence=0.95)[1]
    assert (turned.value, turned.low, turned.high) == pytest.approx((figure.value, figure.low, figure.high))


def test_without_an_order_or_with_one_class_nothing_is_known_of_it():
    for orders, bad in (({}, np.array([True, False])), ({"row": np.arange(2.0)}, np.zeros(2, dtype=bool))):
        assert not leak.order_gini(orders, bad, np.arange(2), confidence=0.95)[1].known


def branches(seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Forty branches of a hundred accounts, their true rates, and outcomes drawn by them."""
    draw = np.random.default_rng(seed)
    branch, rate = np.repeat(np.arange(40), 100), draw.uniform(0.1, 0.4, 40)
    return branch, rate[branch], draw.random(4_000) < rate[branch]


def test_a_bad_rate_made_of_its_own_rows_is_told_from_one_known_beforehand():
    branch, known_before, bad = branches(seed=1)
    of_these = np.array([bad[branch == each].mean() for each in range(40)])[branch]
    columns = {"before": known_before, "these": of_these, "per cent": 100 * of_these, "none": np.full(4_000, np.nan)}
    assert leak.encoded(columns, bad) == ["these", "per cent"]


def test_a_rate_of_all_rows_shows_where_a_tenth_of_them_was_left_out_since():
    branch, _, bad = branches(seed=2)
    of_these = np.array([bad[branch == each].mean() for each in range(40)])[branch]
    kept = np.random.default_rng(3).random(4_000) < 0.9
    assert leak.encoded({"these": of_these[kept]}, bad[kept]) == ["these"]


def test_sound_rates_are_never_taken_for_encoded_ones():
    assert not any(leak.encoded({"before": rate}, bad) for _, rate, bad in map(branches, range(200)))
