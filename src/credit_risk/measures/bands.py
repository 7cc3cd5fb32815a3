"""Calibration by score band: whether the bad rate of each band is the one that its PDs foretell.

Slope and level can both be right while the PDs of one band are wrong: what is too high in one is too low in the next.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.measures import metrics
from credit_risk.measures.fairness import Measure, standard_error, z_of

# Goods and bads: fewer cannot show whether a calibration holds (Vergouwe et al. 2005), and a band that is right would
# still have an interval wider than any useful limit.
FEWEST = 100


@dataclass(frozen=True)
class Band:
    """One score band: rows, what was foretold, what came, and the log-odds between them.

    gap: what must be added to the log-odds of every PD of the band so that they foretell its bads; above 0 there are
    more bads than foretold, and exp(gap) is what the odds of bad are off by.
    too_few: why the band is not assessed; empty if it must be.
    """

    name: str
    rows: int
    mean_pd: float
    bad_rate: float
    gap: Measure
    too_few: str = ""


def measure(
    place: NDArray[np.integer], names: Sequence[str], bad: Mask, pd: Matrix, applicant: Labels, *, confidence: float
) -> tuple[Band, ...]:
    """Every band, in the order of `names`; place: the band of each row, as its place there.

    Their intervals hold for all assessed bands at once (Šidák), as somebody will look at the worst. A band with fewer
    than FEWEST goods or bads, foretold and come, is not assessed, and its gap says why.
    """
    inside = [place == band for band in range(len(names))]
    assessed = sum(not _too_few(bad[rows], pd[rows]) for rows in inside)
    z = z_of(confidence ** (1 / max(assessed, 1)))
    return tuple(_band(name, bad[rows], pd[rows], applicant[rows], z) for name, rows in zip(names, inside, strict=True))


def largest(bands: Sequence[Band]) -> tuple[str | None, Measure]:
    """The band whose gap is furthest from 0, without its sign; not known if no band could be assessed, or one of
    those that must be has no gap.

    The ends are the highest of all bands: with the confidence of `measure` no band is further off than the upper, and
    one band is at least as far off as the lower.
    """
    known = [band for band in bands if band.gap.known]
    whys = [f"band {band.name}: {band.gap.why}" for band in bands if not (band.gap.known or band.too_few)]
    if whys or not known:
        why = "; ".join(whys) or f"no band has {FEWEST} goods and {FEWEST} bads"
        return None, Measure.unknown(sum(band.rows for band in bands), why)
    worst = max(known, key=lambda band: abs(band.gap.value))
    least = max(max(band.gap.low, -band.gap.high, 0.0) for band in known)
    most = max(max(band.gap.high, -band.gap.low) for band in known)
    return worst.name, Measure(abs(worst.gap.value), least, most, sum(band.rows for band in known))


def assessed_share(bands: Sequence[Band]) -> float:
    """Share of the rows that stand in assessed bands."""
    rows = sum(band.rows for band in bands)
    return sum(band.rows for band in bands if band.gap.known) / rows if rows else math.nan


def _band(name: str, bad: Mask, pd: Matrix, applicant: Labels, z: float) -> Band:
    rows = len(bad)
    mean_pd, bad_rate = (float(values.mean()) if rows else math.nan for values in (pd, bad))
    why = _too_few(bad, pd)
    gap = Measure.unknown(rows, why) if why else _gap(bad, pd, applicant, z)
    return Band(name, rows, mean_pd, bad_rate, gap, why)


def _too_few(bad: Mask, pd: Matrix) -> str:
    """Judged by what was foretold as well as by what came: 100 bads where 2 were foretold must not go unseen."""
    bads, goods = max(bad.sum(), pd.sum()), max((~bad).sum(), (1 - pd).sum())
    return (
        f"{bads:.0f} bads and {goods:.0f} goods, and {FEWEST} of each are needed" if min(bads, goods) < FEWEST else ""
    )


def _gap(bad: Mask, pd: Matrix, applicant: Labels, z: float) -> Measure:
    if bad.all() or not bad.any():
        return Measure.unknown(len(bad), f"{pd.sum():.0f} bads among {len(bad)} were foretold, and {bad.sum()} came")
    value = metrics.calibration_in_the_large(bad, pd)
    if math.isnan(value):
        return Measure.unknown(len(bad), "a PD of exactly 0 or 1 has no log-odds")
    fitted = expit(logit(pd) + value)
    influence = np.asarray((bad - fitted) / (fitted * (1 - fitted)).sum())
    reach = z * standard_error(influence, applicant)
    return Measure(value, value - reach, value + reach, len(bad))
