"""Applications as numbers: every type's encoding, and every way in which a cell keeps a row from being scored."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pandas import DataFrame, Series

from credit_risk.config.columns import Column
from credit_risk.data.inputs import Inputs, expected, numbers, word_of
from credit_risk.errors import DataError

NAN, INF = np.nan, np.inf

NUMBER = Column(role="feature", type="number")
INTEGER = Column(role="feature", type="integer", range=(-2, 8))
BOOLEAN = Column(role="feature", type="boolean")
CATEGORY = Column(role="feature", type="category", categories=("car", "home"))
ORDERED = Column(role="feature", type="ordered", categories=("1", "2", "10"))

COLUMNS = {"income": NUMBER, "late": INTEGER, "owner": BOOLEAN, "purpose": CATEGORY, "grade": ORDERED}
SOUND = {"income": 1.5, "late": 3, "owner": True, "purpose": "home", "grade": "10"}


def inputs(*, max_missing: float = 1.0, refuse_invalid: bool = True, **columns: Column) -> Inputs:
    columns = columns or COLUMNS
    return Inputs(tuple(columns), tuple(columns.values()), max_missing, refuse_invalid)


def cell(value: Any, column: Column) -> float:
    """One field of a single application."""
    return float(inputs(x=column).single_row({"x": value})[0, 0])


def column(values: list[Any], declared: Column, dtype: Any = None) -> list[float]:
    """A column of a table."""
    return list(numbers(Series(values, dtype=dtype), declared))


def test_each_type_has_its_number():
    # Of car and home, home is 1; of 1, 2 and 10, 10 is 2: the place in the list, not the number.
    assert_array_equal(inputs().single_row(SOUND), [[1.5, 3, 1, 1, 2]])
    assert_array_equal(inputs().table(DataFrame([SOUND])), [[1.5, 3, 1, 1, 2]])


def test_columns_are_found_by_name_in_any_order():
    table = DataFrame([SOUND, SOUND | {"income": 7.0}])
    assert_array_equal(inputs().table(table[["grade", "income", "purpose", "owner", "late"]]), inputs().table(table))
    assert_array_equal(inputs().table(table.assign(sex="female"))[:, 0], [1.5, 7])


def test_a_table_without_an_input_is_refused_with_every_name_it_lacks():
    with pytest.raises(DataError, match=r"lacks late, grade; it has income, owner, purpose"):
        inputs().table(DataFrame([SOUND])[["income", "owner", "purpose"]])


def test_missing_is_nan_in_every_type_and_form():
    for name, declared in COLUMNS.items():
        assert math.isnan(cell(None, declared)), name
        assert math.isnan(column([None, SOUND[name]], declared, object)[0]), name
    assert_array_equal(inputs().single_row({}), [[NAN] * 5])
    assert_array_equal(column([1, None], NUMBER, "Int64"), [1, NAN])
    assert_array_equal(column([True, None], BOOLEAN, "boolean"), [1, NAN])
    assert_array_equal(column(["home", None], CATEGORY, "category"), [1, NAN])
    assert_array_equal(column(["home", NAN], CATEGORY, "str"), [1, NAN])


def test_numbers_stored_as_categories_keep_their_missing_cells():
    assert_array_equal(column([3, 5, None], NUMBER, "category"), [3, 5, NAN])
    assert_array_equal(numbers(Series(pd.Categorical.from_codes([1, -1, 0], pd.Index([3, 5]))), NUMBER), [5, NAN, 3])


def test_text_among_numbers_is_infinite_not_missing():
    assert_array_equal(column(["1.5", "many", " 2 ", None], NUMBER), [1.5, INF, 2, NAN])
    assert_array_equal(column([1.5, "many", True], NUMBER, object), [1.5, INF, INF])
    assert_array_equal(column(["nan", "inf", ""], NUMBER), [INF, INF, INF])
    assert_array_equal(column([pd.Timestamp("2024-01-01")], NUMBER), [INF])


def test_words_for_true_and_false_are_known_and_others_infinite():
    words = ["true", "Yes", "Y", "1", "false", "NO", "n", "0", "maybe", None]
    assert_array_equal(column(words, BOOLEAN), [1, 1, 1, 1, 0, 0, 0, 0, INF, NAN])


def test_an_unknown_category_is_infinite():
    assert_array_equal(column(["car", "boat"], CATEGORY), [0, INF])
    assert_array_equal(column(["car", "boat"], CATEGORY, "category"), [0, INF])
    assert cell("boat", CATEGORY) == INF
    assert cell("Car", CATEGORY) == INF


def test_a_category_that_a_file_holds_as_a_number_is_its_word():
    assert_array_equal(column([1, 10], ORDERED), [0, 2])
    assert_array_equal(column([1.0, NAN, 2.0], ORDERED), [0, NAN, 1])
    assert_array_equal(column([1.5], ORDERED), [INF])
    assert (word_of(1), word_of(1.0), word_of("1"), word_of(True), word_of(np.False_)) == (
        "1",
        "1",
        "1",
        "true",
        "false",
    )


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        ("1", NUMBER),
        (True, NUMBER),
        ([1], NUMBER),
        ({"a": 1}, NUMBER),
        ("1", INTEGER),
        (False, INTEGER),
        ("true", BOOLEAN),
        (1, BOOLEAN),
        (1.0, BOOLEAN),
        (0, CATEGORY),
        (1, ORDERED),
        (1.0, ORDERED),
        (True, CATEGORY),
        (["car"], CATEGORY),
        (INF, NUMBER),
        (-INF, NUMBER),
        (NAN, NUMBER),  # JSON has no NaN: who sends one has a bug, and a missing field is null
        (10**400, NUMBER),
    ],
)
def test_json_types_are_taken_as_they_are_and_never_coerced(value: Any, declared: Column):
    assert cell(value, declared) == INF
    assert inputs(x=declared).faults(inputs(x=declared).single_row({"x": value})).refused[0]


def test_a_whole_number_may_be_written_with_a_point():
    assert cell(3.0, INTEGER) == 3
    assert not inputs(x=INTEGER).faults(np.array([[3.0]])).any[0]


@pytest.mark.parametrize(
    ("missing", "refused", "referred"), [("refuse", True, False), ("refer", False, True), ("allow", False, False)]
)
def test_the_missing_policy_of_the_column_decides(missing: Any, refused: bool, referred: bool):
    of = inputs(x=Column(role="feature", type="number", missing=missing), y=NUMBER)
    faults = of.faults(np.array([[NAN, 1.0], [2.0, 1.0]]))
    assert_array_equal(faults.refused, [refused, False])
    assert_array_equal(faults.referred, [referred, False])
    assert_array_equal(faults.any, [refused or referred, False])
    assert_array_equal(faults.missing, [[True, False], [False, False]])
    assert not faults.invalid.any()


def test_a_row_that_is_refused_is_not_referred_too():
    of = inputs(x=NUMBER, y=Column(role="feature", type="number", missing="refer"))
    faults = of.faults(np.array([[NAN, NAN]]))
    assert faults.refused[0]
    assert not faults.referred[0]


def test_more_missing_inputs_than_the_policy_allows_are_referred():
    free = Column(role="feature", type="number", missing="allow")
    of = inputs(a=free, b=free, c=free, d=free, max_missing=0.5)
    faults = of.faults(np.array([[1, 1, NAN, NAN], [1, NAN, NAN, NAN]]))
    assert_array_equal(faults.referred, [False, True])  # exactly half may be missing
    assert of.sentences(np.full((1, 4), NAN), of.faults(np.full((1, 4), NAN)), 0) == [
        "4 of 4 inputs are missing, at most 50% may be"
    ]


def test_a_value_outside_its_range_is_invalid_and_its_ends_are_not():
    faults = inputs(x=INTEGER).faults(np.array([[-3.0], [-2], [8], [9], [2.5], [NAN], [INF], [-INF]]))
    assert_array_equal(faults.invalid[:, 0], [True, False, False, True, True, False, True, True])


def test_a_number_without_a_range_is_any_finite_number():
    faults = inputs(x=NUMBER).faults(np.array([[-1e300], [1e300], [INF], [-INF]]))
    assert_array_equal(faults.invalid[:, 0], [False, False, True, True])


def test_codes_beyond_the_categories_and_booleans_beyond_one_are_invalid():
    faults = inputs(x=CATEGORY, y=BOOLEAN).faults(np.array([[1.0, 1.0], [2, 1], [-1, 1], [1, 2], [1, -1]]))
    assert_array_equal(faults.invalid.any(axis=1), [False, True, True, True, True])


def test_a_half_true_boolean_or_a_code_between_two_categories_is_invalid():
    faults = inputs(x=CATEGORY, y=BOOLEAN).faults(np.array([[1.0, 0.5], [0.5, 1.0]]))
    assert_array_equal(faults.invalid, [[False, True], [True, False]])


def test_invalid_cells_are_refused_or_referred_as_the_policy_says():
    bad = np.array([[9.0]])
    refusing, referring = inputs(x=INTEGER).faults(bad), inputs(x=INTEGER, refuse_invalid=False).faults(bad)
    assert (refusing.refused[0], refusing.referred[0]) == (True, False)
    assert (referring.refused[0], referring.referred[0]) == (False, True)


def test_a_sentence_names_the_field_what_was_got_and_what_is_expected():
    of = inputs()
    broken = of.single_row({"income": "much", "late": 2.5, "owner": 1, "purpose": "boat"})
    assert of.sentences(broken, of.faults(broken), 0) == [
        "income: got something else, expected a number",
        "late: got 2.5, expected a whole number from -2 to 8",
        "owner: got something else, expected true or false",
        "purpose: got something else, expected one of 'car', 'home'",
        "grade: missing, expected one of '1', '2', '10'",
    ]


def test_a_sound_application_has_no_sentence_and_neither_has_a_missing_cell_that_is_allowed():
    of = inputs(x=NUMBER, y=Column(role="feature", type="number", missing="allow"))
    matrix = of.single_row({"x": 1})
    assert of.sentences(matrix, of.faults(matrix), 0) == []
    assert not of.faults(matrix).any[0]


def test_expected_says_the_range_in_words():
    assert expected(Column(role="feature", type="number", range=(0, 2.5))) == "a number from 0 to 2.5"
    assert expected(Column(role="feature", type="integer")) == "a whole number"


def test_a_table_without_rows_has_no_faults():
    matrix = inputs().table(DataFrame([SOUND]).iloc[:0])
    assert matrix.shape == (0, 5)
    assert len(inputs().faults(matrix).any) == 0


WORDS = st.sampled_from(["car", "home", "boat", "", "Car", "nan", "1", "None"])
# What a JSON field can hold and a typed table can hold too; a table's text cells are parsed, a JSON string is not.
FIELDS = {
    "income": st.none() | st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
    "late": st.none() | st.integers(-5, 12) | st.sampled_from([0.5, 3.0, INF, 1e300]),
    "owner": st.none() | st.booleans() | st.sampled_from(["maybe", "2"]),
    "purpose": st.none() | WORDS,
    "grade": st.none() | st.sampled_from(["1", "2", "10", "1.0", "01", "x"]),
}


@given(st.lists(st.fixed_dictionaries({}, optional=FIELDS), min_size=1, max_size=5))
def test_a_table_and_single_applications_agree_on_every_cell_broken_ones_too(applications: list[dict[str, Any]]):
    of = inputs()
    table = DataFrame(
        {name: Series([application.get(name) for application in applications], dtype=object) for name in COLUMNS}
    )
    whole = of.table(table)
    single = np.vstack([of.single_row(application) for application in applications])
    # Which infinity stands for "something else" means nothing.
    assert_array_equal(np.abs(whole), np.abs(single))
    assert_array_equal(of.faults(whole).refused, of.faults(single).refused)
    for row in range(len(applications)):
        assert of.sentences(whole, of.faults(whole), row) == of.sentences(single, of.faults(single), row)
