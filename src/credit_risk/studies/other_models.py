"""LightGBM beside other kinds of model on the same rows: repeated grouped cross-validation, and each pair's difference.

Every model reads the features of the config under its directions and has a number of trees that an inner part of its
own training rows stopped. What is not LightGBM or the scorecard is fitted in an environment of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import logit
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from credit_risk.config import Config
from credit_risk.data.inputs import Matrix
from credit_risk.data.split import Labels, at_random
from credit_risk.errors import UsageError
from credit_risk.modelling import fitting
from credit_risk.modelling.resplits import Rows
from credit_risk.scoring.model import with_levels

PAGE = Path("docs/pipeline.md")
BEGIN, END = "<!-- from `make other-models`: table -->", "<!-- end of table -->"
FOLDS = 5
INNER = 0.2  # of the training rows, on which boosting stops
BLEND = "blend of the four boosters"
BLENDED = ("LightGBM", "XGBoost", "CatBoost", "EBM")
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Fold:
    """One part of one repetition: its test rows, and the part of all others on which boosting stops; row numbers."""

    repetition: int
    train: Labels
    inner: Labels
    test: Labels


def folds(config: Config, rows: Rows, repetitions: int) -> list[Fold]:
    """Every row is a test row once a repetition; rows of one applicant stay together, also in the inner part."""
    cut = []
    for repetition in range(repetitions):
        seed = config.evaluation.seed + 7_000 * (repetition + 1)
        part = at_random(rows.group, rows.key, rows.bad, [1 / FOLDS] * FOLDS, seed)
        for index in range(FOLDS):
            train = np.flatnonzero(part != index)
            own = rows.take(train)
            inner = at_random(own.group, own.key, own.bad, [1 - INNER, INNER], seed + index + 1)
            cut.append(Fold(repetition, train, train[inner == 1], np.flatnonzero(part == index)))
    return cut


def design(config: Config, matrix: Matrix) -> tuple[Matrix, list[int]]:
    """The features as every library can read them, and the direction of each column.

    A category without order is a column for each of its codes, and so is a special code; what is missing is NaN.
    """
    unordered = fitting.plain_categories(config)
    with_codes = with_levels(matrix, config.levels)
    columns, directions = [], []
    for index, direction in enumerate(fitting.boosting_directions(config)):
        values = with_codes[:, index]
        if index in unordered:
            codes = range(len(config.categories(config.features[index]) or ()))
            columns += [(values == code).astype(np.float64) for code in codes]
            directions += [0] * len(codes)
        else:
            columns.append(np.where(np.isnan(values), np.nan, values))
            directions.append(direction)
    return np.column_stack(columns), directions


def of_this_project(config: Config, rows: Rows, cut: Sequence[Fold]) -> dict[str, Matrix]:
    """PDs of the rows by LightGBM and the scorecard as the pipeline fits them; (repetitions, rows) each."""
    shape = (1 + max(fold.repetition for fold in cut), len(rows.bad))
    pds = {name: np.full(shape, np.nan) for name in ("LightGBM", "scorecard")}
    for fold in cut:
        own, outer = rows.take(fold.train), np.isin(fold.train, fold.inner)
        weight = own.weights.drawn / own.weights.drawn.mean()
        recipes = {
            "LightGBM": fitting.boosting(config, _trees(config, own, weight, outer.astype(np.intp))),
            "scorecard": fitting.scorecard(config),
        }
        for name, recipe in recipes.items():
            margin = recipe(own.matrix, own.bad, weight).margin(rows.matrix[fold.test])
            pds[name][fold.repetition, fold.test] = 1 / (1 + np.exp(-margin))
    return pds


def _trees(config: Config, own: Rows, weight: Matrix, part: Labels) -> int:
    """The number of trees that loses least on the inner part, part 1."""
    import lightgbm as lgb  # noqa: PLC0415  (late: a table can be written without)

    rest, inner = part == 0, part == 1
    known, held_out = (
        fitting.dataset(config, own.matrix[which], own.bad[which], weight[which]) for which in (rest, inner)
    )
    stopping = lgb.early_stopping(config.model.patience, verbose=False)
    booster = lgb.train(
        fitting.boosting_parameters(config),
        known,
        num_boost_round=config.model.max_trees,
        valid_sets=[held_out.set_reference(known)],
        callbacks=[stopping],
    )
    return booster.best_iteration


def blended(pds: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """All PDs, and the blend: the mean of the four boosters' log-odds, as a PD."""
    margins = [logit(np.clip(pds[name], TINY, 1 - TINY)) for name in BLENDED]
    return {**pds, BLEND: 1 / (1 + np.exp(-np.mean(margins, axis=0)))}


def areas(rows: Rows, cut: Sequence[Fold], pds: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """The AUC of each model on the test rows of each fold; (folds,)."""
    weight = rows.weights.population
    return {
        name: np.array(
            [
                roc_auc_score(rows.bad[fold.test], its[fold.repetition, fold.test], sample_weight=weight[fold.test])
                for fold in cut
            ]
        )
        for name, its in pds.items()
    }


def corrected(differences: Matrix, confidence: float) -> tuple[float, float, float]:
    """Mean difference over the folds of repeated cross-validation, and its interval.

    Folds share training rows, so their spread alone is too small; the variance has test over training rows added to
    one over folds (Nadeau and Bengio 2003). differences: (folds,), at least two.
    """
    count = len(differences)
    if count < 2:
        raise UsageError(f"An interval needs two folds or more, got {count}. Ask for more repetitions.")
    error = differences.std(ddof=1) * np.sqrt(1 / count + 1 / (FOLDS - 1))
    half = student.ppf((1 + confidence) / 2, count - 1) * error
    mean = float(differences.mean())
    return mean, mean - half, mean + half


def table(auc: Mapping[str, Matrix], confidence: float) -> str:
    """Each model's mean AUC and, in its column, by how much the model of the line ranks higher or lower."""
    names = sorted(auc, key=lambda name: -auc[name].mean())
    lines = [f"| | AUC | {' | '.join(f'minus {name}' for name in names[:-1])} |", "|---" * (len(names) + 1) + "|"]
    for position, name in enumerate(names):
        cells = [
            _cell(*corrected(auc[name] - auc[better], confidence)) if index < position else ""
            for index, better in enumerate(names[:-1])
        ]
        lines.append(f"| {name} | {auc[name].mean():.4f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(mean: float, low: float, high: float) -> str:
    return f"{mean:+.4f} ({low:+.4f} to {high:+.4f})"
