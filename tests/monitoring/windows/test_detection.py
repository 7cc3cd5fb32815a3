"""A fall of four points is noticed, the seasons are none, and no year without a change gives an alarm."""

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest

from credit_risk.monitoring.settings import Detection
from credit_risk.monitoring.windows import detection

BEGIN, AS_OF = date(2026, 1, 1), date(2026, 12, 31)
WEEKLY = Detection(delta=0.002, seasons=("weekday",))


def record(rates: np.ndarray, per_day: int = 200, seed: int = 1, scorer: str = "s") -> dict[str, object]:
    """A year of decisions by day: how many were approved, at these rates."""
    random = np.random.default_rng(seed)
    days = {}
    for at, rate in enumerate(rates):
        approved = int(random.binomial(per_day, rate))
        counts = Counter(decisions=per_day, approve=approved, decline=per_day - approved, scored=per_day)
        days[(BEGIN + timedelta(days=at)).isoformat()] = dict(counts)
    return {"month": "2026-01", "scorer": scorer, "days": days}


def approvals(rates: np.ndarray, settings: Detection = WEEKLY, as_of: date = AS_OF) -> dict[str, object]:
    return detection.measure([record(rates)], "s", settings, as_of)["series"]["approve"]


def test_a_fall_of_four_points_is_noticed_within_weeks_with_its_levels():
    rates = np.full(365, 0.7)
    rates[300:] -= 0.04
    series = approvals(rates)
    first = series["changes"][0]
    assert 300 <= (date.fromisoformat(first["noticed_on"]) - BEGIN).days <= 330
    assert first["before"] == pytest.approx(0.7, abs=0.02)
    assert first["after"] == pytest.approx(0.66, abs=0.03)
    assert (series["n"], series["why"]) == (365 * 200, "")


def test_a_change_is_out_for_a_month_and_then_of_the_past():
    rates = np.full(365, 0.7)
    rates[100:] = 0.5
    assert approvals(rates)["verdict"] == "IN"
    assert len(approvals(rates)["changes"]) >= 1
    assert approvals(rates, as_of=BEGIN + timedelta(days=110))["verdict"] == "OUT"


def test_a_weekend_is_no_change_where_days_are_compared_within_weekdays():
    """At weekends 30 points fewer are approved: without seasons that alone is noticed."""
    weekday = np.array([(BEGIN + timedelta(days=at)).weekday() for at in range(365)])
    rates = np.where(weekday >= 5, 0.4, 0.7)
    assert approvals(rates)["changes"] == []
    assert approvals(rates, Detection(delta=0.002))["changes"] != []


def test_holidays_are_a_season_of_their_own():
    with_holiday = Detection(delta=0.1, seasons=("weekday",), holidays=(BEGIN,))
    assert detection.season_of(BEGIN, with_holiday) == (-1,)
    both = Detection(delta=0.1, seasons=("weekday", "third_of_month"))
    assert [detection.season_of(date(2026, 6, day), both) for day in (1, 10, 11, 30)] == [
        (0, 0),
        (2, 0),
        (3, 1),
        (1, 2),
    ]


def test_few_decisions_say_nothing_and_other_scorers_do_not_count():
    few = record(np.full(3, 0.7))
    measured = detection.measure([few, record(np.full(365, 0.7), scorer="t")], "s", WEEKLY, AS_OF)
    assert measured["verdict"] == "CANNOT SAY"
    assert measured["series"]["approve"]["why"] == "600 decisions, 1000 are needed"


def test_what_is_older_than_a_year_or_later_than_the_day_does_not_count():
    counts = detection.days([record(np.full(365, 0.7))], "s", BEGIN + timedelta(days=9))
    assert list(counts) == [BEGIN + timedelta(days=at) for at in range(10)]
    assert detection.days([record(np.full(10, 0.7))], "s", date(2027, 6, 1)) == {}
