"""Calibration by score band: whether the bad rate of each band is the one that its PDs foretell.

Slope and level can both be right while the PDs of one band are wrong: what is too high in one is too low in the next.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import calibration_level

# Goods and bads: fewer cannot show whether a calibration holds (Vergouwe et al. 2005), and a band that is right would
# still have an interval wider than any useful limit.
FEWEST = 100


@dataclass(frozen=True)
class ScoreBand:
    """One score band: rows, what was foretold, what came, and the log-odds between them.

    gap: what must be added to the log-odds of every PD of the band so that they foretell its bads; above 0 there are
    more bads than foretold, and exp(gap) is what the odds of bad are off by.
    too_few: why the band is not assessed; empty if it must be.
    """

    name: str
    rows: int
    mean_pd: float
    bad_rate: float
    gap: Figure
    too_few: str = ""


def measure(
    band: NDArray[np.integer],
    names: Sequence[str],
    bad: Mask,
    pd: Matrix,
    applicant: Labels,
    *,
    confidence: float,
    weight: Matrix | None = None,
) -> tuple[ScoreBand, ...]:
    """Every band, in the order of `names`; band: that of each row, as an index into them; weight: what it counts for.

    Their intervals hold for all assessed bands at once (Šidák), as somebody will look at the worst. A band with fewer
    than FEWEST goods or bads, foretold and come, is not assessed, and its gap says why.
    """
    inside = [band == index for index in range(len(names))]
    assessed = sum(not _too_few(bad[rows], pd[rows]) for rows in inside)
    each = confidence ** (1 / max(assessed, 1))
    counts = np.ones(len(bad)) if weight is None else weight
    return tuple(
        _band(name, bad[rows], pd[rows], applicant[rows], counts[rows], confidence=each)
        for name, rows in zip(names, inside, strict=True)
    )


def largest(bands: Sequence[ScoreBand]) -> tuple[str | None, Figure]:
    """The band whose gap is furthest from 0, without its sign; not known if no band could be assessed, or one of
    those that must be has no gap.

    The ends are the highest of all bands: with the confidence of `measure` no band is further off than the upper, and
    one band is at least as far off as the lower.
    """
    known = [band for band in bands if band.gap.known]
    whys = [f"{band.name}: {band.gap.why}" for band in bands if not (band.gap.known or band.too_few)]
    if whys or not known:
        big = max(bands, key=lambda band: band.rows)
        why = "; ".join(whys) or f"the largest, {big.name}, has {big.too_few}"
        return None, Figure.unknown(sum(band.rows for band in bands), why)
    worst = max(known, key=lambda band: abs(band.gap.value))
    least = max(max(band.gap.low, -band.gap.high, 0.0) for band in known)
    most = max(max(band.gap.high, -band.gap.low) for band in known)
    return worst.name, Figure(abs(worst.gap.value), least, most, sum(band.rows for band in known))


def assessed_share(bands: Sequence[ScoreBand]) -> float:
    """Share of the rows that stand in assessed bands."""
    rows = sum(band.rows for band in bands)
    return sum(band.rows for band in bands if band.gap.known) / rows if rows else math.nan


def _band(name: str, bad: Mask, pd: Matrix, applicant: Labels, weight: Matrix, *, confidence: float) -> ScoreBand:
    rows = len(bad)
    mean_pd, bad_rate = (float(np.average(its, weights=weight)) if rows else math.nan for its in (pd, bad))
    why = _too_few(bad, pd)
    gap = Figure.unknown(rows, why) if why else _gap(bad, pd, applicant, weight, confidence)
    return ScoreBand(name, rows, mean_pd, bad_rate, gap, why)


def _too_few(bad: Mask, pd: Matrix) -> str:
    """Judged by what was foretold as well as by what came: 100 bads where 2 were foretold must not go unseen."""
    bads, goods = max(bad.sum(), pd.sum()), max((~bad).sum(), (1 - pd).sum())
    needed = f"{bads:.0f} bads and {goods:.0f} goods, and {FEWEST} of each are needed"
    return needed if min(bads, goods) < FEWEST else ""


def _gap(bad: Mask, pd: Matrix, applicant: Labels, weight: Matrix, confidence: float) -> Figure:
    if bad.all() or not bad.any():
        return Figure.unknown(len(bad), f"{pd.sum():.0f} bads among {len(bad)} were foretold, and {bad.sum()} came")
    return calibration_level(bad, pd, applicant, confidence=confidence, weight=weight)
