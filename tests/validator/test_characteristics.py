"""Characteristics, where what they tell and repeat is known."""

import numpy as np
import pandas as pd
import pytest

from credit_risk.measures import drift
from credit_risk.modelling import fitting
from credit_risk.scoring.model import Bins
from credit_risk.validator import characteristics


def test_variance_inflation_is_1_over_what_the_others_leave():
    x, y = np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, -1])
    assert characteristics.variance_inflation({3: x, 5: y}) == pytest.approx({3: 1, 5: 1})
    half = x + y * np.sqrt(3)  # a correlation of a half with x
    assert characteristics.variance_inflation({3: x, 5: half}) == pytest.approx({3: 4 / 3, 5: 4 / 3})
    assert characteristics.variance_inflation({7: x}) == {7: 1.0}


def test_a_sum_of_others_is_inflated_without_end():
    x, y = np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, -1])
    assert characteristics.variance_inflation({0: x, 1: y, 2: x + y}) == {0: np.inf, 1: np.inf, 2: np.inf}


def test_pairs_come_by_rank_and_without_rows_that_lack_one():
    matrix = np.array([[1.0, 10, -1], [2, 20, -2], [3, 1e6, -30], [4, np.nan, -4]])
    found = characteristics.correlations(["a", "b", "c"], matrix, at_least=0.9)
    assert found.to_dict("records") == [
        {"feature": "a", "like": "b", "correlation": pytest.approx(1)},
        {"feature": "b", "like": "c", "correlation": pytest.approx(-1)},
    ]


def test_bins_that_move_have_the_psi_of_their_shares():
    bins = Bins((5.0,), (0.4, -0.4), 0.0, by_code=False)
    then, now = np.array([1.0, 1, 9, 9]), np.array([1.0, 9, 9, 9])
    assert characteristics.moved(bins, then, then) == 0
    assert characteristics.moved(bins, then, now) == drift.index(np.array([2, 2]), np.array([3, 1]))


@pytest.mark.parametrize(
    ("kind", "column", "iv", "why"),
    [
        ("scorecard", 1, 0.01, "read"),
        ("scorecard", 2, 0.01, "IV below 0.02"),
        ("scorecard", 2, 0.5, "wrong sign beside others"),
        ("lightgbm", 2, 0.5, "no split uses it"),
    ],
)
def test_what_a_model_does_not_read_has_its_reason(kind, column, iv, why):
    assert characteristics.why_read(kind, column, iv, {1}) == why


@pytest.fixture(scope="module")
def rows(trained):
    """The lender's features with a truth that its purpose and its months late make."""
    config, _ = trained
    random = np.random.default_rng(3)
    matrix = np.column_stack([random.integers(0, 3, 3_000).astype(float) for _ in config.features])
    late = config.features.index("months_late")
    matrix[::10, late] = np.nan
    bad = random.random(3_000) < np.where(np.isnan(matrix[:, late]), 0.6, 0.1 + 0.2 * matrix[:, late])
    return config, matrix, bad


def test_the_table_has_what_tells_most_first(rows):
    config, matrix, bad = rows
    read = {"lightgbm": {0}, "scorecard": {config.features.index("months_late")}}
    table = characteristics.table(config, matrix, bad, np.ones(len(bad)), test=matrix, read=read)
    first = table.iloc[0]
    assert (first["feature"], first["scorecard"], first["lightgbm"]) == ("months_late", "read", "no split uses it")
    assert first["missing"] == pytest.approx(0.1)
    assert table["psi"].tolist() == [0] * len(table)
    assert table["iv"].is_monotonic_decreasing
    assert first["vif"] == 1
    assert table["vif"][1:].isna().all()


def test_weights_of_evidence_add_up_to_all_rows_and_name_what_is_missing(rows):
    config, matrix, bad = rows
    woe = characteristics.weights_of_evidence(config, matrix, bad, np.ones(len(bad)))
    assert (woe.groupby("feature")[["rows", "bads"]].sum() == [len(bad), bad.sum()]).all().all()
    missing = woe[(woe["feature"] == "months_late") & (woe["bin"] == "missing")].iloc[0]
    assert (missing["rows"], missing["bad_rate"]) == (300, pytest.approx(bad[::10].mean()))
    assert missing["woe"] < 0


def test_a_bin_of_a_plain_category_has_its_words(rows):
    config, matrix, bad = rows
    (column,) = [c for c in fitting.plain_categories(config) if config.features[c] == "purpose"]
    woe = characteristics.weights_of_evidence(config, matrix, bad, np.ones(len(bad)))
    words = ", ".join(woe[woe["feature"] == "purpose"]["bin"]).split(", ")
    assert sorted(words) == sorted(config.categories("purpose")[:3])
    assert column < len(config.features)
    assert isinstance(woe, pd.DataFrame)
