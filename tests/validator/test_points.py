"""Points: they add up to the score, whole ones nearly."""

import numpy as np
import pandas as pd
import pytest

from credit_risk.modelling.accounts import read_inputs
from credit_risk.modelling.assembly import load_scorers
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Bins
from credit_risk.validator.points import BASE, Points, cost_of_whole_points


@pytest.fixture(scope="module")
def card(trained):
    config, files = trained
    scorers = load_scorers(config, files)
    inputs = read_inputs(config, files, "test")
    return config, scorers, inputs, Features.of(config).of_inputs(inputs)


def test_the_points_of_an_application_add_up_to_its_score(card):
    config, scorers, inputs, matrix = card
    score = scorers["scorecard"].decide_inputs(inputs).score
    scored = ~np.isnan(score)
    points = Points.of(config, scorers["scorecard"])
    assert scored.sum() > 100
    assert points.score(matrix[scored]) == pytest.approx(score[scored], abs=1e-9)


def test_the_table_has_a_line_for_the_base_and_for_each_bin(card):
    config, scorers, _, _ = card
    points = Points.of(config, scorers["scorecard"])
    table = points.table(config)
    assert (table["feature"][0], table["points"][0]) == (BASE, points.base)
    bins = sum(len(its.woe) + 1 + len(its.special) for its in points.by_bin)
    assert len(table) == 1 + bins
    assert (table["whole_points"] - table["points"]).abs().max() <= 0.5
    assert isinstance(table, pd.DataFrame)


def test_lightgbm_has_no_points(card):
    config, scorers, _, _ = card
    with pytest.raises(TypeError, match="a lightgbm has no points"):
        Points.of(config, scorers["lightgbm"])


def test_whole_points_cost_what_rounding_takes():
    bins = Bins((5.0,), (10.4, -0.4), 3.0, by_code=False)
    points = Points(("a",), (bins,), (0,), base=500.4)
    matrix = np.array([[1.0], [9.0], [np.nan]])
    assert points.score(matrix) == pytest.approx([510.8, 500.0, 503.4])
    assert points.score(matrix, whole=True).tolist() == [510, 500, 503]
    cost = cost_of_whole_points(points, matrix, np.array([False, True, False]), 510.5)
    assert cost == {
        "auc_change": 0.0,
        "largest_change_of_score": pytest.approx(0.8),
        "share_decided_otherwise": pytest.approx(1 / 3),
    }
