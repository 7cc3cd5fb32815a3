"""Which way the bad rate goes as a column grows, where the data say so plainly enough to propose a direction."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from sklearn.isotonic import IsotonicRegression

from credit_risk.data.inputs import Mask, Matrix

PARTS = 5
FEWEST_BADS = 30
BY_CHANCE = 0.001  # many columns are looked at
SHARE = 0.9  # of what the parts' bad rates differ, a curve of one direction must explain this much


@dataclass(frozen=True)
class Trend:
    """A direction to propose (None: the data do not say), and the bad rates it rests on, from low to high values."""

    direction: Literal["increasing", "decreasing"] | None
    rates: tuple[float, ...]
    ends: tuple[float, ...]

    @property
    def evidence(self) -> str:
        """As a comment beside the proposal."""
        return "bad rate " + ", ".join(f"{rate:.1%}" for rate in self.rates) + " from low to high"


def trend(values: Matrix, bad: Mask) -> Trend:
    """The direction in which the bad rate moves over at most five parts of a column; missing cells are left out.

    Proposed where the rank of good against bad is surer than chance in a thousand columns, and one direction explains
    nine tenths of what the parts differ by: a U-shape is none.
    """
    known = ~np.isnan(values)
    values, bad = values[known], bad[known]
    if not len(values) or min(bad.sum(), (~bad).sum()) < FEWEST_BADS:
        return Trend(None, (), ())
    edges = np.unique(np.quantile(values, np.linspace(0, 1, PARTS + 1)[1:-1], method="lower"))
    part = np.searchsorted(edges, values, side="left")
    rows = np.bincount(part)
    filled = rows > 0
    rates = np.bincount(part, weights=bad)[filled] / rows[filled]
    ends = tuple(float(values[part == index].max()) for index in np.flatnonzero(filled))
    sign = _sure(values, bad)
    is_clear = sign is not None and len(rates) > 1 and _explained(rates, rows[filled], sign) >= SHARE
    return Trend(("increasing" if sign == 1 else "decreasing") if is_clear else None, tuple(map(float, rates)), ends)


def _sure(values: Matrix, bad: Mask) -> int | None:
    """1 or -1 if bads have surely higher or lower values (Mann and Whitney's test), None otherwise."""
    test = mannwhitneyu(values[bad], values[~bad])
    if test.pvalue >= BY_CHANCE:
        return None
    return 1 if test.statistic > bad.sum() * (~bad).sum() / 2 else -1


def _explained(rates: Matrix, rows: NDArray[np.intp], sign: int) -> float:
    """The share of the spread of bad rates that the best curve of one direction explains."""
    ranks = np.arange(len(rates), dtype=np.float64)
    curve = IsotonicRegression(increasing=sign == 1).fit_transform(ranks, rates, sample_weight=rows)
    mean = float(np.average(rates, weights=rows))
    spread = float(np.average((rates - mean) ** 2, weights=rows))
    return float(np.average((curve - mean) ** 2, weights=rows)) / spread if spread > 0 else 0.0
