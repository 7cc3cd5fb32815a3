"""Which model becomes the candidate: by hand-picked intervals of LightGBM's AUC minus the scorecard's."""

import math

import pytest

from credit_risk.config.schema import Model
from credit_risk.measures.figure import Figure
from credit_risk.modelling.selection import choose

UNKNOWN = Figure(0.02, math.nan, math.nan, 9)


def settings(candidate: str = "better", materiality: float = 0.005) -> Model:
    fitting = {"seed": 1, "folds": 2, "max_trees": 1, "patience": 1, "directions": {}}
    return Model.model_validate({"candidate": candidate, "materiality": materiality, **fitting})


@pytest.mark.parametrize(
    ("low", "value", "high", "kind"),
    [
        (0.006, 0.012, 0.018, "lightgbm"),
        (0.005, 0.012, 0.018, "scorecard"),  # exactly the materiality is not more than it
        (0.004, 0.012, 0.020, "scorecard"),  # the figure is larger, but chance could have made it so
        (-0.03, -0.02, -0.01, "scorecard"),
    ],
)
def test_lightgbm_is_taken_only_if_the_whole_interval_lies_above_the_materiality(low, value, high, kind):
    assert choose(settings(), Figure(value, low, high, 9)).kind == kind


def test_what_is_not_known_speaks_for_the_scorecard_and_is_said():
    choice = choose(settings(), UNKNOWN)
    assert choice.kind == "scorecard"
    assert choice.sentence.startswith("Keep the scorecard: by how much LightGBM ranks better")
    assert "not known" in choice.sentence


def test_a_candidate_that_the_config_names_is_taken_and_the_finding_is_said_all_the_same():
    worse, better = Figure(-0.02, -0.03, -0.01, 9), Figure(0.02, 0.01, 0.03, 9)
    assert choose(settings("lightgbm"), worse).kind == "lightgbm"
    assert "not clearly more" in choose(settings("lightgbm"), worse).sentence
    assert choose(settings("scorecard"), better).kind == "scorecard"
    assert ", clearly more than" in choose(settings("scorecard"), better).sentence


def test_the_sentence_holds_the_difference_and_the_materiality():
    sentence = choose(settings(), Figure(0.0124, 0.0061, 0.0187, 9)).sentence
    assert sentence == (
        "Take LightGBM: LightGBM's AUC differs from the scorecard's by +0.0124 (+0.0061 to +0.0187) on the selection "
        "rows, clearly more than the materiality of 0.005."
    )
