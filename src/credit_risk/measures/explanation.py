"""Whether explanations can be relied on, and what they come to over many applications: aggregates, no single row."""

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

from credit_risk.config.tags import tags
from credit_risk.data.inputs import Indices, Mask, Matrix
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import proportion
from credit_risk.scoring.reasons import Explainer, Explanations

SHOWN = 12  # features in the summary
LEVELS = 12  # a feature with more values is cut at its quantiles


def at_best_value(declined: Explanations, train: Matrix) -> Mask:
    """Whether each driver stands at the end of its training range that its direction calls best."""
    direction = np.array(declined.explainer.directions)[declined.driver]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
        lowest, highest = np.nanmin(train, axis=0), np.nanmax(train, axis=0)
    value = np.take_along_axis(declined.matrix, declined.driver, axis=1)
    low, high = value <= lowest[declined.driver], value >= highest[declined.driver]
    return np.asarray(((direction > 0) & low) | ((direction < 0) & high))


def overlap(first: Indices, second: Indices) -> float:
    a, b = set(first[first >= 0].tolist()), set(second[second >= 0].tolist())
    return len(a & b) / len(a | b) if a | b else 1.0


def by_family(explainer: Explainer, given: Matrix, against: Matrix) -> Matrix:
    """Exact interventional Shapley values of each family for any kind of model, over all coalitions of families.

    The shap library cannot follow LightGBM's splits on plain categories.
    """
    families = len(explainer.is_member)
    coalitions = ((np.arange(1 << families)[:, None] >> np.arange(families)) & 1).astype(bool)
    values = np.empty((len(given), families))
    size = coalitions.sum(axis=1)
    for index, row in enumerate(given):
        worth = _worth(explainer, row, against, coalitions)
        for family in range(families):
            without = np.flatnonzero(~coalitions[:, family])
            weight = np.array([1 / (families * math.comb(families - 1, others)) for others in size[without]])
            values[index, family] = weight @ (worth[without | (1 << family)] - worth[without])
    return values * explainer.calibration.slope


def by_family_drawn(explainer: Explainer, given: Matrix, against: Matrix, *, orders: int, seed: int) -> Matrix:
    """The same from orders in which families join, each taken both ways round: for families too many for coalitions.

    Exact, whatever is drawn, where the model adds its features up; elsewhere an unbiased estimate (Castro, Gómez and
    Tejada 2009; the second way round halves what pairs of families do to each other, Mitchell and others 2022).
    """
    families = len(explainer.is_member)
    rng = np.random.default_rng(seed)
    values = np.zeros((len(given), families))
    for index, row in enumerate(given):
        for _ in range(orders):
            order = rng.permutation(families)
            for joining in (order, order[::-1]):
                coalitions = np.vstack([np.zeros(families, bool), np.tri(families, dtype=bool)[:, np.argsort(joining)]])
                values[index, joining] += np.diff(_worth(explainer, row, against, coalitions))
    return values / (2 * orders) * explainer.calibration.slope


def _worth(explainer: Explainer, row: Matrix, against: Matrix, coalitions: Mask) -> Matrix:
    """The mean margin of the population with the families of each coalition as the applicant has them."""
    from_applicant = (coalitions @ explainer.is_member)[:, None, :]
    mixed = np.where(from_applicant, row, against).reshape(-1, len(row))
    return np.asarray(explainer.model.margin(mixed).reshape(len(coalitions), -1).mean(axis=1))


def ratio(sums: Matrix) -> Matrix:
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[0] / sums[1])


def correlation(sums: Matrix) -> Matrix:
    """Pearson's, from n, Σx, Σy, Σx², Σy², Σxy."""
    n, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y)))


def tables(overall: Explanations, declined: Explanations, *, confidence: float) -> dict[str, DataFrame]:
    """The tables behind the pictures, by file name."""
    importance = by_importance(overall, declined)
    return {
        "importance": importance,
        "families": families(overall, declined, confidence),
        "summary": pd.concat([summary(overall, name) for name in importance["feature"].head(SHOWN)], ignore_index=True),
        "dependence": pd.concat([dependence(overall, name) for name in importance["feature"]], ignore_index=True),
    }


def by_importance(overall: Explanations, declined: Explanations) -> DataFrame:
    """Mean absolute contribution of each feature over rows of every outcome, and over declines; the largest first."""
    family_of = {name: family.id for family in overall.explainer.settings.families for name in family.features}
    features = overall.explainer.background.features
    table = DataFrame({"feature": features, "family": [family_of.get(name, "") for name in features]})
    table["mean_abs"], table["share"] = _importance(overall.contributions)
    table["mean_abs_declines"], table["share_declines"] = _importance(declined.contributions)
    cited = declined.driver[declined.principal]
    table["driver_of"] = np.bincount(cited, minlength=len(table)) if len(cited) else 0
    return table.sort_values("mean_abs", ascending=False, kind="stable", ignore_index=True)


def families(overall: Explanations, declined: Explanations, confidence: float) -> DataFrame:
    """Importance of each reason family, and how often declines cite it, with Wilson intervals."""
    settings = overall.explainer.settings
    declared = settings.families
    texts = [next(text for text, _ in settings.wordings(family).values()) for family in declared]
    table = DataFrame({"id": [family.id for family in declared], "text": texts})
    table["mean_abs"], table["share"] = _importance(overall.explainer.by_family(overall.contributions))
    for name, cited in (("cited", declined.family), ("top", declined.family[:, :1])):
        lines = [
            flat({name: proportion(int((cited == family).any(axis=1).sum()), len(declined), confidence=confidence)})
            for family in range(len(table))
        ]
        table = table.join(DataFrame(lines))
    return table


def summary(overall: Explanations, name: str) -> DataFrame:
    """Where the contributions of one feature lie, for its low, middle and high values."""
    feature = overall.explainer.background.features.index(name)
    values, added = overall.matrix[:, feature], overall.contributions[:, feature]
    lower, upper = np.nanquantile(values, [1 / 3, 2 / 3]) if (~np.isnan(values)).any() else (0.0, 0.0)
    parts = {
        "low": (values <= lower) & (values < upper),
        "middle": (values >= lower) & (values <= upper) & ~((values <= lower) & (values < upper)),
        "high": values > upper,
        "missing": np.isnan(values),
    }
    lines = [
        (name, part, int(mask.sum()), *np.quantile(added[mask], [0.05, 0.25, 0.5, 0.75, 0.95]))
        for part, mask in parts.items()
        if mask.any()
    ]
    return DataFrame(lines, columns=["feature", "values", "rows", "p05", "p25", "p50", "p75", "p95"])


def dependence(overall: Explanations, name: str) -> DataFrame:
    """How the contribution of one feature depends on its value; the spread at one value is other features' doing."""
    feature = overall.explainer.background.features.index(name)
    values, added = overall.matrix[:, feature], overall.contributions[:, feature]
    known = ~np.isnan(values)
    levels = np.unique(values[known])
    if len(levels) > LEVELS:
        cuts = np.unique(np.quantile(values[known], np.linspace(0, 1, LEVELS + 1)[1:-1], method="nearest"))
        group = np.searchsorted(cuts, values, side="left")
    else:
        group = np.searchsorted(levels, values)
    lines = [_dependence_line(overall, feature, values[mask], added[mask]) for mask in _groups(group, known, values)]
    table = DataFrame(lines, columns=["value", "rows", "mean", "p10", "p90"])
    table.insert(0, "feature", name)
    return table


def _groups(group: Indices, known: Mask, values: Matrix) -> Iterator[Mask]:
    """The rows of each group of values, those that are missing, and those of each special code."""
    for part in np.unique(group[known]):
        yield known & (group == part)
    tag = tags(values)
    for code in np.unique(tag[~known]):
        yield ~known & (tag == code)


def _dependence_line(overall: Explanations, feature: int, values: Matrix, added: Matrix) -> tuple[Any, ...]:
    """A category by its word, a number by the mean of its group."""
    averaged = overall.explainer.words[feature] is None and not np.isnan(values).any()
    middle = float(values.mean()) if averaged else float(values[0])
    return overall.explainer.word(feature, middle), len(values), added.mean(), *np.quantile(added, [0.1, 0.9])


def _importance(added: Matrix) -> tuple[Matrix, Matrix]:
    """Mean absolute contribution and its share of all; NaN without rows."""
    if not len(added):
        nothing = np.full(added.shape[1], np.nan)
        return nothing, nothing
    size = np.abs(added).mean(axis=0)
    return size, size / size.sum()
