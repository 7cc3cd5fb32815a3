"""Stage gate: the record speaks about exactly these files, and `check` opens for nothing else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from credit_risk.config import Config
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json, write_text
from credit_risk.errors import CheckFailed, CreditRiskError, NotFound
from credit_risk.stages import gate

Judged = tuple[Config, Files]


@pytest.fixture
def measured(harmed: Judged) -> Judged:
    """Figures that pass, of exactly this scorer, and a file of code."""
    config, files = harmed
    write_text(files.root / gate.CODE / "model.py", "x = 1\n")
    measure(files)
    return config, files


def measure(files: Files, **test: Any) -> None:
    write_json(
        files.report("metrics"),
        {
            "scorer": digest.of_directory(files.scorer),
            "scorecard": digest.of_directory(files.scorecard),
            "test": {"auc": 0.75, "auc_low": 0.71, "auc_high": 0.79, **test},
            "monotone": {"violations": 0},
        },
    )


@pytest.fixture
def judged(measured: Judged) -> Judged:
    gate.run(*measured)
    return measured


def blocked(files: Files, match: str) -> None:
    with pytest.raises(CheckFailed, match=match) as caught:
        gate.check(files)
    assert caught.value.exit_code == 1


def edit(files: Files, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
    raw = read_json(files.report(name))
    change(raw)
    files.report(name).write_text(json.dumps(raw))


def test_what_passes_is_recommended_and_let_through(judged: Judged):
    _, files = judged
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["recommended"], record["stale"]) == ("PASS", "models/scorer", [])
    assert [(one["name"], one["verdict"]) for one in record["checks"]] == [
        ("discrimination", "PASS"),
        ("monotone", "PASS"),
    ]
    assert gate.check(files)["recommended"] == "models/scorer"
    assert record["digests"]["scorer"] == digest.of_directory(files.scorer)


def test_judging_twice_gives_the_same_record(judged: Judged):
    config, files = judged
    before = files.report("gate").read_bytes()
    gate.run(config, files)
    assert files.report("gate").read_bytes() == before


@pytest.mark.parametrize(
    ("test", "verdict"), [({"auc": 0.5, "auc_low": 0.45, "auc_high": 0.55}, "FAIL"), ({"auc_low": 0.55}, "CANNOT SAY")]
)
def test_what_does_not_pass_is_recorded_without_an_error_and_blocked_by_the_check(
    measured: Judged, test: dict[str, float], verdict: str
):
    config, files = measured
    measure(files, **test)
    gate.run(config, files)
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["recommended"]) == (verdict, None)
    blocked(files, f"{verdict} discrimination: test.auc")


@pytest.mark.parametrize("name", ["scorer", "scorecard"])
def test_figures_of_another_scorer_fail(measured: Judged, name: str):
    config, files = measured
    edit(files, "metrics", lambda raw: raw.update({name: "0" * 64}))
    gate.run(config, files)
    record = read_json(files.report("gate"))
    assert (record["verdict"], record["recommended"]) == ("FAIL", None)
    assert record["stale"] == [f"reports/metrics.json measured another {name}"]
    blocked(files, f"measured another {name}")


def test_figures_that_name_no_scorer_fail(measured: Judged):
    config, files = measured
    edit(files, "metrics", lambda raw: raw.pop("scorer"))
    gate.run(config, files)
    assert read_json(files.report("gate"))["verdict"] == "FAIL"


def test_without_figures_nothing_is_judged_and_the_sentence_says_what_to_run(measured: Judged):
    config, files = measured
    files.report("metrics").unlink()
    with pytest.raises(CreditRiskError, match=r"metrics.json: there is no such file.*dvc repro"):
        gate.run(config, files)
    assert not files.report("gate").exists()


@pytest.mark.parametrize("text", ["", "garbage", "[]", "null", "3"])
def test_garbled_figures_are_refused_in_a_sentence(measured: Judged, text: str):
    config, files = measured
    files.report("metrics").write_text(text)
    with pytest.raises(CreditRiskError, match=r"metrics.json"):
        gate.run(config, files)


def test_without_a_record_the_check_says_what_to_run(measured: Judged):
    with pytest.raises(NotFound, match=r"gate.json: there is no such file. Nothing was judged yet"):
        gate.check(measured[1])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("scorer", "models/scorer/reference.json"),
        ("scorecard", "models/scorecard/scorecard.json"),
        ("data", "artifacts/inputs/test.parquet"),
        ("data", "artifacts/outcomes/train.parquet"),
        ("config", "configs/credit.yaml"),
        ("config", "configs/model.yaml"),
        ("code", "src/credit_risk/model.py"),
    ],
)
def test_what_changed_after_the_verdict_is_named(judged: Judged, name: str, path: str):
    _, files = judged
    with (files.root / path).open("a") as stream:
        stream.write("\n")
    blocked(files, f"the {name} changed after the verdict")


def test_code_that_was_added_or_taken_away_is_a_change(judged: Judged):
    _, files = judged
    added = files.root / gate.CODE / "deep" / "more.py"
    write_text(added, "")
    blocked(files, "the code changed")
    added.unlink()
    gate.check(files)
    (files.root / gate.CODE / "model.py").unlink()
    blocked(files, "the code changed")


def test_a_scorer_that_is_gone_is_a_change(judged: Judged):
    _, files = judged
    for path in files.scorer.iterdir():
        path.unlink()
    files.scorer.rmdir()
    blocked(files, "the scorer changed after the verdict")


@pytest.mark.parametrize("text", ["", "garbage", "[]", "null", "3", "{}", '{"verdict": "PASS"}'])
def test_a_garbled_record_is_not_let_through(judged: Judged, text: str):
    _, files = judged
    files.report("gate").write_text(text)
    blocked(files, "gate.json")


def refused(config: Config, files: Files) -> None:
    measure(files, auc=0.5, auc_low=0.45, auc_high=0.55)
    gate.run(config, files)


def test_turning_the_verdict_over_does_not_open_the_gate(measured: Judged):
    refused(*measured)
    edit(measured[1], "gate", lambda raw: raw.update(verdict="PASS", recommended="models/scorer"))
    blocked(measured[1], "discrimination")


def test_turning_every_verdict_over_does_not_open_the_gate(measured: Judged):
    refused(*measured)

    def forge(raw: dict[str, Any]) -> None:
        raw.update(verdict="PASS", recommended="models/scorer")
        for one in raw["checks"]:
            one["verdict"] = "PASS"

    edit(measured[1], "gate", forge)
    blocked(measured[1], "discrimination")


def test_taking_the_checks_away_does_not_open_the_gate(measured: Judged):
    refused(*measured)
    edit(measured[1], "gate", lambda raw: raw.update(verdict="PASS", recommended="models/scorer", checks=[]))
    blocked(measured[1], "discrimination")


def test_figures_that_changed_after_the_verdict_do_not_open_the_gate(judged: Judged):
    _, files = judged
    measure(files, auc=0.5, auc_low=0.45, auc_high=0.55)
    blocked(files, "discrimination")
