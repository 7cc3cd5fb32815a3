"""Grades: does the PD of each score band hold? The tests that a validator of a rating system makes first.

Jeffreys test: European Central Bank, "Instructions for reporting the validation results of internal models" (2019),
2.5.3.1. Upper bounds where bads are few: Pluto and Tasche, "Estimating probabilities of default for low default
portfolios" (2005).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom, chi2, norm

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures.drift import at_once
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import jeffreys
from credit_risk.measures.metrics import Sample

EMPTY = "no test row is in this grade"
DOUBLED, POWER = 2.0, 0.8  # odds of bad against the PD's, and how often that is to be seen


@dataclass(frozen=True)
class Grade:
    """One grade of the test rows: what was foretold, what came, and what speaks against the PD.

    bad_rate: with Jeffreys' interval. jeffreys_p: the chance that the true rate is at most the mean PD; a small one
    says that the PD is too low. binomial_p: the chance of as many bads or more, were the mean PD true. margin: by how
    much the mean PD lies below the upper end, 0 where it does not: what a margin of conservatism would add.
    most_prudent: the upper bound of the rate if this grade were no better than all riskier ones taken with it.
    bads_needed: so many bads has a grade that would be refused, in POWER of draws, were the odds of bad DOUBLED: of one
    with fewer HOLDS says little.
    """

    name: str
    rows: int
    bads: int
    mean_pd: float
    bad_rate: Figure
    jeffreys_p: float
    binomial_p: float
    margin: float
    most_prudent: float
    bads_needed: float
    verdict: str


def grades(
    band: NDArray[np.integer], names: Sequence[str], bad: Mask, pd: Matrix, *, confidence: float
) -> tuple[Grade, ...]:
    """Every grade, the safest first, as `names` has them; band: that of each row, as an index into them.

    A verdict is taken at the confidence that all grades have together (Šidák), as somebody looks at the worst. Rows
    count as independent.
    """
    inside = [band == index for index in range(len(names))]
    each = at_once(confidence, sum(bool(rows.any()) for rows in inside))
    return tuple(
        _grade(name, bad[rows], pd[rows], bad[band >= index], confidence=confidence, each=each)
        for index, (name, rows) in enumerate(zip(names, inside, strict=True))
    )


def jeffreys_p(bads: int, rows: int, pd: float) -> float:
    """The chance that the true rate is at most `pd`, of Jeffreys' posterior of a rate with `bads` among `rows`."""
    return float(beta.cdf(pd, bads + 0.5, rows - bads + 0.5))


def least_p(graded: Sequence[Grade]) -> dict[str, float | str]:
    """The smallest Jeffreys p of all grades, made larger for there being several (Šidák), and whose it is.

    Of PDs that are right in every grade it lies below 0.02 in at most 2 of 100 draws; a small one says that a PD is too
    low. NaN where no grade has a row.
    """
    filled = [grade for grade in graded if grade.rows]
    if not filled:
        return {"least_p": nan, "worst": ""}
    worst = min(filled, key=lambda grade: grade.jeffreys_p)
    return {"least_p": 1 - (1 - worst.jeffreys_p) ** len(filled), "worst": worst.name}


def hosmer_lemeshow(bad: Mask, pd: Matrix) -> float:
    """Chance (p) of ten bins at least this far from their PDs if every PD is right.

    For rows the model never saw, so with a degree of freedom a bin, not two fewer (Hosmer, Lemeshow and Sturdivant
    2013). NaN if a bin's PDs are all 0 or all 1.
    """
    sample = Sample.of(bad, pd)
    rows = np.diff(sample.bins, append=sample.pd.size)
    expected = np.add.reduceat(sample.pd, sample.bins)
    gaps = np.add.reduceat(sample.bad, sample.bins) - expected
    spread = expected * (1 - expected / rows)
    return float(chi2.sf((gaps**2 / spread).sum(), df=rows.size)) if (spread > 0).all() else nan


def upper_bound(bads: int, rows: int, *, confidence: float) -> float:
    """The highest rate under which so few bads are not too improbable: one-sided Clopper-Pearson; 1 if all are bad."""
    return 1.0 if bads == rows else float(beta.ppf(confidence, bads + 1, rows - bads))


def bads_needed(pd: float, *, confidence: float) -> float:
    """How many bads a grade must have for a rate of DOUBLED odds to be refused as above its PD in POWER of draws.

    One-sided, by the normal approximation of a share (Fleiss, Levin and Paik 2003, 4.2). NaN for a PD of 0 or 1.
    """
    if not 0 < pd < 1:
        return nan
    true = DOUBLED * pd / (1 - pd + DOUBLED * pd)
    spread = norm.ppf(confidence) * np.sqrt(pd * (1 - pd)) + norm.ppf(POWER) * np.sqrt(true * (1 - true))
    return float(true * (spread / (true - pd)) ** 2)


def _grade(name: str, bad: Mask, pd: Matrix, here_and_riskier: Mask, *, confidence: float, each: float) -> Grade:
    rows, bads = len(bad), int(bad.sum())
    prudent = (int(here_and_riskier.sum()), len(here_and_riskier))
    bound = upper_bound(*prudent, confidence=confidence) if prudent[1] else nan
    if not rows:
        return Grade(name, 0, 0, nan, Figure.unknown(0, EMPTY), nan, nan, nan, bound, nan, "CANNOT SAY")
    mean_pd = float(pd.mean())
    low, high = jeffreys(bads, rows, confidence=confidence)
    p = jeffreys_p(bads, rows, mean_pd)
    verdict = "PD TOO LOW" if p < 1 - each else "PD TOO HIGH" if p > each else "HOLDS"
    return Grade(
        name=name,
        rows=rows,
        bads=bads,
        mean_pd=mean_pd,
        bad_rate=Figure(bads / rows, low, high, rows),
        jeffreys_p=p,
        binomial_p=float(binom.sf(bads - 1, rows, mean_pd)),
        margin=max(high - mean_pd, 0.0),
        most_prudent=bound,
        bads_needed=bads_needed(mean_pd, confidence=each),
        verdict=verdict,
    )
