"""Membership inference: a model that remembers its rows has a low privacy score, one that does not a high one."""

from math import nan

import lightgbm as lgb
import numpy as np
import pytest

from credit_risk.attacks import membership
from credit_risk.attacks.membership import Applicants
from credit_risk.measures.figure import Figure


def scored(*, leaves, trees):
    """Outcomes that no input explains: whatever a model knows of its training rows, it remembers."""
    draw = np.random.default_rng(2)
    inputs, bad = draw.normal(size=(2_000, 5)), draw.random(2_000) < 0.4
    parameters = {"objective": "binary", "num_leaves": leaves, "min_data_in_leaf": 1 if leaves > 9 else 200,
                  "learning_rate": 0.3, "verbosity": -1, "num_threads": 1, "seed": 1}  # fmt: skip
    model = lgb.train(parameters, lgb.Dataset(inputs[:1_000], bad[:1_000].astype(float)), trees)
    pd = np.asarray(model.predict(inputs))
    rows = np.arange(1_000)
    return Applicants.of((pd[:1_000], bad[:1_000], rows), (pd[1_000:], bad[1_000:], rows))


def score(applicants):
    found = membership.attacks(applicants, seed=1, confidence=0.95)
    return membership.privacy(found[membership.strongest(found)])


@pytest.mark.usefixtures("art")
def test_a_model_that_remembers_has_a_low_privacy_score():
    remembered = score(scored(leaves=255, trees=60))
    assert remembered.high < 0.5
    assert remembered.low < remembered.value < remembered.high


@pytest.mark.usefixtures("art")
def test_a_model_that_only_knows_the_bad_rate_has_a_high_one():
    assert score(scored(leaves=2, trees=1)).value > 0.8


@pytest.mark.usefixtures("art")
def test_every_attack_is_asked_and_learned_ones_are_judged_on_rows_they_did_not_learn_from():
    applicants = scored(leaves=255, trees=60)
    found = membership.attacks(applicants, seed=1, confidence=0.95)
    assert set(found) == {"loss", "rule", "gradient boosting", "logistic"}
    assert found["loss"].n == 2_000
    assert 900 < found["logistic"].n < 1_100
    table = membership.table(found)
    assert table["privacy"].tolist() == [membership.privacy(found[name]).value for name in table["attack"]]


def test_the_score_is_one_minus_twice_what_the_attack_knows_beyond_a_guess():
    assert membership.privacy(Figure(0.6, 0.55, 0.65, 9)) == Figure(
        pytest.approx(0.8), pytest.approx(0.7), pytest.approx(0.9), 9
    )
    assert membership.privacy(Figure(0.4, 0.3, 0.5, 9)).value == 1
    assert membership.privacy(Figure(1.0, 1.0, 1.0, 9)).value == 0


def test_one_row_an_applicant_and_only_rows_with_a_pd():
    train = (np.array([0.1, 0.2, nan, 0.4]), np.array([0, 1, 0, 1]), np.array([7, 7, 8, 9]))
    other = (np.array([0.5]), np.array([1]), np.array([7]))
    applicants = Applicants.of(train, other)
    assert applicants.pd.tolist() == [0.1, 0.4, 0.5]
    assert applicants.bad.tolist() == [False, True, True]
    assert applicants.member.tolist() == [True, True, False]


def test_the_loss_is_small_where_the_pd_was_right():
    applicants = Applicants(np.array([0.25, 0.25, 0.0]), np.array([True, False, False]), np.ones(3, bool))
    assert membership.loss(applicants) == pytest.approx([-np.log(0.25), -np.log(0.75), 0])
