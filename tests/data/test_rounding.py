"""Rounding: what processors differ in goes, what a figure means stays."""

import math

import numpy as np
import pandas as pd
import pytest

from credit_risk.data.rounding import all_rounded, at_decimals, in_units, parameter, rounded, rounded_table


def test_a_parameter_keeps_ten_decimals():
    assert parameter(0.123456789049) == 0.123456789
    assert parameter(-1.5 + 3e-14) == parameter(-1.5 - 3e-14) == -1.5


def test_a_parameter_is_never_minus_nothing():
    assert str(parameter(-1e-17)) == "0.0"


@pytest.mark.parametrize(("unit", "expected"), [(1.0, 0.1234567891), (1e6, 123456.7891), (1e-6, 1.234567891e-7)])
def test_a_number_in_units_keeps_ten_digits_of_what_is_usual(unit, expected):
    assert in_units(0.12345678912345 * unit, unit) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("value", "reported"),
    [
        (0.7737161964282958, 0.773716),
        (0.0012345678, 0.00123457),
        (487.12345678, 487.123),
        (1234567.8, 1234568.0),  # never a digit before the decimal point
        (1536699927.0, 1536699927.0),
        (-0.98765432, -0.987654),
        (1.4e-13, 0.0),
        (0.0, 0.0),
        (1.0, 1.0),
        (math.inf, math.inf),
    ],
)
def test_a_figure_has_six_digits(value, reported):
    assert rounded(value) == reported


def test_figures_are_the_same_where_the_last_bits_differ():
    values = np.random.default_rng(1).lognormal(0, 5, 1_000)
    assert [rounded(value) for value in np.nextafter(values, 0)] == [rounded(value) for value in values]


def test_an_interval_stays_around_its_figure():
    low, value, high = (rounded(0.1 + step * 1e-9) for step in (-1, 0, 1))
    assert low <= value <= high


def test_floats_are_found_wherever_they_stand_and_nothing_else_is_touched():
    given = {
        "auc": 1 / 3,
        "rows": 1_234_567,
        "seen": True,
        "why": None,
        "ends": (np.float64(2 / 3), [1e-15]),
        "kind": "x",
    }
    assert all_rounded(given) == {
        "auc": 0.333333,
        "rows": 1_234_567,
        "seen": True,
        "why": None,
        "ends": [0.666667, [0.0]],
        "kind": "x",
    }


def test_a_table_keeps_its_columns_types_and_rows():
    def table(third: float, two_thirds: float) -> pd.DataFrame:
        index = [4, 7]
        return pd.DataFrame(
            {
                "gap": [third, math.nan],
                "rows": [12_345_678, 2],
                "mixed": pd.Series([5, two_thirds], index, dtype=object),
                "word": ["a", None],
                "chosen": [True, False],
            },
            index=index,
        )

    pd.testing.assert_frame_equal(rounded_table(table(1 / 3, 2 / 3)), table(0.333333, 0.666667))


def test_a_number_is_rounded_as_a_column_of_numbers_to_the_bit():
    values = np.random.default_rng(3).normal(500, 300, 10_000)
    assert [at_decimals(value, 6) for value in values.tolist()] == values.round(6).tolist()
    assert at_decimals(0.17808954564257634, 10) == 0.1780895456
    assert at_decimals(-math.inf, 6) == -math.inf
    assert math.isnan(at_decimals(math.nan, 6))
