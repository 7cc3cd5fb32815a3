"""How good the probabilities of default (PD) of one model are, measured on one sample.

A bootstrap replicate is a weighting of the rows, so `measure` answers for hundreds of
replicates in one pass. A figure that the rows cannot carry (one class only, say) is NaN,
never a stand-in; `why_undefined` says why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pandas import factorize
from scipy.special import logit

from credit_risk.config.schema import Policy
from credit_risk.errors import CreditRiskError
from credit_risk.measures import recalibration
from credit_risk.scoring import decision

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]
Values: TypeAlias = dict[str, Floats]

BINS = 10  # deciles of PD, the custom for calibration tables
TINY = np.finfo(np.float64).tiny


class UnusableSample(CreditRiskError, ValueError):
    """Outcomes, PDs, groups or weights that no figure can be taken from."""


@dataclass(frozen=True)
class Economics:
    """What an approval earns or loses, in shares of the exposure, and where approval ends.

    cut_off: applications with a PD below it are approved. margin: earned on a good.
    lgd: lost on a bad (loss given default). cost: spent on each account opened.
    """

    cut_off: float
    margin: float
    lgd: float
    cost: float = 0.0

    @classmethod
    def of(cls, policy: Policy, cut_off: float | None = None) -> "Economics":
        """The lender's own, at the policy's cut-off or another."""
        limit = decision.cut_off(policy) if cut_off is None else cut_off
        return cls(limit, policy.margin, policy.lgd, policy.cost)


@dataclass(frozen=True, eq=False)
class Sample:
    """Outcomes and PDs of one model, sorted once from the riskiest row to the safest. Build it with `Sample.of`.

    order: index of each sorted row in the arrays as given. bad (1 or 0), pd: sorted. group: number
    of each row's applicant, in the order given. ties: where each distinct PD begins. bins: where
    each of about ten equally large bins begins, never inside a tie. weight: what each row counts for, in the order
    given, 1 on average.
    """

    order: Rows
    bad: Floats
    pd: Floats
    group: Rows
    ties: Rows
    bins: Rows
    economics: Economics | None
    weight: Floats

    @classmethod
    def of(
        cls,
        bad: ArrayLike,
        pd: ArrayLike,
        group: ArrayLike | None = None,
        economics: Economics | None = None,
        weight: ArrayLike | None = None,
    ) -> "Sample":
        """Check and sort. Without `group` each row is an applicant; without `economics` nothing is said of approvals.

        Raises UnusableSample for no rows, unequal lengths, outcomes but 0 and 1, PDs outside 0 to 1, anything missing.
        """
        outcomes, pds = np.asarray(bad, dtype=np.float64), np.asarray(pd, dtype=np.float64)
        groups = np.arange(outcomes.size) if group is None else factorize(np.asarray(group))[0]
        _refuse_unusable(outcomes, pds, groups)
        order = np.argsort(-pds, kind="stable")
        ties = np.flatnonzero(np.diff(pds[order], prepend=np.nan) != 0)
        bins = ties[np.diff(ties * BINS // pds.size, prepend=-1) > 0]
        counts = np.ones(pds.size) if weight is None else np.asarray(weight, dtype=np.float64)
        return cls(order, outcomes[order], pds[order], groups, ties, bins, economics, counts / counts.mean())

    @cached_property
    def log_odds(self) -> Floats:
        """ln(PD / (1 - PD)); infinite at a PD of exactly 0 or 1."""
        return logit(self.pd)


def measure(sample: Sample, weights: ArrayLike | None = None) -> Values:
    """Every figure of this module by name, except Hosmer-Lemeshow, whose p has no sense in a replicate.

    weights: one a row, in the order the rows were given, beside the sample's own; or a matrix of a weighting a
    line, which gives an array of a value a line. Approvals and profit only if the sample has economics.
    """
    return _by_name(sample, weights, _ranking, _calibration, _lending)


def ranking(sample: Sample, weights: ArrayLike | None = None) -> Values:
    """Those of `measure` that ask how well PDs rank: a third of its time, as nothing is fitted."""
    return _by_name(sample, weights, _ranking)


def _by_name(sample: Sample, weights: ArrayLike | None, *parts: Callable[[Sample, Floats], Values]) -> Values:
    lines = _lines(sample, weights)
    figures = {name: values for part in parts for name, values in part(sample, lines).items()}
    if weights is not None and np.ndim(weights) == 2:
        return figures
    return {name: values[0] for name, values in figures.items()}


def gini(bad: ArrayLike, pd: ArrayLike, weights: ArrayLike | None = None) -> float:
    """2 AUC - 1, the accuracy ratio of credit reports: 0 is no ranking, 1 a perfect one. NaN with one class only."""
    return _single(_ranking, "gini", Sample.of(bad, pd), weights)


def calibration_in_the_large(bad: ArrayLike, pd: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Intercept a of logit P(bad) = a + logit(PD): 0 is right, above 0 there are more bads than the PDs foretell.

    exp(a) is what the odds of bad must be multiplied by. NaN with one class, or a PD of 0 or 1.
    """
    return _single(_calibration, "calibration_in_the_large", Sample.of(bad, pd), weights)


def why_undefined(sample: Sample) -> dict[str, str]:
    """A sentence for each figure that is NaN on this sample, by name; empty if all are known."""
    return {name: _reason(name, sample) for name, value in measure(sample).items() if np.isnan(value)}


def _ranking(sample: Sample, weights: Floats) -> Values:
    """How well PDs rank, from bads and rows counted down the sorted PDs. NaN with one class only.

    auc: the chance that a random bad has a higher PD than a random good, a tie counting half; 0.5 is no ranking at all.
    ks: the greatest gap between the shares of bads and of goods above one PD: the best any cut-off separates them.
    average_precision: the area under precision over recall for finding bads; the bad rate is what no ranking gets.
    Checked against sklearn.metrics and scipy.stats.ks_2samp.
    """
    bads, rows = _by_tie(sample, weights * sample.bad), _by_tie(sample, weights)
    bads_above, rows_above = np.cumsum(bads, axis=-1), np.cumsum(rows, axis=-1)
    all_bads, all_rows = bads_above[:, -1], rows_above[:, -1]
    pairs = all_bads * (all_rows - all_bads)
    ordered = np.vecdot(rows - bads, bads_above - bads / 2)
    gaps = np.abs(bads_above * all_rows[:, None] - rows_above * all_bads[:, None])
    precision = bads_above / np.maximum(rows_above, TINY)  # no weight above, so no bads either: 0, not 0/0
    area, caught = _ratio(ordered, pairs), np.vecdot(bads, precision)
    return {
        "auc": area,
        "gini": 2 * area - 1,
        "ks": _ratio(gaps.max(axis=-1), pairs),
        "average_precision": np.where(pairs > 0, _ratio(caught, all_bads), np.nan),
    }


def _calibration(sample: Sample, weights: Floats) -> Values:
    """How far PDs are from what came. Checked against sklearn.metrics and its LogisticRegression.

    brier: mean squared distance of PD and outcome; 0 is clairvoyance, bad rate times good rate what a constant gets.
    ece: the mean gap between PD and bad rate over ten bins of equally many rows, which weights do not move. Noise only
    raises it: a perfect model of 900 rows seldom gets below 0.02.
    calibration_slope: b of logit P(bad) = a + b logit(PD), a free (Cox 1958; Steyerberg, Clinical Prediction Models); 1
    is right, below 1 the PDs are too extreme (an overfitted model), above 1 too timid. NaN with one class, one PD, a PD
    of 0 or 1, or perfect separation.
    """
    total = weights.sum(axis=-1)
    residual = sample.bad - sample.pd
    gaps = np.add.reduceat(weights * residual, sample.bins, axis=-1)
    return {
        "brier": _ratio(weights @ residual**2, total),
        "ece": _ratio(np.abs(gaps).sum(axis=-1), total),
        "calibration_slope": recalibration.slope(sample.log_odds, sample.bad, weights),
        "calibration_in_the_large": recalibration.intercept(sample.log_odds, sample.bad, weights),
    }


def _lending(sample: Sample, weights: Floats) -> Values:
    """Share of applications with a PD below the cut-off, share of bads among them (NaN if nobody is approved), and the
    profit of the approved over all applications, in shares of the exposure of one: a decline earns nothing.
    """
    if (economics := sample.economics) is None:
        return {}
    # Sorted from the riskiest, the approved are the rows at the end: every PD below the cut-off.
    first = sample.pd.size - int(np.searchsorted(sample.pd[::-1], economics.cut_off, side="left"))
    applications, approved = weights.sum(axis=-1), weights[:, first:].sum(axis=-1)
    bads = weights[:, first:] @ sample.bad[first:]
    profit = economics.margin * (approved - bads) - economics.lgd * bads - economics.cost * approved
    return {
        "approval_rate": _ratio(approved, applications),
        "bad_rate_of_approved": _ratio(bads, approved),
        "profit_per_application": _ratio(profit, applications),
    }


def _single(figures: Callable[[Sample, Floats], Values], name: str, sample: Sample, weights: ArrayLike | None) -> float:
    """One figure for one weighting."""
    return float(figures(sample, _lines(sample, weights))[name][0])


def _lines(sample: Sample, weights: ArrayLike | None) -> Floats:
    """Weights as a matrix of a weighting a line, its columns sorted as the sample is."""
    rows = sample.pd.size
    lines = np.atleast_2d(np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64))
    if lines.ndim != 2 or lines.shape[1] != rows:
        raise UnusableSample(f"Weights must be one a row, or a matrix of {rows} columns; got shape {lines.shape}.")
    if not (lines.min(initial=0) >= 0 and lines.max(initial=0) < np.inf):
        raise UnusableSample("A weight is missing, infinite or negative; weights count rows, so 0 is the least.")
    return (lines * sample.weight)[:, sample.order]


def _by_tie(sample: Sample, values: Floats) -> Floats:
    """Sums over the rows of each distinct PD."""
    return values if sample.ties.size == sample.pd.size else np.add.reduceat(values, sample.ties, axis=-1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole; NaN where there is no whole to take a part of."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _reason(name: str, sample: Sample) -> str:
    """Why a figure is NaN on a sample, as a reader of a report needs it."""
    bads, rows = int(sample.bad.sum()), sample.pd.size
    if name == "bad_rate_of_approved":
        return f"nobody is approved: the lowest PD of {rows} rows is {sample.pd[-1]:g}"
    if bads in (0, rows):
        return f"one class only: {bads} bads among {rows} rows"
    if not np.isfinite(sample.log_odds).all():
        return "a PD of exactly 0 or 1 has no log-odds"
    if sample.ties.size == 1:
        return f"every row has the same PD, {sample.pd[0]:g}"
    return "the PDs separate goods and bads perfectly: the steeper the slope, the better it fits"


def _refuse_unusable(bad: Floats, pd: Floats, group: Rows) -> None:
    if not bad.shape == pd.shape == group.shape == (bad.size,) or bad.size == 0:
        shapes = f"{bad.shape}, {pd.shape} and {group.shape}"
        raise UnusableSample(f"Outcomes, PDs and groups must be columns of the same rows, at least one; got {shapes}.")
    for strange, what in (
        (~np.isin(bad, (0, 1)), "outcomes are neither 0 (good) nor 1 (bad)"),
        (~((pd >= 0) & (pd <= 1)), "PDs are missing or outside 0 to 1"),
        (group < 0, "rows have no applicant"),
    ):
        if strange.any():
            raise UnusableSample(f"{strange.sum()} of {bad.size} {what}; mend these rows or leave them out.")
