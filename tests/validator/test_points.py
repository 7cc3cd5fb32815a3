"""Points: they add up to the score, whole ones nearly."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from credit_risk.modelling.accounts import read_inputs
from credit_risk.modelling.assembly import load_scorers
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Bins, Scorecard
from credit_risk.validator.points import BASE, Points, characteristics, cost_of_whole_points, wald_p


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


def counted_card() -> tuple[Scorecard, np.ndarray]:
    """Ten bads among a hundred rows of the one bin, twenty among a hundred of the other: fitted to the letter."""
    ratio = np.log((20 / 80) / (10 / 90))
    bins = Bins((5.0,), (0.0, ratio), 0.0, by_code=False)
    return Scorecard((0,), (bins,), (1.0,), np.log(10 / 90)), np.repeat([[1.0], [9.0]], 100, axis=0)


def test_the_p_of_a_weight_is_that_of_the_log_odds_ratio_of_its_table():
    card, train = counted_card()
    error = np.sqrt(1 / 10 + 1 / 90 + 1 / 20 + 1 / 80)
    expected = 2 * norm.sf(card.bins[0].woe[1] / error)
    assert wald_p(card, train, np.ones(200)) == pytest.approx([expected])
    assert wald_p(card, train, np.full(200, 4.0)) == pytest.approx([2 * norm.sf(2 * card.bins[0].woe[1] / error)])


def test_what_may_be_chance_and_what_gives_everybody_the_same_points_are_named():
    card, train = counted_card()  # p is 0.052

    def doubt(*points: float, weight: float = 1.0) -> str:
        given = Points(("a",), (Bins((5.0,), points[:2], points[2], by_code=False),), (0,), base=500.0)
        (line,) = characteristics(given, card, train, np.full(200, weight)).to_dict("records")
        return line["doubt"]

    assert doubt(10.4, 9.6, 10.0) == "the same points for everybody"
    assert doubt(10.4, 8.0, 10.0) == "may be chance"
    assert doubt(10.4, 8.0, 10.0, weight=4.0) == ""
