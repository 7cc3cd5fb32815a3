"""What an applicant can move, and what it costs."""

from math import nan

import numpy as np
import pytest

from credit_risk.attacks.plausible_changes import PlausibleChanges, step
from credit_risk.config.columns import Column
from credit_risk.config.schema import Attacks
from credit_risk.data.inputs import Inputs
from credit_risk.errors import DataError

COLUMNS = {
    "balance": Column(role="feature", type="number", range=(0, 1_000)),
    "late": Column(role="feature", type="integer", range=(0, 8)),
    "purpose": Column(role="feature", type="category", categories=("car", "home", "other")),
    "income": Column(role="feature", type="number"),
}
INPUTS = Inputs(tuple(COLUMNS), tuple(COLUMNS.values()), 0.5, True)
# Quartiles of balance 100 and 234.9: its standard step is 134.9 / 1.349 = 100.
REFERENCE = np.array([[100, 0, 0, 5], [100, 1, 1, 6], [234.9, 2, 2, 7], [234.9, 3, 0, 8]])
ROW = np.array([[200.0, 2, 0, 7]])


def reach(plausible, budget=1.0):
    settings = Attacks(plausible=plausible, budget=budget, rows=10)
    return PlausibleChanges.of(INPUTS, settings, REFERENCE)


def test_a_step_is_a_level_of_a_whole_number_and_the_spread_of_an_amount():
    assert step(COLUMNS["balance"], REFERENCE[:, 0]) == pytest.approx(100)
    assert step(COLUMNS["late"], REFERENCE[:, 1]) == 1
    assert step(COLUMNS["purpose"], REFERENCE[:, 2]) == 1
    assert step(COLUMNS["balance"], np.array([0, 0, 0, 0, 8.0, nan])) == pytest.approx(3.2)  # no spread in the middle


def test_costs_of_several_columns_add_up_and_any_other_category_costs_one_step():
    some = reach({"balance": 2, "late": 1, "purpose": 5})
    after = np.array([[150.0, 4, 2, 7]])
    assert some.cost(ROW, after) == pytest.approx([2 * 0.5 + 1 * 2 + 5])
    assert some.affordable(ROW, ROW).all()
    assert not some.affordable(ROW, after).any()


def test_an_effort_moves_gameable_columns_alone_keeps_them_whole_and_inside_their_range():
    some = reach({"balance": 1, "late": 1})
    assert some.moved(ROW, np.array([[0.5, 1.4]])) == pytest.approx(np.array([[250, 3, 0, 7]]))
    assert some.moved(ROW, np.array([[-90.0, 90.0]])) == pytest.approx(np.array([[0, 8, 0, 7]]))
    assert (some.moved(ROW, np.zeros((1, 2))) == ROW).all()


def test_a_missing_cell_stays_missing_and_a_category_has_no_direction():
    some = reach({"balance": 1, "purpose": 1})
    gap = np.array([[nan, 2, 0, 7]])
    after = some.moved(gap, np.ones((1, 2)))
    assert np.isnan(after[0, 0])
    assert after[0, 2] == 0
    assert some.cost(gap, after) == [0]


def test_a_column_that_never_varies_has_no_standard_step():
    settings = Attacks(plausible={"income": 1}, budget=1, rows=1)
    with pytest.raises(DataError, match=r"attacks\.plausible: income never varies in training"):
        PlausibleChanges.of(INPUTS, settings, np.ones((3, 4)))
