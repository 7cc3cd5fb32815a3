"""A stranger's data, column by column: what each holds, what it may be used for, and what a person must look at."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from pandas import Series

from credit_risk.data.inputs import Matrix
from credit_risk.fork.drafting.directions import Trend
from credit_risk.fork.reading import cells
from credit_risk.fork.reading.cells import Kind

Role = Literal["feature", "protected", "proxy", "id", "applicant", "date", "weight", "target", "ignore"]

FEW_VALUES = 10
UNREAD: Mapping[Kind, str] = {
    "date": "a day; if it is the day of application, give it role date",
    "other date": "looks like a day; write it as 2026-01-31 to use it",
}


@dataclass(frozen=True)
class Profile:
    """One column. why: what speaks for its role, where a reader may doubt it. notes: what to look at.

    suspected: a role that a person has to confirm, because the name alone speaks for it.
    named: whether the owner gave it its role, which nothing then takes away.
    unit: what stands beside each number in the file.
    codes: numbers that probably stand for something else than an amount.
    groups: how many rows say each word; weighed: how many of the population, where a row stands for more or fewer.
    formats: how its days may be written where that is not 2026-01-31; a person has to say which, if they are several.
    """

    name: str
    kind: Kind
    role: Role
    missing: float
    why: str | None = None
    suspected: bool = False
    named: bool = False
    range: tuple[float, float] | None = None
    categories: tuple[str, ...] | None = None
    trend: Trend = field(default_factory=lambda: Trend(None, (), ()))
    gini: float = 0.0
    notes: tuple[str, ...] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    missing_words: tuple[str, ...] | None = None
    formats: tuple[str, ...] = ()
    codes: tuple[float, ...] = ()
    unit: str | None = None
    weighed: Mapping[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name as a person would write it."""
        apart = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", " ", self.name)
        words = re.sub(r"[\s_.]+", " ", apart).strip() or self.name or "column without a name"
        return words.lower() if words.isupper() else words

    @property
    def special(self) -> dict[float, str]:
        """A feature's codes, each under a name that says no more than the number does: a person knows what it means."""
        signed = {code: f"{'minus_' if code < 0 else ''}{abs(code):.0f}" for code in self.codes}
        return {code: f"code_{name}" for code, name in signed.items()} if self.role == "feature" else {}


def as_numbers(column: Series, profile: Profile) -> Matrix:
    """A column as numbers to rank by: categories by their index, a boolean as 0 and 1, NaN where nothing is known."""
    if profile.kind in ("number", "integer"):
        return cells.numbers_of(column)
    words = profile.categories or tuple(sorted(column.dropna().unique(), key=str.lower))  # no before yes, n before y
    numbers = column.map({word: float(index) for index, word in enumerate(words)})
    return np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
