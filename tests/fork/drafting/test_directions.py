"""Directions from columns whose bad rates can be counted."""

import numpy as np
import pytest

from credit_risk.fork.drafting import directions
from credit_risk.fork.drafting.directions import Trend, trend


def column(rates, rows=200):
    """A column with `rows` rows of each value 0, 1, 2 …, of which the first `rate` are bad."""
    values = np.repeat(np.arange(float(len(rates))), rows)
    bad = np.concatenate([np.arange(rows) < rate * rows for rate in rates])
    return values, bad


def test_a_bad_rate_that_rises_with_the_value_proposes_increasing():
    found = trend(*column([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert found == Trend("increasing", (0.1, 0.2, 0.3, 0.4, 0.5), (0.0, 1.0, 2.0, 3.0, 4.0))
    assert found.evidence == "bad rate 10.0%, 20.0%, 30.0%, 40.0%, 50.0% from low to high"


def test_and_one_that_falls_proposes_decreasing():
    assert trend(*column([0.5, 0.3, 0.1])).direction == "decreasing"


@pytest.mark.parametrize(
    "rates",
    [
        [0.2, 0.2, 0.2],
        [0.2, 0.21, 0.22],  # chance could have done it
        [0.1, 0.5, 0.15],  # up and down again
    ],
)
def test_what_the_data_do_not_say_plainly_is_not_proposed(rates):
    assert trend(*column(rates)).direction is None


def test_few_bads_propose_nothing():
    values, bad = column([0.0, 0.29], rows=100)
    assert bad.sum() == 29
    assert trend(values, bad) == Trend(None, (), ())


def test_missing_cells_are_left_out():
    values, bad = column([0.1, 0.3, 0.5])
    gaps, some_bad = np.full(100, np.nan), np.arange(100) < 90
    found = trend(np.append(values, gaps), np.append(bad, some_bad))
    assert found.rates == (0.1, 0.3, 0.5)


def test_two_values_and_a_weak_fall_are_enough_where_rows_are_many():
    assert trend(*column([0.3, 0.2], rows=1000)).direction == "decreasing"


def test_what_one_direction_explains_is_counted():
    rates, rows = np.array([0.1, 0.3, 0.2]), np.array([100, 100, 100])
    assert directions._explained(rates, rows, 1) == pytest.approx(0.75)  # at best 0.1, 0.25, 0.25
    assert directions._explained(rates, rows, -1) == pytest.approx(0)
    assert trend(*column([0.1, 0.3, 0.2])).direction is None
    assert trend(*column([0.1, 0.3, 0.27])).direction == "increasing"


def test_one_value_has_no_direction():
    assert trend(np.zeros(200), np.arange(200) < 100).direction is None
