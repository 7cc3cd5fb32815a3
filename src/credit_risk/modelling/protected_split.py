"""One split of the rows with its protected columns, as the candidate decides it: what fairness is measured on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.fairness import Fairness
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.writing import read_parquet
from credit_risk.measures import fairness
from credit_risk.measures.fairness import Cases, Grouping
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.scoring.decision import Decisions
from credit_risk.scoring.features import Features, FeatureTable
from credit_risk.scoring.scorer import Scorer


@dataclass(frozen=True)
class ProtectedSplit:
    """One split with its protected columns, which no other stage opens, and the model's decisions."""

    config: Config
    files: Files
    name: SplitName
    scorer: Scorer

    @property
    def settings(self) -> Fairness:
        return self.config.fairness

    @cached_property
    def rows(self) -> Mask:
        """The rows that are looked at: all, or of weighed ones a sample of the population."""
        weights = Weights.of(read_parquet(self.files.outcomes(self.name)))
        return weights.representative(self.config.evaluation.seed)

    @cached_property
    def inputs(self) -> Matrix:
        return read_inputs(self.config, self.files, self.name)[self.rows]

    @cached_property
    def features(self) -> FeatureTable:
        return Features.of(self.config).table(self.inputs)

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        return read_parquet(self.files.outcomes(self.name))[self.rows]

    @cached_property
    def bad(self) -> Mask:
        return np.asarray(self.outcomes["bad"].to_numpy(), dtype=bool)

    @cached_property
    def groupings(self) -> dict[str, Grouping]:
        """The groups of each attribute. Raises DataError for a value that belongs to none."""
        protected = read_parquet(self.files.protected(self.name), columns=list(self.settings.attributes))[self.rows]
        values = {
            str(name): ages(cells, self.outcomes["date"]) if cells.dtype.kind == "M" else cells
            for name, cells in protected.items()
        }
        return {name: fairness.grouped(name, values[name], each) for name, each in self.settings.attributes.items()}

    @cached_property
    def decisions(self) -> Decisions:
        return self.scorer.decide_inputs(self.inputs, features=self.features)

    @cached_property
    def cases(self) -> Cases:
        applicant, _ = pd.factorize(self.outcomes["group"])
        return Cases(fairness.approvals(self.decisions, self.settings), self.decisions.pd, self.bad, applicant)


def ages(born: pd.Series, applied: pd.Series) -> pd.Series:
    """Dates of birth as ages in whole years on the day of application, which bands are written for; row by row."""
    day = pd.Series(applied.to_numpy(), index=born.index)
    before_birthday = (day.dt.month * 100 + day.dt.day) < (born.dt.month * 100 + born.dt.day)
    years: pd.Series = (day.dt.year - born.dt.year - before_birthday).astype(np.float64)
    return years
