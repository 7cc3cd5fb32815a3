"""Special codes: a level of their own for trees, a bin of their own in the scorecard, and no direction over them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import smallest
from credit_risk.config.tags import tag_of, tagged, tags
from credit_risk.data.inputs import Inputs, Matrix
from credit_risk.modelling import fitting, training
from credit_risk.modelling.accounts import Weights
from credit_risk.modelling.assembly import under_policy
from credit_risk.scoring.model import Bins, Boosted
from credit_risk.scoring.scorer import Scorer

CONFIG = smallest.config(
    columns={
        "age": {
            "role": "feature",
            "type": "number",
            "range": [0, 9],
            "missing": "allow",
            "special": {-9: "no_record", -8: "not_applicable", -7: "no_record", -5: "frozen"},
        },
        "noise": {"role": "feature", "type": "number"},
    },
    model=smallest.SECTIONS["model"] | {"directions": {"age": "increasing"}, "max_trees": 80, "patience": 20},
    parameters=smallest.SECTIONS["parameters"] | {"min_child_samples": 20, "num_leaves": 8, "max_depth": 4},
)
NO_RECORD, NOT_APPLICABLE, FROZEN = tagged(1), tagged(2), tagged(3)
ROWS = 4_000


def rows() -> tuple[pd.DataFrame, Matrix, np.ndarray]:
    """Bad rates grow with age from 0.1 to 0.4; without a record 0.25, not applicable 0.6, missing 0.02.

    No record lies in the middle, so that a level of its own cannot be had by putting the code at an end.
    """
    random = np.random.default_rng(5)
    age = random.integers(0, 10, ROWS).astype(float)
    rate = 0.1 + age / 30
    for share, value, its_rate in ((0.2, -9, 0.25), (0.05, -7, 0.25), (0.15, -8, 0.6), (0.1, np.nan, 0.02)):
        chosen = random.permutation(ROWS)[: int(share * ROWS)]
        age[chosen], rate[chosen] = value, its_rate
    table = pd.DataFrame({"age": age, "noise": random.normal(size=ROWS)})
    return table, Inputs.of(CONFIG).table(table), random.random(ROWS) < rate


@pytest.fixture(scope="module")
def fitted() -> dict[str, fitting.Fitted]:
    _, matrix, bad = rows()
    return training.fit(CONFIG, matrix, bad, Weights(np.ones(ROWS), np.ones(ROWS)), fold=np.arange(ROWS) % 2)[0]


def scorer(fitted: dict[str, fitting.Fitted], kind: str) -> Scorer:
    _, matrix, _ = rows()
    return under_policy(CONFIG, fitted[kind].model, fitted[kind].calibration, training.seen_missing(CONFIG, matrix))


def pds(scorer: Scorer, *ages: float) -> Matrix:
    return scorer.pds(np.array([[age, 0.0] for age in ages]))


@pytest.mark.parametrize("kind", ["lightgbm", "scorecard"])
def test_a_code_gets_the_bad_rate_of_its_own(fitted, kind):
    no_record, not_applicable, missing = pds(scorer(fitted, kind), NO_RECORD, NOT_APPLICABLE, np.nan)
    assert_allclose([no_record, not_applicable, missing], [0.25, 0.6, 0.02], atol=0.06)


@pytest.mark.parametrize("kind", ["lightgbm", "scorecard"])
def test_the_direction_holds_over_values_and_is_not_claimed_over_codes(fitted, kind):
    of_values = pds(scorer(fitted, kind), *range(10))
    assert (np.diff(of_values) >= -1e-12).all()
    low, high = of_values[[0, -1]]
    no_record, not_applicable = pds(scorer(fitted, kind), NO_RECORD, NOT_APPLICABLE)
    assert low < no_record < high < not_applicable


def test_the_contributions_of_trees_add_up_with_a_codes_own_column_in_its_feature(fitted):
    model = fitted["lightgbm"].model
    assert isinstance(model, Boosted)
    assert model.levels == ((0, 1), (0, 2), (0, 3))
    matrix = np.array([[NO_RECORD, 0.1], [NOT_APPLICABLE, 0.1], [np.nan, 0.1], [3.0, 0.1]])
    added = model.contributions(matrix)
    assert added.shape == (4, 3)
    assert_allclose(added.sum(axis=1), model.margin(matrix), atol=1e-9)
    assert added[1, 0] > added[0, 0] > added[2, 0]


def test_a_table_and_a_request_read_the_same_codes():
    inputs = Inputs.of(CONFIG)
    table, matrix, _ = rows()
    assert sorted(set(tags(matrix[:, 0]))) == [0, 1, 2]
    for code, tag in ((-9, 1), (-9.0, 1), (-7, 1), (-8, 2), (-5, 3)):
        assert tag_of(inputs.single_row({"age": code, "noise": 0})[0, 0]) == tag
        assert tag_of(inputs.table(pd.DataFrame({"age": [code], "noise": [0]}))[0, 0]) == tag
    assert not inputs.faults(matrix[tags(matrix[:, 0]) > 0]).any.any()  # out of range, and an answer all the same
    assert inputs.faults(inputs.single_row({"age": -6, "noise": 0})).refused[0]
    assert (table["age"] == -9).sum() + (table["age"] == -7).sum() == (tags(matrix[:, 0]) == 1).sum()


def test_a_code_that_nobody_had_in_training_is_not_scored(fitted):
    decisions = scorer(fitted, "scorecard").decide({"age": -5, "noise": 0})
    assert np.isnan(decisions.pd[0])
    assert decisions.why_not_scored(0) == ["age: frozen, which nobody was in training"]
    assert decisions.record()["decision"] == "refer"
    assert scorer(fitted, "scorecard").decide({"age": -8, "noise": 0}).scored[0]


def test_a_scorecards_bins_weigh_each_state_by_itself():
    bins = Bins((5.0,), (1.0, -1.0), missing=0.5, by_code=False, special=(0.25, -2.0))
    values = np.array([4.0, 6.0, np.nan, NO_RECORD, NOT_APPLICABLE])
    assert_allclose(bins.transform(values), [1.0, -1.0, 0.5, 0.25, -2.0])


def test_tags_survive_copies_and_end_in_arithmetic_of_formulas():
    assert [tag_of(value) for value in (tagged(7), np.nan, -np.nan, 1.0, np.inf)] == [7, 0, 0, 0, 0]
    column = np.array([tagged(1), 2.0])
    assert list(tags(np.column_stack([column, column])[:, 0])) == [1, 0]
    assert list(tags(np.where(column > 0, column, column).copy())) == [1, 0]
    assert list(tags(CONFIG.formula("age * 1").evaluate({"age": column}))) == [0, 0]
