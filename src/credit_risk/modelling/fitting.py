"""Fitting the model and its challengers on the training rows, with margins of rows each model has not seen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from optbinning import OptimalBinning
from sklearn.linear_model import LogisticRegression

from credit_risk.config import Config
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.rounding import in_units, parameter
from credit_risk.data.split import Labels
from credit_risk.errors import DataError
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.model import Bins, Boosted, Logistic, RiskModel, Scorecard, prepared

BINNING_ROWS = 200_000  # bins no longer move with more rows, but the solver's time grows
MINIMUM_IV = 0.02  # information value below which a characteristic does not discriminate (Siddiqi 2017)

Fit = Callable[[Matrix, Mask], RiskModel]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """A model fitted on all training rows, calibrated on margins of rows it was not fitted on."""

    model: RiskModel
    calibration: Calibration
    out_of_fold: Matrix


@dataclass(frozen=True)
class Curve:
    """Cross-validated log loss by number of trees; boosting stops at the lowest."""

    mean: Matrix
    spread: Matrix

    @property
    def trees(self) -> int:
        return int(np.argmin(self.mean)) + 1


def plain_categories(config: Config) -> list[int]:
    """Places of the features whose codes have no order."""
    return [index for index, name in enumerate(config.features) if _is_plain(config, name)]


def _is_plain(config: Config, name: str) -> bool:
    return name in config.columns and config.columns[name].type == "category"


def boosting_parameters(config: Config) -> dict[str, object]:
    """LightGBM's parameters: the tuned ones, and those that make two runs give the same trees."""
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "monotone_constraints": list(config.directions),
        "subsample_freq": 1,
        "seed": config.model.seed,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
        **config.parameters.model_dump(),
    }


def boosted(config: Config, matrix: Matrix, bad: Mask, fold: Labels, progress: Progress) -> tuple[Fitted, Curve]:
    """The monotone LightGBM model; cross-validation by `fold` decides its number of trees."""
    out_of_fold, curve = cross_validated(config, matrix, bad, fold, progress)
    booster = lgb.train(boosting_parameters(config), _dataset(config, matrix, bad), num_boost_round=curve.trees)
    return Fitted(Boosted.of(booster), calibrated(out_of_fold, bad), out_of_fold), curve


def cross_validated(
    config: Config, matrix: Matrix, bad: Mask, fold: Labels, progress: Progress
) -> tuple[Matrix, Curve]:
    """LightGBM margins of each row by the model that did not see it, at the number of trees that loses least."""
    folds = [(np.flatnonzero(fold != index), np.flatnonzero(fold == index)) for index in range(config.model.folds)]
    result: dict[str, Any] = lgb.cv(
        boosting_parameters(config),
        _dataset(config, matrix, bad),
        num_boost_round=config.model.max_trees,
        folds=folds,
        return_cvbooster=True,
        callbacks=[lgb.early_stopping(config.model.patience, verbose=False), _progress(progress)],
    )
    # The last digits of a mean over threads depend on their number; the choice of trees must not.
    mean, spread = (np.array(result[f"valid binary_logloss-{what}"], dtype=np.float64) for what in ("mean", "stdv"))
    curve = Curve(mean.round(10), spread.round(10))
    out_of_fold = np.empty(len(bad))
    for booster, (_, left_out) in zip(result["cvbooster"].boosters, folds, strict=True):
        out_of_fold[left_out] = booster.predict(matrix[left_out], raw_score=True, num_iteration=curve.trees)
    return out_of_fold, curve


def _dataset(config: Config, matrix: Matrix, bad: Mask) -> lgb.Dataset:
    # LightGBM rewrites spaces and refuses colons in names; the scorer knows which feature fN is.
    names = [f"f{index}" for index in range(matrix.shape[1])]
    return lgb.Dataset(matrix, bad, feature_name=names, categorical_feature=plain_categories(config))


def _progress(progress: Progress) -> Callable[[lgb.callback.CallbackEnv], None]:
    def report(env: lgb.callback.CallbackEnv) -> None:
        if (env.iteration + 1) % 100 == 0:
            loss = next(iter(env.evaluation_result_list or []), None)
            progress(f"{env.iteration + 1} trees" + (f", log loss {loss[2]:.5f}" if loss else ""))

    return report


def calibrated(margin: Matrix, bad: Mask) -> Calibration:
    """Platt's calibration of out-of-fold margins (Platt 1999), without a penalty.

    Isotonic regression would add ties and break the additivity of reasons on the log-odds scale.
    Raises DataError if the margins rank the wrong way round: such a model has learned nothing.
    """
    if np.ptp(margin) == 0:
        raise DataError(
            f"out-of-fold margins are all {margin[0]:.3g}: they have no slope, expected above 0. The model tells "
            "no application from another. Look at the outcome's coding and at the features."
        )
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(margin[:, None], bad)
    slope = parameter(regression.coef_[0, 0])
    if not slope > 0:
        raise DataError(
            f"out-of-fold margins have a calibration slope of {slope:.3f}, expected above 0: the model ranks no "
            "better than chance on rows it was not fitted on. Look at the outcome's coding and at the features."
        )
    return Calibration(parameter(regression.intercept_[0]), slope)


def challenger(fit: Fit, matrix: Matrix, bad: Mask, fold: Labels) -> Fitted:
    """A challenger fitted and calibrated the same way as the model."""
    out_of_fold = np.empty(len(bad))
    for index in np.unique(fold):
        rest = fold != index
        out_of_fold[~rest] = fit(matrix[rest], bad[rest]).margin(matrix[~rest])
    return Fitted(fit(matrix, bad), calibrated(out_of_fold, bad), out_of_fold)


def scorecard(config: Config) -> Fit:
    """Fits a WoE scorecard: optimal monotone bins (Navas-Palencia 2020), then logistic regression on their weights.

    A characteristic whose coefficient comes out with the wrong sign would reward what its own bins call
    risky; the worst such one is dropped and the rest fitted again.
    """
    sign, unordered = config.directions, set(plain_categories(config))

    def fit(matrix: Matrix, bad: Mask) -> Scorecard:
        sample = _sample(len(bad), config.model.seed)
        binned = {
            column: bins
            for column in range(matrix.shape[1])
            if (bins := _bins(matrix[sample, column], bad[sample], sign[column], column in unordered))
        }
        columns = list(binned)
        if not columns:
            raise DataError(
                f"no characteristic reaches an information value of {MINIMUM_IV}: a scorecard has nothing to stand on. "
                "Look at the outcome's coding and at the features."
            )
        while True:
            weights = np.column_stack([binned[column].transform(matrix[:, column]) for column in columns])
            regression = LogisticRegression(C=np.inf, solver="newton-cholesky").fit(weights, bad)
            coefficients = tuple(map(parameter, regression.coef_[0]))
            if max(coefficients) <= 0 or len(columns) == 1:
                break
            columns.pop(coefficients.index(max(coefficients)))
        return Scorecard(
            tuple(columns),
            tuple(binned[column] for column in columns),
            coefficients,
            parameter(regression.intercept_[0]),
        )

    return fit


def _sample(rows: int, seed: int) -> Labels:
    if rows <= BINNING_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, BINNING_ROWS, replace=False))


def _bins(values: Matrix, bad: Mask, sign: int, unordered: bool) -> Bins | None:
    """The optimal bins of one characteristic, None if it does not discriminate."""
    trend = {1: "ascending", -1: "descending", 0: "auto_asc_desc"}[sign]
    binning = OptimalBinning(
        dtype="categorical" if unordered else "numerical", monotonic_trend=None if unordered else trend, cat_cutoff=None
    )
    binning.fit(_words(values) if unordered else values, bad)
    table = binning.binning_table
    table.build(add_totals=False)
    if table.iv < MINIMUM_IV:
        return None
    missing = np.array([np.nan])
    # Without metric_missing optbinning weighs every missing value as the average, 0.
    weight_of_missing = parameter(
        binning.transform(missing.astype(object) if unordered else missing, metric="woe", metric_missing="empirical")[0]
    )
    if unordered:
        codes = np.arange(np.nanmax(values) + 1)
        woe = binning.transform(codes.astype(str).astype(object), metric="woe")
        return Bins((), tuple(map(parameter, woe)), weight_of_missing, by_code=True)
    edges = tuple(map(float, binning.splits))
    woe = binning.transform(np.array([-np.inf, *edges]), metric="woe")
    return Bins(edges, tuple(map(parameter, woe)), weight_of_missing, by_code=False)


def _words(codes: Matrix) -> NDArray[np.object_]:
    """Codes as text, missing as None: optbinning takes a float among categories for missing."""
    words = codes.astype(str).astype(object)
    words[np.isnan(codes)] = None
    return words


def logistic(config: Config) -> Fit:
    """Fits the plain logistic regression, with a light penalty so that repeated features do no harm."""
    unordered = set(plain_categories(config))

    def fit(matrix: Matrix, bad: Mask) -> Logistic:
        columns, codes = _design(config, matrix.shape[1], unordered)
        values = matrix[:, columns]
        fill = _by_column(lambda column: float(np.nanmedian(column)), values)
        low = _by_column(lambda column: float(np.nanquantile(column, 0.005)), values)
        high = _by_column(lambda column: float(np.nanquantile(column, 0.995)), values)
        design = prepared(matrix, columns, codes, low=low, high=high, fill=fill)
        spread = [float(deviation) or 1.0 for deviation in design.std(axis=0)]
        centre, scale = (tuple(map(in_units, values, spread)) for values in (design.mean(axis=0), spread))
        scaled = (design - np.array(centre)) / np.array(scale)
        regression = LogisticRegression(C=1.0, solver="newton-cholesky").fit(scaled, bad)
        return Logistic(
            tuple(columns),
            tuple(codes),
            low,
            high,
            fill,
            centre,
            scale,
            tuple(map(parameter, regression.coef_[0])),
            parameter(regression.intercept_[0]),
        )

    return fit


def _design(config: Config, features: int, unordered: set[int]) -> tuple[list[int], list[int]]:
    """The feature behind each column of the regression, and its category for the columns of plain categories."""
    pairs = []
    for column in range(features):
        categories = config.categories(config.features[column]) or ()
        pairs += [(column, code) for code in range(len(categories))] if column in unordered else [(column, -1)]
    return [column for column, _ in pairs], [code for _, code in pairs]


def _by_column(summary: Callable[[Matrix], float], values: Matrix) -> tuple[float, ...]:
    """A summary of each column's known values; 0 for a column that is missing throughout."""
    return tuple(0.0 if np.isnan(column).all() else summary(column) for column in values.T)
