"""Stage select, and what a scorecard candidate meets on its way to promotion."""

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from credit_risk.batch import score  # part: batch
from credit_risk.config import Config, load
from credit_risk.config.dotted import lookup
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.rounding import rounded
from credit_risk.data.writing import read_json
from credit_risk.report import artefacts, page, summary
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import assemble, gate, select

sys.path.insert(0, str(Path(__file__).parents[1] / "sabotage"))

from lenders import card, whole
from trial import FROM_SCORER, Trial, refusals

__all__ = ["card", "whole"]

pytestmark = pytest.mark.slow

Trained = tuple[Config, Files]
Change = Callable[..., Config]


def chosen(config: Config, files: Files) -> dict:
    select.run(config, files)
    return read_json(files.report("selection"))


def test_the_difference_is_lightgbm_minus_scorecard_on_the_selection_rows(harmed: Trained):
    config, files = harmed
    found = chosen(config, files)
    rows, bad = pd.read_parquet(files.inputs("selection")), pd.read_parquet(files.outcomes("selection"))["bad"]
    auc = {kind: roc_auc_score(bad, Scorer.load(path).decide(rows).pd) for kind, path in by_kind(files).items()}
    assert found["scorecard"]["auc"] == rounded(auc["lightgbm"] - auc["scorecard"])
    assert found["scorecard"]["auc_low"] < found["scorecard"]["auc"] < found["scorecard"]["auc_high"]
    assert set(found["scorecard"]) >= {"ks", "brier", "profit_per_application_low"}
    assert found["rows"] == {"selection": len(rows), "scored": len(rows)}


def by_kind(files: Files) -> dict[str, Path]:
    return {Scorer.load(path).model.kind: path for path in (files.scorer, files.challenger)}


@pytest.mark.parametrize("materiality", [0.0, 0.005, 0.1])
def test_beyond_is_the_difference_less_the_materiality_with_both_its_ends(
    harmed: Trained, changed: Change, materiality: float
):
    found = chosen(changed(harmed[0], "model", materiality=materiality), harmed[1])
    for end in ("", "_low", "_high"):
        assert found[f"beyond_materiality{end}"] == rounded(found["scorecard"][f"auc{end}"] - materiality)
    assert found["materiality"] == materiality


def test_it_chooses_neither_by_training_nor_by_test_rows(harmed: Trained):
    config, files = harmed
    before = chosen(config, files)
    for name in ("train", "test"):
        files.inputs(name).unlink()
        files.outcomes(name).unlink()
        files.protected(name).unlink()
    of_files = {name: before[name] for name in ("prepared", "sealed")}
    assert chosen(config, files) | of_files == before


def test_one_class_alone_cannot_choose_and_the_scorecard_is_kept(harmed: Trained, changed: Change):
    config, files = harmed
    outcomes = pd.read_parquet(files.outcomes("selection"))
    outcomes.assign(bad=False).to_parquet(files.outcomes("selection"), index=False)
    found = chosen(changed(config, "model", candidate="better"), files)
    assert found["kind"] == "scorecard"
    assert "not known" in found["sentence"]
    assert lookup(found, "beyond_materiality") is None
    assert found["unknown"]["beyond_materiality"].startswith("one class only")


@pytest.mark.parametrize(("candidate", "other"), [("lightgbm", "scorecard"), ("scorecard", "lightgbm")])
def test_the_chosen_kind_becomes_the_scorer_and_the_other_its_challenger(
    harmed: Trained, changed: Change, candidate: str, other: str
):
    config, files = harmed
    forced = changed(config, "model", candidate=candidate)
    assert chosen(forced, files)["kind"] == candidate
    assemble.run(forced, files)
    assert Scorer.load(files.scorer).model.kind == candidate
    assert Scorer.load(files.challenger).model.kind == other
    names = {kind: read_json(path / "scorer.json")["model_digest"] for kind, path in by_kind(files).items()}
    assert read_json(files.report("selection"))["models"] == names


def test_where_a_scorecard_is_the_truth_it_is_chosen_and_passes_every_gate(card: Trial):
    assert refusals(card) == {}
    record = gate.check(card.files)
    assert (record["kind"], record["recommended"]) == ("scorecard", "models/scorer")
    assert record["digest"] == digest.of_directory(card.files.scorer)
    assert read_json(card.files.report("selection"))["sentence"].startswith("Keep the scorecard: ")
    metrics = read_json(card.files.report("metrics"))
    assert (metrics["kind"], list(metrics["challengers"])) == ("scorecard", ["lightgbm", "logistic"])


def test_a_gate_of_lightgbm_is_recorded_as_not_applicable_and_never_as_passed(card: Trial):
    record = read_json(card.files.report("gate"))
    left_out = {one["name"]: one["sentence"] for one in record["not_applicable"]}
    assert set(left_out) == {"beats_scorecard", "reasons_stable", "reasons_overlap"}
    assert left_out["beats_scorecard"] == (
        "beats_scorecard does not apply: it judges a lightgbm candidate, and this one is a scorecard."
    )
    assert not set(left_out) & {one["name"] for one in record["checks"]}
    assert "reasons_resampled" in {one["name"] for one in record["checks"]}


def test_a_scorecards_reasons_are_resampled_and_not_called_stable_for_want_of_a_seed(card: Trial):
    found = read_json(card.files.report("explain"))
    assert found["stability"] == {"top_reason": None, "overlap": None, "driver": None}
    assert found["unknown"]["stability.top_reason"] == "a scorecard has no seed"
    assert 0.5 < found["resampling"]["top_reason_low"] < found["resampling"]["top_reason"] < 1
    assert "none acts on another" in found["unknown"]["interactions"]


def test_the_scorecard_is_served_by_the_same_command_and_shown_as_the_candidate(
    card: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config, files = card.config, card.files
    # of the part: batch
    applications = pd.read_csv(card.raw).head(50)
    applications.to_csv(tmp_path / "applications.csv", index=False)
    scorer = Scorer.load(files.scorer)
    assert score.score(scorer, tmp_path / "applications.csv", tmp_path / "decisions.csv").rows == 50
    decided = scorer.decide(applications[list(config.inputs)]).table()
    assert pd.read_csv(tmp_path / "decisions.csv")["pd"].tolist() == decided["pd"].tolist()
    # end of part
    monkeypatch.setattr(artefacts, "picture", lambda *_: "")  # what it says, whatever is drawn
    html = page.page(config, files)
    assert "<strong>Candidate: Scorecard.</strong> Keep the scorecard: " in html
    assert "Candidate: Scorecard</th>" in html
    assert "beats_scorecard does not apply" in html
    assert summary.screen(config, files) is not None


@pytest.mark.weekly
def test_lightgbm_forced_where_it_is_not_better_fails_with_the_advice(card: Trial, tmp_path: Path):
    trial = card.copy(tmp_path / "forced")
    trial.edit_config(lambda tree: tree["model"].update(candidate="lightgbm"))
    trial.run(select, assemble, *FROM_SCORER)
    found = refusals(trial)
    assert set(found) == {"beats_scorecard"}
    assert "keep the scorecard" in found["beats_scorecard"]


def test_with_interactions_lightgbm_earns_its_place(whole: Trial, tmp_path: Path):
    trial = whole.copy(tmp_path / "trees")
    trial.edit_config(lambda tree: tree["model"].update(candidate="better"))
    trial.run(select, assemble)
    found = read_json(trial.files.report("selection"))
    assert (found["kind"], Scorer.load(trial.files.scorer).model.kind) == ("lightgbm", "lightgbm")
    assert found["beyond_materiality_low"] > 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"materiality": 0.4, "candidate": "better"}, "models/scorer was assembled under other choice than scorecard"),
        ({"candidate": "scorecard"}, "models/scorer was assembled under other choice than scorecard"),
    ],
)
def test_a_choice_that_the_config_no_longer_asks_for_is_stale(
    harmed: Trained, changed: Change, change: dict, told: str
):
    config, files = harmed
    found = gate.not_as_selected(changed(config, "model", **change), files, read_json(files.report("selection")))
    assert [one.startswith(told) for one in found] == [True]
    assert gate.not_as_selected(config, files, read_json(files.report("selection"))) == []


def test_a_pair_of_models_that_was_never_compared_is_stale(harmed: Trained):
    config, files = harmed
    before = read_json(files.report("selection"))
    other = before | {"models": before["models"] | {"scorecard": "0" * 64}}
    for found in ({}, other):
        (line,) = gate.not_as_selected(config, files, found)
        assert line.startswith("reports/selection.json measured another pair of models")
    assert load(files.config).model.candidate == "lightgbm"
