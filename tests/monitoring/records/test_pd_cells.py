"""Bins of odds that every scorer shares, and sums that add up."""

import pytest

from credit_risk.monitoring.records.pd_cells import MOST, PdCells, odds_bin


@pytest.mark.parametrize(
    ("pd", "number"),
    [
        (0.5, 0),  # odds of 1:1
        (0.54, 0),
        (0.55, 1),  # odds of 1.22:1, a quarter of a doubling is 1.19
        (0.67, 4),  # 2.03:1, one doubling
        (0.34, -4),
        (0.49, -1),
        (0.0, -MOST),
        (1.0, MOST),
        (1e-12, -MOST),
        (None, None),
    ],
)
def test_a_bin_is_a_quarter_of_a_doubling_of_the_odds(pd, number):
    assert odds_bin(pd) == number


def test_a_cell_has_its_number_and_its_sums_and_what_came_out_again_is_gone():
    cells = PdCells()
    cells.add(("approve", "A", None), None)
    cells.add(("approve", "A", -4), 0.25)
    cells.add(("approve", "A", -4), 0.5)
    cells.add(("decline", None, 8), 0.1)
    cells.add(("decline", None, 8), 0.1, -1)
    assert cells.rows() == [["approve", "A", None, 1, 0.0, 0.0], ["approve", "A", -4, 2, 0.75, 0.3125]]
