"""Slope and intercept between PDs and outcomes: a logistic fit for hundreds of weightings at once.

Newton's method on logit P(bad) = a + b logit(PD). All weightings step together, so a
bootstrap of the slope costs a few matrix products instead of a fit a replicate.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

Floats: TypeAlias = NDArray[np.float64]

STEPS = 50  # a fit takes about 6; one that has not settled after 50 has no finite answer
LONGEST = 4.0  # in log-odds: where the likelihood is nearly flat, a Newton step would be thrown out of sight
SETTLED = 1e-7  # Newton squares its error: after a step this small the rest is below rounding
SINGULAR = 1e-14  # curvature this small beside the weights: rounding, as where a fit runs off to infinity
HANKEL = np.array([[0, 1], [1, 2]])  # second derivatives by a and b are the 0th, 1st, 1st and 2nd moment of z


def slope(log_odds: Floats, bad: Floats, weights: Floats) -> Floats:
    """b with a free, one a line of weights; NaN where no finite b fits best (see metrics.measure)."""
    if not np.isfinite(log_odds).all() or np.ptp(log_odds) == 0:
        return np.full(len(weights), np.nan)
    spread = log_odds.std()
    z = (log_odds - log_odds.mean()) / spread
    no_slope = np.stack([_mean_log_odds(bad, weights), np.zeros(len(weights))], axis=-1)
    fitted = _fit(np.stack([np.ones_like(z), z, z * z]), np.zeros_like(z), bad, weights, no_slope)
    answer: Floats = fitted[:, 1] / spread
    return answer


def intercept(log_odds: Floats, bad: Floats, weights: Floats) -> Floats:
    """a with b held at 1, one a line of weights; NaN where no finite a fits best."""
    if not np.isfinite(log_odds).all():
        return np.full(len(weights), np.nan)
    start = (_mean_log_odds(bad, weights) - log_odds.mean())[:, None]
    return _fit(np.ones((1, log_odds.size)), log_odds, bad, weights, start)[:, 0]


def _mean_log_odds(bad: Floats, weights: Floats) -> Floats:
    """Log-odds of the bad rate of each line; infinite with one class, which leaves the fit undefined."""
    total = weights.sum(axis=-1)
    rate = np.divide(weights @ bad, total, out=np.full(len(weights), np.nan), where=total > 0)
    log_odds: Floats = logit(rate)
    return log_odds


def _fit(moments: Floats, offset: Floats, bad: Floats, weights: Floats, start: Floats) -> Floats:
    """Where the likelihood of each line of weights is highest, from `start`; NaN where that is nowhere.

    A step that lands where the likelihood falls faster than it rose before the step is
    halved, because plain Newton steps can leap ever farther to either side.
    """
    answer = np.full_like(start, np.nan)
    pull = moments[: start.shape[-1]] * (bad - 0.5)
    open_ = np.isfinite(start).all(axis=-1)
    lines, weights, point = np.flatnonzero(open_), weights[open_], start[open_]
    step, rise = np.zeros_like(point), np.zeros(len(point))
    for _ in range(STEPS):
        gradient, curvature = _derivatives(moments, offset, pull, weights, point + step)
        leapt = np.vecdot(gradient, step) < -rise
        newton = _solve(gradient, curvature)
        point = np.where(leapt[:, None], point, point + step)
        step = np.where(leapt[:, None], step / 2, newton)
        rise = np.where(leapt, rise / 2, np.vecdot(gradient, newton))
        size = np.abs(step).max(axis=-1)
        settled, open_ = size < SETTLED, size >= SETTLED  # a line whose likelihood is flat is neither: its step is NaN
        answer[lines[settled]] = (point + step)[settled]
        if not open_.any():
            break
        if not open_.all():
            lines, point, step, rise, weights = (each[open_] for each in (lines, point, step, rise, weights))
    return answer


def _derivatives(
    moments: Floats, offset: Floats, pull: Floats, weights: Floats, point: Floats
) -> tuple[Floats, Floats]:
    """First derivatives of the log-likelihood, and minus the second, with each line's weights adding up to 1.

    With t = tanh(log-odds / 2), PD = (1 + t) / 2 and PD (1 - PD) = (1 - t²) / 4: as exact
    as by exp, twice as fast, and it cannot overflow. pull: the parts without t.
    """
    order = point.shape[-1]
    half = point @ moments[:order]
    half += offset
    half /= 2
    t = np.tanh(half, out=half)
    weighted = weights * t
    gradient = weights @ pull.T - weighted @ moments[:order].T / 2
    weighted *= t
    curvature = np.subtract(weights, weighted, out=weighted) @ moments.T / 4
    total = weights.sum(axis=-1)[:, None]
    return gradient / total, (curvature / total)[:, HANKEL[:order, :order]]


def _solve(gradient: Floats, curvature: Floats) -> Floats:
    """The Newton step of each line, no longer than LONGEST; NaN where the likelihood has become flat."""
    flat = ~(np.linalg.det(curvature) > SINGULAR)
    curvature = np.where(flat[:, None, None], np.eye(gradient.shape[-1]), curvature)
    step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
    step /= np.maximum(1, np.abs(step).max(axis=-1) / LONGEST)[:, None]
    return np.where(flat[:, None], np.nan, step)


def beside(own: Floats, others: Floats) -> dict[str, float]:
    """How far the PDs of one model are from those of another on the same rows, in log-odds. own, others: (rows,) PDs.

    level: by how much its log-odds lie higher on average. slope: how much steeper they are; 1 is as steep. No outcome
    is in them, and so hardly chance.
    """
    moved, before = logit(own), logit(others)
    spread = before - before.mean()
    return {"level": float((moved - before).mean()), "slope": float(spread @ moved / (spread @ spread))}
