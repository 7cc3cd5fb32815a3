"""What the training rows are fitted with: the model and both challengers, on the same rows and folds."""

import logging
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from credit_risk.config import Config
from credit_risk.config.tags import tags
from credit_risk.data import split
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.rounding import rounded
from credit_risk.measures import information
from credit_risk.modelling import fitting
from credit_risk.modelling.accounts import Weights
from credit_risk.modelling.fitting import Curve, Fitted

log = logging.getLogger(__name__)


def seen_missing(config: Config, matrix: Matrix) -> list[bool]:
    """Which features were missing at least once in training: only these may be missing when a decision is asked for.

    After the features, the same of each special code (see Config.levels): only a code that was seen may be decided on.
    matrix: (rows, features), NaN where a value is missing.
    """
    tag = tags(matrix)
    missing: Mask = np.isnan(matrix) & (tag == 0)
    codes = (tag[:, feature] == code for feature, code in config.levels)
    return [bool(column.any()) for column in (*missing.T, *codes)]


def folds(config: Config, keys: split.Keys, bad: Mask, group: split.Labels) -> split.Labels:
    """The fold of each training row for cross-validation; rows that belong together are in one.

    keys: what says which application a row is, see Accounts.identity.
    """
    shares = [1 / config.model.folds] * config.model.folds
    return split.at_random(group, keys, bad, shares, config.model.seed + 1)


def fit(
    config: Config, matrix: Matrix, bad: Mask, weights: Weights, *, fold: split.Labels
) -> tuple[dict[str, Fitted], Curve]:
    """The model and its challengers by kind, and LightGBM's curve of log loss by trees.

    matrix: (rows, features); bad, fold: (rows,). They are fitted to the rows as they were drawn, and the intercept of
    each calibration is then moved to the population's bad rate (prior correction; King and Zeng 2001).
    """
    log.info("LightGBM on %s rows, %s features, %s folds", f"{len(bad):,}", matrix.shape[1], config.model.folds)
    weight = weights.drawn / weights.drawn.mean()  # a penalty or a smallest leaf means as much with any unit of weight
    # The last bits of a sum depend on how many BLAS threads share it; the model must not depend on a machine's cores.
    with threadpool_limits(limits=1, user_api="blas"):
        boosted, curve = fitting.boosted(config, matrix, bad, weight, fold=fold, progress=log.info)
        log.info("%s trees; the scorecard is next", curve.trees)
        fitted = {"lightgbm": boosted}
        for kind, recipe in (("scorecard", fitting.scorecard(config)), ("logistic", fitting.logistic(config))):
            fitted[kind] = fitting.challenger(recipe, matrix, bad, weight, fold=fold)
    return {kind: its.moved(weights.shift(bad)) for kind, its in fitted.items()}, curve


def unused(config: Config, matrix: Matrix, bad: Mask, weights: Weights, fitted: Fitted) -> list[dict[str, Any]]:
    """The features that a fitted model does not read though they tell something, what it misses most first.

    iv: their information value. marginal: what of it the model's PDs, of rows it had not seen, leave out.
    matrix: (rows, features), the rows it was fitted to.
    """
    count, used = weights.population, fitting.columns_read(fitted.model)
    foretold, features = count * fitted.calibration.pd(fitted.out_of_fold), []
    for column, its in fitting.binned(config, matrix, bad, weights.drawn).items():
        size = int(its.bin_of_row.max()) + 1
        goods, bads, expected = (
            information.by_bin(of_rows, its.bin_of_row, size) for of_rows in (count * ~bad, count * bad, foretold)
        )
        tells = information.value(goods, bads)
        if column not in used and tells >= fitting.MINIMUM_IV:
            beyond = information.marginal(goods, bads, expected)
            features.append({"feature": config.features[column], "iv": rounded(tells), "marginal": rounded(beyond)})
    return sorted(features, key=lambda its: -its["marginal"])
