"""What the training rows are fitted with: the model and both challengers, on the same rows and folds."""

import logging

import numpy as np
from threadpoolctl import threadpool_limits

from credit_risk.config import Config
from credit_risk.data import split
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.modelling import fitting
from credit_risk.modelling.fitting import Curve, Fitted

log = logging.getLogger(__name__)


def seen_missing(matrix: Matrix) -> list[bool]:
    """Which features were missing at least once in training: only these may be missing when a decision is asked for.

    matrix: (rows, features), NaN where a value is missing.
    """
    missing: Mask = np.isnan(matrix)
    return [bool(column.any()) for column in missing.T]


def folds(config: Config, inputs: Matrix, bad: Mask, group: split.Labels) -> split.Labels:
    """The fold of each training row for cross-validation; rows that belong together are in one."""
    shares = [1 / config.model.folds] * config.model.folds
    return split.at_random(group, split.row_keys(inputs), bad, shares, config.model.seed + 1)


def fit(config: Config, matrix: Matrix, bad: Mask, fold: split.Labels) -> tuple[dict[str, Fitted], Curve]:
    """The model and its challengers by kind, and LightGBM's curve of log loss by trees.

    matrix: (rows, features); bad, fold: (rows,).
    """
    log.info("LightGBM on %s rows, %s features, %s folds", f"{len(bad):,}", matrix.shape[1], config.model.folds)
    # The last bits of a sum depend on how many BLAS threads share it; the model must not depend on a machine's cores.
    with threadpool_limits(limits=1, user_api="blas"):
        boosted, curve = fitting.boosted(config, matrix, bad, fold, log.info)
        log.info("%s trees; the scorecard is next", curve.trees)
        fitted = {"lightgbm": boosted}
        for kind, recipe in (("scorecard", fitting.scorecard(config)), ("logistic", fitting.logistic(config))):
            fitted[kind] = fitting.challenger(recipe, matrix, bad, fold)
    return fitted, curve
