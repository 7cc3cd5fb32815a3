"""A refit: on all rows, close to its twin, and let through only as its twin is; its record never says otherwise."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from credit_risk.cli import main
from credit_risk.config import Config
from credit_risk.data import digest
from credit_risk.data.files import SPLITS, Files
from credit_risk.data.writing import read_json, read_parquet, write_json, write_text
from credit_risk.measures.verdict import gate_record
from credit_risk.refit import refitting
from credit_risk.scoring.scorer import Scorer
from credit_risk.scoring.signing import SignedBy, verify_release
from credit_risk.serving.admission import ServedVersion
from credit_risk.stages import gate
from measured import measure
from shared import built_once

TODAY = date(2026, 11, 30)
Refitted = tuple[Config, Files, Files]


def judged(config: Config, files: Files, **figures: int) -> None:
    """Figures of exactly this scorer, and the gate's record of them."""
    write_text(files.root / gate.CODE / "scoring" / "model.py", "x = 1\n")
    measure(files, **figures)
    gate.run(config, files)


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory: pytest.TempPathFactory, trained: tuple[Config, Files]) -> Path:
    config, files = trained

    def build(folder: Path) -> None:
        shutil.copytree(files.root, folder, dirs_exist_ok=True)
        judged(config, Files(folder))
        refitting.refit(config, Files(folder), folder / "build" / "refit", TODAY)

    return built_once(tmp_path_factory, "refit", build)


@pytest.fixture
def refitted(tmp_path: Path, trained: tuple[Config, Files], shared_root: Path) -> Refitted:
    """A judged run and its refit, to write into."""
    shutil.copytree(shared_root, tmp_path / "copy")
    return trained[0], Files(tmp_path / "copy"), Files(tmp_path / "copy" / "build" / "refit")


def test_it_is_fitted_to_all_rows_and_says_whose_twin_it_is(refitted: Refitted):
    _, files, made = refitted
    scorer, twin = Scorer.load(made.scorer), Scorer.load(files.scorer)
    rows = {name: len(read_parquet(files.outcomes(name))) for name in SPLITS}
    assert scorer.digest != twin.digest
    assert (scorer.model.kind, scorer.config) == (twin.model.kind, twin.config)
    assert scorer.refit["twin"] == twin.digest == digest.of_directory(files.scorer)
    assert scorer.refit["rows"]["all"] == sum(rows.values()) + scorer.refit["rows"]["beyond"]
    assert {name: scorer.refit["rows"][name] for name in SPLITS} == rows
    assert twin.refit is None
    roots = [int(re.findall(r"internal_count=(\d+)", its.model.text())[0]) for its in (scorer, twin)]
    # LightGBM counts the rows at the root of each tree, nine in ten of those that it was fitted to.
    assert roots[0] / roots[1] == pytest.approx(scorer.refit["rows"]["all"] / rows["train"], rel=0.02)


def test_each_check_of_the_record_says_whom_it_judges(refitted: Refitted):
    _, files, made = refitted
    record, of_twin = read_json(made.report("gate")), read_json(files.report("gate"))
    assert (record["verdict"], record["stale"]) == ("PASS", [])
    assert record["twin"] == {
        "scorer": of_twin["digests"]["scorer"],
        "gate_record": digest.of_file(files.report("gate")),
    }
    by = {name: [its for its in record["checks"] if its["judged"] == name] for name in ("twin", "refit")}
    assert [its["name"] for its in by["twin"]] == [its["name"] for its in of_twin["checks"]]
    assert all(its["sentence"].startswith("Of its twin: ") for its in by["twin"])
    assert [its["name"] for its in by["refit"]] == ["refit_level", "refit_slope", "refit_decisions", "refit_monotone"]
    page = made.page.read_text(encoding="utf-8")
    assert "every figure of the test below is that of its twin" in page
    assert record["digests"]["scorer"] in page


def test_it_serves_only_with_a_record_that_names_its_twin(refitted: Refitted):
    _, files, made = refitted
    scorer, record = Scorer.load(made.scorer), read_json(made.report("gate"))
    assert ServedVersion.of(made, scorer).refusals(TODAY) == []
    assert ServedVersion.of(made, scorer).verdict(TODAY).startswith("PASS (a refit; measured on its twin ")
    own = json.loads(json.dumps(record | {"twin": None}))
    assert gate_record.refusals(own, scorer.digest, TODAY, twin=scorer.refit["twin"]) == [
        "it is a refit, and the gate's record does not say that its figures are its twin's"
    ]
    assert gate_record.refusals(record, scorer.digest, TODAY) == [
        "the gate's record measured a twin, and not that of this scorer"
    ]
    shutil.copyfile(files.report("gate"), made.report("gate"))
    assert "the gate's record is of another scorer" in ServedVersion.of(made, scorer).refusals(TODAY)


def test_what_its_twins_gate_stops_is_neither_let_through_nor_signed(
    refitted: Refitted, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    config, files, made = refitted
    judged(config, files, violations=3)
    monkeypatch.setattr(refitting, "fitted", lambda *_: Scorer.load(made.scorer))
    assert main(["refit", "--sign", "--root", str(files.root)]) == 1
    assert "its twin is not let through: FAIL monotone" in capsys.readouterr().err
    record = read_json(made.report("gate"))
    assert (record["verdict"], record["digest"]) == ("FAIL", None)
    assert not made.scorer_signature.exists()
    assert ServedVersion.of(made, Scorer.load(made.scorer)).refusals(TODAY)


def test_a_record_of_before_the_twins_figures_were_altered_is_seen(refitted: Refitted):
    _, files, _ = refitted
    metrics = read_json(files.report("metrics"))
    metrics["test"]["auc"] = 0.99
    write_json(files.report("metrics"), metrics)
    twin = digest.of_directory(files.scorer)
    assert any("reports/metrics.json" in sentence for sentence in refitting.objections(files, twin, TODAY))


def test_what_passes_is_signed_as_a_release(refitted: Refitted, monkeypatch: pytest.MonkeyPatch):
    _, files, made = refitted
    monkeypatch.setattr(refitting, "fitted", lambda *_: Scorer.load(made.scorer))
    assert main(["refit", "--sign", "--root", str(files.root)]) == 0
    verify_release(made, SignedBy(public_key=str(files.root / "build" / "signing" / "signing.pub")))


@pytest.mark.parametrize(
    ("moved", "check"),
    [
        ({"level": 0.2}, "refit_level"),
        ({"slope": 0.7}, "refit_slope"),
        ({"decided_otherwise": 0.2}, "refit_decisions"),
        ({"violations": 1}, "refit_monotone"),
    ],
)
def test_a_refit_far_from_its_twin_is_not_let_through(refitted: Refitted, moved: dict[str, float], check: str):
    _, files, made = refitted
    figures = {"level": 0.0, "slope": 1.0, "decided_otherwise": 0.0, "violations": 0, "rows": 10}
    record = refitting.record(files, Scorer.load(made.scorer), figures | moved, TODAY)
    assert record["verdict"] == "FAIL"
    assert [its["name"] for its in record["checks"] if its["verdict"] != "PASS"] == [check]


def test_a_waiver_that_was_given_for_the_twin_alone_does_not_count_for_it(refitted: Refitted):
    _, _, made = refitted
    record = read_json(made.report("gate"))
    record["checks"][0] |= {"verdict": "FAIL"}
    given = {
        "check": record["checks"][0]["name"],
        "person": "Ada Lovelace",
        "role": "head of model risk",
        "reason": "the level was set for another portfolio and is reviewed this month",
        "expires": "2026-12-31",
        "scorer": record["twin"]["scorer"],
    }
    record["waivers"] = [given]
    of_it = (record["digests"]["scorer"], TODAY)
    refused = gate_record.refusals(record, *of_it, twin=record["twin"]["scorer"])
    assert any("it was given for another scorer" in sentence for sentence in refused)
    record["waivers"] = [given | {"scorer": None}]
    assert gate_record.refusals(record, *of_it, twin=record["twin"]["scorer"]) == []


def test_how_far_it_is_from_its_twin_is_counted_on_the_twins_test_rows(
    refitted: Refitted, changed: Callable[..., Config]
):
    config, files, _ = refitted
    twin = Scorer.load(files.scorer)
    inputs = refitting.read_inputs(config, files, "test")
    same = refitting.beside(config, twin, twin, inputs)
    assert (same["level"], same["slope"], same["decided_otherwise"]) == (0.0, pytest.approx(1.0), 0.0)
    calibration = twin.calibration.__class__(slope=twin.calibration.slope * 2, intercept=twin.calibration.intercept)
    steeper = refitting.beside(config, refitting.replace(twin, calibration=calibration), twin, inputs)
    assert steeper["slope"] == pytest.approx(2.0, abs=0.1)
    assert steeper["decided_otherwise"] > 0
    assert np.isfinite(steeper["level"])
