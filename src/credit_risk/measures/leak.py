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
from scipy.stats import rankdata

from credit_risk.data import split
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures import metrics
from credit_risk.measures.intervals import wilson

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
