"""Numbers as they are kept, without the last bits: processors differ there, and every digest with them.

A sum in linear algebra takes its terms in an order that suits the processor, and exp and log come in a version for each
instruction set. The results differ by about 1e-14 at most. What is fitted is therefore rounded before anybody uses it,
so that a model in memory is the model that a reload gives; what is reported is rounded when it is written.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

DECIMALS = 10  # 1e4 times coarser than processors differ, far finer than any sample can tell apart
DIGITS = 6  # of a reported figure: more than any interval supports


def at_decimals(value: float, decimals: int) -> float:
    """One number as `Matrix.round(decimals)` rounds a column of them, to the bit; NaN and infinities stay."""
    scaled = value * 10.0**decimals
    return round(scaled) / 10.0**decimals if math.isfinite(scaled) else value


def parameter(value: float) -> float:
    """A fitted number of standardised inputs (a coefficient, a weight of evidence, log-odds), to ten decimals."""
    return round(float(value), DECIMALS) + 0.0  # no -0, whose text is another


def in_units(value: float, scale: float) -> float:
    """A fitted number in the unit of an input, to ten decimals of what is usual there.

    scale: a length in the same unit, such as the input's standard deviation; above 0.
    """
    return round(float(value), DECIMALS - _exponent(scale)) + 0.0


def rounded(value: float) -> float:
    """A figure as it is reported: six significant digits, never one before the decimal point, at most ten decimals.

    What is smaller than ten decimals show is rounding itself. NaN and infinities stay.
    """
    if value == 0 or not math.isfinite(value):
        return value + 0.0
    return round(value, min(max(DIGITS - 1 - _exponent(value), 0), DECIMALS)) + 0.0


def all_rounded(value: Any) -> Any:
    """Every float inside mappings, lists and arrays as `rounded` reports it; counts, words and truths as they are."""
    if isinstance(value, Mapping):
        return {key: all_rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [all_rounded(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return rounded(float(value))
    return value


def rounded_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table with every float as `rounded` reports it, those in columns of mixed content too."""
    columns = {name: pd.Series(map(all_rounded, cells), cells.index, cells.dtype) for name, cells in table.items()}
    return pd.DataFrame(columns, index=table.index, columns=table.columns)


def _exponent(value: float) -> int:
    """The power of ten of the first digit: 2 for 487.1, -3 for 0.00123."""
    return math.floor(math.log10(abs(value)))
