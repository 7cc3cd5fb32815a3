"""The forecast of the hours: it beats last week's same hour where weeks repeat with noise, and says so where not."""

import numpy as np
import pytest

from credit_risk.operations.capacity import forecast
from credit_risk.operations.capacity.forecast import DAY, WEEK, ForecastTrial


@pytest.fixture(scope="module")
def week():
    """Applications in each hour of a week: 100 by day, 10 by night, half as many on the last two days."""
    hours = np.arange(WEEK)
    return np.where((hours % DAY >= 8) & (hours % DAY < 20), 100.0, 10.0) * np.where(hours // DAY < 5, 1.0, 0.5)


def test_weeks_that_repeat_exactly_are_foretold_exactly(week):
    counts = np.tile(week, 5)
    assert forecast.next_day(counts, (0.3, 0.1)) == pytest.approx(week[:DAY])
    assert list(forecast.same_hour_last_week(counts)) == list(week[:DAY])


def test_noise_is_smoothed_and_beats_the_week_before(week):
    noisy = np.random.default_rng(1).poisson(np.tile(week, 6)).astype(float)
    tried = forecast.trial(noisy)
    assert (tried.beats_naive, tried.hours) == (True, 2 * WEEK)
    assert tried.smoothed < 0.9 * tried.naive


def test_a_forecast_never_sees_the_day_that_it_is_tried_on(week):
    """What comes after the held-back weeks' first day is another world; its forecast is that of the old one."""
    counts = np.tile(week, 6)
    counts[4 * WEEK :] *= 3
    tried = forecast.trial(counts)
    assert tried.smoothed > 0.05  # a model that had seen it would foretell it


def test_where_it_is_no_better_it_says_so():
    assert not ForecastTrial(smoothed=0.2, naive=0.2, hours=336).beats_naive
    assert "does not beat" in ForecastTrial(0.3, 0.2, 336).sentence


def test_hours_without_applications_are_no_negative_forecast():
    assert (forecast.next_day(np.zeros(3 * WEEK), (0.3, 0.1)) >= 0).all()
