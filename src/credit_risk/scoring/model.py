"""The kinds of model that can stand behind a scorer: each turns a feature matrix into log-odds of bad.

All are plain text, read without executing anything: LightGBM's own model text, or JSON.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import lightgbm as lgb
import numpy as np

from credit_risk.data.inputs import Matrix

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
    """Gradient-boosted trees (LightGBM)."""

    kind: ClassVar[str] = "lightgbm"
    file_name: ClassVar[str] = "model.txt"
    model_text: str

    @classmethod
    def of(cls, booster: lgb.Booster) -> "Boosted":
        # The one line of the text that depends on the machine it was fitted on.
        return cls(re.sub(r"^\[num_threads: \d+\]$", "[num_threads: 1]", booster.model_to_string(), flags=re.M))

    @cached_property
    def booster(self) -> lgb.Booster:
        return lgb.Booster(model_str=self.model_text)

    def margin(self, matrix: Matrix) -> Matrix:
        if not len(matrix):  # which LightGBM refuses
            return np.zeros(0)
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=_threads(matrix)))

    def contributions(self, matrix: Matrix) -> Matrix:
        if not len(matrix):
            return np.zeros((0, matrix.shape[1] + 1))
        added = self.booster.predict(matrix, pred_contrib=True, num_threads=_threads(matrix))
        return np.asarray(added, dtype=np.float64)

    def text(self) -> str:
        return self.model_text


def _threads(matrix: Matrix) -> int:
    """How many threads predict these rows; 0 is LightGBM's word for all."""
    return 1 if len(matrix) < ONE_THREAD_ROWS else 0


@dataclass(frozen=True)
class Bins:
    """One characteristic of a scorecard: weights of evidence by interval, or by code for a plain category.

    Weight of evidence is ln(share of goods / share of bads) in the bin: above 0 is safer than the average.
    """

    edges: tuple[float, ...]
    woe: tuple[float, ...]
    missing: float
    by_code: bool

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
        return np.where(np.isnan(values), self.missing, weight)


@dataclass(frozen=True)
class Scorecard:
    """A points scorecard: logistic regression on weights of evidence (Siddiqi 2017)."""

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
        bins = tuple(Bins(tuple(b["edges"]), tuple(b["woe"]), b["missing"], b["by_code"]) for b in raw["bins"])
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


def read(kind: str, text: str) -> RiskModel:
    """A model from its text; KeyError for a kind that this version does not know."""
    readers: dict[str, Callable[[str], RiskModel]] = {
        "lightgbm": Boosted,
        "scorecard": Scorecard.read,
        "logistic": Logistic.read,
    }
    return readers[kind](text)


KINDS: dict[str, type[RiskModel]] = {kind.kind: kind for kind in (Boosted, Scorecard, Logistic)}


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
