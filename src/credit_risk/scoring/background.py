"""The population that an application is compared with when it is declined, as aggregates of the training rows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.config.schema import Reasons
from credit_risk.data.inputs import Indices, Matrix
from credit_risk.data.rounding import parameter
from credit_risk.errors import DataError, ScorerError
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.model import RiskModel

POPULATION_ROWS = 20_000  # a mean over more rows moves no reason, but its time grows with the data
ROUNDING = 1e-9  # of the log-odds: a smaller difference is none
PARTS = ("mean", "reference", "lowest", "highest")


@dataclass(frozen=True)
class Background:
    """The population that applications are compared with, as aggregates: no applicant's row stands here.

    base: the population's mean log-odds of bad. mean: what each feature contributes to the log-odds there on average.
    reference: a value of each feature there that speaks against nobody: the median, of a plain category the most common
    one, or else the nearest that adds no more to the log-odds than the population's mean. lowest and highest are over
    all training rows. rows: how many rows the population has.
    """

    features: tuple[str, ...]
    base: float
    mean: tuple[float, ...]
    reference: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    rows: int

    @classmethod
    def of(
        cls,
        config: Config,
        settings: Reasons,
        model: RiskModel,
        calibration: Calibration,
        *,
        matrix: Matrix,
        pd: Matrix,
        cut_off: float,
    ) -> "Background":
        """What applications are compared with, from the training rows and their PDs.

        matrix: (rows, features). pd: (rows,), 0 to 1, NaN for a row that could not be scored. cut_off: a PD.
        Raises DataError if no training row lies in the population.
        """
        rows = matrix[population(settings, pd, cut_off)]
        added = model.contributions(rows)
        mean = [parameter(part) for part in calibration.slope * added[:, :-1].mean(axis=0)]
        # Of the rounded means, so that contributions and base still add up to the log-odds.
        base = calibration.intercept + calibration.slope * float(added[0, -1]) + math.fsum(mean)
        unordered = [config.categories(name) is not None and not directed for name, directed in _directed(config)]
        return cls(
            features=config.features,
            base=base,
            mean=tuple(mean),
            reference=tuple(map(_typical, rows.T, added.T[:-1], unordered)),
            lowest=tuple(_end(column, np.min) for column in matrix.T),
            highest=tuple(_end(column, np.max) for column in matrix.T),
            rows=len(rows),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON can hold them: each feature by its name, what is not known as None."""
        parts = {name: [_or_none(value) for value in getattr(self, name)] for name in PARTS}
        of_feature = {
            feature: {name: values[index] for name, values in parts.items()}
            for index, feature in enumerate(self.features)
        }
        return {"base": self.base, "rows": self.rows, "features": of_feature}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], features: Sequence[str]) -> "Background":
        """The background as `as_dict` wrote it, in the order of the model's matrix.

        Raises ScorerError if it is of other features.
        """
        if set(raw["features"]) != set(features):
            differ = sorted(set(raw["features"]) ^ set(features))
            raise ScorerError(
                f"the background of the reasons is of other features than the model ({', '.join(differ)} differ). "
                "Assemble the scorer again with `dvc repro assemble`."
            )
        parts = {name: tuple(_number(raw["features"][feature][name]) for feature in features) for name in PARTS}
        return cls(features=tuple(features), base=float(raw["base"]), rows=int(raw["rows"]), **parts)


def population(settings: Reasons, pd: Matrix, cut_off: float) -> Indices:
    """The training rows that applications are compared with, at most POPULATION_ROWS of them, evenly spread.

    `approved`: those that just pass, their PD at most `within` below the cut-off; `all`: all that have a PD.
    pd: (rows,). Returns indices of rows, ascending.
    """
    if settings.population == "approved":
        inside = np.flatnonzero((pd < cut_off) & (pd >= cut_off - settings.within))
    else:
        inside = np.flatnonzero(~np.isnan(pd))
    if not len(inside):
        raise DataError(
            f"no training row has a PD from {cut_off - settings.within:.4f} up to the cut-off of {cut_off:.4f}, so "
            "reasons have nobody to compare with. Widen reasons.within in configs/credit.yaml, or set population: all."
        )
    kept = np.linspace(0, len(inside) - 1, min(len(inside), POPULATION_ROWS)).astype(np.intp)
    return np.asarray(inside[kept])


def _directed(config: Config) -> Iterator[tuple[str, bool]]:
    """Each feature, and whether its codes have an order."""
    for name in config.features:
        yield name, not (name in config.columns and config.columns[name].type == "category")


def _typical(values: Matrix, added: Matrix, is_unordered: bool) -> float:
    """A value that stands in the column and adds no more than the population's mean; NaN if nothing is known.

    The middle one, of plain categories the most common; if that adds more (most people may share what speaks against
    them), the nearest or next most common that does not. A reason moved there lowers the PD of a model that adds up.
    """
    known = ~np.isnan(values)
    if not known.any():
        return math.nan
    levels, level, rows = np.unique(values[known], return_inverse=True, return_counts=True)
    adds = np.bincount(level, weights=added[known]) / rows
    middle = float(np.quantile(values[known], 0.5, method="inverted_cdf"))
    preferred = np.argsort(-rows if is_unordered else np.abs(levels - middle), kind="stable")
    fit = preferred[adds[preferred] <= added.mean() + ROUNDING]
    return float(levels[fit[0] if len(fit) else preferred[0]])


def _end(values: Matrix, end: Any) -> float:
    known = values[~np.isnan(values)]
    return float(end(known)) if len(known) else math.nan


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
