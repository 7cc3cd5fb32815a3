"""The plan says what will be done and how long it will take, before it starts."""

import pytest

from credit_risk.rollout.plan import DAY, plan, spoken


def test_much_traffic_takes_the_fine_steps(rollout, good):
    made = plan(rollout, good(40_000), 200 * DAY)
    assert not made.low_volume
    assert [step.percent for step in made.steps] == [1, 5, 10, 25, 50, 100]


def test_few_applications_take_the_coarse_steps(rollout, good):
    made = plan(rollout, good(40_000), 500)
    assert made.low_volume
    assert [step.percent for step in made.steps] == [10, 50, 100]


def test_a_step_takes_its_decisions_at_its_share_of_the_traffic(rollout, good):
    first = plan(rollout, good(40_000), 500).steps[0]
    assert first.seconds == pytest.approx(first.decisions / (500 / DAY * 0.1))


def test_no_step_is_shorter_than_the_config_says(rollout, good):
    assert {step.seconds for step in plan(rollout, good(40_000), 1e6 * DAY).steps[:-1]} == {rollout.step_s}


def test_the_last_step_is_the_bake(rollout, good):
    assert plan(rollout, good(40_000), 500).steps[-1].seconds == rollout.bake_s


def test_without_traffic_there_is_no_end_and_it_is_said(rollout, good):
    made = plan(rollout, good(0), 0)
    assert made.low_volume
    assert "no end (no traffic)" in made.steps[0].sentence


def test_above_one_half_the_live_colours_few_decisions_are_waited_for(rollout, good):
    """At 99 % the live colour sees one application of a hundred, and both must have enough to be compared."""
    made = plan(rollout.model_copy(update={"steps": (99, 100)}), good(40_000), 10 * DAY)
    assert made.steps[0].decisions >= 99 * rollout.analysis.least
    assert made.steps[0].seconds == pytest.approx(made.steps[0].decisions / 9.9)


def test_the_bake_is_said_without_decisions(rollout, good):
    last = plan(rollout, good(40_000), 500).steps[-1]
    assert (last.percent, last.decisions) == (100, 0)
    assert last.sentence == "100 %: 30 s with the old colour warm"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (45, "45 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_140, "119 min"),
        (3 * 3_600, "3 h"),
        (47 * 3_600, "47 h"),
        (9 * DAY, "9 days"),
    ],
)
def test_a_time_is_said_as_one_says_it(seconds, words):
    assert spoken(seconds) == words
