"""All attacks together: a fragile scorer has a low score, a proof one a high one."""

from functools import cache

import numpy as np
import pytest
from scipy.special import expit

from credit_risk.attacks import adversarial, toolbox
from credit_risk.attacks.plausible_changes import PlausibleChanges
from credit_risk.attacks.toolbox import Surrogate
from credit_risk.scoring.decision import APPROVE, DECLINE, Decisions

DRAW = np.random.default_rng(5)
POPULATION = DRAW.normal(5, 1, (400, 3))


def reach(budget=1.0, nominal=(False, False)):
    return PlausibleChanges(
        ("a", "b"), np.array([0, 1]), np.ones(2), np.array(nominal), np.zeros(2, bool), np.zeros(2), np.full(2, 10.0),
        budget,
    )  # fmt: skip


def scorer(pd_of):
    def decide(rows):
        pd, none = np.asarray(pd_of(rows), dtype=float), np.zeros(len(rows), dtype=np.int8)
        outcome = np.where(pd < 0.5, APPROVE, DECLINE).astype(np.int8)
        return Decisions(pd, pd, none, outcome, none - 1, rows, None, np.zeros((len(rows), 1), bool), None)

    return decide


def linear(rows):
    return expit(rows[:, 0] + 0.5 * rows[:, 1] - 7.5)


def honest(rows):
    """Hangs on the column that nobody can move."""
    return expit(4 * (rows[:, 2] - 5))


@cache
def attacked(pd_of):
    decide, some = scorer(pd_of), reach()
    declined = decide(POPULATION).outcome == DECLINE
    rows = POPULATION[declined][:60]
    surrogate = Surrogate(some, POPULATION, declined)
    return adversarial.attack(some, decide, rows, np.arange(len(rows)), thresholds={}, surrogate=surrogate, seed=1)


@pytest.mark.usefixtures("art")
def test_a_fragile_scorer_scores_low_and_every_attack_finds_its_flips():
    found = attacked(linear)
    assert set(found.by_attack) == {"search", "fgsm", "pgd", "hop_skip_jump"}
    assert found.survived(found.cheapest, 0.95).value < 0.5
    for flips in found.by_attack.values():
        assert flips.exists.any()
        assert (flips.cost[flips.exists] <= 1 + 1e-9).all()


@pytest.mark.usefixtures("art")
def test_a_scorer_that_nobody_can_game_scores_1():
    found = attacked(honest)
    score = found.survived(found.cheapest, 0.95)
    assert score.value == score.high == 1
    assert 0.9 < score.low < 1  # Wilson: 60 of 60
    assert found.table(0.95)["flipped"].tolist() == [0] * 5
    assert found.levers()["raised"].tolist() == [0, 0]


@pytest.mark.usefixtures("art")
def test_the_flips_of_all_attacks_are_decided_by_the_scorer_itself():
    best = attacked(linear).cheapest
    assert (scorer(linear)(best.inputs[best.exists]).outcome == APPROVE).all()


@pytest.mark.usefixtures("art")
def test_the_curve_starts_at_1_falls_and_ends_at_the_score():
    found = attacked(linear)
    curve = found.curve(0.95)["survived"].to_numpy()
    assert curve[0] == 1
    assert (np.diff(curve) <= 0).all()
    assert curve[-1] == found.survived(found.cheapest, 0.95).value


@pytest.mark.usefixtures("art")
def test_gradient_attacks_push_against_the_decline_and_stay_within_the_budget():
    decide = scorer(linear)
    declined = decide(POPULATION).outcome == DECLINE
    rows = POPULATION[declined][:10]
    efforts = [effort for _, effort in toolbox.gradient_attacks(Surrogate(reach(), POPULATION, declined), rows)]
    assert len(efforts) == 6
    for effort in efforts:
        assert (effort <= 0).all()
        assert np.abs(effort).sum(axis=1).max() <= 1 + 1e-9


@pytest.mark.usefixtures("art")
def test_a_seed_gives_the_same_attack_and_leaves_numpys_own_generator_alone():
    decide, rows = scorer(linear), POPULATION[linear(POPULATION) >= 0.5][:5]
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    first = toolbox.hop_skip_jump(reach(), decide, rows, seed=1)
    assert np.random.random() == expected  # noqa: NPY002
    assert (first == toolbox.hop_skip_jump(reach(), decide, rows, seed=1)).all()


def test_categories_alone_are_left_to_the_search():
    some = reach(nominal=(True, True))
    decide = scorer(lambda rows: np.where(np.isclose(rows[:, 0], 9), 0.1, 0.9))
    found = adversarial.attack(
        some, decide, POPULATION[:3], np.arange(3), thresholds={}, surrogate=None, seed=1
    )  # fmt: skip
    assert list(found.by_attack) == ["search"]
    assert found.cheapest.exists.all()
