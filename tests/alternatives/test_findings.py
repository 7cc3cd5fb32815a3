"""What the search's findings say to whoever could act on them."""

import pandas as pd
import pytest

from credit_risk.alternatives.findings import adoption, not_searched, sentence
from credit_risk.config.fairness import Alternatives


@pytest.mark.parametrize(
    ("candidate", "change"),
    [
        ({"kind": "challenger", "candidate": "scorecard", "dropped": ""}, "set model.candidate: scorecard in configs"),
        ({"kind": "constraint", "candidate": "stumps", "dropped": ""}, "set num_leaves: 2, max_depth: 1 in configs"),
        ({"kind": "fewer features", "candidate": "x", "dropped": "income age"}, "take income, age out"),
    ],
)
def test_how_to_adopt_an_alternative_is_said(candidate, change):
    assert adoption(candidate, "lightgbm").startswith(change)


def test_a_variant_of_lightgbm_asks_a_scorecards_owner_to_change_the_kind_first():
    change = adoption({"kind": "fewer features", "candidate": "x", "dropped": "income"}, "scorecard")
    assert change.startswith("set model.candidate: lightgbm in configs/credit.yaml, take income out")


def test_a_reduction_that_gets_further_is_change_though_nothing_can_be_adopted():
    settings = Alternatives(mode="report", most_auc_lost=0.01)
    frontier = pd.DataFrame({
        "candidate": ["model", "without income", "reduction: x"],
        "kind": ["model", "fewer features", "reduction"],
        "worst_contrast": "women",
        "evenness": [0.7, 0.72, 0.9],
        "auc_lost": [0.0, 0.0, 0.009],
        "auc_lost_low": [0.0, -0.001, 0.0],
        "gain": [0.0, 0.02, 0.2],
        "gain_low": [0.0, -0.02, 0.1],
        "gain_high": [0.0, 0.06, 0.3],
        "admissible": False,
    })  # fmt: skip
    finding = sentence(frontier, settings, "lightgbm", rows=1_000)
    assert finding.startswith("CANNOT SAY. 2 alternatives were judged")
    assert "of 1 that could be adopted chance leaves open whether they are less uneven in the contrast women" in finding
    assert "about 4,000 selection rows in the place of 1,000 would show it" in finding
    assert "reaches 0.900 against 0.700 for 0.0090 AUC: a fairer model may exist." in finding
    assert "reduction" not in sentence(frontier.assign(auc_lost=0.02), settings, "lightgbm", rows=1_000)
    worse = frontier.assign(gain_high=[0.0, -0.01, 0.3])
    assert "none that could be adopted is less uneven" in sentence(worse, settings, "lightgbm", rows=1_000)
    unknown = frontier.assign(gain=[float("nan")] * 3, gain_high=float("nan"), gain_low=float("nan"))
    finding = sentence(unknown, settings, "lightgbm", rows=1_000)
    assert finding.startswith(
        "CANNOT SAY. 2 alternatives were judged on the selection rows; in a group of the contrast women"
    )
    one_unknown = pd.concat([worse, unknown.iloc[[1]]], ignore_index=True)
    assert "of 1 that could be adopted chance leaves open" in sentence(one_unknown, settings, "lightgbm", rows=1_000)


def test_too_few_rows_to_search_says_how_many_more_would_do():
    small = {"women": {"female": 38}, "age_62_and_over": {"62 and over": 0, "25 to 61": 49}}
    assert not_searched(small, 50) == (
        "CANNOT SAY. Alternatives were not searched for: no declared contrast has 50 selection rows (fairness.min_n) "
        "in each of its groups; women needs 12 more of female, age_62_and_over needs 50 more of 62 and over and 1 "
        "more of 25 to 61."
    )


def test_a_config_without_a_contrast_gives_nothing_to_judge_by():
    assert not_searched({}, 50).endswith("fairness.contrasts declares no contrast to judge them by.")
