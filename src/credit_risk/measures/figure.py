"""The one type for what is measured: a figure, its interval, the rows behind it, and why it is missing where it is."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from credit_risk.data.rounding import rounded

ENDS = ("_low", "_high")


@dataclass(frozen=True)
class Figure:
    """A figure, the ends between which it plausibly lies, and how many rows are behind it.

    NaN: not known; `why` then says why the figure, or its interval, is missing.
    """

    value: float
    low: float
    high: float
    n: int
    why: str = ""

    @classmethod
    def unknown(cls, n: int, why: str) -> "Figure":
        return cls(math.nan, math.nan, math.nan, n, why)

    def rounded(self) -> "Figure":
        """As a report holds it: who chooses by it, before it is written or after, comes to the same."""
        return replace(self, value=rounded(self.value), low=rounded(self.low), high=rounded(self.high))

    @property
    def known(self) -> bool:
        """Whether there is a figure, with an interval or without."""
        return not math.isnan(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether the figure and both ends are numbers."""
        return not any(map(math.isnan, (self.value, self.low, self.high)))


Figures = dict[str, Figure]


def flat(figures: Mapping[str, Figure]) -> dict[str, float]:
    """NAME, NAME_low and NAME_high of each figure, as reports and tables hold them and gates look for them."""
    return {
        key: number
        for name, figure in figures.items()
        for key, number in zip(flat_names([name]), (figure.value, figure.low, figure.high), strict=True)
    }


def flat_names(names: Iterable[str]) -> list[str]:
    return [f"{name}{end}" for name in names for end in ("", *ENDS)]


def reported(path: str, figures: Mapping[str, Figure], unknown: dict[str, str]) -> dict[str, float]:
    """The figures flat; `unknown` gains the reason for each number that is missing, by its full name below `path`."""
    numbers = flat(figures)
    for name, figure in figures.items():
        missing = [key for key in flat_names([name]) if math.isnan(numbers[key])]
        unknown.update({f"{path}.{key}" if path else key: figure.why for key in missing})
    return numbers
