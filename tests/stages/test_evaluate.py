"""The stage on the simulated lender: every artefact of its contract, reproduced by code that imports none of ours."""

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from credit_risk.config import Config
from credit_risk.data.files import SPLITS, Files
from credit_risk.data.rounding import rounded
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import DataError, ScorerError
from credit_risk.measures import metrics, monotone
from credit_risk.modelling.accounts import read_inputs
from credit_risk.modelling.assembly import load_scorers
from credit_risk.modelling.scored_split import read_scored
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import evaluate
from credit_risk.stages.evaluate import PreparedRows

RECOMPUTE = Path(__file__).parents[1] / "recompute.py"
FIGURES = (
    "auc", "gini", "ks", "brier", "ece", "calibration_slope", "calibration_in_the_large", "average_precision",
    "approval_rate", "bad_rate_of_approved", "profit_per_application",
)  # fmt: skip
FINAL = ("final_approval_rate", "final_profit_per_application")
TABLES = {
    "roc": ["model", "false_positive_rate", "true_positive_rate"],
    "ks": ["score", "goods", "bads"],
    "calibration": ["model", "bin", "mean_pd", "bad_rate", "low", "high", "rows"],
    "gains": ["band", "rows", "goods", "bads", "bad_rate", "low", "high", "lift"],
    "deciles": ["decile", "mean_pd", "rows", "goods", "bads", "bad_rate", "lift"],
    "scores": ["low", "high", "goods", "bads"],
    "profit": ["cut_off", "profit", "approval_rate"],
    "effects": ["feature", "direction", "value", "mean_pd", "low", "high", "rows"],
    "segments": ["segment", "value", "rows", "bad_rate", "mean_pd", "auc", "auc_low", "auc_high"],
    "monotone": ["input", "direction", "perturbations", "violations", "largest", "not_claimed"],
}


def fewer_replicates(config: Config) -> Config:
    return config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"replicates": 100})})


@pytest.fixture(scope="module")
def tables_read():
    """The tables that the stage has read, once `evaluated` is made."""
    return []


@pytest.fixture(scope="module")
def evaluated(trained, tables_read, tmp_path_factory):
    """The trained lender, evaluated. Read it, copy it, never write into it."""
    read = pd.read_parquet
    config, files = trained
    root = tmp_path_factory.mktemp("evaluated") / "root"
    shutil.copytree(files.root, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pd, "read_parquet", lambda path, **options: tables_read.append(path) or read(path, **options))
        evaluate.run(fewer_replicates(config), Files(root))
    return fewer_replicates(config), Files(root)


@pytest.fixture
def copy(evaluated, tmp_path):
    config, files = evaluated
    shutil.copytree(files.root, tmp_path / "root")
    return config, Files(tmp_path / "root")


@pytest.fixture(scope="module")
def recompute():
    """tests/recompute.py as a module: it takes a root, prints, and returns its exit code."""
    spec = importlib.util.spec_from_file_location("recompute", RECOMPUTE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda files: module.main(files.root)


def change_metrics(files, change):
    tree = read_json(files.report("metrics"))
    change(tree)
    write_json(files.report("metrics"), tree)


def test_every_figure_has_its_ends_for_model_challengers_and_differences(evaluated):
    numbers = read_json(evaluated[1].report("metrics"))
    names = {name + end for name in FIGURES for end in ("", "_low", "_high")}
    final = {name + end for name in FINAL for end in ("", "_low", "_high")}
    blocks = [*numbers["challengers"].values(), *numbers["differences"].values()]
    assert set(numbers["test"]) == names | final
    assert [set(block) for block in blocks] == [names] * 4
    assert set(numbers["challengers"]) == set(numbers["differences"]) == {"scorecard", "logistic"}
    test = numbers["test"]
    assert test["auc_low"] < test["auc"] < test["auc_high"]
    # Each is rounded by itself.
    apart = test["auc"] - numbers["challengers"]["logistic"]["auc"]
    assert numbers["differences"]["logistic"]["auc"] == pytest.approx(apart, abs=1.1e-6)


def test_the_numbers_name_the_scorers_and_the_rows_behind_them(evaluated):
    _, files = evaluated
    numbers = read_json(files.report("metrics"))
    assert numbers["scorer"] == Scorer.load(files.scorer).digest
    assert numbers["challenger"] == Scorer.load(files.challenger).digest
    assert numbers["information"]["cut_off"] == rounded((0.12 - 0.01) / (0.12 + 0.5))
    assert numbers["rows"]["test"] == len(pd.read_parquet(files.outcomes("test")))
    assert numbers["rows"]["test_goods"] + numbers["rows"]["test_bads"] == numbers["rows"]["test"]
    assert 0 < numbers["leak"]["strongest_share"] < 1
    assert numbers["leak"]["rows_across_splits"] == 0
    assert numbers["monotone"]["violations"] == 0
    assert numbers["monotone"]["perturbations"] > 1_000


def test_the_bands_are_what_a_reader_counts_from_the_predictions(evaluated):
    config, files = evaluated
    numbers, table = read_json(files.report("metrics"))["bands"], pd.read_csv(files.plots / "bands.csv")
    rows = pd.read_parquet(files.predictions / "test.parquet").dropna(subset=["lightgbm"])
    assert table["rows"].sum() == len(rows)
    assert (table["rows"] * table["bad_rate"]).sum() == pytest.approx(rows["bad"].sum())
    assert (table["rows"] * table["mean_pd"]).sum() == pytest.approx(rows["lightgbm"].sum(), rel=5e-6)
    assert table["band"].tolist() == [band.name for band in config.policy.bands]
    assert numbers["largest_gap"] == pytest.approx(table["gap"].abs().max())
    assert numbers["largest_gap_low"] <= numbers["largest_gap"] <= numbers["largest_gap_high"]
    assert numbers["worst"] == table["band"][table["gap"].abs().idxmax()]
    unknown = read_json(files.report("metrics"))["unknown"]
    assert {name for name in table["band"] if f"bands.{name}" in unknown} == set(table["band"][table["gap"].isna()])


def test_approvals_and_profit_of_the_final_decisions_are_what_a_reader_counts(evaluated):
    config, files = evaluated
    numbers, bad = read_json(files.report("metrics"))["test"], pd.read_parquet(files.outcomes("test"))["bad"]
    approved = Scorer.load(files.scorer).decide(pd.read_parquet(files.inputs("test"))).table()["decision"] == "approve"
    assert numbers["final_approval_rate"] == pytest.approx(approved.mean())
    assert numbers["final_approval_rate"] < numbers["approval_rate"]  # some of the latter are referred
    money = config.policy
    earned = approved * np.where(bad, -money.lgd, money.margin) - approved * money.cost
    assert numbers["final_profit_per_application"] == pytest.approx(earned.mean())
    for name in FINAL:
        assert numbers[f"{name}_low"] < numbers[name] < numbers[f"{name}_high"]


def test_each_table_is_read_once(evaluated, tables_read):
    _, files = evaluated
    assert sorted(tables_read) == sorted(path(name) for path in (files.inputs, files.outcomes) for name in SPLITS)


def prepared(config, files):
    return [PreparedRows(pd.read_parquet(files.outcomes(name)), read_inputs(config, files, name)) for name in SPLITS]


def test_an_order_of_the_rows_counts_within_each_part(copy):
    config, files = copy
    honest = evaluate.order_and_encoding(config, prepared(config, files), {})
    assert honest["order"] < 0.1
    for name in SPLITS:  # the days of each part say who went bad; whole parts are as late as before
        outcomes = pd.read_parquet(files.outcomes(name))
        order = outcomes["bad"].to_numpy().argsort(kind="stable")
        outcomes.loc[outcomes.index[order], "date"] = np.sort(outcomes["date"].to_numpy())
        outcomes.to_parquet(files.outcomes(name))
    told = evaluate.order_and_encoding(config, prepared(config, files), {})
    assert (told["order_of"], told["order"] > 0.95) == ("applied_on", True)


def test_a_bad_rate_that_moves_from_part_to_part_is_no_order(copy):
    config, files = copy
    honest = evaluate.order_and_encoding(config, prepared(config, files), {})
    outcomes = pd.read_parquet(files.outcomes("test"))
    drawn = np.random.default_rng(1).random(len(outcomes)) < 0.6
    outcomes.assign(bad=outcomes["bad"] | drawn).to_parquet(files.outcomes("test"))
    assert evaluate.order_and_encoding(config, prepared(config, files), {})["order"] < 0.1
    assert honest["order"] < 0.1


def test_the_predictions_stand_in_the_order_of_the_outcomes(evaluated):
    _, files = evaluated
    for name in ("selection", "test"):
        table = pd.read_parquet(files.predictions / f"{name}.parquet")
        assert list(table) == ["row", "group", "bad", "lightgbm", "scorecard", "logistic"]
        outcomes = pd.read_parquet(files.outcomes(name))
        pd.testing.assert_frame_equal(table[["row", "group", "bad"]], outcomes[["row", "group", "bad"]])
        assert table[["lightgbm", "scorecard", "logistic"]].stack().between(0, 1).all()


def test_every_picture_has_its_table(evaluated):
    _, files = evaluated
    tables = {name: pd.read_csv(files.plots / f"{name}.csv") for name in TABLES}
    assert {name: [column for column in TABLES[name] if column not in table] for name, table in tables.items()} == {
        name: [] for name in TABLES
    }
    assert set(tables["roc"]["model"]) == {"lightgbm", "scorecard", "logistic"}
    rows = read_json(files.report("metrics"))["rows"]["test"]
    assert tables["gains"]["rows"].sum() == tables["deciles"]["rows"].sum() == rows
    assert set(evaluated[0].model.directions) <= set(tables["effects"]["feature"])


def test_a_second_run_writes_the_same_bytes(copy):
    config, files = copy
    before = {path.name: path.read_bytes() for path in files.reports.rglob("*") if path.is_file()}
    evaluate.run(config, files)
    assert {path.name: path.read_bytes() for path in files.reports.rglob("*") if path.is_file()} == before


def test_psi_is_taken_of_a_split_by_time_and_of_no_other(copy):
    config, files = copy
    stability = read_json(files.report("metrics"))["stability"]
    assert stability["score_psi_low"] < stability["score_psi"] < stability["score_psi_high"]
    assert stability["score_psi_low"] == pytest.approx(0)  # this lender has not moved
    assert stability["csi_largest_input"] in config.inputs
    assert stability["csi_largest_low"] <= stability["csi_largest"] < stability["csi_largest_high"] < 0.1
    preparation = read_json(files.report("preparation"))
    write_json(files.report("preparation"), preparation | {"split": {"by": "random"}})
    evaluate.run(config, files)
    numbers = read_json(files.report("metrics"))
    assert "stability" not in numbers
    for name in ("score_psi", "csi_largest"):
        assert numbers["unknown"][f"stability.{name}"].startswith("the split is random")


def test_an_input_that_moved_is_named_and_its_csi_has_an_interval(copy):
    config, files = copy
    inputs = pd.read_parquet(files.inputs("test"))
    inputs.assign(utilisation=inputs["utilisation"] + 0.5).to_parquet(files.inputs("test"))
    evaluate.run(config, files)
    stability = read_json(files.report("metrics"))["stability"]
    assert stability["csi_largest_input"] == "utilisation"
    assert 0.25 < stability["csi_largest_low"] < stability["csi_largest"] < stability["csi_largest_high"]


def test_what_is_not_known_is_null_with_its_reason(copy):
    config, files = copy
    outcomes = pd.read_parquet(files.outcomes("test"))
    outcomes.assign(bad=False).to_parquet(files.outcomes("test"), index=False)
    evaluate.run(config, files)
    numbers = read_json(files.report("metrics"))
    assert numbers["test"]["auc"] is None
    assert numbers["unknown"]["test.auc"].startswith("one class only: 0 bads")
    assert numbers["differences"]["scorecard"]["ks"] is None
    assert numbers["unknown"]["differences.scorecard.ks"].startswith("one class only")
    assert numbers["leak"]["strongest_share"] is None
    assert "leak.strongest_share" in numbers["unknown"]


def test_an_interval_that_resampling_cannot_give_has_a_reason_of_its_own():
    unknown: dict[str, str] = {}
    sample = metrics.Sample.of([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    figures = evaluate.bootstrap(sample, replicates=100, seed=1)
    numbers = evaluate.reported("test", figures, unknown)
    assert numbers["auc"] == 1
    assert np.isnan(numbers["auc_low"])
    assert "resampling" in unknown["test.auc_low"]


def test_without_a_claimed_step_violations_are_unknown_and_not_zero():
    unknown: dict[str, str] = {}
    config = Config.model_construct(model=type("Model", (), {"directions": {}}))
    idle = (monotone.DirectionTest("x", "none", 0, 0, 0.0, 5),)
    numbers = evaluate.monotone_numbers(config, idle, idle, unknown)
    assert numbers["violations"] is None
    assert set(unknown) == {
        "monotone.violations", "monotone.largest", "monotone.challenger_violations", "monotone.challenger_largest",
    }  # fmt: skip


def test_a_scorer_of_another_policy_is_refused(copy):
    config, files = copy
    other = config.model_copy(update={"policy": config.policy.model_copy(update={"lgd": 0.9})})
    with pytest.raises(ScorerError, match="scorer was assembled under other policy"):
        evaluate.run(other, files)


def test_rows_that_cannot_be_scored_are_counted_and_left_out(evaluated):
    config, files = evaluated
    scorers = load_scorers(config, files)
    part = read_scored(config, files, scorers, "test")
    pds = part.decisions["lightgbm"].pd.copy()
    pds[:3] = np.nan
    gaps = replace(part, decisions=part.decisions | {"lightgbm": replace(part.decisions["lightgbm"], pd=pds)})
    assert len(gaps.bad) == len(part.bad) - 3
    assert evaluate.row_counts(9, part, gaps)["test_not_scored"] == 3
    assert evaluate.predictions(gaps)["lightgbm"].isna().sum() == 3


def test_a_split_of_which_no_row_can_be_scored_is_refused(copy):
    config, files = copy
    inputs = pd.read_parquet(files.inputs("test"))
    inputs.assign(utilisation=99.0).to_parquet(files.inputs("test"), index=False)
    with pytest.raises(DataError, match="test rows could be scored"):
        evaluate.run(config, files)


def test_strangers_code_reproduces_the_headline_numbers(evaluated):
    command = [sys.executable, "-W", "error", str(RECOMPUTE), str(evaluated[1].root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test                             11 of 11 agree" in done.stdout


def test_strangers_code_is_strangers_code():
    imports = [
        node
        for node in ast.walk(ast.parse(RECOMPUTE.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = {alias.name for node in imports for alias in node.names} | {getattr(node, "module", "") for node in imports}
    assert not [name for name in names if name and name.startswith("credit_risk")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tree: tree["test"].update(auc=tree["test"]["auc"] + 1e-6), "test.auc: metrics.json says"),
        (lambda tree: tree["differences"]["scorecard"].pop("ks"), "differences.scorecard.ks: missing"),
        (lambda tree: tree["test"].update(gain=0.5), "test.gain: nobody recomputes it"),
        (lambda tree: tree["test"].update(gain_low=0.5), "test.gain_low: nobody recomputes it"),
        (lambda tree: tree["test"].update(brier=None), "test.brier: null without a reason"),
        (lambda tree: tree.update(scorer="0" * 64), "scorer: metrics.json says"),
        (lambda tree: tree["leak"].update(rows_across_splits=1), "leak.rows_across_splits: metrics.json says"),
    ],
)
def test_strangers_code_finds_a_number_that_was_touched(copy, recompute, capsys, change, sentence):
    _, files = copy
    change_metrics(files, change)
    assert recompute(files) == 1
    assert f"WRONG {sentence}" in capsys.readouterr().out


def test_strangers_code_finds_a_prediction_that_was_touched(copy, recompute, capsys):
    _, files = copy
    path = files.predictions / "test.parquet"
    table = pd.read_parquet(path)
    table.loc[0, "lightgbm"] += 1e-6
    table.to_parquet(path, index=False)
    assert recompute(files) == 1
    assert "WRONG predictions/test: PDs differ" in capsys.readouterr().out


def test_strangers_code_weighs_the_rows_as_the_figures_do(trained, evaluated, recompute, tmp_path, capsys):
    """Each bad stands for one account, each good for three."""
    config, files = evaluated[0], Files(tmp_path / "root")
    shutil.copytree(trained[1].root, files.root)
    for name in ("selection", "test"):
        outcomes = pd.read_parquet(files.outcomes(name))
        weight = np.where(outcomes["bad"], 1.0, 3.0)
        outcomes.assign(weight=1.0, population_weight=weight).to_parquet(files.outcomes(name), index=False)
    evaluate.run(config, files)
    weighed, even = (read_json(its.report("metrics")) for its in (files, evaluated[1]))
    assert recompute(files) == 0, capsys.readouterr().out
    assert weighed["rows"]["test_shown"] < weighed["rows"]["test"] == even["rows"]["test_shown"]
    assert weighed["test"]["auc"] == pytest.approx(even["test"]["auc"], abs=1e-6)  # one factor a class ranks alike
    assert weighed["test"]["bad_rate_of_approved"] < even["test"]["bad_rate_of_approved"]
    assert "weights" not in capsys.readouterr().out


def test_strangers_code_says_which_file_is_not_there(tmp_path):
    run = subprocess.run([sys.executable, RECOMPUTE, tmp_path], capture_output=True, text=True, check=False)
    missing = tmp_path / "reports" / "metrics.json"
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"{missing}: there is no such file. What a stage writes comes back with `make run`.\n"


def test_the_metrics_are_plain_json(evaluated):
    text = evaluated[1].report("metrics").read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
