"""Models as text: the same bits after reading, and margins that a reader can add up."""

import json
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from credit_risk.data.inputs import Matrix
from credit_risk.scoring import model
from credit_risk.scoring.model import Bins, Boosted, Logistic, RiskModel, Scorecard

NAN, INF = np.nan, np.inf

INCOME = Bins(edges=(10.0, 20.0), woe=(-1.0, 0.1, 0.7), missing=-0.25, by_code=False)
PURPOSE = Bins(edges=(), woe=(0.5, -0.5), missing=0.125, by_code=True)
SCORECARD = Scorecard(columns=(0, 2), bins=(INCOME, PURPOSE), coefficients=(-1.0, -2.0), intercept=-1.5)
LOGISTIC = Logistic(
    columns=(0, 2, 2),
    codes=(-1, 0, 1),
    low=(0.0, 0.0, 0.0),
    high=(30.0, 1.0, 1.0),
    fill=(12.0, 0.0, 0.0),
    centre=(10.0, 0.5, 0.5),
    scale=(4.0, 0.5, 0.5),
    coefficients=(-1.0, 0.1, -0.2),
    intercept=0.3,
)


@pytest.fixture(scope="module")
def boosted() -> Boosted:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(600, 3))
    bad = random.random(600) < 1 / (1 + np.exp(-matrix[:, 0]))
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 2, "seed": 1}
    return Boosted.of(lgb.train(parameters, lgb.Dataset(matrix, bad), num_boost_round=5))


def rows(count: int = 600) -> Matrix:
    """Rows with a number, a number that nothing reads, and the code of one of two categories; some missing."""
    random = np.random.default_rng(2)
    matrix = np.column_stack([random.normal(15, 8, (count, 2)), random.integers(0, 2, count)])
    matrix[random.random((count, 3)) < 0.1] = NAN
    return matrix


def same_after_reading(one: RiskModel) -> None:
    again = model.read(one.kind, one.text())
    assert type(again) is type(one)
    assert again.text() == one.text()
    assert again.margin(rows()).tobytes() == one.margin(rows()).tobytes()


def test_trees_are_the_same_to_the_bit_after_reading_their_text(boosted: Boosted):
    same_after_reading(boosted)
    assert len(set(boosted.margin(rows()))) > 10


def test_a_scorecard_is_the_same_to_the_bit_after_reading_its_text():
    awkward = replace(SCORECARD, coefficients=(-1 / 3, -0.1 - 0.2), intercept=1e-17)
    same_after_reading(awkward)
    assert model.read("scorecard", awkward.text()) == awkward


def test_a_logistic_regression_is_the_same_to_the_bit_after_reading_its_text():
    awkward = replace(LOGISTIC, coefficients=(-1 / 3, 0.1, 1e-300))
    same_after_reading(awkward)
    assert model.read("logistic", awkward.text()) == awkward


def test_every_kind_has_a_file_of_its_own_and_an_unknown_kind_is_none():
    assert {kind: one.file_name for kind, one in model.KINDS.items()} == {
        "lightgbm": "model.txt",
        "scorecard": "scorecard.json",
        "logistic": "logistic.json",
    }
    with pytest.raises(KeyError):
        model.read("pickle", "")


def test_texts_are_plain_json():
    assert json.loads(SCORECARD.text())["bins"][1]["woe"] == [0.5, -0.5]
    assert json.loads(LOGISTIC.text())["intercept"] == 0.3


def test_the_text_of_trees_does_not_tell_how_many_threads_fitted_them(boosted: Boosted):
    assert "[num_threads: 1]" in boosted.text()
    assert "[num_threads: 2]" not in boosted.text()


def test_few_rows_and_many_rows_get_the_same_margins(boosted: Boosted):
    # 600 rows are predicted by all threads, one row by one.
    alone = np.concatenate([boosted.margin(row[None, :]) for row in rows()])
    assert alone.tobytes() == boosted.margin(rows()).tobytes()


def test_a_value_on_an_edge_belongs_to_the_bin_above_it():
    values = np.array([-INF, 9.999, 10, 10.001, 19.999, 20, 1e9, INF])
    assert_array_equal(INCOME.transform(values), [-1, -1, 0.1, 0.1, 0.1, 0.7, 0.7, 0.7])


def test_a_missing_value_has_a_weight_of_its_own():
    assert_array_equal(INCOME.transform(np.array([NAN, 15])), [-0.25, 0.1])
    assert_array_equal(PURPOSE.transform(np.array([NAN, 0])), [0.125, 0.5])


def test_a_plain_category_is_weighed_by_its_code():
    assert_array_equal(PURPOSE.transform(np.array([0.0, 1, 0])), [0.5, -0.5, 0.5])


def test_a_code_never_seen_in_training_weighs_as_the_average():
    assert_array_equal(PURPOSE.transform(np.array([2.0, 1, 7])), [0, -0.5, 0])


def test_what_is_no_category_weighs_as_the_average_too():
    # Such a row is refused; the table it stands in must still be scored.
    assert_array_equal(PURPOSE.transform(np.array([INF, -INF, 1])), [0, 0, -0.5])


def test_a_characteristic_with_one_bin_weighs_all_alike():
    one = Bins(edges=(), woe=(0.4,), missing=0.0, by_code=False)
    assert_array_equal(one.transform(np.array([-5.0, 5, NAN])), [0.4, 0.4, 0])


def test_the_margin_of_a_scorecard_is_the_sum_of_its_weights():
    matrix = np.array([[5.0, 99, 0], [15, 99, 1], [NAN, 99, NAN]])
    # Row 1 is -1.5 - 1(-1) - 2(0.5), row 2 is -1.5 - 1(0.1) - 2(-0.5), row 3 is -1.5 - 1(-0.25) - 2(0.125).
    assert_allclose(SCORECARD.margin(matrix), [-1.5, -0.6, -1.5], atol=1e-15)


def test_the_margin_of_a_logistic_regression_is_the_sum_over_its_scaled_columns():
    matrix = np.array([[14.0, 99, 0], [100, 99, 1], [NAN, 99, NAN]])
    # Row 1: 0.3 - 1(14-10)/4 + 0.1(1-.5)/.5 - 0.2(0-.5)/.5 = 0.3 - 1 + 0.1 + 0.2
    # Row 2: 100 is clipped to 30: 0.3 - 5 - 0.1 - 0.2
    # Row 3: 12 fills, neither category: 0.3 - 0.5 - 0.1 + 0.2
    assert_allclose(LOGISTIC.margin(matrix), [-0.4, -5.0, -0.1], atol=1e-15)
