"""One split of the rows as scorers decide it, read and decided once for all that measure it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.data.writing import read_parquet
from credit_risk.errors import DataError
from credit_risk.measures.metrics import Economics, Sample
from credit_risk.modelling.accounts import WEIGHTS, Weights, read_inputs
from credit_risk.modelling.assembly import load_current
from credit_risk.scoring.decision import PD_DECIMALS, Decisions
from credit_risk.scoring.features import Features, FeatureTable
from credit_risk.scoring.scorer import Scorer

Scorers = Mapping[str, Scorer]  # by kind of model, the candidate first


@dataclass(frozen=True)
class ScoredSplit:
    """One split as every model decided it, the candidate first; figures are of the rows that could be scored.

    outcomes: a row each, in the order of all_inputs (rows, inputs), features and decisions.
    """

    outcomes: pd.DataFrame
    all_inputs: Matrix
    features: FeatureTable
    decisions: Mapping[str, Decisions]
    economics: Economics

    @property
    def model(self) -> str:
        """The candidate's kind."""
        return next(iter(self.decisions))

    @cached_property
    def scored(self) -> Mask:
        """Rows with a PD: the same for all models, which share features and what may be missing."""
        return ~np.isnan(self.decisions[self.model].pd)

    @cached_property
    def bad(self) -> Mask:
        return np.asarray(self.outcomes["bad"].to_numpy()[self.scored], dtype=bool)

    @cached_property
    def weight(self) -> Matrix:
        """What each scored row stands for in the population, 1 on average."""
        weight = Weights.of(self.outcomes).population[self.scored]
        return np.asarray(weight / weight.mean())

    @cached_property
    def is_weighed(self) -> bool:
        return bool((self.weight != 1).any())

    @cached_property
    def inputs(self) -> Matrix:
        return self.all_inputs[self.scored]

    @cached_property
    def columns(self) -> dict[str, Matrix]:
        """Inputs and derived features by name."""
        return {name: column[self.scored] for name, column in self.features.columns.items()}

    @cached_property
    def matrix(self) -> Matrix:
        """What the models read: (rows, features)."""
        return self.features.matrix[self.scored]

    @cached_property
    def score(self) -> Matrix:
        return self.decisions[self.model].score[self.scored]

    @cached_property
    def group(self) -> Labels:
        return self.outcomes["group"].to_numpy()[self.scored]

    def pd(self, kind: str) -> Matrix:
        """PDs as they are measured and kept, one a scored row."""
        return self.decisions[kind].pd[self.scored].round(PD_DECIMALS)

    def sample(self, kind: str) -> Sample:
        return Sample.of(self.bad, self.pd(kind), self.group, self.economics, self.weight)


def read_scored(
    config: Config, files: Files, scorers: Scorers, name: SplitName, *, representative: bool = False
) -> ScoredSplit:
    """Decide one split with every model, or of weighed rows a sample of the population, which then count 1 each.

    Raises DataError if no row of it could be scored.
    """
    inputs, outcomes = read_inputs(config, files, name), read_parquet(files.outcomes(name))
    if representative:
        rows = Weights.of(outcomes).representative(config.evaluation.seed)
        inputs, outcomes = inputs[rows], outcomes[rows].drop(columns=list(WEIGHTS), errors="ignore")
    features = Features.of(config).table(inputs)
    decisions = {kind: scorer.decide_inputs(inputs, features=features) for kind, scorer in scorers.items()}
    part = ScoredSplit(outcomes, inputs, features, decisions, Economics.of(config.policy))
    if not part.scored.any():
        raise DataError(
            f"none of the {len(inputs)} {name} rows could be scored: {part.decisions[part.model].why_not_scored(0)}."
        )
    return part


@dataclass(frozen=True)
class RowsUnderTest:
    """Test rows with the candidate's decisions before anything is done to them.

    inputs: (rows, inputs), see data.inputs; applicant: (rows,), counted from 0.
    """

    config: Config
    scorer: Scorer
    inputs: Matrix
    applicant: Labels
    before: Decisions

    @classmethod
    def read(cls, config: Config, files: Files) -> "RowsUnderTest":
        """The test rows, of weighed ones a sample of the population.

        Raises ScorerError if the scorer has other columns, features or policy than the config.
        """
        scorer = load_current(config, files.scorer)
        outcomes = read_parquet(files.outcomes("test"))
        rows = Weights.of(outcomes).representative(config.evaluation.seed)
        inputs = read_inputs(config, files, "test")[rows]
        applicant, _ = pd.factorize(outcomes["group"].to_numpy()[rows])
        return cls(config, scorer, inputs, applicant, scorer.decide_inputs(inputs))

    def drawn(self, rows: int) -> "RowsUnderTest":
        """At most `rows` of them, drawn with the evaluation's seed."""
        if rows >= len(self.inputs):
            return self
        draw = np.random.default_rng(self.config.evaluation.seed)
        chosen = np.sort(draw.choice(len(self.inputs), rows, replace=False))
        inputs = self.inputs[chosen]
        before = self.scorer.decide_inputs(inputs)
        return replace(self, inputs=inputs, applicant=self.applicant[chosen], before=before)
