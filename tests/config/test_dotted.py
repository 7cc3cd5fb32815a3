"""Dotted names into a report small enough to see whole."""

import math

import pytest

from credit_risk.config.dotted import lookup, numbers, value_at

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
