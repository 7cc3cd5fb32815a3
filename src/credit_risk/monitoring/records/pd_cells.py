"""Counts and sums of PDs by cell, which hold no person: how many decisions there are, the sum of their PDs and squares.

PDs are counted in bins of the odds, a quarter of a doubling wide (5 points of a score that doubles the odds in 20), so
that decisions of every scorer fall into the same bins.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from pandas import DataFrame

BINS_PER_DOUBLING = 4
MOST = 80  # a PD of one in a million; what is rarer, or surer, falls into the last bin
DIGITS = 12

Cell = tuple[Any, ...]


def odds_bin(pd: float | None) -> int | None:
    """The bin of a PD by its odds, 0 for odds from 1:1 to just below 1.19:1; None without a PD."""
    if pd is None:
        return None
    if not 0 < pd < 1:
        return MOST if pd >= 1 else -MOST
    return max(-MOST, min(MOST, math.floor(BINS_PER_DOUBLING * math.log2(pd / (1 - pd)))))


class PdCells:
    """A table of cells that add up: each has its number of decisions, the sum of their PDs and of the squares."""

    def __init__(self) -> None:
        self._sums: dict[Cell, list[float]] = {}

    def add(self, cell: Cell, pd: float | None, times: int = 1) -> None:
        """Count one decision into a cell, or out of it (times=-1)."""
        sums = self._sums.setdefault(cell, [0, 0.0, 0.0])
        p = 0.0 if pd is None else pd
        for index, value in enumerate((1, p, p * p)):
            sums[index] += times * value

    def rows(self) -> list[list[Any]]:
        """As JSON holds them: each cell with its three sums, in order; a cell that came to nothing is left out."""
        counted = [
            [*cell, int(n), round(pd, DIGITS), round(pd2, DIGITS)]
            for cell, (n, pd, pd2) in self._sums.items()
            if n or abs(pd) > 10**-DIGITS
        ]
        return sorted(counted, key=_order)


def _order(row: Sequence[Any]) -> tuple[tuple[bool, str, float], ...]:
    """None first, then texts, then numbers: cells mix them."""
    return tuple(
        (value is not None, value if isinstance(value, str) else "", value if isinstance(value, int | float) else 0.0)
        for value in row
    )


def table(rows: Iterable[Sequence[Any]], names: Sequence[str]) -> DataFrame:
    """Rows of cells as a table with columns `names`, n, pd and pd2."""
    return DataFrame(list(rows), columns=[*names, "n", "pd", "pd2"])
