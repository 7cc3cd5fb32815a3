"""Counting how often a gate is wrong: by hand, on verdicts whose truth is given."""

import math

import pytest

from credit_risk.config.schema import Gate
from credit_risk.studies import gate_errors

SLOPE = Gate(name="slope", measure="test.calibration_slope", at_least=0.9, at_most=1.1, reason="r")


def test_of_a_sound_model_each_fail_is_false_and_nothing_is_missed():
    found = gate_errors.tally(SLOPE, 1.0, ["PASS", "PASS", "CANNOT SAY", "FAIL"])
    assert (found.passed, found.cannot_say, found.failed, found.n) == (2, 1, 1, 4)
    assert (found.sound, found.false_fail, found.miss) == (True, 0.25, None)


def test_of_a_model_outside_the_limit_each_pass_is_a_miss_and_cannot_say_is_none():
    found = gate_errors.tally(SLOPE, 0.89, ["PASS", "CANNOT SAY", "CANNOT SAY", "FAIL", "FAIL"])
    assert (found.sound, found.false_fail, found.miss) == (False, None, 0.2)


@pytest.mark.parametrize(("truth", "inside"), [(0.9, True), (1.1, True), (0.899, False), (1.101, False)])
def test_a_limit_belongs_to_what_is_inside(truth, inside):
    assert gate_errors.inside(SLOPE, truth) is inside


@pytest.mark.parametrize(("truth", "verdicts"), [(math.nan, ["PASS"]), (1.0, [])])
def test_without_a_truth_or_a_verdict_there_is_no_rate(truth, verdicts):
    with pytest.raises(ValueError, match="need verdicts and a true value"):
        gate_errors.tally(SLOPE, truth, verdicts)


@pytest.mark.parametrize(
    ("low", "high", "held"), [(0, 1, True), (0.5, 1, True), (0.6, 1, False), (0, 0.4, False), (math.nan, 1, None)]
)
def test_an_interval_holds_the_truth_up_to_its_ends(low, high, held):
    assert gate_errors.holds(low, high, 0.5) is held


@pytest.mark.parametrize(
    ("held", "known", "word"),
    [
        (475, 500, "within"),
        (450, 500, "below"),
        (463, 500, "below, perhaps by chance"),
        (490, 500, "above, perhaps by chance"),
        (500, 500, "above"),
        (0, 0, "not known"),
    ],
)
def test_coverage_is_held_against_the_aim_and_what_chance_leaves_open(held, known, word):
    assert gate_errors.coverage(held, known)[1] == word
