"""Signs that the model has seen the answer: one feature that knows nearly all, and rows that stand on both sides.

An AUC that is too good on one lender's data is honest on another's, so the measures are relative: what the best
single feature reaches alone, as a share of what the model reaches with all of them; and how many of the bads one
feature marks as good as certainly, which honest features do not do at any strength.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, rankdata

from credit_risk.data import split
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures import metrics
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import clustered_auc, wilson

FEWEST_VALUES, FEWEST_ROWS = 8, 20  # of a column that could be a bad rate
TOO_CLOSE = 1e-6  # the chance of deviations as small as these, below which they are none
NEARLY_ALL = 0.9  # the bad rate at which a feature makes sure instead of ranking


@dataclass(frozen=True)
class Strongest:
    """The feature that ranks best alone: its Gini, and the share of the model's Gini that this is (NaN: not known)."""

    feature: str
    gini: float
    share: float


def strongest(columns: Mapping[str, Matrix], bad: Mask, model_gini: float, weight: Matrix | None = None) -> Strongest:
    """The strongest single feature on these rows; 1 or more as share means that the model adds nothing to it.

    columns: values whose order means something; for a plain category, the bad rate of its code in training.
    weight: what each row counts for, as in model_gini; 1 each by default.
    The share is NaN if the model ranks no better than chance, or if a feature could not be ranked.
    """
    ginis = {name: gini_alone(values, bad, weight) for name, values in columns.items()}
    name = max(ginis, key=lambda name: -1 if math.isnan(ginis[name]) else ginis[name])
    return Strongest(name, ginis[name], ginis[name] / model_gini if model_gini > 0 else math.nan)


@dataclass(frozen=True)
class Telltale:
    """The feature that marks most bads for certain, empty if none does; its share of all bads (NaN: no bads)."""

    feature: str
    share: float


def telltale(columns: Mapping[str, Matrix], bad: Mask, *, confidence: float) -> Telltale:
    """The largest share of the bads that lies beyond one value of one feature, where nearly all are bad.

    A feature of before the decision ranks; it seldom makes sure. One written after the outcome (an amount recovered, a
    date of collection) makes sure of those it is written for, though its Gini may stay far below the model's.
    """
    shares = {name: marked(values, bad, confidence=confidence) for name, values in columns.items()}
    name = max(shares, key=lambda name: -1 if math.isnan(shares[name]) else shares[name])
    return Telltale(name if shares[name] > 0 else "", shares[name])


def marked(values: Matrix, bad: Mask, *, confidence: float) -> float:
    """The largest share of the bads that an upper or lower end of one column holds, missing cells at either side.

    An end counts if the lower end of Wilson's interval of its bad rate is at least `NEARLY_ALL`, so that a few rows
    that are bad by chance do not: at 95 % it takes 35 bads in a row.
    """
    if not bad.any():
        return math.nan
    ends = (-np.inf, np.inf) if np.isnan(values).any() else (0.0,)
    filled = [np.where(np.isnan(values), end, values) for end in ends]
    return max(_beyond(sign * each, bad, confidence) for each in filled for sign in (1, -1)) / int(bad.sum())


def _beyond(values: Matrix, bad: Mask, confidence: float) -> int:
    """The most bads among the rows with the highest values, of those ends that are nearly all bad."""
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # rows of one value stay together
    rows, bads = ends + 1, np.cumsum(bad[order])[ends]
    low, _ = wilson(bads / rows, rows, confidence=confidence)
    return int(bads[low >= NEARLY_ALL].max(initial=0))


def gini_alone(values: Matrix, bad: Mask, weight: Matrix | None = None) -> float:
    """How well one column ranks good and bad, whichever way round: 0 not at all, 1 perfectly.

    Missing cells rank at one end, the one that ranks better: a column that is filled in
    only after a default betrays itself by where it is missing. NaN with one class only.
    """
    ends = (-np.inf, np.inf) if np.isnan(values).any() else (0.0,)
    filled = [np.where(np.isnan(values), end, values) for end in ends]
    ginis = [abs(metrics.gini(bad, _as_share(each), weight)) for each in filled]
    return max(ginis)


def bad_rates(train_codes: Matrix, train_bad: Mask, codes: Matrix) -> Matrix:
    """A plain category as its bad rate in training, which gives its codes an order; NaN for a code not seen there."""
    seen = ~np.isnan(train_codes)
    seen_codes = train_codes[seen].astype(np.intp)
    size = int(max(np.nanmax(codes, initial=0), seen_codes.max(initial=0))) + 1
    rows = np.bincount(seen_codes, minlength=size)
    bads = np.bincount(seen_codes, weights=train_bad[seen], minlength=size)
    rates = np.divide(bads, rows, out=np.full(size, np.nan), where=rows > 0)
    return np.where(np.isnan(codes), np.nan, rates[np.where(np.isnan(codes), 0, codes).astype(np.intp)])


def rows_across_splits(splits: Sequence[NDArray[Any]]) -> int:
    """How many rows have a twin in another split, equal in every input or, for arrays of one dimension, in its name."""
    keys = [split.row_keys(np.ascontiguousarray(rows)) for rows in splits]
    distinct, times = np.unique(np.concatenate([np.unique(part) for part in keys]), return_counts=True)
    shared = distinct[times > 1]
    return int(sum(np.isin(part, shared).sum() for part in keys))


def _as_share(values: Matrix) -> Matrix:
    """Ranks between 0 and 1, ties alike."""
    ranks: Matrix = rankdata(values) / len(values)
    return ranks


def order_gini(
    orders: Mapping[str, Matrix], bad: Mask, applicant: NDArray[Any], *, confidence: float
) -> tuple[str, Figure]:
    """The Gini, without its sign, by which an order of the rows alone ranks their outcomes, and which order that is.

    0 is no ranking. Where a file was written, or its rows were numbered or dated, in an order that knows the outcome,
    whatever follows that order (a batch, a branch, an account number) leaks it.
    orders: (rows,) each: the row in the file, the id, the day, as ranks within a part of the split. The largest counts.
    """
    if not bad.any() or bad.all() or not orders:
        return "", Figure.unknown(len(bad), "there is no order to rank by, or one class only")
    ginis = {
        name: _unsigned(clustered_auc(bad, values, applicant, confidence=confidence)) for name, values in orders.items()
    }
    name = max(ginis, key=lambda name: ginis[name].value)
    return name, ginis[name]


def _unsigned(area: Figure) -> Figure:
    """The absolute Gini of an AUC with its ends; across 0 the lower end is 0."""
    value, low, high = (2 * end - 1 for end in (area.value, area.low, area.high))
    if math.isnan(low):
        return Figure(abs(value), math.nan, math.nan, area.n, area.why)
    ends = sorted((abs(low), abs(high)))
    return Figure(abs(value), 0.0 if low <= 0 <= high else ends[0], ends[1], area.n)


def encoded(columns: Mapping[str, Matrix], bad: Mask) -> list[str]:
    """The columns whose value is the bad rate of the very rows that have it: outcomes written as a feature.

    A rate known beforehand (of a branch's older accounts, say) differs from what comes by chance; one that was computed
    from these outcomes does not, and its deviations are too small to be chance (left tail of chi-squared). Shares and
    per cent are recognised, with at least FEWEST_VALUES values of FEWEST_ROWS rows each.
    """
    return [name for name, values in columns.items() if _follows_too_closely(values, bad)]


def _follows_too_closely(values: Matrix, bad: Mask) -> bool:
    known = ~np.isnan(values)
    distinct, index, rows = np.unique(values[known], return_inverse=True, return_counts=True)
    bads = np.bincount(index, weights=bad[known], minlength=len(distinct))
    for scale in (1, 100):
        rate = distinct / scale
        judged = (rows >= FEWEST_ROWS) & (rate > 0) & (rate < 1)
        if judged.sum() >= FEWEST_VALUES:
            n, p = rows[judged], rate[judged]
            deviation = ((bads[judged] - n * p) ** 2 / (n * p * (1 - p))).sum()
            if chi2.cdf(deviation, judged.sum()) < TOO_CLOSE:
                return True
    return False
