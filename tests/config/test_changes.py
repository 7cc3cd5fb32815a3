"""What differs between two configs: each key once, the most serious first."""

import pytest

from credit_risk.config import changes
from credit_risk.config.changes import ABSENT, Change

OLD = {
    "gates": [{"name": "discrimination", "at_least": 0.7}],
    "model": {"directions": {"months_late": "increasing"}, "folds": 5},
    "outcome": {"bad": [1], "exclusions": []},
    "drift": {"bins": 10},
}


def test_equal_configs_differ_in_nothing():
    assert changes.changes(OLD, OLD) == []


def test_each_key_that_differs_is_there_once_and_limits_stand_first():
    new = {
        "drift": {"bins": 5},
        "gates": [{"name": "discrimination", "at_least": 0.6}, {"name": "more", "at_most": 1}],
        "model": {"directions": {}, "folds": 5},
        "outcome": {"bad": [1, 2], "exclusions": [{"name": "staff"}]},
    }
    assert changes.changes(OLD, new) == [
        Change("threshold", "gates[discrimination].at_least", 0.7, 0.6),
        Change("threshold", "gates[more].name", ABSENT, "more"),
        Change("threshold", "gates[more].at_most", ABSENT, 1),
        Change("outcome", "outcome.bad", [1], [1, 2]),
        Change("exclusion", "outcome.exclusions", [], ABSENT),
        Change("exclusion", "outcome.exclusions[staff].name", ABSENT, "staff"),
        Change("direction", "model.directions.months_late", "increasing", ABSENT),
        Change("direction", "model.directions", ABSENT, {}),
        Change("other", "drift.bins", 10, 5),
    ]


def test_one_and_true_are_two_values():
    assert changes.changes({"a": 1}, {"a": True}) == [Change("other", "a", 1, True)]


@pytest.mark.parametrize(
    ("key", "meant"),
    [("bad", True), ("bad[0]", True), ("performance_window_months", True), ("bad_rate", False), ("exclusions", False)],
)
def test_what_makes_an_account_bad_is_told_from_the_rest_of_the_outcome(key, meant):
    change = Change("outcome", f"outcome.{key}", 1, 2)
    assert changes.of_outcome([change]) == ([change] if meant else [])


def test_a_long_value_is_cut_and_a_missing_one_is_said():
    assert changes.shown(ABSENT) == "not there"
    assert changes.shown([1, "a"]) == '[1, "a"]'
    assert len(changes.shown("x" * 500)) == 200
