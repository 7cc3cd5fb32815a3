"""Fitting: what the model is shown, what it must obey, and that the same rows give the same text."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from credit_risk.config import Config, load
from credit_risk.config.schema import Parameters
from credit_risk.data.inputs import Inputs, Mask, Matrix
from credit_risk.data.simulated_lender import lender
from credit_risk.data.split import Labels
from credit_risk.errors import DataError
from credit_risk.modelling import fitting
from credit_risk.modelling.fitting import Curve, Fitted
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Bins, Logistic, Scorecard

NAN = np.nan
SIGNS = [-1, -1, 0, 1, 1, 1, -1, 1]  # the directions of tests/lender/credit.yaml, in the order of its features


@dataclass(frozen=True)
class Rows:
    matrix: Matrix
    bad: Mask
    fold: Labels

    @property
    def weight(self) -> Matrix:
        return np.ones(len(self.bad))


@pytest.fixture(scope="module")
def config() -> Config:
    config = load(Path(__file__).parents[1] / "lender" / "credit.yaml")
    return config.model_copy(update={"model": config.model.model_copy(update={"max_trees": 40, "patience": 5})})


@pytest.fixture(scope="module")
def rows(config: Config) -> Rows:
    table = lender(1_500, seed=3).applications
    table = table[table["status"].isin(["good", "bad"])]
    features = Features.of(config)
    matrix = features.matrix(features.columns(Inputs.of(config).table(table)))
    return Rows(matrix, (table["status"] == "bad").to_numpy(), np.arange(len(table)) % config.model.folds)


def silent(_: str) -> None:
    """Nobody is watching."""


def boost(config: Config, rows: Rows) -> tuple[Fitted, Curve]:
    return fitting.boosted(config, rows.matrix, rows.bad, rows.weight, fold=rows.fold, progress=silent)


@pytest.fixture(scope="module")
def boosted(config: Config, rows: Rows) -> tuple[Fitted, Curve]:
    return boost(config, rows)


@pytest.fixture(scope="module")
def card(config: Config, rows: Rows) -> Scorecard:
    fitted = fitting.scorecard(config)(rows.matrix, rows.bad, rows.weight)
    assert isinstance(fitted, Scorecard)
    return fitted


def test_directions_and_plain_categories_are_read_from_the_config(config: Config):
    assert list(config.directions) == SIGNS
    assert fitting.plain_categories(config) == [2]


def test_the_matrix_has_no_protected_column(config: Config, rows: Rows):
    assert not {"sex", "age", "status", "applicant_id", "application_id"} & {*config.features}
    assert rows.matrix.shape[1] == len(config.features)


def test_the_declared_directions_hold_in_every_tree(config: Config, rows: Rows, boosted: tuple[Fitted, Curve]):
    model = boosted[0].model
    for column, sign in enumerate(SIGNS):
        moved = 0.0
        grid = np.unique(rows.matrix[~np.isnan(rows.matrix[:, column]), column])[:: 1 + len(rows.matrix) // 40]
        margins = []
        for value in grid:
            changed = rows.matrix[:200].copy()
            changed[:, column] = value
            margins.append(model.margin(changed))
        steps = np.diff(margins, axis=0)
        moved = np.abs(steps).max(initial=0)
        if sign:
            assert (sign * steps >= 0).all(), config.features[column]
        assert moved > 0 or len(grid) == 1, config.features[column]


def test_a_direction_against_the_data_makes_the_feature_flat(config: Config, rows: Rows):
    wrong = {**config.model.directions, "months_late": "decreasing"}
    contrary = config.model_copy(update={"model": config.model.model_copy(update={"directions": wrong})})
    model = boost(contrary, rows)[0].model
    low, high = rows.matrix[:200].copy(), rows.matrix[:200].copy()
    low[:, 5], high[:, 5] = 0, 6
    assert (model.margin(high) <= model.margin(low)).all()


def test_boosting_stops_at_the_lowest_log_loss(boosted: tuple[Fitted, Curve]):
    _, curve = boosted
    assert Curve(np.array([0.5, 0.3, 0.4]), np.zeros(3)).trees == 2
    assert 1 < curve.trees <= len(curve.mean)
    assert boosted[0].model.text().count("Tree=") == curve.trees


def test_the_same_rows_give_the_same_text(config: Config, rows: Rows, boosted: tuple[Fitted, Curve]):
    again, _ = boost(config, rows)
    assert again.model.text() == boosted[0].model.text()
    assert again.calibration == boosted[0].calibration


@pytest.mark.slow
def test_one_thread_and_two_give_the_same_text(config: Config, rows: Rows, monkeypatch: pytest.MonkeyPatch):
    parameters = fitting.boosting_parameters
    few = config.model_copy(update={"model": config.model.model_copy(update={"max_trees": 12})})
    texts = []
    for threads in (1, 2):
        monkeypatch.setattr(
            fitting, "boosting_parameters", lambda config, n=threads: {**parameters(config), "num_threads": n}
        )
        fitted, curve = boost(few, rows)
        texts.append((fitted.model.text(), curve.trees, fitted.calibration, fitted.out_of_fold.tobytes()))
    assert texts[0] == texts[1]


def test_another_seed_gives_other_trees(config: Config, rows: Rows, boosted: tuple[Fitted, Curve]):
    other = config.model_copy(update={"model": config.model.model_copy(update={"seed": 8})})
    assert boost(other, rows)[0].model.text() != boosted[0].model.text()


def memory(matrix: Matrix, bad: Mask, weight: Matrix) -> Any:
    """A model that knows every row it was fitted on by heart, and nothing else."""
    known = {row.tobytes(): 5.0 if one else -5.0 for row, one in zip(matrix, bad, strict=True)}

    class Memory:
        def margin(self, rows: Matrix) -> Matrix:
            return np.array([known.get(row.tobytes(), row[0]) for row in rows])

    return Memory()


def test_margins_out_of_fold_come_from_models_that_did_not_see_the_row():
    matrix = np.arange(1.0, 41)[:, None] / 40
    bad = np.arange(40) % 3 == 0
    bad[-10:] = True
    fitted = fitting.challenger(memory, matrix, bad, np.ones(40), fold=np.arange(40) % 4)
    # Fitted on all rows it remembers each; out of fold it had to fall back on the value.
    assert_array_equal(fitted.out_of_fold, matrix[:, 0])
    assert_array_equal(fitted.model.margin(matrix), np.where(bad, 5.0, -5.0))


def test_margins_of_trees_out_of_fold_do_not_know_the_rows_own_outcome(
    config: Config, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    """Turning the outcomes of one fold over changes every model but the one that judges that fold."""
    turned = np.where(rows.fold == 0, ~rows.bad, rows.bad)
    monkeypatch.setattr(fitting, "calibrated", lambda *_: Calibration(0.0, 1.0))
    # One tree fewer or more would change the margins too: the number of trees is held fixed.
    one = config.model_copy(update={"model": config.model.model_copy(update={"max_trees": 1, "patience": 1})})
    before = boost(one, rows)[0].out_of_fold
    after = boost(one, Rows(rows.matrix, turned, rows.fold))[0].out_of_fold
    assert_array_equal(before[rows.fold == 0], after[rows.fold == 0])
    assert (before[rows.fold != 0] != after[rows.fold != 0]).any()


def test_calibration_is_fitted_on_the_margins_out_of_fold(boosted: tuple[Fitted, Curve], rows: Rows):
    pd_of_rows = boosted[0].calibration.pd(boosted[0].out_of_fold)
    assert_allclose(pd_of_rows.mean(), rows.bad.mean(), atol=1e-6)  # the likelihood equation of the intercept


def test_bins_go_the_declared_way_and_no_coefficient_turns_them_round(card: Scorecard):
    assert all(coefficient < 0 for coefficient in card.coefficients)  # a weight above 0 is safer than the average
    for column, bins in zip(card.columns, card.bins, strict=True):
        if SIGNS[column]:
            assert (SIGNS[column] * np.diff(bins.woe) <= 0).all()


def test_the_same_rows_give_the_same_scorecard(config: Config, rows: Rows, card: Scorecard):
    assert fitting.scorecard(config)(rows.matrix, rows.bad, rows.weight) == card


def test_a_characteristic_that_says_nothing_is_left_out(config: Config, rows: Rows):
    noisy = rows.matrix.copy()
    noisy[:, 4] = 1.0
    fitted = fitting.scorecard(config)(noisy, rows.bad, rows.weight)
    assert isinstance(fitted, Scorecard)
    assert 4 not in fitted.columns


def test_a_missing_value_weighs_what_missing_rows_were_worth():
    """Of 200 bad and 800 good the 200 missing rows hold 100 and 100, and 5 more of one bad in five: 101 and 104."""
    values = np.concatenate([np.full(200, NAN), np.repeat([1.0, 2.0], 400)])
    bad = np.concatenate([np.arange(200) < 100, np.arange(400) < 20, np.arange(400) < 80])
    bins = bins_of(values, bad, 1)
    assert_allclose(bins.transform(np.array([NAN])), [np.log(104 / 800) - np.log(101 / 200)], atol=1e-9)
    expected = np.log([(384 / 800) / (21 / 200), (324 / 800) / (81 / 200)])
    assert_allclose(bins.transform(np.array([1.0, 2.0])), expected, atol=1e-9)


def test_missing_rows_that_all_went_bad_weigh_most_and_without_any_the_average():
    values = np.concatenate([np.full(84, NAN), np.repeat([1.0, 2.0], 200)])
    bad = np.concatenate([np.ones(84, dtype=bool), np.arange(400) % 200 < 16])
    all_bad = bins_of(values, bad, 1).missing
    rate = 116 / 484
    assert_allclose(all_bad, np.log(5 * (1 - rate) / 368) - np.log((84 + 5 * rate) / 116), atol=1e-9)
    assert all_bad < -4
    assert bins_of(values[84:], bad[84:], 1).missing == 0


@pytest.mark.parametrize("bads", [60, 55])
def test_a_rare_strong_flag_has_a_bin_of_its_own(bads: int):
    """60 of 3,000 rows, and 55 or all of them bad, where one in ten of the others is."""
    flag = (np.arange(3_000) < 60).astype(float)
    bad = np.where(flag == 1, np.arange(3_000) < bads, np.arange(3_000) % 10 == 0)
    for sign in (0, 1):
        off, on = bins_of(flag, bad, sign).transform(np.array([0.0, 1.0]))
        assert off > 0 > -3 > on
    assert bins_of(flag, bad, -1).woe == (0.0,)  # declared the other way round, it tells nothing


def test_a_rare_strong_category_is_not_lumped_with_the_safest():
    code = np.where(np.arange(3_000) < 60, 3.0, np.arange(3_000) % 3)
    bad = np.where(code == 3, True, np.arange(3_000) % 10 == 0)
    bins = fitting._binned(code, bad, np.ones(3_000), 0, unordered=True, codes=0).bins
    *others, rare = bins.transform(np.arange(4.0))
    assert rare < -4 < 0 < min(others)
    assert bins.transform(np.array([9.0])) == [0]  # a code that training never saw


def test_two_values_that_go_bad_alike_share_a_bin_and_chance_makes_none():
    draw = np.random.default_rng(0)
    values, bad = draw.normal(size=2_000), draw.random(2_000) < 0.2
    assert len(bins_of(values, bad, 1).woe) <= 3


def test_a_row_of_weight_three_is_three_rows():
    values, bad = np.repeat([0.0, 1.0], 100), np.arange(200) % 100 < np.repeat([10, 40], 100)
    weight = np.where(bad, 3.0, 1.0)
    times = weight.astype(int)
    weighed = fitting._binned(values, bad, weight, 1, unordered=False, codes=0)
    repeated = fitting._binned(
        np.repeat(values, times), np.repeat(bad, times), np.ones(times.sum()), 1, unordered=False, codes=0
    )
    assert weighed.bins == repeated.bins
    assert weighed.information == pytest.approx(repeated.information)
    assert weighed.bins != bins_of(values, bad, 1)


def bins_of(values: Matrix, bad: Mask, sign: int) -> Bins:
    return fitting._binned(values, bad, np.ones(len(values)), sign, unordered=False, codes=0).bins


def test_a_scorecard_without_any_characteristic_that_discriminates_is_refused(config: Config, rows: Rows):
    with pytest.raises(DataError, match="no characteristic"):
        fitting.scorecard(config)(np.ones_like(rows.matrix), rows.bad, rows.weight)


def test_the_logistic_regression_reads_one_column_a_category_and_fills_what_is_missing(config: Config, rows: Rows):
    fitted = fitting.logistic(config)(rows.matrix, rows.bad, rows.weight)
    assert [code for code in fitted.codes if code >= 0] == [0, 1, 2, 3]  # type: ignore[attr-defined]
    assert len(fitted.columns) == 7 + 4  # type: ignore[attr-defined]
    assert np.isnan(rows.matrix).any()
    assert np.isfinite(fitted.margin(rows.matrix)).all()
    # The margins rank: bad accounts lie higher.
    margin = pd.Series(fitted.margin(rows.matrix))
    assert margin[rows.bad].mean() > margin[~rows.bad].mean() + 0.5


def test_a_column_that_is_missing_throughout_does_not_stop_the_logistic_regression(config: Config, rows: Rows):
    empty = rows.matrix.copy()
    empty[:, 1] = NAN
    assert np.isfinite(fitting.logistic(config)(empty, rows.bad, rows.weight).margin(empty)).all()


OTHER_PARAMETERS = {
    "learning_rate": 0.05,
    "num_leaves": 9,
    "max_depth": 3,
    "min_child_samples": 31,
    "reg_alpha": 0.5,
    "reg_lambda": 2.5,
    "colsample_bytree": 0.7,
    "subsample": 0.8,
    "monotone_constraints_method": "intermediate",
}


def lightgbm_parameters(config: Config, rows: Rows) -> list[str]:
    """What LightGBM itself says that it was given, a line a parameter."""
    data = lgb.Dataset(rows.matrix, rows.bad)
    booster = lgb.train(fitting.boosting_parameters(config), data, num_boost_round=1)
    return booster.model_to_string().partition("parameters:")[2].partition("end of parameters")[0].split("\n")


@pytest.mark.parametrize("name", Parameters.model_fields)
def test_every_parameter_of_model_yaml_reaches_lightgbm(config: Config, rows: Rows, name: str):
    parameters = config.parameters.model_copy(update={name: OTHER_PARAMETERS[name]})
    assert parameters != config.parameters
    before = lightgbm_parameters(config, rows)
    after = lightgbm_parameters(config.model_copy(update={"parameters": parameters}), rows)
    changed = [line for line in after if line not in before]
    assert len(changed) == 1, changed
    assert str(OTHER_PARAMETERS[name]) in changed[0]


def test_a_fitted_scorecard_is_the_one_that_a_reload_gives(card: Scorecard):
    assert Scorecard.read(card.text()) == card
    numbers = [*card.coefficients, card.intercept, *(woe for bins in card.bins for woe in (*bins.woe, bins.missing))]
    assert [round(number, 10) for number in numbers] == numbers


def test_a_fitted_logistic_regression_is_the_one_that_a_reload_gives(config: Config, rows: Rows):
    fitted = fitting.logistic(config)(rows.matrix, rows.bad, rows.weight)
    assert isinstance(fitted, Logistic)
    assert Logistic.read(fitted.text()) == fitted
    numbers = [*fitted.coefficients, fitted.intercept]
    assert [round(number, 10) for number in numbers] == numbers
    # In the units of their inputs, so as many digits of an amount as of a share.
    assert all(float(f"{number:.11g}") == number for number in fitted.scale)


def test_a_calibration_keeps_ten_decimals(boosted: tuple[Fitted, Curve]):
    intercept, slope = boosted[0].calibration.intercept, boosted[0].calibration.slope
    assert (round(intercept, 10), round(slope, 10)) == (intercept, slope)
