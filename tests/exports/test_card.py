"""A card in whole points: its sums, thresholds and reasons are those that a reader can count."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from credit_risk.exports.card import Card, NoPoints
from credit_risk.scoring.scorer import Scorer

#                     late  debt   points
APPLICATIONS = {  # 500 + 0 or -50, 10, -20 or -5 where it is missing
    "sound": (0, 0.1, 510),
    "in debt": (0, 0.9, 480),
    "late": (3, 0.1, 460),
    "late, debt unknown": (3, np.nan, 445),
    "late and in debt": (3, 0.5, 430),
}


def decided(card: Card, *names: str) -> pd.DataFrame:
    rows = [APPLICATIONS[name][:2] for name in names]
    return card.decide(pd.DataFrame(rows, columns=["late", "debt"]))


def test_points_are_rounded_bin_by_bin_and_add_up(small_card):
    assert small_card.base == 500
    assert [bins.woe for bins in small_card.bins] == [(0.0, -50.0), (10.0, -20.0)]
    assert small_card.mean == (3, 0)
    assert decided(small_card, *APPLICATIONS)["points"].tolist() == [its[2] for its in APPLICATIONS.values()]
    assert small_card.totals == range(500 - 50 - 20, 510 + 1)


def test_the_cut_off_lies_between_two_sums(small_card):
    # Break-even at a PD of 0.2 / 0.8 = 1/4, odds of 3: 487.12 + 28.85 * ln 3 = 518.8 points.
    assert small_card.thresholds.decline == small_card.thresholds.refer == 510
    generous = small_card.scorer.config.policy.model_copy(update={"margin": 3.0})  # 3 / 3.6: odds of 0.2, 440.7 points
    config = small_card.config.model_copy(update={"policy": generous})
    card = Card.of(replace(small_card.original, config=config))
    assert (card.thresholds.decline, card.thresholds.refer) == (440, 440)
    assert decided(card, *APPLICATIONS)["decision"].tolist() == ["approve"] * 4 + ["decline"]


def test_a_zone_of_referral_lies_between_two_sums(small_card):
    policy = small_card.config.policy.model_copy(update={"margin": 3.0, "refer_within": 0.05})
    card = Card.of(replace(small_card.original, config=small_card.config.model_copy(update={"policy": policy})))
    # PDs of 0.783 and 0.883: odds of 0.277 and 0.132, 450.0 and 428.7 points.
    assert (card.thresholds.decline, card.thresholds.refer) == (428 if 428 in card.totals else 429, 450)
    assert decided(card, "late", "late, debt unknown", "late and in debt")["decision"].tolist() == [
        "approve",
        "refer",
        "refer",
    ]


def test_reasons_are_the_points_lost_beyond_the_population(small_card):
    table = decided(small_card, "late and in debt", "late, debt unknown", "in debt")
    assert table["decision"].tolist() == ["decline"] * 3
    # Lost: late 50 - 3 = 47, debt 20; late 47 and debt 5, which carries more than a tenth of 52 too? 5.2: it does not.
    assert table["reason_1"].tolist() == ["R01", "R01", "R02"]
    assert table["reason_2"].tolist() == ["R02", None, None]
    assert table["reason_2_text"].tolist() == ["debt is high", None, None]


def test_bands_begin_at_their_minimum(small_card):
    assert decided(small_card, "sound", "in debt")["band"].tolist() == ["A", "B"]


def test_an_application_that_cannot_be_scored_has_no_points(small_card):
    table = small_card.decide(pd.DataFrame({"late": [np.nan, 10, 0], "debt": [0.1, 0.1, 2.0]}))
    assert table["decision"].tolist() == ["refused"] * 3
    assert table["points"].tolist() == [None] * 3
    assert table["band"].tolist() == [None] * 3


def test_the_cost_of_rounding_is_counted(small_card):
    cost = small_card.cost(pd.DataFrame([its[:2] for its in APPLICATIONS.values()], columns=["late", "debt"]))
    assert cost["rows"] == 5
    # The sound one: 500.4 + 0.4 + 10.3 = 511.1 against 510.
    assert cost["largest_change_of_score"] == pytest.approx(1.1)
    assert cost["share_decided_otherwise"] == 0
    assert cost["share_with_another_first_reason"] == 0


def test_lightgbm_is_refused_in_words(trained):
    with pytest.raises(NoPoints, match=r"a lightgbm scorer cannot be exported.*--scorer models/challenger"):
        Card.of(Scorer.load(trained[1].scorer))
