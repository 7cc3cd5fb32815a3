"""A forecast of the hourly applications: exponential smoothing, but only where it beats last week's same hour.

Counts are smoothed as ln(count + 1), with a season of one week: an hour's share of the day and of the week is what
repeats. Additive Holt-Winters without a trend, by statsmodels.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.holtwinters import ExponentialSmoothing

DAY, WEEK = 24, 168
HISTORY = 8 * WEEK  # hours that a model is fitted to: older weeks say little of the next day
HELD_BACK = 2  # weeks, day by day, on which both forecasts are tried
LEAST = 4 * WEEK  # hours of a ledger before anything is said: two seasons to begin with, two weeks held back

Counts: TypeAlias = NDArray[np.float64]
Smoothing: TypeAlias = tuple[float, float]  # of the level and of the season, each 0 to 1


@dataclass(frozen=True)
class ForecastTrial:
    """How both forecasts did on the weeks held back: mean absolute error of ln(count + 1), over `hours` hours."""

    smoothed: float
    naive: float
    hours: int

    @property
    def beats_naive(self) -> bool:
        return self.smoothed < self.naive

    @property
    def sentence(self) -> str:
        better = "beats" if self.beats_naive else "does not beat"
        return (
            f"On {self.hours} hours held back, exponential smoothing {better} the same hour of the week before: mean "
            f"absolute error of ln(count + 1) {self.smoothed:.3f} against {self.naive:.3f}."
        )


def fit(counts: Counts) -> Smoothing:
    """The smoothing parameters of the last weeks of a history of at least two."""
    with _quiet():
        model = _model(counts).fit()
    return float(model.params["smoothing_level"]), float(model.params["smoothing_seasonal"])


def next_day(counts: Counts, smoothing: Smoothing) -> Counts:
    """Expected applications of each of the next 24 hours. counts: by hour, the newest last, two weeks or more."""
    level, season = smoothing
    with _quiet():
        model = _model(counts).fit(smoothing_level=level, smoothing_seasonal=season, optimized=False)
        logarithms = np.asarray(model.forecast(DAY), dtype=float)
    expected: Counts = np.maximum(np.expm1(logarithms), 0.0)
    return expected


def same_hour_last_week(counts: Counts) -> Counts:
    """The seasonal-naive forecast of the next 24 hours."""
    return counts[-WEEK : -WEEK + DAY]


def trial(counts: Counts) -> ForecastTrial:
    """Both forecasts on the last weeks, day by day, each from what was known before that day."""
    days = range(len(counts) - HELD_BACK * WEEK, len(counts), DAY)
    smoothing = fit(counts[: days[0]])
    smoothed = np.concatenate([next_day(counts[:day], smoothing) for day in days])
    naive = np.concatenate([same_hour_last_week(counts[:day]) for day in days])
    actual = counts[days[0] : days[0] + len(smoothed)]
    return ForecastTrial(_error(smoothed, actual), _error(naive, actual), len(actual))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warnings: whether a fit is any good, the weeks held back say."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _error(forecast: Counts, actual: Counts) -> float:
    return float(np.mean(np.abs(np.log1p(forecast) - np.log1p(actual))))


def _model(counts: Counts) -> ExponentialSmoothing:
    return ExponentialSmoothing(
        np.log1p(counts[-HISTORY:]), seasonal="add", seasonal_periods=WEEK, initialization_method="heuristic"
    )
