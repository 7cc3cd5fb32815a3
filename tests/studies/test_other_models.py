"""Folds that tear no applicant apart, an interval that a reader can count, and a table in its marks alone."""

from types import SimpleNamespace

import numpy as np
import pytest

from credit_risk.errors import UsageError
from credit_risk.modelling.accounts import Weights
from credit_risk.modelling.resplits import Rows
from credit_risk.studies import other_models
from credit_risk.studies.other_models import Fold

SETTINGS = SimpleNamespace(evaluation=SimpleNamespace(seed=3))


def rows_of(group, bad):
    count, ones = len(bad), np.ones(len(bad))
    key = np.arange(count, dtype=np.uint64)
    return Rows(np.zeros((count, 1)), bad, Weights(ones, ones), key, group, np.zeros(count, dtype=bool))


def test_each_row_is_tested_once_a_repetition_and_applicants_stay_together():
    group = np.repeat(np.arange(100), 2)
    rows = rows_of(group, np.repeat(np.arange(100) % 4 == 0, 2))
    cut = other_models.folds(SETTINGS, rows, 2)
    assert [fold.repetition for fold in cut] == [0] * 5 + [1] * 5
    for repetition in (cut[:5], cut[5:]):
        assert sorted(np.concatenate([fold.test for fold in repetition])) == list(range(200))
    for fold in cut:
        assert not set(group[fold.train]) & set(group[fold.test])
        assert set(fold.inner) < set(fold.train)
        assert not set(group[fold.inner]) & set(group[np.setdiff1d(fold.train, fold.inner)])
        assert len(fold.inner) == pytest.approx(0.2 * len(fold.train), abs=4)
    assert not np.array_equal(cut[0].test, cut[5].test)


def test_categories_and_special_codes_are_columns_of_noughts_and_ones():
    config = SimpleNamespace(
        features=("debt", "purpose"),
        levels=(),
        directions=(1, 0),
        columns={"purpose": SimpleNamespace(type="category")},
        categories=lambda name: ("car", "house", "other"),
    )
    design, directions = other_models.design(config, np.array([[5.0, 1.0], [np.nan, 2.0]]))
    assert np.array_equal(design, [[5, 0, 1, 0], [np.nan, 0, 0, 1]], equal_nan=True)
    assert directions == [1, 0, 0, 0]


def test_an_interval_counts_the_training_rows_that_folds_share():
    # Mean 0.02, standard deviation 0.01; 1/4 of test over training rows and 1/4 of four folds: 0.01 * sqrt(1/2).
    values = 0.02 + 0.01 * np.sqrt(3) / 2 * np.array([1, -1, 1, -1])
    mean, low, high = other_models.corrected(values, 0.95)
    assert mean == pytest.approx(0.02)
    assert high - mean == pytest.approx(3.182446 * 0.01 * np.sqrt(0.5), rel=1e-6)
    assert mean - low == pytest.approx(high - mean)
    with pytest.raises(UsageError, match="two folds or more, got 1"):
        other_models.corrected(values[:1], 0.95)


def test_the_blend_is_the_mean_of_four_log_odds():
    pds = dict.fromkeys(("LightGBM", "XGBoost"), np.array([0.5])) | dict.fromkeys(("CatBoost", "EBM"), np.array([0.9]))
    blend = other_models.blended(pds | {"scorecard": np.array([0.1])})[other_models.BLEND]
    assert blend == pytest.approx(0.75)  # odds 1 and 9: the geometric mean is 3


def test_an_area_is_of_the_folds_test_rows_alone_as_they_weigh():
    bad = np.array([True, False, False, True, False])
    rows = rows_of(np.arange(5), bad)
    rows.weights.population[2] = 3
    cut = [Fold(0, np.array([3, 4]), np.array([4]), np.array([0, 1, 2]))]
    pds = {"LightGBM": np.array([[0.5, 0.1, 0.9, np.nan, np.nan]])}
    assert other_models.areas(rows, cut, pds)["LightGBM"].tolist() == [0.25]


def test_the_table_stands_best_first_and_sets_each_pair_against_the_other():
    auc = {"scorecard": np.array([0.70, 0.72]), "LightGBM": np.array([0.74, 0.74])}
    low, high = other_models.corrected(auc["scorecard"] - auc["LightGBM"], 0.9)[1:]
    assert other_models.table(auc, 0.9).splitlines() == [
        "| | AUC | minus LightGBM |",
        "|---|---|---|",
        "| LightGBM | 0.7400 |  |",
        f"| scorecard | 0.7100 | -0.0300 ({low:+.4f} to {high:+.4f}) |",
    ]


def test_lightgbm_and_the_scorecard_rank_rows_that_they_were_not_fitted_on(trained):
    config, files = trained
    rows = Rows.read(config, files)
    cut = other_models.folds(config, rows, 1)[:1]
    pds = other_models.of_this_project(config, rows, cut)
    auc = other_models.areas(rows, cut, pds)
    assert {name: float(its[0]) > 0.6 for name, its in auc.items()} == {"LightGBM": True, "scorecard": True}
    for its in pds.values():
        assert np.isnan(its[0, cut[0].train]).all()
        assert ((its[0, cut[0].test] > 0) & (its[0, cut[0].test] < 1)).all()
