"""What the data dictionary says of a column, from cells that can be counted."""

import pandas as pd
import pytest
from pandas import Series

from credit_risk.config import Column
from credit_risk.data.dictionary import known_cells, missing

WORDS = ("own", "rent")


def words(*counts):
    cells = [word for word, count in zip(WORDS, counts, strict=True) for _ in range(count)]
    return Series(pd.Categorical(cells, categories=WORDS))


def test_numbers_are_told_by_ends_and_middle():
    column = Column(role="feature", type="number")
    assert known_cells(Series([1.0, 2.5, 2_000_000.0]), column) == "1 … 2.5 … 2,000,000"
    assert known_cells(Series([0.123456, 0.5, float("nan")]), column) == "0.1235 … 0.3117 … 0.5"
    assert known_cells(Series([float("nan")]), column) == ""


def test_words_are_told_by_their_shares_the_most_frequent_first():
    assert (
        known_cells(words(1, 3), Column(role="feature", type="category", categories=WORDS)) == "rent 75.0%, own 25.0%"
    )
    assert known_cells(Series([True, False, False, False]), Column(role="feature", type="boolean")) == "true 25.0%"


def test_a_small_group_of_a_protected_column_is_only_said_to_be_small():
    column = Column(role="protected", type="category", categories=WORDS, why="a test")
    assert known_cells(words(9, 91), column) == "rent 91.0%, own under 10 rows"
    assert known_cells(words(10, 90), column) == "rent 90.0%, own 10.0%"


def test_the_ends_of_a_protected_number_are_nobodys():
    column = Column(role="protected", type="integer", why="age")
    assert known_cells(Series(range(101)), column) == "5 … 50 … 95 (5 %, middle, 95 %)"


@pytest.mark.parametrize(
    "column",
    [
        Column(role="id", type="integer"),
        Column(role="applicant", type="integer"),
        Column(role="date", type="date"),
        Column(role="ignore", type="integer", why="a test"),
    ],
)
def test_what_could_tell_a_person_gives_no_value_away(column):
    assert known_cells(Series([17, 18]), column) == ""


def test_many_words_are_cut_short():
    column = Column(role="target")
    assert known_cells(Series([f"w{n:02}" for n in range(15)]), column).endswith("w11 6.7% and 3 more")


def test_missing_is_a_share():
    assert missing(Series([1.0, None, None, 4.0])) == 0.5
