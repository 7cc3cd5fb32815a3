"""Our own search on hand-made scorers: it finds what is there to find, at its price, and nothing in a proof one."""

from itertools import pairwise

import numpy as np
import pytest

from credit_risk.attacks.plausible_changes import PlausibleChanges
from credit_risk.attacks.search import Flips, cheapest, flipped, thresholds_of, tried
from credit_risk.scoring.decision import APPROVE, DECLINE, REFER, REFUSED, Decisions
from credit_risk.scoring.model import Bins, Boosted, Scorecard
from credit_risk.scoring.scorer import Scorer


def reach(*, budget=1.0, whole=(False, False), nominal=(False, False)):
    """Two gameable columns from 0 to 10 at a cost of 1 each unit; a third cannot be moved."""
    return PlausibleChanges(
        names=("a", "b"),
        indices=np.array([0, 1]),
        unit=np.ones(2),
        nominal=np.array(nominal),
        whole=np.array(whole),
        low=np.zeros(2),
        high=np.full(2, 10.0),
        budget=budget,
    )


def scorer(pd_of):
    """Declines from a PD of 0.5 on."""

    def decide(rows):
        pd, none = np.asarray(pd_of(rows), dtype=float), np.zeros(len(rows), dtype=np.int8)
        outcome = np.where(pd < 0.5, APPROVE, DECLINE).astype(np.int8)
        return Decisions(pd, pd, none, outcome, none - 1, rows, None, np.zeros((len(rows), 1), bool), None)

    return decide


ROWS = np.array([[5.0, 5.0, 1.0], [5.0, 5.0, 0.0]])


def test_a_proof_scorer_is_not_flipped():
    flips = cheapest(reach(), scorer(lambda rows: np.full(len(rows), 0.9)), ROWS, {})
    assert not flips.exists.any()
    assert (flips.inputs[:, 2] == ROWS[:, 2]).all()


def test_a_fragile_scorer_is_flipped_at_the_threshold_and_not_a_step_beyond():
    fragile = scorer(lambda rows: np.where(rows[:, 0] <= 4.9876, 0.1, 0.9))
    flips = cheapest(reach(), fragile, ROWS, {"a": np.array([4.9876])})
    assert flips.cost == pytest.approx([0.0124, 0.0124])
    assert (flips.inputs[:, 1:] == ROWS[:, 1:]).all()


def test_a_narrow_pocket_is_found_by_its_thresholds_alone():
    pocket = scorer(lambda rows: np.where((rows[:, 0] > 5.301) & (rows[:, 0] <= 5.302), 0.1, 0.9))
    assert not cheapest(reach(), pocket, ROWS, {}).exists.any()
    assert cheapest(reach(), pocket, ROWS, {"a": np.array([5.301, 5.302])}).cost == pytest.approx([0.301, 0.301])


def test_what_costs_more_than_the_budget_is_no_flip():
    far = scorer(lambda rows: np.where(rows[:, 0] <= 3, 0.1, 0.9))
    assert not cheapest(reach(budget=1.99), far, ROWS, {"a": np.array([3.0])}).exists.any()
    assert cheapest(reach(budget=2.0), far, ROWS, {"a": np.array([3.0])}).exists.all()


def test_two_columns_are_moved_together_where_neither_is_enough():
    both = scorer(lambda rows: 0.9 - 0.3 * (rows[:, 0] <= 4.6) - 0.3 * (rows[:, 1] <= 4.6))
    flips = cheapest(reach(), both, ROWS, {"a": np.array([4.6]), "b": np.array([4.6])})
    assert flips.cost == pytest.approx([0.8, 0.8])


def test_whole_numbers_move_by_levels_and_categories_to_any_other():
    levels = scorer(lambda rows: np.where(rows[:, 0] == 6, 0.1, 0.9))
    flips = cheapest(reach(whole=(True, False)), levels, ROWS, {})
    assert (flips.inputs[:, 0] == 6).all()
    words = scorer(lambda rows: np.where(rows[:, 0] == 9, 0.1, 0.9))
    flips = cheapest(reach(nominal=(True, False)), words, ROWS, {})
    assert (flips.inputs[:, 0] == 9).all()
    assert flips.cost == pytest.approx([1, 1])


def test_a_missing_cell_is_not_filled_in_be_it_a_number_or_a_category():
    gap = np.array([[np.nan, np.nan, 1.0]])
    easy = scorer(lambda rows: np.where(np.isnan(rows[:, 0]) & np.isnan(rows[:, 1]), 0.9, 0.1))
    assert not cheapest(reach(nominal=(True, False)), easy, gap, {"b": np.array([5.0])}).exists.any()


def test_a_column_that_is_not_declared_is_never_moved():
    other = scorer(lambda rows: np.where(rows[:, 2] > 0.5, 0.9, 0.1))
    flips = cheapest(reach(budget=100), other, ROWS[:1], {})
    assert not flips.exists.any()


def test_approval_and_a_scored_referral_are_flips_a_refusal_is_not():
    outcome = np.array([APPROVE, REFER, REFER, DECLINE, REFUSED], dtype=np.int8)
    pd, none = np.array([0.1, 0.5, np.nan, 0.9, np.nan]), np.zeros(5, dtype=np.int8)
    decisions = Decisions(pd, pd, none, outcome, none, pd, None, np.zeros((5, 1), bool), None)
    assert flipped(decisions).tolist() == [True, True, False, False, False]


def test_an_attack_from_outside_counts_only_if_it_flips_and_is_affordable():
    fragile = scorer(lambda rows: np.where(rows[:, 0] <= 4.5, 0.1, 0.9))
    after = np.array([[4.5, 5.0, 1.0], [4.6, 5.0, 0.0]])
    assert tried(reach(), fragile, ROWS, after).cost.tolist() == [0.5, np.inf]
    assert tried(reach(budget=0.4), fragile, ROWS, after).cost.tolist() == [np.inf, np.inf]


def test_of_two_attacks_the_cheaper_stands_row_by_row():
    one = Flips(np.array([0.2, np.inf]), ROWS + 1)
    other = Flips(np.array([0.3, 0.5]), ROWS + 2)
    best = one.or_cheaper(other)
    assert best.cost.tolist() == [0.2, 0.5]
    assert (best.inputs == np.array([ROWS[0] + 1, ROWS[1] + 2])).all()


def test_thresholds_are_read_out_of_the_models_text():
    text = "Tree=0\nsplit_feature=0 1\nthreshold=1.5 3\nleaf_value=0\n\nTree=1\nsplit_feature=0\nthreshold=0.5\n"
    found = thresholds_of(Boosted(text), ("a", "b"))
    assert {name: values.tolist() for name, values in found.items()} == {"a": [0.5, 1.5], "b": [3.0]}
    card = Scorecard((1,), (Bins((2.0, 4.0), (0.1, 0.2, 0.3), 0.0, False),), (1.0,), 0.0)
    assert {name: values.tolist() for name, values in thresholds_of(card, ("a", "b")).items()} == {"b": [2.0, 4.0]}


def test_between_neighbouring_thresholds_the_margin_of_the_trained_lender_stands_still(trained):
    config, files = trained
    scorer_ = Scorer.load(files.scorer)
    cuts = thresholds_of(scorer_.model, config.features)["utilisation"]
    place = config.features.index("utilisation")
    rows = np.random.default_rng(1).normal(1, 1, (50, len(config.features)))
    changes = 0
    for low, high in pairwise(cuts):
        at_low, just_above, at_high = (rows.copy() for _ in range(3))
        at_low[:, place], just_above[:, place], at_high[:, place] = low, np.nextafter(low, np.inf), high
        margins = [scorer_.model.margin(each) for each in (at_low, just_above, at_high)]
        assert (margins[1] == margins[2]).all()
        changes += int((margins[0] != margins[1]).any())
    assert changes > len(cuts) / 2
