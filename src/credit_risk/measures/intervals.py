"""How far a figure may be off by chance: bootstrap, DeLong, Wilson and normal intervals, one implementation of each.

The bootstrap draws applicants, not rows, because rows of one applicant go bad together; closed intervals sum the rows
of one applicant first. A figure that cannot carry an interval gets NaN for its ends, which no gate passes.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from scipy.stats import beta, norm, rankdata

from credit_risk.measures.figure import Figure
from credit_risk.measures.metrics import (
    Floats,
    Rows,
    Sample,
    UnusableSample,
    Values,
    calibration_in_the_large,
    measure,
    why_undefined,
)

Flags = NDArray[np.bool_]
Applicants = NDArray[np.integer]
Statistic = Callable[[Floats], Floats]
Measure = Callable[..., Values]  # of a sample, under weights: metrics.measure, or a part of it

BLOCK = 100_000  # weights measured at once: 0.8 MB an array stays in the cache, four times as many took twice the time
MAY_BE_UNDEFINED = 0.01  # share of replicates without the figure; beyond it the interval is of another population
TOO_FEW = "the rows are too few: resampling them cannot vary the figure"
ALL_ALIKE = "the rows are too few or all alike"


def z_of(confidence: float) -> float:
    """How many standard errors a normal interval of this confidence spans on either side of its figure."""
    return float(norm.ppf((1 + confidence) / 2))


def bootstrap(sample: Sample, *, replicates: int, seed: int, confidence: float = 0.95) -> dict[str, Figure]:
    """Percentile interval of every figure of `measure` by name: applicants drawn with replacement, with all their rows.

    The ends are NaN where more than 1 % of the replicates lack the figure, and where every
    replicate gives the same one (no bad among 20 approved, say): resampling then saw no
    chance at work, which is not the same as none. ECE: noise raises every replicate, so
    its interval lies too high and can leave out its own value.
    """
    draws = _redraw(sample, replicates, seed, measure)
    n, why = sample.pd.size, why_undefined(sample)
    return {
        name: _varied(_percentile(float(value), draws[name], confidence, n, why.get(name, TOO_FEW)))
        for name, value in measure(sample).items()
    }


def paired_difference(
    sample_a: Sample,
    sample_b: Sample,
    *,
    replicates: int,
    seed: int,
    confidence: float = 0.95,
    figures: Measure = measure,
) -> dict[str, Figure]:
    """Figures of model a minus those of model b on the same rows: 0 in the interval means no telling them apart.

    Both are measured on the same draws, so the luck of the draw that they share cancels out.
    figures: which; metrics.ranking is quicker than all.
    Raises UnusableSample if outcomes or applicants differ: the rows are then not the same.
    """
    if not _same_rows(sample_a, sample_b):
        raise UnusableSample("Models can be compared only on the same rows: outcomes, applicants and order must agree.")
    draws_a, draws_b = (_redraw(sample, replicates, seed, figures) for sample in (sample_a, sample_b))
    a, b = figures(sample_a), figures(sample_b)
    n, why = sample_a.pd.size, why_undefined(sample_a) | why_undefined(sample_b)
    return {
        name: _percentile(
            float(a[name] - b[name]), draws_a[name] - draws_b[name], confidence, n, why.get(name, TOO_FEW)
        )
        for name in a
        if name in b
    }


def resampled(
    sums: Floats, statistic: Statistic, *, replicates: int, seed: int, confidence: float, why: str = ALL_ALIKE
) -> Figure:
    """A figure made of sums over independent rows, with its percentile interval over draws of the rows.

    sums: (rows, terms). statistic: from totals (terms, draws) to the figure of each draw (draws,).
    """
    n = len(sums)
    if n == 0:
        return Figure.unknown(0, why)
    draws = np.concatenate([statistic((weights @ sums).T) for weights in _draws(np.arange(n), replicates, seed)])
    return _percentile(float(statistic(sums.sum(axis=0)[:, None])[0]), draws, confidence, n, why)


def median(values: Floats, *, replicates: int, seed: int, confidence: float) -> Figure:
    """The median of independent rows, with its percentile interval over draws of the rows."""
    draws = np.array(
        [
            np.median(np.repeat(values, weights.astype(np.intp)))
            for block in _draws(np.arange(len(values)), replicates, seed)
            for weights in block
        ]
    )
    return _percentile(float(np.median(values)), draws, confidence, len(values), TOO_FEW)


def delong(bad: ArrayLike, pd_a: ArrayLike, pd_b: ArrayLike | None = None, *, confidence: float = 0.95) -> Figure:
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
    error = z_of(confidence) * np.sqrt(np.maximum(variance, 0))  # rounding can leave -1e-20
    low, high = np.clip([value - error, value + error], least, 1)
    why = "too few goods or bads, or they are separated perfectly" if math.isnan(variance) else ""
    return Figure(value, float(low), float(high), np.size(bad), why)


def delong_covariance(bad: ArrayLike, *pds: ArrayLike) -> tuple[Floats, Floats]:
    """AUC of each model and their covariance matrix, by midranks in O(n log n) (Sun and Xu 2014).

    Placements average to the AUC; the covariances of their means add up to the AUCs'.
    Checked against the definition over all pairs (DeLong and others 1988).
    """
    checked = [Sample.of(bad, pd) for pd in pds]
    is_bad = np.asarray(bad, dtype=np.float64) == 1
    bads, goods = int(is_bad.sum()), int((~is_bad).sum())
    unknown = np.full((len(checked), len(checked)), np.nan)
    if bads == 0 or goods == 0:
        return unknown[0], unknown
    of_bads, of_goods = _placements(is_bad, np.stack([np.asarray(pd, dtype=np.float64) for pd in pds]))
    if bads == 1 or goods == 1:
        return of_bads.mean(axis=1), unknown
    return of_bads.mean(axis=1), np.atleast_2d(np.cov(of_bads) / bads + np.cov(of_goods) / goods)


def ranking(bad: Flags, scores: Floats) -> tuple[float, Floats]:
    """AUC, and how far each row moves it: DeLong's placements, which may be summed by applicant (Obuchowski 1997)."""
    (of_bads,), (of_goods,) = _placements(bad, scores[None, :])
    area = float(of_bads.mean())
    influence = np.empty(len(scores))
    influence[bad] = (of_bads - area) / len(of_bads)
    influence[~bad] = (of_goods - area) / len(of_goods)
    return area, influence


def clustered_auc(bad: Flags, scores: Floats, applicant: Applicants, *, confidence: float) -> Figure:
    """AUC with DeLong's interval on the log-odds scale, so that no end lies beyond 0 or 1; an applicant's rows summed.

    Bads and goods must both be there. No ends where they are separated perfectly: there is no spread to judge by.
    """
    area, influence = ranking(bad, scores)
    if area in (0, 1):
        return Figure(area, math.nan, math.nan, len(scores), "goods and bads are parted perfectly")
    spread = z_of(confidence) * standard_error(influence, applicant) / (area * (1 - area))
    low, high = expit(logit(area) - spread), expit(logit(area) + spread)
    return Figure(area, float(low), float(high), len(scores))


def calibration_level(
    bad: Flags, pd: Floats, applicant: Applicants, *, confidence: float, weight: Floats | None = None
) -> Figure:
    """Calibration in the large (see measures.metrics) with a normal interval; an applicant's rows summed."""
    level = calibration_in_the_large(bad, pd, weight)
    if math.isnan(level):
        return Figure.unknown(len(bad), "a PD of exactly 0 or 1 has no log-odds")
    fitted = expit(logit(pd) + level)
    counts = np.ones(len(bad)) if weight is None else weight
    influence = np.asarray(counts * (bad - fitted) / (counts * fitted * (1 - fitted)).sum())
    return normal(level, influence, applicant, confidence=confidence)


def proportion(k: int, n: int, *, confidence: float = 0.95) -> Figure:
    """Share k of n with Wilson's interval, which stays honest at 0 of n and n of n: the upper end of 0 of 20 is 0.161.

    For independent rows. NaN for 0 of 0. Checked against scipy.stats.binomtest.
    """
    if not 0 <= k <= n:
        raise ValueError(f"A share needs 0 <= k <= n, got {k} of {n}.")
    if n == 0:
        return Figure.unknown(0, "there are no rows")
    return _wilson_figure(k / n, n, n, confidence)


def share(flags: Flags, applicant: Applicants, *, confidence: float) -> Figure:
    """The share of flagged rows with Wilson's interval, for as many rows as they are worth: an applicant's go together.

    The effective number is rows divided by Kish's design effect, at least 1; with a share of 0 or 1, which has no
    spread to judge by, it is the number of applicants.
    """
    rows = len(flags)
    if rows == 0:
        return Figure.unknown(0, "there are no rows")
    value = float(flags.mean())
    if value in (0, 1):
        return _wilson_figure(value, len(np.unique(applicant)), rows, confidence)
    independent = value * (1 - value) / rows
    design = standard_error((flags - value) / rows, applicant) ** 2 / independent
    # Rounded, so that the last bit does not make independent rows worth less than their number.
    return _wilson_figure(value, rows / max(round(design, 12), 1.0), rows, confidence)


def wilson(shares: ArrayLike, n: ArrayLike, *, confidence: float) -> tuple[Floats, Floats]:
    """Wilson's ends of shares of `n` independent rows (Wilson 1927); exact at 0 and 1, where rounding would miss."""
    p, rows, z = np.asarray(shares, dtype=np.float64), np.asarray(n, dtype=np.float64), z_of(confidence)
    centre = (p + z * z / (2 * rows)) / (1 + z * z / rows)
    error = z * np.sqrt(p * (1 - p) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)
    return np.where(p == 0, 0.0, centre - error), np.where(p == 1, 1.0, centre + error)


def jeffreys(bads: int, rows: int, *, confidence: float) -> tuple[float, float]:
    """Jeffreys' interval of a bad rate: equal tails of Beta(bads + 1/2, goods + 1/2), 0 and 1 where that is reached.

    The custom for the expected against the actual bad rate of a band (Brown, Cai and DasGupta 2001). Rows independent.
    """
    tail = (1 - confidence) / 2
    low, high = (float(beta.ppf(at, bads + 0.5, rows - bads + 0.5)) for at in (tail, 1 - tail))
    return 0.0 if bads == 0 else low, 1.0 if bads == rows else high


def mean(values: Floats, applicant: Applicants, *, confidence: float) -> Figure:
    """The mean with a normal interval from the variance between applicants, whose rows move together.

    NaN ends for fewer than two applicants, and where all values are alike: chance was then not seen at work.
    """
    rows = values.size
    if rows == 0:
        return Figure.unknown(0, "there are no rows")
    value, applicants = float(values.mean()), len(np.unique(applicant))
    if applicants < 2 or np.ptp(values) == 0:
        return Figure(value, math.nan, math.nan, rows, ALL_ALIKE)
    small_sample = math.sqrt(applicants / (applicants - 1))
    return normal(value, (values - value) / rows * small_sample, applicant, confidence=confidence)


def normal(value: float, influence: Floats, applicant: Applicants, *, confidence: float) -> Figure:
    """A figure that row i moves by influence[i], with a normal interval."""
    error = z_of(confidence) * standard_error(influence, applicant)
    return Figure(float(value), float(value - error), float(value + error), len(influence))


def standard_error(influence: Floats, applicant: Applicants) -> float:
    """Standard error of a figure that row i moves by influence[i]; rows of one applicant move it together."""
    together = np.bincount(np.asarray(applicant, dtype=np.intp), weights=influence)
    return float(np.sqrt(together @ together))


def _wilson_figure(value: float, effective: float, rows: int, confidence: float) -> Figure:
    low, high = wilson(value, effective, confidence=confidence)
    return Figure(value, float(low), float(high), rows)


def _placements(bad: Flags, scores: Floats) -> tuple[Floats, Floats]:
    """A bad's placement is the share of goods that it outranks, a good's the share of bads that outrank it, ties half.

    scores: (models, rows); the answer (models, bads) and (models, goods).
    """
    ranks = rankdata(scores, axis=1)
    bads, goods = int(bad.sum()), int((~bad).sum())
    of_bads = (ranks[:, bad] - rankdata(scores[:, bad], axis=1)) / goods
    of_goods = 1 - (ranks[:, ~bad] - rankdata(scores[:, ~bad], axis=1)) / bads
    return of_bads, of_goods


@lru_cache(maxsize=4)
def _redraw(sample: Sample, replicates: int, seed: int, figures: Measure) -> Values:
    """The figures in each replicate. Kept: models are compared in pairs, each measured by itself too, on one draw.

    The draws of a seed depend on the applicants alone, so samples of the same rows have the same.
    """
    blocks = [figures(sample, weights) for weights in _draws(sample.group, replicates, seed)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


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


def _percentile(value: float, draws: Floats, confidence: float, n: int, why: str) -> Figure:
    """The middle part of the draws; unknown ends, for the reason given, if too many of them lack the figure."""
    if np.isnan(value) or np.isnan(draws).mean() > MAY_BE_UNDEFINED:
        return Figure(value, math.nan, math.nan, n, why)
    low, high = np.nanquantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Figure(value, float(low), float(high), n)


def _varied(figure: Figure) -> Figure:
    """The figure, its ends unknown if they are equal: every draw gave the same."""
    if figure.low < figure.high or not figure.has_interval:
        return figure
    return replace(figure, low=math.nan, high=math.nan, why=TOO_FEW)


def _same_rows(a: Sample, b: Sample) -> bool:
    """Whether outcomes and applicants agree row by row, in the order the rows were given."""
    if a.pd.size != b.pd.size:
        return False
    outcome_of_b = np.empty_like(b.bad)
    outcome_of_b[b.order] = b.bad
    return np.array_equal(a.bad, outcome_of_b[a.order]) and np.array_equal(a.group, b.group)
