"""Both policies on traffic that can be counted, then a short simulated world; whole years are `capacity trial`."""

import numpy as np
import pytest

from credit_risk.operations.capacity import scaling_trial
from credit_risk.operations.capacity.forecast import WEEK
from credit_risk.operations.capacity.scaling_trial import LEARNING, STEP_S, STEPS, Cluster, LenderYear, PolicyResult

# One replica answers 10 a second; a new one is ready after a minute; nobody is compared in the weeks of learning.
CLUSTER = Cluster(per_replica=10, target=0.7, ready_s=60, window_s=300, least=2, most=20)
BEFORE = LEARNING * WEEK * STEPS


def play(rates, floor=None):
    """The outcome where these rates a second arrive step by step, after the weeks of learning."""
    arrivals = np.zeros((1, BEFORE + len(rates)), dtype=np.int64)
    arrivals[0, BEFORE:] = np.array(rates) * STEP_S
    floors = np.zeros(arrivals.shape)
    if floor is not None:
        floors[0, BEFORE:] = floor
    return scaling_trial.play(arrivals, floors, CLUSTER)[0]


def test_what_two_replicas_can_answer_is_refused_to_nobody_and_costs_two_replicas():
    assert play([14] * STEPS) == PolicyResult(0, 14 * 3_600, pytest.approx(2))


def test_a_jump_is_refused_until_new_replicas_are_ready():
    """40 a second on two replicas: 20 too many in each step until more are ready."""
    outcome = play([40] * STEPS)
    assert outcome.refused > 20 * STEP_S
    assert outcome.refused % STEP_S == 0


def test_a_floor_that_stood_there_before_the_jump_refuses_nobody():
    rates = [14] * 10 + [40] * STEPS
    assert play(rates, floor=6).refused == 0 < play(rates).refused


def test_a_floor_below_what_use_asks_for_changes_nothing():
    rates = [14] * 10 + [40] * STEPS
    assert play(rates, floor=2) == play(rates)


def test_after_a_peak_replicas_go_when_the_window_has_passed():
    steps = 2 * STEPS
    with_peak, without = play([14] * 10 + [40] * 10 + [14] * steps), play([14] * (20 + steps))
    assert with_peak.replica_hours > without.replica_hours
    assert with_peak.replica_hours < without.replica_hours + 1  # and not for ever


def test_a_floor_of_an_hour_begins_before_it():
    by_step = scaling_trial.by_step(np.array([0.0, 5.0, 0.0]), CLUSTER)
    ahead = CLUSTER.ahead_s // STEP_S
    assert list(np.flatnonzero(by_step)) == list(range(STEPS - ahead, 2 * STEPS))


def test_the_world_has_open_branches_paydays_and_one_campaign():
    quiet = scaling_trial.applications(LenderYear(online=0.0, branches=18.0, weeks=53), seed=1)
    hours = quiet.reshape(-1, STEPS).sum(axis=1)
    assert hours[8] == 0 < hours[9]
    assert hours[:16].sum() > 0 == hours[5 * 24 : 7 * 24].sum()
    days = scaling_trial.applications(LenderYear(online=12.0, branches=0.0), seed=1).reshape(-1, 24 * STEPS).sum(axis=1)
    assert days[24:27].mean() > 1.2 * days[17:20].mean()
    factor = scaling_trial._campaign(np.random.default_rng(1), 53)
    begin = int(np.argmax(factor))
    assert (factor.max(), begin % WEEK, (factor > 1).sum()) == (2.5, 10, 2 * WEEK)


def test_the_same_seed_is_the_same_year():
    short = LenderYear(weeks=46)
    assert (scaling_trial.applications(short, 3) == scaling_trial.applications(short, 3)).all()


def row(refused, hours):
    return {"refused_ratio": refused, "hours_ratio": hours}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([row(0.5, 1.1), row(0.1, 1.0)], "Use predictive scaling"),
        ([row(0.1, 1.0), row(0.51, 1.0)], "Use reactive scaling: 1 of 2"),
        ([row(0.1, 1.11)], "Use reactive scaling: 1 of 1"),
    ],
)
def test_one_year_that_misses_is_enough_to_use_reactive(rows, sentence):
    assert scaling_trial.verdict(rows).startswith(sentence)


def test_where_nothing_is_refused_there_is_nothing_to_win():
    quiet = PolicyResult(0, 100, 10.0)
    assert scaling_trial.row(1, quiet, quiet, 3)["refused_ratio"] == 1
