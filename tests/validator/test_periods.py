"""Periods of a few rows."""

import numpy as np
import pandas as pd
import pytest

from credit_risk.validator import periods


def test_months_where_a_day_is_known():
    outcomes = pd.DataFrame({"date": pd.to_datetime(["2024-01-31", "2024-02-01"]), "file_row": [2, 1]})
    found, what = periods.periods(outcomes)
    assert (list(found), what) == (["2024-01", "2024-02"], periods.MONTHS)


def test_without_a_day_blocks_in_the_order_of_the_file():
    outcomes = pd.DataFrame({"file_row": [50, 10, 20, 30, 40, 60]})
    found, what = periods.periods(outcomes)
    assert list(found) == [f"block {number} of 6" for number in (5, 1, 2, 3, 4, 6)]
    assert what == periods.PSEUDO


def test_each_period_has_its_figures_and_one_class_has_no_auc():
    period = pd.Series(["2024-01"] * 4 + ["2024-02"] * 2)
    bad = np.array([True, False, True, False, False, False])
    pd_ = np.array([0.4, 0.3, 0.2, 0.1, 0.2, 0.4])
    first, second = periods.table(period, bad, pd_, confidence=0.95).to_dict("records")
    assert (first["rows"], first["bads"], first["bad_rate"], first["auc"]) == (4, 2, 0.5, 0.75)
    assert first["mean_pd"] == pytest.approx(0.25)
    assert (second["bads"], second["bad_rate"], second["bad_rate_low"]) == (0, 0, 0)
    assert np.isnan(second["auc"])
