"""Dotted names into a report small enough to see whole."""

import math

import pytest

from credit_risk.config.dotted import leaves, lookup, numbers, value_at

REPORT = {
    "test": {"auc": 0.78, "rows": 9, "ks": None, "gini": math.nan},
    "passed": True,
    "kind": "scorecard",
    "of": [1],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("test.auc", 0.78),
        ("test.rows", 9),
        ("passed", True),
        ("test", REPORT["test"]),
        ("test.auc.low", None),
        ("x", None),
    ],
)
def test_a_dotted_name_leads_to_what_stands_there(name, value):
    assert value_at(REPORT, name) is value or value_at(REPORT, name) == value


@pytest.mark.parametrize("name", ["test.ks", "test.gini", "passed", "kind", "test", "test.auc_low"])
def test_only_a_finite_number_is_looked_up(name):
    assert lookup(REPORT, name) is None
    assert lookup(REPORT, "test.rows") == 9


def test_numbers_come_with_their_dotted_names_and_nothing_else_does():
    assert [name for name, _ in numbers(REPORT)] == ["test.auc", "test.rows", "test.gini"]


def test_numbers_of_lists_are_passed_over():
    assert dict(numbers({"a": {"b": 1, "c": None}, "bands": [{"name": "A", "least": 5}], "e": 0.5})) == {
        "a.b": 1.0,
        "e": 0.5,
    }


def test_the_leaves_of_a_tree_by_their_dotted_names():
    tree = {
        "a": {"b": 1},
        "bands": [{"name": "A", "least": 5}, {"least": 6}],
        "list": [1, 2],
        "mixed": [1, {"name": "B"}],
        "none": {},
    }
    assert dict(leaves(tree)) == {
        "a.b": 1,
        "bands[A].name": "A",
        "bands[A].least": 5,
        "bands[1].least": 6,
        "list": [1, 2],
        "mixed": [1, {"name": "B"}],
        "none": {},
    }
    assert dict(leaves({"bands": tree["bands"]}, into_lists=False)) == {"bands": tree["bands"]}
