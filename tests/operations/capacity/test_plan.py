"""Replicas ahead of the hour: counts by hand, KEDA's triggers, and "use reactive" where in doubt."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from credit_risk.operations.capacity import plan, planning
from credit_risk.operations.capacity.forecast import WEEK
from credit_risk.operations.capacity.plan import PlannedHour, ReplicaPlan
from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.rollout.settings import validate_environment_config

ROLLOUT = Path(__file__).parents[2] / "rollout"
BEGIN = datetime(2026, 6, 30, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def environment():
    return validate_environment_config(ROLLOUT / "environments" / "local.yaml")


def hours(*replicas):
    return [PlannedHour(BEGIN + timedelta(hours=hour), count, 1.0) for hour, count in enumerate(replicas)]


@pytest.mark.parametrize(("rate", "replicas"), [(0, 1), (10, 1), (10.1, 2), (39, 4), (1_000, 4)])
def test_replicas_follow_the_rate_within_the_limits(rate, replicas):
    assert plan.replicas_for(rate, 10, least=1, most=4) == replicas


def test_a_short_ledger_is_not_enough(environment):
    made = plan.of_next_day(np.ones(4 * WEEK - 1), BEGIN, environment, 10)
    assert (made.hours, made.sentence[:26]) == ((), "Use reactive scaling alone")
    assert "671 hours of applications are known, and 672 are needed" in made.sentence


def test_weeks_in_which_nothing_repeats_get_no_plan(environment):
    """The first half of the weeks is no guide to the second: last week's hour is, as it has just happened."""
    counts = np.repeat([1.0, 900.0, 3.0, 5_000.0, 70.0, 9.0], WEEK) * np.random.default_rng(3).lognormal(0, 1, 6 * WEEK)
    made = plan.of_next_day(counts, BEGIN, environment, 10)
    assert made.trial is not None
    assert bool(made.hours) is made.trial.beats_naive


def test_weeks_that_repeat_with_noise_get_a_plan_by_the_hour(environment):
    busy = np.where(np.arange(WEEK) % 24 < 12, 108_000.0, 3_600.0)  # 30 a second, and 1
    counts = np.random.default_rng(1).poisson(np.tile(busy, 6)).astype(float)
    made = plan.of_next_day(counts, BEGIN, environment, 12)
    assert [hour.replicas for hour in made.hours] == [3] * 12 + [1] * 12
    assert (made.hours[0].begin, len(made.hours)) == (BEGIN, 24)


def test_a_floor_begins_before_its_hour_and_ends_with_it():
    (first, _) = plan.floors(hours(3, 1))["hours"]
    assert first == {"begin": BEGIN.timestamp() - 120, "end": BEGIN.timestamp() + 3_600, "replicas": 3}


def test_hours_above_the_fewest_replicas_are_one_trigger_each_stretch():
    triggers = [patch["value"]["metadata"] for patch in plan.keda(hours(2, 3, 3, 2, 5), least=2)["cron.yaml"]]
    assert triggers == [
        {"timezone": "UTC", "start": "58 22 30 6 *", "end": "0 1 1 7 *", "desiredReplicas": "3"},
        {"timezone": "UTC", "start": "58 1 1 7 *", "end": "0 3 1 7 *", "desiredReplicas": "5"},
    ]


def test_without_a_plan_an_older_one_is_taken_away(tmp_path, environment):
    made = ReplicaPlan(tuple(hours(2)), "")
    path = RolloutFolder.of(tmp_path, environment).replica_plan
    assert planning._handed_over(tmp_path, environment, made) == [path.relative_to(tmp_path)]
    assert path.is_file()
    assert planning._handed_over(tmp_path, environment, ReplicaPlan((), "Use reactive")) == []
    assert not path.exists()
