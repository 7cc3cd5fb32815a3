"""What a column of a data set holds, as the data dictionary shows it: nothing that could identify a person.

A column of ids, of free text or of days gives no value away; a small group of a protected column only that it is small.
"""

import math

import numpy as np
from pandas import Series

from credit_risk.config import Column
from credit_risk.config.columns import CATEGORY_TYPES, GUARDED_ROLES
from credit_risk.config.tags import tags
from credit_risk.data.inputs import Matrix, numbers, word_of

SMALL = 10  # rows: a smaller group could identify its members
MOST_WORDS = 12


def missing(cells: Series) -> float:
    """The share of cells without a value."""
    return float(cells.isna().mean()) if len(cells) else math.nan


def known_cells(cells: Series, column: Column) -> str:
    """What the known cells are: the ends and the middle of numbers, the shares of words; empty for what tells people.

    cells: typed as by data.tables. Shares are of all rows, the most frequent first.
    """
    if column.role == "target":
        return _words(cells, guarded=False)
    if column.role in ("id", "applicant", "date", "ignore") or column.type in ("date", "text"):
        return ""
    guarded = column.role in GUARDED_ROLES
    return _words(cells, guarded=guarded) if column.type in CATEGORY_TYPES else _numbers(cells, column, guarded=guarded)


def _numbers(cells: Series, column: Column, *, guarded: bool) -> str:
    values = numbers(cells, column)
    known = values[np.isfinite(values)]
    codes = _codes(values, column)
    if not len(known):
        return ", ".join(codes)
    return ", ".join([_summary(known, column, guarded=guarded), *codes])


def _codes(values: Matrix, column: Column) -> list[str]:
    tag = tags(values)
    return [f"{meaning} {(tag == code).mean():.1%}" for code, meaning in enumerate(column.meanings, start=1)]


def _summary(known: Matrix, column: Column, *, guarded: bool) -> str:
    if column.type == "boolean":
        return f"true {known.mean():.1%}"
    ends = (0.05, 0.5, 0.95) if guarded else (0.0, 0.5, 1.0)
    summary = " … ".join(_written_out(float(end)) for end in np.quantile(known, ends))
    return f"{summary} (5 %, middle, 95 %)" if guarded else summary


def _written_out(number: float) -> str:
    """1,684,259 rather than 1.68426e+06."""
    return f"{number:,.0f}" if number.is_integer() or abs(number) >= 1000 else f"{number:.4g}"


def _words(cells: Series, *, guarded: bool) -> str:
    counts = cells.astype("str").where(cells.notna()).value_counts()
    shown = [
        f"{word_of(word)} {_share(int(rows), len(cells), guarded)}" for word, rows in counts.head(MOST_WORDS).items()
    ]
    more = len(counts) - MOST_WORDS
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _share(rows: int, of: int, guarded: bool) -> str:
    return f"under {SMALL} rows" if guarded and rows < SMALL else f"{rows / of:.1%}"
