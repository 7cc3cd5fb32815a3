"""Formulas over the numbers of one application; that they give the bits of columns stands in test_formula."""

from math import copysign, inf, isnan, nan

import numpy as np
import pytest

from credit_risk.config.formulas import COLUMN_FUNCTIONS, parse
from credit_risk.scoring.single_application import FUNCTIONS, holds, value_of

KNOWN = {"a": None, "b": None}


def value(text: str, a: float, b: float) -> float:
    return value_of(parse(text, KNOWN))({"a": a, "b": b})


def test_a_formula_is_worked_out_by_hand():
    assert value("maximum(a, 0) / b", 3.0, 4.0) == 0.75
    assert value("sum([a > 0, b > 0, a > b])", 3.0, 4.0) == 2.0
    assert value("where(a < b, 10, 20)", 3.0, 4.0) == 10.0


def test_what_is_missing_spreads_and_what_is_not_finite_is_missing():
    assert isnan(value("a > 0", nan, 1.0))
    assert isnan(value("maximum(a, b)", 1.0, nan))
    assert isnan(value("a / b", 1.0, 0.0))
    assert isnan(value("a * b", 1e300, 1e300))
    assert value("fill(a, 7) + is_missing(a)", nan, 1.0) == 8.0


@pytest.mark.parametrize("text", ["maximum(a, b)", "minimum(a, b)", "largest([a, b])", "clip(a, b, b)"])
@pytest.mark.parametrize("zeros", [(0.0, -0.0), (-0.0, 0.0)])
def test_of_two_zeros_it_takes_the_one_that_columns_take(text: str, zeros: tuple[float, float]):
    column = parse(text, KNOWN).evaluate({name: np.array([zero]) for name, zero in zip("ab", zeros, strict=True)})
    assert copysign(1, value(text, *zeros)) == copysign(1, column[0])


def test_a_sum_rounds_after_each_column_as_columns_do():
    assert value("sum([a, b, b])", 1e16, 1.0) == 1e16


@pytest.mark.parametrize("text", ["a ** 2", "log(a)", "a + floor(b)", "exp(a) + sqrt(b)"])
def test_a_function_without_a_twin_is_that_of_columns(text: str):
    formula = parse(text, KNOWN)
    assert not formula.calls <= set(FUNCTIONS)
    value(text, 0.1, 2.0)


def test_every_twin_is_of_a_function_of_columns():
    assert FUNCTIONS.keys() <= COLUMN_FUNCTIONS.keys()


@pytest.mark.parametrize(("answer", "true"), [(1.0, True), (-2.0, True), (0.0, False), (nan, False), (inf, True)])
def test_a_rule_holds_where_it_is_known_to_be_true(answer: float, true: bool):
    assert holds(answer) is true
