"""Recommendations follow from measurements that can be counted; without one there is none."""

from pathlib import Path

import pytest

from credit_risk.operations.capacity import recommend
from credit_risk.operations.capacity.recommend import NO_ADVICE, TrainingSize
from credit_risk.rollout.settings import validate_environment_config


@pytest.fixture(scope="module")
def settings():
    path = Path(__file__).parents[2] / "rollout" / "environments" / "production.yaml"
    return validate_environment_config(path)


def test_without_a_measurement_there_is_no_advice_and_what_measures_it_is_said(settings):
    made = [recommend.cores([], settings), recommend.memory([], settings), recommend.service(None, settings)]
    assert {each.advice for each in made} == {NO_ADVICE}
    assert all("no record" in each.evidence for each in made)


def test_a_run_gets_the_cores_that_it_keeps_busy_where_it_costs_less(use, settings):
    runs = [use(cpu_seconds=900.0, seconds=600.0), use(cpu_seconds=1_080.0, seconds=600.0)]
    made = recommend.cores(runs, settings)
    assert made.advice == "2 cores, of your own"  # 2 / 6 h at 0.04 is 0.0133; ten minutes at 0.007 are 0.07
    assert "keep 1.65 cores busy for 600 s" in made.evidence
    dear = settings.model_copy(update={"costs": settings.costs.model_copy(update={"core_hour": 1.0})})
    assert recommend.cores(runs, dear).advice == "2 cores, hosted"


def test_a_replica_gets_what_the_service_held_and_a_quarter_more(use, settings):
    serving = use("serving", seconds=3_600.0, memory_gb_hours=0.9)
    assert settings.compute.memory_gb == 4
    assert recommend.memory([serving], settings).advice == "1.25 instead of 4"
    fits = use("serving", seconds=3_600.0, memory_gb_hours=3.2)
    assert recommend.memory([fits], settings).advice == "keep it"


def test_workers_and_requests_in_flight_are_those_of_the_search(settings):
    best = {"workers": 2, "in_flight": 48, "per_second": 1_234.0, "measured": 9}
    made = recommend.service({"best": best, "p99_ms": 100.0}, settings)
    assert (made.advice, "1,234 a second" in made.evidence) == ("2 and 48 instead of 2 and 32", True)
    same = recommend.service({"best": best | {"in_flight": 32}, "p99_ms": 100.0}, settings)
    assert same.advice == "keep them"


def test_gpus_are_freed_because_nothing_here_uses_one():
    made = recommend.gpus(2, 1, 120.0)
    assert (made.subject, made.advice) == ("GPUs (2 available, 1 allocated)", "free all 1")
    assert "about 120 s of processor" in made.evidence
    assert recommend.gpus(0, 0, None).advice == "allocate none"


def test_a_training_to_come_grows_with_rows_and_with_trees_times_leaves():
    measured = TrainingSize(rows=30_000, complexity=3_000)
    assert recommend.expected_training(10.0, measured, TrainingSize(60_000, 6_000)) == 40
    assert recommend.expected_training(10.0, measured, TrainingSize(None, None)) == 10
    assert recommend.expected_training(None, measured, TrainingSize(1, 1)) is None
    assert recommend.expected_training(10.0, TrainingSize(None, 3_000), TrainingSize(1, 1)) is None


def test_the_time_of_a_training_is_the_median_of_its_stage(use):
    uses = [use("stage", "train", cpu_seconds=seconds) for seconds in (10.0, 30.0, 20.0)]
    assert recommend.training_seconds([*uses, use("stage", "gate", cpu_seconds=99.0)]) == 20
    assert recommend.training_seconds([]) is None
