"""The rows of a run shared out anew, many times, and the same models fitted to each: what of a figure is one draw."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.schema import Kind
from credit_risk.data import split
from credit_risk.data.files import SPLITS, Files
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.writing import read_parquet
from credit_risk.modelling import fitting
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.scoring.features import Features

FEWEST = 20  # splits
MOST_FOLDS = 20  # in a repetition


@dataclass(frozen=True, eq=False)
class Rows:
    """All rows of a run, whatever part they stand in: features (rows, features), everything else (rows,).

    is_test: whether a row is among the run's own test rows.
    """

    matrix: Matrix
    bad: Mask
    weights: Weights
    key: split.Keys
    group: split.Labels
    is_test: Mask

    @classmethod
    def read(cls, config: Config, files: Files) -> "Rows":
        parts = [read_parquet(files.outcomes(name)).assign(is_test=name == "test") for name in SPLITS]
        outcomes = pd.concat(parts, ignore_index=True)
        inputs = np.concatenate([read_inputs(config, files, name) for name in SPLITS])
        bad, key, group, is_test = (outcomes[name].to_numpy() for name in ("bad", "key", "group", "is_test"))
        return cls(Features.of(config).of_inputs(inputs), bad, Weights.of(outcomes), key, group, is_test)

    def take(self, rows: split.Labels) -> "Rows":
        key, group, is_test = self.key[rows], self.group[rows], self.is_test[rows]
        return Rows(self.matrix[rows], self.bad[rows], self.weights.take(rows), key, group, is_test)


@dataclass(frozen=True, eq=False)
class Resplit:
    """One split: the numbers of its rows, of which `test` stand in no other split of the same repetition."""

    repetition: int
    train: split.Labels
    selection: split.Labels
    test: split.Labels


def resplits(config: Config, rows: Rows) -> Iterator[Resplit]:
    """At least 20 splits in the config's shares: in each repetition every row is a test row once.

    They are drawn at random by applicant, also where the run itself is split by time.
    """
    settings, folds = config.split, folds_of(config)
    develop = settings.train + settings.selection
    shares = (settings.train / develop, settings.selection / develop)
    for repetition in range(-(-FEWEST // folds)):
        seed = config.evaluation.seed + 1_000 * (repetition + 1)
        fold = split.at_random(rows.group, rows.key, rows.bad, [1 / folds] * folds, seed)
        for index in range(folds):
            rest = np.flatnonzero(fold != index)
            own = rows.take(rest)
            part = split.at_random(own.group, own.key, own.bad, shares, seed + index + 1)
            yield Resplit(repetition, rest[part == 0], rest[part == 1], np.flatnonzero(fold == index))


def folds_of(config: Config) -> int:
    """Into how many test parts a repetition cuts the rows: as many as the declared share of the test goes into 1."""
    return min(max(round(1 / config.split.test), 2), MOST_FOLDS)


def fitted(config: Config, rows: Rows, trees: int) -> dict[Kind, fitting.Fitted]:
    """LightGBM and scorecard on training rows, with this many trees, each calibrated on margins of rows it left out.

    No test row is among them: neither model nor calibration has seen one.
    """
    share = [1 / config.model.folds] * config.model.folds
    fold = split.at_random(rows.group, rows.key, rows.bad, share, config.model.seed + 1)
    weight = rows.weights.drawn / rows.weights.drawn.mean()
    recipes: dict[Kind, fitting.Fit] = {
        "lightgbm": fitting.boosting(config, trees),
        "scorecard": fitting.scorecard(config),
    }
    shift = rows.weights.shift(rows.bad)
    return {
        kind: fitting.challenger(recipe, rows.matrix, rows.bad, weight, fold=fold).moved(shift)
        for kind, recipe in recipes.items()
    }
