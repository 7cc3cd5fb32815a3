"""How far a figure may be off by chance: bootstrap, DeLong and Wilson intervals.

The bootstrap draws applicants, not rows, because rows of one applicant go bad together.
A figure that cannot carry an interval gets NaN for its ends, which no gate passes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, rankdata

from credit_risk.measures.metrics import Figures, Floats, Rows, Sample, UnusableSample, measure

BLOCK = 100_000  # weights measured at once: 0.8 MB an array stays in the cache, four times as many took twice the time
MAY_BE_UNDEFINED = 0.01  # share of replicates without the figure; beyond it the interval is of another population


@dataclass(frozen=True)
class Interval:
    """A figure, the ends between which it plausibly lies, and the rows behind it. NaN: not known."""

    value: float
    low: float
    high: float
    n: int

    @property
    def known(self) -> bool:
        """Whether the figure and both ends are numbers."""
        return not any(map(math.isnan, (self.value, self.low, self.high)))


def bootstrap(sample: Sample, *, replicates: int, seed: int, confidence: float = 0.95) -> dict[str, Interval]:
    """Percentile interval of every figure of `measure` by name: applicants drawn with replacement, with all their rows.

    The ends are NaN where more than 1 % of the replicates lack the figure, and where every
    replicate gives the same one (no bad among 20 approved, say): resampling then saw no
    chance at work, which is not the same as none. ECE: noise raises every replicate, so
    its interval lies too high and can leave out its own value.
    """
    (draws,) = _redraw((sample,), replicates, seed)
    n = sample.pd.size
    return {
        name: _varied(_percentile(float(value), draws[name], confidence, n)) for name, value in measure(sample).items()
    }


def paired_difference(
    sample_a: Sample, sample_b: Sample, *, replicates: int, seed: int, confidence: float = 0.95
) -> dict[str, Interval]:
    """Figures of model a minus those of model b on the same rows: 0 in the interval means no telling them apart.

    Both are measured on the same draws, so the luck of the draw that they share cancels out.
    Raises UnusableSample if outcomes or applicants differ: the rows are then not the same.
    """
    if not _same_rows(sample_a, sample_b):
        raise UnusableSample("Models can be compared only on the same rows: outcomes, applicants and order must agree.")
    draws_a, draws_b = _redraw((sample_a, sample_b), replicates, seed)
    a, b = measure(sample_a), measure(sample_b)
    n = sample_a.pd.size
    return {
        name: _percentile(float(a[name] - b[name]), draws_a[name] - draws_b[name], confidence, n)
        for name in a
        if name in b
    }


def delong(bad: ArrayLike, pd_a: ArrayLike, pd_b: ArrayLike | None = None, *, confidence: float = 0.95) -> Interval:
    """Interval of the AUC of model a; with a model b, of AUC a minus AUC b on the same rows.

    Normal approximation with DeLong's variance, ends cut at the bounds of what is possible.
    Rows must be independent: with several rows an applicant use the bootstrap. The ends are
    NaN with fewer than two bads or goods, and for an AUC of exactly 0 or 1, whose variance
    comes out as 0 however few the rows.
    """
    pds, signs, least = ([pd_a], [1.0], 0.0) if pd_b is None else ([pd_a, pd_b], [1.0, -1.0], -1.0)
    aucs, covariance = delong_covariance(bad, *pds)
    value, variance = float(aucs @ signs), float(covariance.dot(signs) @ signs)
    if pd_b is None and value in (0, 1):
        variance = math.nan
    error = norm.ppf((1 + confidence) / 2) * np.sqrt(np.maximum(variance, 0))  # rounding can leave -1e-20
    low, high = np.clip([value - error, value + error], least, 1)
    return Interval(value, float(low), float(high), np.size(bad))


def delong_covariance(bad: ArrayLike, *pds: ArrayLike) -> tuple[Floats, Floats]:
    """AUC of each model and their covariance matrix, by midranks in O(n log n) (Sun and Xu 2014).

    A bad's placement is the share of goods that it outranks, a good's the share of bads that
    outrank it, ties half. Both average to the AUC; the covariances of their means add up to
    the AUCs'. Checked against the definition over all pairs (DeLong and others 1988).
    """
    checked = [Sample.of(bad, pd) for pd in pds]
    is_bad = np.asarray(bad, dtype=np.float64) == 1
    bads, goods = int(is_bad.sum()), int((~is_bad).sum())
    unknown = np.full((len(checked), len(checked)), np.nan)
    if bads == 0 or goods == 0:
        return unknown[0], unknown
    scores = np.stack([np.asarray(pd, dtype=np.float64) for pd in pds])
    ranks = rankdata(scores, axis=1)
    of_bads = (ranks[:, is_bad] - rankdata(scores[:, is_bad], axis=1)) / goods
    of_goods = 1 - (ranks[:, ~is_bad] - rankdata(scores[:, ~is_bad], axis=1)) / bads
    if bads == 1 or goods == 1:
        return of_bads.mean(axis=1), unknown
    return of_bads.mean(axis=1), np.atleast_2d(np.cov(of_bads) / bads + np.cov(of_goods) / goods)


def proportion(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Share k of n with Wilson's interval, which stays honest at 0 of n and n of n: 0 of 20 reaches up to 0.161.

    For independent rows. NaN for 0 of 0. Checked against scipy.stats.binomtest.
    """
    if not 0 <= k <= n:
        raise ValueError(f"A share needs 0 <= k <= n, got {k} of {n}.")
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    share, z = k / n, float(norm.ppf((1 + confidence) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    error = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At 0 of n and n of n the end is exact, but rounding would put it a hair inside.
    return Interval(share, 0.0 if k == 0 else centre - error, 1.0 if k == n else centre + error, n)


def _redraw(samples: Sequence[Sample], replicates: int, seed: int) -> list[Figures]:
    """The figures of each sample in each replicate, all samples measured on the same draws."""
    blocks = [
        [measure(sample, weights) for sample in samples] for weights in _draws(samples[0].group, replicates, seed)
    ]
    return [
        {name: np.concatenate([figures[name] for figures in of_sample]) for name in of_sample[0]}
        for of_sample in zip(*blocks, strict=True)
    ]


def _draws(group: Rows, replicates: int, seed: int) -> Iterator[Floats]:
    """Blocks of weightings: how often each row's applicant was drawn, as many draws as there are applicants.

    The draws do not depend on how they are cut into blocks.
    """
    generator = np.random.default_rng(seed)
    applicants = int(group.max()) + 1
    lines = max(1, BLOCK // group.size)
    for start in range(0, replicates, lines):
        size = min(lines, replicates - start)
        drawn = generator.integers(applicants, size=(size, applicants)) + np.arange(size)[:, None] * applicants
        times = np.bincount(drawn.ravel(), minlength=size * applicants).reshape(size, applicants)
        yield times.astype(np.float64)[:, group]


def _percentile(value: float, draws: Floats, confidence: float, n: int) -> Interval:
    """The middle part of the draws; unknown ends if too many of them lack the figure."""
    if np.isnan(value) or np.isnan(draws).mean() > MAY_BE_UNDEFINED:
        return Interval(value, math.nan, math.nan, n)
    low, high = np.nanquantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high), n)


def _varied(interval: Interval) -> Interval:
    """The interval, its ends unknown if they are one: every draw gave the same figure."""
    return interval if interval.low < interval.high else replace(interval, low=math.nan, high=math.nan)


def _same_rows(a: Sample, b: Sample) -> bool:
    """Whether outcomes and applicants agree row by row, in the order the rows were given."""
    if a.pd.size != b.pd.size:
        return False
    outcome_of_b = np.empty_like(b.bad)
    outcome_of_b[b.order] = b.bad
    return np.array_equal(a.bad, outcome_of_b[a.order]) and np.array_equal(a.group, b.group)
