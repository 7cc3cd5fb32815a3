"""The headline figures by independent code: counted by hand, and which difference to a report is one."""

import math

import numpy as np
import pytest

from credit_risk.config.schema import Policy
from credit_risk.measures.verdict import recomputation

POLICY = Policy.model_construct(margin=0.75, lgd=1.25, cost=0.25)  # approves below (0.75 - 0.25) / (0.75 + 1.25) = 1/4
PDS = (0.1, 0.2, 0.3, 0.4)
BAD = (False, True, False, True)


def figures(bad=BAD, pds=PDS, weight=None):
    weight = np.ones(len(pds)) if weight is None else np.array(weight, dtype=float)
    return recomputation.figures(np.array(bad), np.array(pds), weight, POLICY)


def test_figures_of_four_rows():
    found = figures()
    ranking = {"auc", "gini", "ks", "average_precision", "calibration_slope"}
    assert set(found) == ranking | {"brier", "approval_rate", "profit_per_application"}
    assert found["auc"] == pytest.approx(3 / 4)  # of four pairs the bad at 0.2 and the good at 0.3 stand the wrong way
    assert found["gini"] == pytest.approx(1 / 2)
    assert found["ks"] == pytest.approx(1 / 2)
    assert found["average_precision"] == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.09 + 0.36) / 4)
    assert found["approval_rate"] == 2 / 4
    # Of two approved one goes bad: a margin, a loss, and the cost of both, shared by four applications.
    assert found["profit_per_application"] == pytest.approx((0.75 - 1.25 - 2 * 0.25) / 4)


def test_a_row_counts_as_often_as_it_weighs():
    found = figures(weight=(1, 2, 1, 3))
    assert found["auc"] == pytest.approx((2 * 1 + 3 * 2) / (5 * 2))
    assert found["ks"] == pytest.approx(3 / 5)
    assert found["average_precision"] == pytest.approx(3 / 5 * 1 + 2 / 5 * 5 / 6)
    assert found["brier"] == pytest.approx((0.01 + 2 * 0.64 + 0.09 + 3 * 0.36) / 7)
    assert found["approval_rate"] == pytest.approx(3 / 7)
    assert found["profit_per_application"] == pytest.approx((0.75 - 2 * 1.25 - 3 * 0.25) / 7)


def test_a_pd_at_the_cut_off_is_not_approved():
    assert figures(pds=(0.1, 0.25, 0.3, 0.4))["approval_rate"] == 1 / 4


def test_the_slope_is_that_of_observed_against_foretold_log_odds():
    pds = (0.2, 0.2, 0.2, 0.8, 0.8, 0.8)  # log-odds of -ln 4 and ln 4
    bad = (True, False, False, True, True, False)  # log-odds of -ln 2 and ln 2
    assert figures(bad, pds)["calibration_slope"] == pytest.approx(0.5, abs=1e-6)
    weighed = (
        7,
        1,
        1,
        7,
        1,
        1,
    )  # bad are 7 of 9 at 0.2, and 8 of 9 at 0.8
    expected = (math.log(8) - math.log(7 / 2)) / (2 * math.log(4))
    assert figures(bad, pds, weighed)["calibration_slope"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("pds", [(0.0, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 1.0), (0.3, 0.3, 0.3, 0.3)])
def test_without_log_odds_that_vary_there_is_no_slope(pds):
    found = figures(pds=pds)
    assert math.isnan(found.pop("calibration_slope"))
    assert not any(map(math.isnan, found.values()))


@pytest.mark.parametrize("bad", [(False,) * 4, (True,) * 4])
def test_of_one_class_alone_there_is_no_ranking(bad):
    assert set(figures(bad)) == {"approval_rate", "profit_per_application", "brier"}


@pytest.mark.parametrize(
    ("written", "again", "differs"),
    [
        (1.00002, 1.0, False),  # 0.00002 of the figure, and 0.000001
        (1.000022, 1.0, True),
        (-1.00002, -1.0, False),
        (-1.000022, -1.0, True),
        (0.9999, 1.0, True),
        (0.0000009, 0.0, False),
        (0.0000011, 0.0, True),
        (100.002, 100.0, False),
        (100.0021, 100.0, True),
        (0.7, math.nan, False),
        (None, 0.7, False),
        ("0.7", 0.9, False),  # no number: no gate passes it
    ],
)
def test_a_figure_that_is_otherwise_by_more_than_rounding_is_named(written, again, differs):
    assert bool(recomputation.differing({"auc": written}, {"auc": again})) is differs


def test_each_figure_that_differs_is_named_with_both_and_what_stands_behind_an_unknown_one_too():
    reported = {"auc": 0.93, "brier": 0.1, "ks": 0.4}
    again = {"calibration_slope": math.nan, "gini": 0.5, "auc": 0.78234, "brier": 0.1, "ks": 0.5}
    assert recomputation.differing(reported, again) == [
        "auc is 0.93 there, and predictions and outcomes make 0.78234",
        "ks is 0.4 there, and predictions and outcomes make 0.5",
    ]
