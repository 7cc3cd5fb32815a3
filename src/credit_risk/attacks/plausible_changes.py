"""What an applicant could change about an application, how far, and what it would cost.

Only the columns under `attacks.plausible` move, inside their declared range. Paying on time is no attack: whoever
declares a column here says that its value can be had without what it stands for, as a balance that is moved to
another card for one day.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credit_risk.config.columns import Column
from credit_risk.config.schema import Attacks
from credit_risk.data.inputs import Inputs, Mask, Matrix
from credit_risk.errors import DataError

FEW_LEVELS = 20  # whole numbers with at most this many levels move by levels, others by the spread of the data
EXACT = 1e-9


@dataclass(frozen=True)
class PlausibleChanges:
    """The gameable columns. One standard step is a level, any change of a plain category, or the spread of a number.

    unit: cost of moving a column by 1 of its own unit; for a plain category, of any change.
    """

    names: tuple[str, ...]
    indices: NDArray[np.intp]
    unit: Matrix
    nominal: Mask
    whole: Mask
    low: Matrix
    high: Matrix
    budget: float

    @classmethod
    def of(cls, inputs: Inputs, settings: Attacks, reference: Matrix) -> "PlausibleChanges":
        """Raises DataError for a column whose spread in `reference` is 0: nobody can say what a step is."""
        names = tuple(name for name in inputs.names if name in settings.plausible)
        indices = np.array([inputs.names.index(name) for name in names], dtype=np.intp)
        columns = [inputs.columns[index] for index in indices]
        steps = [step(column, reference[:, index]) for column, index in zip(columns, indices, strict=True)]
        if still := [name for name, size in zip(names, steps, strict=True) if not size > 0]:
            raise DataError(f"attacks.plausible: {', '.join(still)} never varies in training; take it out.")
        return cls(
            names=names,
            indices=indices,
            unit=np.array([settings.plausible[name] / size for name, size in zip(names, steps, strict=True)]),
            nominal=np.array([column.type in ("category", "boolean") for column in columns], dtype=bool),
            whole=np.array([column.type != "number" for column in columns], dtype=bool),
            low=inputs.low[indices],
            high=inputs.high[indices],
            budget=settings.budget,
        )

    def cost(self, before: Matrix, after: Matrix) -> Matrix:
        """What the changes cost together, row by row; a missing cell stays missing and costs nothing."""
        distance = np.abs(after[:, self.indices] - before[:, self.indices])
        distance = np.where(self.nominal, distance > 0, np.nan_to_num(distance))
        return np.asarray(distance @ self.unit)

    def affordable(self, before: Matrix, after: Matrix) -> Mask:
        return np.asarray(self.cost(before, after) <= self.budget + EXACT)

    def moved(self, rows: Matrix, effort: Matrix) -> Matrix:
        """The rows with each gameable column moved by a signed cost, kept whole and in its range; categories stay."""
        after = rows.copy()
        start = rows[:, self.indices]
        value = start + np.where(self.nominal, 0.0, effort / self.unit)
        value = np.clip(np.where(self.whole, np.rint(value), value), self.low, self.high)
        still = self.nominal | (np.abs(effort) < EXACT) | np.isnan(start)
        after[:, self.indices] = np.where(still, start, value)
        return after


def step(column: Column, values: Matrix) -> float:
    """A standard step: 1 for levels and categories; for numbers the robust spread (interquartile range / 1.349)."""
    levels = column.type in ("category", "ordered", "boolean")
    if levels or (column.type == "integer" and column.range and np.ptp(column.range) <= FEW_LEVELS):
        return 1.0
    known = values[~np.isnan(values)]
    if not known.size:
        return 0.0
    low, high = np.quantile(known, [0.25, 0.75])
    return float((high - low) / 1.349 or known.std())
