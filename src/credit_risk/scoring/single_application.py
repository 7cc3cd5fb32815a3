"""Formulas over the plain numbers of one application, with the bits that columns give.

For a single application the arrays themselves are what costs: numpy needs a microsecond to add two numbers, Python a
thirtieth. Addition, comparison and choice are exact or rounded in one way only, so they have twins in plain Python
here. A formula with a function whose last bit depends on who computes it (logarithm, power) stays one over columns.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from math import isnan

import numpy as np

from credit_risk.config.formulas import Formula
from credit_risk.data.inputs import Inputs
from credit_risk.scoring.features import Features

Numbers = Mapping[str, float]
Value = Callable[[Numbers], float]


@dataclass(frozen=True)
class One:
    """What a sound application goes through before the model, by plain numbers.

    limits: of each input the lowest and highest number it may be, and whether it must be whole. needed picks the
    features that never were missing in training.
    """

    limits: tuple[tuple[str, float, float, bool], ...]
    derived: tuple[tuple[str, Value], ...]
    features: tuple[str, ...]
    needed: tuple[str, ...]

    @classmethod
    def of(cls, inputs: Inputs, features: Features, seen_missing: Sequence[bool]) -> "One":
        limits = zip(inputs.names, inputs.lowest.tolist(), inputs.highest.tolist(), ~inputs.may_be_broken, strict=True)
        return cls(
            tuple((name, low, high, bool(whole)) for name, low, high, whole in limits),
            tuple((name, value_of(formula)) for name, formula in features.formulas.items()),
            features.names,
            tuple(name for name, seen in zip(features.names, seen_missing, strict=True) if not seen),
        )

    def columns(self, cells: Sequence[float]) -> dict[str, float] | None:
        """Inputs and derived features by name; None if any cell is missing or not what it may be."""
        columns = {}
        for (name, low, high, whole), cell in zip(self.limits, cells, strict=True):
            if not low <= cell <= high or (whole and not cell.is_integer()):
                return None
            columns[name] = cell
        for name, value in self.derived:
            columns[name] = value(columns)
        return columns

    def row(self, columns: Numbers) -> list[float] | None:
        """The row of the model's matrix; None if a feature is missing that never was in training."""
        if any(isnan(columns[name]) for name in self.needed):
            return None
        return [columns[name] for name in self.features]


def value_of(formula: Formula) -> Value:
    """The formula for one application as column → number: NaN where an input is missing or the result not finite."""
    if not formula.calls <= set(FUNCTIONS):
        return partial(_by_columns, formula)
    run = formula.bound_to(FUNCTIONS)

    def value(numbers: Numbers) -> float:
        return _known(run(numbers))

    return value


def _by_columns(formula: Formula, numbers: Numbers) -> float:
    # The whole formula: numpy squares by another way when the 2 is a plain number than when it is a column.
    return float(formula.evaluate({name: np.array([numbers[name]]) for name in formula.inputs})[0])


def holds(value: float) -> bool:
    """Whether a rule's value is known to be true."""
    return value != 0 and not isnan(value)


def _known(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def _divide(a: float, b: float) -> float:
    return _known(a / b) if b else math.nan


def _larger(a: float, b: float) -> float:
    return a if a > b or isnan(a) else b


def _smaller(a: float, b: float) -> float:
    return a if a < b or isnan(a) else b


def _largest(*values: float) -> float:
    return reduce(_larger, values)


def _smallest(*values: float) -> float:
    return reduce(_smaller, values)


def _total(*values: float) -> float:
    # Python's own sum carries what rounding loses along, and columns do not.
    return reduce(operator.add, values)


def _where(condition: float, yes: float, no: float) -> float:
    if isnan(condition):
        return math.nan
    return yes if condition else no


def _truth(value: float) -> float:
    return math.nan if isnan(value) else float(value != 0)


def _compare(test: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    def compare(a: float, b: float) -> float:
        return math.nan if isnan(a) or isnan(b) else float(test(a, b))

    return compare


FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "maximum": _largest,
    "minimum": _smallest,
    "largest": _largest,
    "smallest": _smallest,
    "clip": lambda x, low, high: _smaller(_larger(x, low), high),
    "where": _where,
    "is_missing": lambda x: float(isnan(x)),
    "fill": lambda x, value: value if isnan(x) else x,
    "sum": _total,
    "mean": lambda *values: _total(*values) / len(values),
    "_divide": _divide,
    "_not": lambda a: 1.0 - _truth(a),
    "_and": lambda *values: _smallest(*map(_truth, values)),
    "_or": lambda *values: _largest(*map(_truth, values)),
    "_lt": _compare(operator.lt),
    "_le": _compare(operator.le),
    "_gt": _compare(operator.gt),
    "_ge": _compare(operator.ge),
    "_eq": _compare(operator.eq),
    "_ne": _compare(operator.ne),
}
