"""Fitting the model and its challengers on the training rows, with margins of rows each model has not seen."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
from scipy.special import xlogy
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from credit_risk.config import Config
from credit_risk.config.tags import tags
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.rounding import in_units, parameter
from credit_risk.data.split import Labels
from credit_risk.errors import DataError
from credit_risk.measures import information
from credit_risk.modelling import points
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.model import Bins, Boosted, Logistic, RiskModel, Scorecard, prepared, with_levels

MOST_BINS = 20
FEWEST_ROWS = 15  # in a bin; fewer cannot tell a strong flag from chance
A_BIN_COSTS = 1.0  # log-likelihood that a bin more must gain to be worth having (Akaike 1974)
TINY = np.finfo(np.float64).tiny
MINIMUM_IV = 0.02  # information value below which a characteristic does not discriminate (Siddiqi 2017)

Fit = Callable[[Matrix, Mask, Matrix], RiskModel]  # features (rows, features), bad (rows,), weight (rows,)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """A model fitted on all training rows, calibrated on margins of rows it was not fitted on."""

    model: RiskModel
    calibration: Calibration
    out_of_fold: Matrix

    def moved(self, log_odds: float) -> "Fitted":
        """The same model with all PDs moved by these log-odds."""
        intercept = parameter(self.calibration.intercept + log_odds)
        return replace(self, calibration=replace(self.calibration, intercept=intercept))


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
    return [index for index, name in enumerate(config.features) if is_plain(config, name)]


def is_plain(config: Config, name: str) -> bool:
    """Whether the codes of a column have no order."""
    return name in config.columns and config.columns[name].type == "category"


def boosting_directions(config: Config) -> list[int]:
    """The direction of each column that the trees read; none is claimed over a special code (see Boosted)."""
    return [*config.directions, *(0 for _ in config.levels)]


def boosting_parameters(config: Config) -> dict[str, object]:
    """LightGBM's parameters: the tuned ones, and those that make two runs give the same trees."""
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "monotone_constraints": boosting_directions(config),
        "subsample_freq": 1,
        "seed": config.model.seed,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
        **config.parameters.model_dump(),
    }


def boosted(
    config: Config, matrix: Matrix, bad: Mask, weight: Matrix, *, fold: Labels, progress: Progress
) -> tuple[Fitted, Curve]:
    """The monotone LightGBM model; cross-validation by `fold` decides its number of trees."""
    out_of_fold, curve = cross_validated(config, matrix, bad, weight, fold=fold, progress=progress)
    model = boosting(config, curve.trees)(matrix, bad, weight)
    return Fitted(model, calibrated(out_of_fold, bad, weight), out_of_fold), curve


def boosting(config: Config, trees: int) -> Fit:
    """Fits the monotone LightGBM model with this many trees, whatever the rows would have stopped at."""

    def fit(matrix: Matrix, bad: Mask, weight: Matrix) -> Boosted:
        data = dataset(config, matrix, bad, weight)
        return Boosted.of(lgb.train(boosting_parameters(config), data, num_boost_round=trees), config.levels)

    return fit


def cross_validated(
    config: Config, matrix: Matrix, bad: Mask, weight: Matrix, *, fold: Labels, progress: Progress
) -> tuple[Matrix, Curve]:
    """LightGBM margins of each row by the model that did not see it, at the number of trees that loses least."""
    folds = [(np.flatnonzero(fold != index), np.flatnonzero(fold == index)) for index in range(config.model.folds)]
    result: dict[str, Any] = lgb.cv(
        boosting_parameters(config),
        dataset(config, matrix, bad, weight),
        num_boost_round=config.model.max_trees,
        folds=folds,
        return_cvbooster=True,
        callbacks=[lgb.early_stopping(config.model.patience, verbose=False), _progress(progress)],
    )
    # The last digits of a mean over threads depend on their number; the choice of trees must not.
    mean, spread = (np.array(result[f"valid binary_logloss-{what}"], dtype=np.float64) for what in ("mean", "stdv"))
    curve = Curve(mean.round(10), spread.round(10))
    out_of_fold = np.empty(len(bad))
    design = with_levels(matrix, config.levels)
    for booster, (_, left_out) in zip(result["cvbooster"].boosters, folds, strict=True):
        out_of_fold[left_out] = booster.predict(design[left_out], raw_score=True, num_iteration=curve.trees)
    return out_of_fold, curve


def dataset(config: Config, matrix: Matrix, bad: Mask, weight: Matrix) -> lgb.Dataset:
    """What LightGBM is fitted on: the features, and a column for each special code; weight: 1 on average."""
    design = with_levels(matrix, config.levels)
    # LightGBM rewrites spaces and refuses colons in names; the scorer knows which feature fN is.
    names = [f"f{index}" for index in range(design.shape[1])]
    unordered, own = plain_categories(config), None if (weight == 1).all() else weight
    return lgb.Dataset(design, bad, weight=own, feature_name=names, categorical_feature=unordered)


def _progress(progress: Progress) -> Callable[[lgb.callback.CallbackEnv], None]:
    def report(env: lgb.callback.CallbackEnv) -> None:
        if (env.iteration + 1) % 100 == 0:
            loss = next(iter(env.evaluation_result_list or []), None)
            progress(f"{env.iteration + 1} trees" + (f", log loss {loss[2]:.5f}" if loss else ""))

    return report


def calibrated(margin: Matrix, bad: Mask, weight: Matrix) -> Calibration:
    """Platt's calibration of out-of-fold margins (Platt 1999), without a penalty.

    Isotonic regression would add ties and break the additivity of reasons on the log-odds scale.
    Raises DataError if the margins rank the wrong way round: such a model has learned nothing.
    """
    if np.ptp(margin) == 0:
        raise DataError(
            f"out-of-fold margins are all {margin[0]:.3g}: they have no slope, expected above 0. The model tells "
            "no application from another. Look at the outcome's coding and at the features."
        )
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(margin[:, None], bad, weight)
    slope = parameter(regression.coef_[0, 0])
    if not slope > 0:
        raise DataError(
            f"out-of-fold margins have a calibration slope of {slope:.3f}, expected above 0: the model ranks no "
            "better than chance on rows it was not fitted on. Look at the outcome's coding and at the features."
        )
    return Calibration(parameter(regression.intercept_[0]), slope)


def challenger(fit: Fit, matrix: Matrix, bad: Mask, weight: Matrix, *, fold: Labels) -> Fitted:
    """A challenger fitted and calibrated the same way as the model."""
    out_of_fold = np.empty(len(bad))
    for index in np.unique(fold):
        rest = fold != index
        out_of_fold[~rest] = fit(matrix[rest], bad[rest], weight[rest]).margin(matrix[~rest])
    return Fitted(fit(matrix, bad, weight), calibrated(out_of_fold, bad, weight), out_of_fold)


def scorecard(config: Config) -> Fit:
    """Fits a scorecard: bins, and for each of them what it adds beside all other characteristics (see points.together).

    A characteristic that beside others turns round what it tells alone would reward what it calls risky; the worst
    such one is dropped and the rest fitted again.
    """

    def fit(matrix: Matrix, bad: Mask, weight: Matrix) -> Scorecard:
        every = binned(config, matrix, bad, weight)
        columns = [column for column, its in every.items() if its.information >= MINIMUM_IV]
        if not columns:
            raise DataError(
                f"no characteristic reaches an information value of {MINIMUM_IV}: a scorecard has nothing to stand on. "
                "Look at the outcome's coding and at the features."
            )
        alone = {column: every[column].bins.transform(matrix[:, column]) for column in columns}
        shapes = {column: points.shape(every[column].bins, every[column].sign, matrix[:, column]) for column in columns}
        while True:
            added, intercept = points.together([shapes[column] for column in columns], bad, weight)
            of_rows = [its[shapes[column].bin_of_row] for column, its in zip(columns, added, strict=True)]
            weights = [points.weight(its, alone[column]) for column, its in zip(columns, of_rows, strict=True)]
            if max(weights) <= 0:
                break
            columns.pop(weights.index(max(weights)))
        kept = [each for each in zip(columns, added, weights, strict=True) if each[2]]  # what adds nothing is no line
        return Scorecard(
            tuple(column for column, _, _ in kept),
            tuple(shapes[column].bins(its / of_all) for column, its, of_all in kept),
            tuple(of_all for _, _, of_all in kept),
            parameter(intercept),
        )

    return fit


def columns_read(model: RiskModel) -> set[int]:
    """The columns of the matrix on which a model's margin depends."""
    if isinstance(model, Boosted):
        return set(np.flatnonzero(model.booster.feature_importance()).tolist())
    assert isinstance(model, Scorecard | Logistic)  # noqa: S101, a promise to mypy
    return set(model.columns)


@dataclass(frozen=True, eq=False)
class Binned:
    """A characteristic in bins, which way its PD goes, the bin of each row it was fitted to, and its IV."""

    bins: Bins
    sign: int
    bin_of_row: Labels
    information: float


def binned(config: Config, matrix: Matrix, bad: Mask, weight: Matrix) -> dict[int, Binned]:
    """Every characteristic that has a known value, by its column."""
    signs, names, unordered = config.directions, config.features, set(plain_categories(config))
    return {
        column: _binned(
            values, bad, weight, signs[column], unordered=column in unordered, codes=len(config.meanings(names[column]))
        )
        for column, values in enumerate(matrix.T)
        if not np.isnan(values).all()
    }


def _binned(values: Matrix, bad: Mask, weight: Matrix, sign: int, *, unordered: bool, codes: int) -> Binned:
    """The bins of one characteristic: the leaves of a monotone tree on it alone.

    A split stands if it gains more log-likelihood than a bin costs, so that a rare strong flag has its bin and a broad
    characteristic is not cut to pieces; no share of the rows decides. Without a sign the better direction is taken. A
    plain category is ordered by its bad rate first; a code without rows weighs as the average, 0. What is missing is a
    bin, and each of the special codes (`codes` of them) is one behind it.
    """
    known = ~np.isnan(values)
    rank = _by_bad_rate(values[known].astype(np.intp), bad[known], weight[known]) if unordered else None
    cells = values[known] if rank is None else rank[values[known].astype(np.intp)]
    ways = (sign,) if sign or unordered else (1, -1)
    tried = [_cuts(cells, bad[known], weight[known], way) for way in ways]
    best = int(np.argmax([likelihood for _, likelihood in tried]))
    cuts = tried[best][0]
    bin_of_row = len(cuts) + 1 + tags(values)
    bin_of_row[known] = np.searchsorted(cuts, cells, side="right")
    goods, bads = (information.by_bin(weight * which, bin_of_row, len(cuts) + 2 + codes) for which in (~bad, bad))
    woe = np.array([*map(parameter, information.evidence(goods, bads))])
    of_values = (
        woe[: len(cuts) + 1]
        if rank is None
        else np.where(np.isnan(rank), 0.0, woe[np.searchsorted(cuts, rank, "right")])
    )
    edges = tuple(map(float, cuts)) if rank is None else ()
    bins = Bins(edges, tuple(map(float, of_values)), float(woe[len(cuts) + 1]), by_code=unordered)
    bins = replace(bins, special=tuple(map(float, woe[len(cuts) + 2 :])))
    return Binned(bins, ways[best], bin_of_row, information.value(goods, bads))


def _by_bad_rate(codes: Labels, bad: Mask, weight: Matrix) -> Matrix:
    """The rank of each code of a plain category by its bad rate, as smoothed as the evidence; NaN without rows."""
    bads, rows = (information.by_bin(its, codes, int(codes.max()) + 1) for its in (weight * bad, weight))
    rate = (bads + information.PRIOR * np.average(bad, weights=weight)) / (rows + information.PRIOR)
    return np.where(rows > 0, rankdata(np.where(rows > 0, rate, np.inf), method="ordinal"), np.nan)


def _cuts(cells: Matrix, bad: Mask, weight: Matrix, sign: int) -> tuple[Matrix, float]:
    """Where bins end, each value at a cut in the bin above it, and the log-likelihood of the bins less their cost."""
    tree = DecisionTreeClassifier(
        criterion="log_loss",
        monotonic_cst=[sign],
        max_leaf_nodes=MOST_BINS,
        min_samples_leaf=min(FEWEST_ROWS, len(cells)),
        min_impurity_decrease=A_BIN_COSTS / weight.sum() / np.log(2),  # of a mean over the rows, in bits
        random_state=0,
    ).fit(cells[:, None], bad, weight)
    # The tree compares 32-bit values with a cut half way between two of them; the scorecard has 64-bit ones.
    cuts = np.sort(tree.tree_.threshold[tree.tree_.feature >= 0])
    bins = np.searchsorted(cuts, cells, side="right")
    bads, rows = np.bincount(bins, weight * bad), np.bincount(bins, weight)
    rate = bads / np.maximum(rows, TINY)
    likelihood = xlogy(bads, rate) + xlogy(rows - bads, 1 - rate)
    return cuts, float(likelihood.sum() - A_BIN_COSTS * len(rows))


def logistic(config: Config) -> Fit:
    """Fits the plain logistic regression, with a light penalty so that repeated features do no harm."""
    unordered = set(plain_categories(config))

    def fit(matrix: Matrix, bad: Mask, weight: Matrix) -> Logistic:
        columns, codes = _design(config, matrix.shape[1], unordered)
        values = matrix[:, columns]
        fill = _by_column(lambda column: float(np.nanmedian(column)), values)
        low = _by_column(lambda column: float(np.nanquantile(column, 0.005)), values)
        high = _by_column(lambda column: float(np.nanquantile(column, 0.995)), values)
        design = prepared(matrix, columns, codes, low=low, high=high, fill=fill)
        spread = [float(deviation) or 1.0 for deviation in design.std(axis=0)]
        centre, scale = (tuple(map(in_units, values, spread)) for values in (design.mean(axis=0), spread))
        scaled = (design - np.array(centre)) / np.array(scale)
        regression = LogisticRegression(C=1.0, solver="newton-cholesky").fit(scaled, bad, weight)
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
