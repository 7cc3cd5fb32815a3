"""The kinds of model that can stand behind a scorer: each turns a feature matrix into log-odds of bad.

All are plain text, read without executing anything: LightGBM's own model text, or JSON.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, Protocol

import lightgbm as lgb
import numpy as np

from credit_risk.config.tags import tags
from credit_risk.data.inputs import Matrix

Levels = tuple[tuple[int, int], ...]

ONE_THREAD_ROWS = 512  # below this, handing rows to other threads costs more than it saves


class RiskModel(Protocol):
    """A ranking of applications: the higher the margin, the more likely to go bad."""

    kind: ClassVar[str]
    file_name: ClassVar[str]

    def margin(self, matrix: Matrix) -> Matrix:
        """Log-odds of bad before calibration: (rows, features) to (rows,)."""
        ...

    def contributions(self, matrix: Matrix) -> Matrix:
        """What each feature adds to the margin: (rows, features) to (rows, features + 1), all in log-odds of bad.

        The last column is what all rows have in common; a row of the answer adds up to the row's margin.
        """
        ...

    def text(self) -> str:
        """The model as the text that `read` takes."""
        ...


@dataclass(frozen=True)
class Boosted:
    """Gradient-boosted trees (LightGBM).

    levels: the special codes of features (see Config.levels). To the trees a code is a level of its own: a column for
    each, behind the features, is 1 where a feature has that code and has no direction; the feature itself is missing.
    """

    kind: ClassVar[str] = "lightgbm"
    file_name: ClassVar[str] = "model.txt"
    model_text: str
    levels: Levels = ()

    @classmethod
    def of(cls, booster: lgb.Booster, levels: Levels = ()) -> "Boosted":
        # The one line of the text that depends on the machine it was fitted on.
        text = re.sub(r"^\[num_threads: \d+\]$", "[num_threads: 1]", booster.model_to_string(), flags=re.M)
        return cls(text, levels)

    @cached_property
    def booster(self) -> lgb.Booster:
        return lgb.Booster(model_str=self.model_text)

    def margin(self, matrix: Matrix) -> Matrix:
        if not len(matrix):  # which LightGBM refuses
            return np.zeros(0)
        design = with_levels(matrix, self.levels)
        return np.asarray(self.booster.predict(design, raw_score=True, num_threads=_threads(matrix)))

    def contributions(self, matrix: Matrix) -> Matrix:
        if not len(matrix):
            return np.zeros((0, matrix.shape[1] + 1))
        design = with_levels(matrix, self.levels)
        added = self.booster.predict(design, pred_contrib=True, num_threads=_threads(matrix))
        return self.by_feature(np.asarray(added, dtype=np.float64))

    def by_feature(self, added: Matrix) -> Matrix:
        """What the columns of the trees add, each code's with its feature: (rows, columns + any) to fewer columns."""
        if not self.levels:
            return added
        features = self.booster.num_feature() - len(self.levels)
        folded = np.delete(added, np.s_[features : features + len(self.levels)], axis=1)
        for index, (feature, _) in enumerate(self.levels):
            folded[:, feature] += added[:, features + index]
        return folded

    def text(self) -> str:
        return self.model_text


def with_levels(matrix: Matrix, levels: Levels) -> Matrix:
    """The matrix with a column more for each level: 1 where its feature has its code. (rows, features + levels)."""
    if not levels:
        return matrix
    return np.column_stack([matrix, *(tags(matrix[:, feature]) == tag for feature, tag in levels)])


def _threads(matrix: Matrix) -> int:
    """How many threads predict these rows; 0 is LightGBM's word for all."""
    return 1 if len(matrix) < ONE_THREAD_ROWS else 0


@dataclass(frozen=True)
class Bins:
    """One characteristic of a scorecard: weights of evidence by interval, or by code for a plain category.

    Weight of evidence is in log-odds of good: above 0 is safer than the average. Those of a fitted scorecard are what
    a bin says beside all other characteristics. Missing values are a bin, and so is each special code, by its tag.
    """

    edges: tuple[float, ...]
    woe: tuple[float, ...]
    missing: float
    by_code: bool
    special: tuple[float, ...] = ()

    def transform(self, values: Matrix) -> Matrix:
        """The weight of evidence of each value: (rows,) to (rows,).

        A code never seen in training weighs as the average, 0.
        """
        woe = np.asarray(self.woe)
        if self.by_code:
            seen = (values >= 0) & (values < len(woe))  # false for what is missing or no category at all
            weight = np.where(seen, woe[np.where(seen, values, 0).astype(np.intp)], 0.0)
        else:
            weight = woe[np.searchsorted(self.edges, values, side="right")]
        if not self.special:
            return np.where(np.isnan(values), self.missing, weight)
        return np.where(np.isnan(values), np.array([self.missing, *self.special])[tags(values)], weight)


@dataclass(frozen=True)
class Scorecard:
    """A points scorecard (Siddiqi 2017): weights of evidence by bin, how much of each counts, and what all share."""

    kind: ClassVar[str] = "scorecard"
    file_name: ClassVar[str] = "scorecard.json"
    columns: tuple[int, ...]
    bins: tuple[Bins, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def margin(self, matrix: Matrix) -> Matrix:
        margin = np.full(len(matrix), self.intercept)
        for column, bins, coefficient in zip(self.columns, self.bins, self.coefficients, strict=True):
            margin += coefficient * bins.transform(matrix[:, column])
        return margin

    def contributions(self, matrix: Matrix) -> Matrix:
        added = np.zeros((len(matrix), matrix.shape[1] + 1))
        for column, bins, coefficient in zip(self.columns, self.bins, self.coefficients, strict=True):
            added[:, column] += coefficient * bins.transform(matrix[:, column])
        added[:, -1] = self.intercept
        return added

    def text(self) -> str:
        return _json(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Scorecard":
        raw = json.loads(text)
        bins = tuple(
            Bins(tuple(b["edges"]), tuple(b["woe"]), b["missing"], b["by_code"], tuple(b.get("special", ())))
            for b in raw["bins"]
        )
        return cls(tuple(raw["columns"]), bins, tuple(raw["coefficients"]), raw["intercept"])


@dataclass(frozen=True)
class Logistic:
    """A plain logistic regression on standardised features: the floor that any model must clear.

    Each feature is clipped to `low` and `high`, filled with `fill` where missing, then scaled.
    Plain categories stand as one column a category (`codes` lists the category of each column, -1 for a number).
    """

    kind: ClassVar[str] = "logistic"
    file_name: ClassVar[str] = "logistic.json"
    columns: tuple[int, ...]
    codes: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    fill: tuple[float, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def margin(self, matrix: Matrix) -> Matrix:
        margin = np.full(len(matrix), self.intercept)
        design = prepared(matrix, self.columns, self.codes, low=self.low, high=self.high, fill=self.fill)
        for index, coefficient in enumerate(self.coefficients):
            margin += coefficient * (design[:, index] - self.centre[index]) / self.scale[index]
        return margin

    def contributions(self, matrix: Matrix) -> Matrix:
        added = np.zeros((len(matrix), matrix.shape[1] + 1))
        design = prepared(matrix, self.columns, self.codes, low=self.low, high=self.high, fill=self.fill)
        scaled = (design - np.array(self.centre)) / np.array(self.scale) * np.array(self.coefficients)
        np.add.at(added.T, np.array(self.columns), scaled.T)
        added[:, -1] = self.intercept
        return added

    def text(self) -> str:
        return _json(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Logistic":
        raw: dict[str, Any] = json.loads(text)
        intercept = raw.pop("intercept")
        return cls(**{name: tuple(values) for name, values in raw.items()}, intercept=intercept)


def prepared(
    matrix: Matrix,
    columns: Sequence[int],
    codes: Sequence[int],
    *,
    low: Sequence[float],
    high: Sequence[float],
    fill: Sequence[float],
) -> Matrix:
    """The columns of a logistic regression before scaling (see Logistic)."""
    design = np.empty((len(matrix), len(columns)))
    for index, (column, code) in enumerate(zip(columns, codes, strict=True)):
        values = matrix[:, column]
        if code >= 0:
            design[:, index] = values == code
        else:
            design[:, index] = np.clip(np.where(np.isnan(values), fill[index], values), low[index], high[index])
    return design


def read(kind: str, text: str, levels: Levels = ()) -> RiskModel:
    """A model from its text; KeyError for a kind that this version does not know. levels: see Config.levels."""
    readers: dict[str, Callable[[str], RiskModel]] = {
        "lightgbm": partial(Boosted, levels=levels),
        "scorecard": Scorecard.read,
        "logistic": Logistic.read,
    }
    return readers[kind](text)


KINDS: dict[str, type[RiskModel]] = {kind.kind: kind for kind in (Boosted, Scorecard, Logistic)}


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
