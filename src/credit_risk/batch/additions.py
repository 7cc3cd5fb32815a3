"""What a batch file may hold beside the decision: what a row stands for, and points by characteristic."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from pandas import DataFrame

from credit_risk.config.columns import NUMERIC_TYPES
from credit_risk.data.inputs import Inputs, numbers
from credit_risk.errors import ScorerError, UsageError
from credit_risk.scoring import decision
from credit_risk.scoring.decision import batch_columns
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Scorecard
from credit_risk.scoring.scorer import Scorer

PER_UNIT = 10_000  # exposures are added up in ten-thousandths, as whole numbers: no order of adding changes the sum


@dataclass(frozen=True)
class Additions:
    """Columns of a batch file behind those of the decision.

    exposure: the column that is carried along and added up. characteristics: the scorecard's features whose points
    stand there, in the order of its matrix.
    """

    scorer: Scorer
    exposure: str | None
    characteristics: tuple[str, ...]

    @classmethod
    def of(cls, scorer: Scorer, exposure: str | None, *, points: bool) -> "Additions":
        """Raises UsageError for an exposure that is no column of numbers, ScorerError for points of no scorecard."""
        config = scorer.config
        if exposure is not None and (
            exposure not in config.columns
            or config.columns[exposure].type not in NUMERIC_TYPES
            or exposure in (*batch_columns(), config.only("id"))
        ):
            raise UsageError(f"{exposure}: what a row stands for must be a column of numbers that the config declares.")
        if not points:
            return cls(scorer, exposure, ())
        if not isinstance(scorer.model, Scorecard):
            raise ScorerError(f"a {scorer.model.kind} scorer has no points by characteristic; a scorecard has.")
        return cls(scorer, exposure, tuple(config.features[column] for column in scorer.model.columns))

    @property
    def carried(self) -> tuple[str, ...]:
        """Columns of the input that must be read for this."""
        return (self.exposure,) if self.exposure else ()

    @property
    def types(self) -> dict[str, pa.DataType]:
        """The columns with their types, in their order."""
        return {name: pa.float64() for name in (*self.carried, *(f"points {its}" for its in self.characteristics))}

    def exposed(self, table: DataFrame) -> int:
        """What these rows stand for together, in ten-thousandths; a cell that is no number stands for nothing."""
        return 0 if self.exposure is None else whole(self._exposures(table))

    def columns(self, table: DataFrame) -> list[pa.Array]:
        """The columns of `types` for these rows; what is not known is null."""
        columns = [self._exposures(table)] if self.exposure else []
        if self.characteristics:
            columns += list(self._points(table).T)
        return [pa.array(np.where(np.isfinite(values), values, np.nan), from_pandas=True) for values in columns]

    def _exposures(self, table: DataFrame) -> np.ndarray:
        name = str(self.exposure)
        return numbers(table[name], self.scorer.config.columns[name])

    def _points(self, table: DataFrame) -> np.ndarray:
        """Points of each characteristic, (rows, characteristics); with the base they add up to the score.

        NaN in all of a row that has no score, as its decision has none.
        """
        inputs = self._inputs.table(table)
        model, (_, factor) = self.scorer.model, decision.score_terms(self.scorer.config.policy.scale)
        added = model.contributions(self._features.of_inputs(inputs))
        columns = [self.scorer.config.features.index(name) for name in self.characteristics]
        points = -factor * self.scorer.calibration.slope * added[:, columns]
        return np.where(np.isnan(self.scorer.pds(inputs))[:, None], np.nan, points.round(decision.SCORE_DECIMALS))

    @cached_property
    def _inputs(self) -> Inputs:
        return Inputs.of(self.scorer.config)

    @cached_property
    def _features(self) -> Features:
        return Features.of(self.scorer.config)


def whole(values: np.ndarray) -> int:
    """The sum of the finite ones in ten-thousandths, exact whatever their order."""
    return int(np.rint(values[np.isfinite(values)] * PER_UNIT).astype(np.int64).sum())
