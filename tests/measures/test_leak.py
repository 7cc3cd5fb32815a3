"""Suspected leaks: a feature that knows the answer, in whatever way it tells, and rows on both sides of the split."""

import math

import numpy as np
import pytest

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
