"""Stage stability: every row a test row once a repetition, nothing seen before it is tested, and verdicts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.special import expit, logit

from credit_risk.config import Config
from credit_risk.config.schema import Gate
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.modelling import fitting, resplits
from credit_risk.modelling.accounts import Weights
from credit_risk.modelling.assembly import read_fitted
from credit_risk.modelling.resplits import Rows
from credit_risk.stages import select, stability
from sample_figure import figure

Trained = tuple[Config, Files]
Change = Callable[..., Config]


def rows_of(number: int) -> Rows:
    """Applicants of two rows each, a fifth of them bad."""
    group, ones = np.arange(number) // 2, np.ones(number)
    bad = group % 5 == 0
    key, is_test = group.astype(np.uint64), np.arange(number) < number // 5
    return Rows(np.arange(number, dtype=float)[:, None], bad, Weights(ones, ones), key, group, is_test)


def test_in_each_repetition_every_row_is_a_test_row_once_and_no_applicant_stands_in_two_parts(trained: Trained):
    config, rows = trained[0], rows_of(400)
    every = list(resplits.resplits(config, rows))
    assert resplits.folds_of(config) == 3  # a test of 0.3
    assert len(every) == 21  # the fewest whole repetitions that make 20
    for repetition in range(7):
        of_it = [each for each in every if each.repetition == repetition]
        assert_array_equal(np.sort(np.concatenate([each.test for each in of_it])), np.arange(400))
    for each in every:
        parts = [set(rows.group[part]) for part in (each.train, each.selection, each.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 200
        rates = [rows.bad[part].mean() for part in (each.train, each.selection, each.test)]
        assert max(rates) - min(rates) < 0.05
    # train and selection share what the test leaves as 5 to 2
    assert np.mean([len(each.train) / 400 for each in every]) == pytest.approx(2 / 3 * 5 / 7, abs=0.01)


def test_the_repetitions_are_other_draws_and_the_same_each_time(trained: Trained):
    config, rows = trained[0], rows_of(400)
    first, second = ([each.test.tolist() for each in list(resplits.resplits(config, rows))] for _ in range(2))
    assert first == second
    assert len({tuple(test) for test in first}) == 21


@pytest.mark.parametrize(("share", "folds"), [(0.2, 5), (0.3, 3), (0.5, 2), (0.9, 2), (0.01, 20)])
def test_a_repetition_has_as_many_tests_as_the_declared_share_makes(trained: Trained, changed: Change, share, folds):
    assert resplits.folds_of(changed(trained[0], "split", test=share)) == folds


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> tuple[dict[str, Any], pd.DataFrame]:
    """The stage on the simulated lender, with a gate that no split passes beside one that all do."""
    config, files = trained
    own = Files(tmp_path_factory.mktemp("stability"))
    for path in ("artifacts", "configs"):
        (own.root / path).symlink_to(files.root / path)
    few = config.model_copy(
        update={"gates": GATES, "evaluation": config.evaluation.model_copy(update={"replicates": 50})}
    )
    select.run(few, own)
    stability.run(few, own)
    return read_json(own.report("splits")), pd.read_csv(own.reports / "stability" / "splits.csv")


def gate(name: str, measure: str, **limits: float) -> Gate:
    return Gate(name=name, measure=measure, reason="a test", **limits)


GATES = (
    gate("ranks", "test.auc", at_least=0.55),
    gate("ranks_wonderfully", "test.auc", at_least=0.99),
    gate("elsewhere", "leak.marked", at_most=0),
)


def test_what_blocks_a_split_is_counted_and_gates_on_other_rows_are_none_of_it(measured):
    report, table = measured
    assert report["splits"] == len(table) == 21
    assert report["gates"] == ["ranks", "ranks_wonderfully"]
    assert (report["passing_share"], report["passing"]) == (0, 0)
    assert report["blocked_by"] == {"ranks_wonderfully": 21}
    assert set(table["blocked_by"]) == {"ranks_wonderfully"}


def test_the_spread_is_that_of_the_lines(measured):
    report, table = measured
    area = table["auc"]
    assert report["auc"]["mean"] == pytest.approx(area.mean(), abs=1e-5)
    assert report["auc"]["spread"] == pytest.approx(area.std(ddof=1), abs=1e-5)
    assert (report["auc"]["least"], report["auc"]["most"]) == (area.min(), area.max())
    assert area.min() < area.max()
    assert report["same_kind"] == (table["kind"] == report["kind"]).mean()


def test_pooled_figures_are_of_all_rows_and_their_intervals_narrower_than_a_split_s(measured):
    report, table = measured
    pooled = report["pooled"]
    assert report["rows"]["all"] == table["train"][0] + table["selection"][0] + table["test"][0]
    assert pooled["auc_low"] < pooled["auc"] < pooled["auc_high"]
    assert pooled["auc_high"] - pooled["auc_low"] < (table["auc_high"] - table["auc_low"]).median()
    assert table["auc"].min() < pooled["auc"] < table["auc"].max()
    assert 0.7 < pooled["calibration_slope"] < 1.3


def test_the_run_s_own_model_is_held_against_its_like(measured, trained: Trained):
    report, (config, files) = measured[0], trained
    assert abs(report["of_run"]["level"]) < 0.2
    assert 0.8 < report["of_run"]["slope"] < 1.2
    run, rows = read_fitted(config, files, "scorecard"), Rows.read(config, files)
    own = run.calibration.pd(run.model.margin(rows.matrix))
    assert rows.is_test.sum() == len(pd.read_parquet(files.outcomes("test")))
    assert stability.beside(run, rows, own) == {"level": pytest.approx(0), "slope": pytest.approx(1)}
    flatter = expit(0.5 * logit(own) - 0.25)  # of which the run's own are twice as steep
    found = stability.beside(run, rows, flatter)
    assert found["slope"] == pytest.approx(2)
    assert found["level"] == pytest.approx(0.5 * logit(own[rows.is_test]).mean() + 0.25)


def test_a_model_ranks_the_noise_that_it_was_fitted_to_and_not_that_of_its_test_rows(trained: Trained):
    config, files = trained
    rows = Rows.read(config, files)
    noise = replace(rows, bad=np.random.default_rng(1).random(len(rows.bad)) < 0.3)
    each = next(iter(resplits.resplits(config, noise)))
    model = fitting.boosting(config, 30)(noise.matrix[each.train], noise.bad[each.train], np.ones(len(each.train)))
    seen, unseen = (
        figure("auc", noise.bad[part], expit(model.margin(noise.matrix[part]))) for part in (each.train, each.test)
    )
    assert seen > 0.6
    assert abs(unseen - 0.5) < 0.06


def test_without_a_gate_on_test_rows_a_passing_share_is_not_known():
    unknown: dict[str, str] = {}
    outcome = stability.SplitOutcome(None, "scorecard", {"test": {"auc": 0.7}}, (), {})
    numbers = stability.summary([outcome, outcome], "scorecard", [], unknown)
    assert numbers["passing_share"] is None
    assert unknown["passing_share"].startswith("no gate of the config")
