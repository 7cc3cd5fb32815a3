"""The model's matrix: features as they are, then derived ones, nothing else."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import smallest
from credit_risk.config import Config, load
from credit_risk.config.columns import Derived
from credit_risk.data.inputs import Matrix
from credit_risk.errors import FormulaError
from credit_risk.scoring.features import Features, made_of

NAN, INF = np.nan, np.inf

# employment, income, purpose, loan_amount, term_months, utilisation, months_late, existing_customer
ROW = [2.0, 20_000, 1, 5_000, 24, 0.5, 3, 1]


@pytest.fixture
def config() -> Config:
    return load(Path(__file__).parents[1] / "lender" / "credit.yaml")


def matrix_of(config: Config, *rows: list[float]) -> Matrix:
    features = Features.of(config)
    return features.matrix(features.columns(np.array(rows)))


def test_the_matrix_holds_features_then_derived_in_the_order_of_the_config(config: Config):
    assert Features.of(config).names == (
        "employment",
        "income",
        "purpose",
        "term_months",
        "utilisation",
        "months_late",
        "existing_customer",
        "loan_to_income",
    )
    assert_array_equal(matrix_of(config, ROW), [[2, 20_000, 1, 24, 0.5, 3, 1, 0.25]])


def test_an_input_that_is_no_feature_can_be_read_by_rules_and_not_by_the_model(config: Config):
    columns = Features.of(config).columns(np.array([ROW]))
    assert_array_equal(columns["loan_amount"], [5_000])
    assert "loan_amount" not in Features.of(config).names


def test_protected_columns_are_neither_inputs_nor_features(config: Config):
    features = Features.of(config)
    assert not {"sex", "age", "status", "application_id"} & {*features.inputs, *features.names}


def test_a_formula_that_names_a_protected_column_is_refused(config: Config):
    sly = config.model_copy(update={"derived": {"sly": Derived(formula="loan_amount / age")}})
    with pytest.raises(FormulaError, match="no column 'age'"):
        Features.of(sly)


def test_a_derived_feature_may_read_the_one_before_it(config: Config):
    derived = {**config.derived, "doubled": Derived(formula="loan_to_income * 2")}
    assert matrix_of(config.model_copy(update={"derived": derived}), ROW)[0, -1] == 0.5


def test_what_cannot_be_computed_is_missing(config: Config):
    no_income, zero_income, absurd = ([*ROW[:1], income, *ROW[2:]] for income in (NAN, 0.0, INF))
    assert_array_equal(matrix_of(config, no_income, zero_income)[:, -1], [NAN, NAN])
    assert matrix_of(config, absurd)[0, 1] == INF  # a cell that is no number stays one


def test_one_row_gives_the_bits_that_the_table_gives(config: Config):
    table = np.random.default_rng(1).lognormal(3, 2, (50, 8))
    alone = np.vstack([matrix_of(config, list(row)) for row in table])
    assert alone.tobytes() == np.ascontiguousarray(matrix_of(config, *map(list, table))).tobytes()


def test_a_feature_is_made_of_columns_through_every_formula_between():
    columns = {"x": {"role": "feature", "type": "number"}, "y": {"role": "input_only", "type": "number"}}
    derived = {"twice": {"formula": "2 * x"}, "more": {"formula": "twice + y + x"}}
    made = made_of(smallest.config(columns=columns, derived=derived), ["x", "twice", "more"])
    assert made == {"x": ("x",), "twice": ("x",), "more": ("x", "y")}
