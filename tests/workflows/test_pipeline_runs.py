"""Workflows that train, executed by act on the simulated lender: a minute each, in `make test-workflows` alone."""

import json
import os
import shutil

import pandas as pd
import pytest

from credit_risk.data.simulate import lender

pytestmark = pytest.mark.skipif(
    os.environ.get("WORKFLOW_TESTS") != "all", reason="trains for minutes: make test-workflows"
)
TARGETS = "[lint, format-check, types, imports, config, workflows-lint]"
PUSH = {"ref": "refs/heads/main"}
NOT_WORSE = "{name: not_worse, measure: comparison.differences.auc, at_least: -0.1, reason: wide for so few rows}"


def test_all_of_ci_is_green(clone):
    shutil.rmtree(clone.root / "loadtest", ignore_errors=True)  # linted where it belongs
    clone.replace(".github/workflows/ci.yml", TARGETS, "[config]")
    run = clone.act("pull_request", "ci.yml", {"pull_request": {"number": 3, "head": {"repo": {"fork": True}}}})
    worked = ("plan", "code", "windows", "test", "workflows", "data", "pipeline", "image", "ci-ok")
    assert run.jobs == dict.fromkeys(worked, "success"), str(run)
    assert "## Promotion gate: PASS" in run.summary
    assert json.loads((run.artifacts / "reports/gate.json").read_text())["verdict"] == "PASS"
    assert run.called("gh") == []
    assert [call["arguments"][-2:] for call in run.called("sudo")] == [["make", "image"]]


def test_a_gate_that_does_not_open_stops_the_risk_model_pipeline(clone):
    clone.replace("configs/credit.yaml", "at_least: 0.6", "at_least: 0.99")
    run = clone.act("push", "risk-model-pipeline.yml", PUSH)
    assert run.jobs["security-scan"] == run.jobs["data-validation"] == "success", str(run)
    assert "compliance-audit" not in run.jobs
    assert "failure" in run.jobs.values()
    assert "## Promotion gate: FAIL" in run.summary
    assert not (run.artifacts / "scorer").exists()
    assert json.loads((run.artifacts / "training-reports/gate.json").read_text())["verdict"] == "FAIL"


def test_a_pipeline_that_stops_early_shows_no_older_verdict(clone):
    clone.write("reports/gate.json", '{"verdict": "PASS", "checks": []}')
    clone.write("src/credit_risk/stages/prepare.py", "raise SystemExit(3)\n")
    run = clone.act("pull_request", "ci.yml", {"pull_request": {"number": 3}}, job="pipeline")
    assert run.jobs == {"plan": "success", "data": "success", "pipeline": "failure"}, str(run)
    assert "PASS" not in run.summary
    assert not (run.artifacts / "reports/gate.json").exists()


def test_an_audit_that_lacks_evidence_ends_the_risk_model_pipeline_red(clone):
    """The gate of the small lender opens, but it has no marital status to show approvals by, and too few rows."""
    run = clone.act("push", "risk-model-pipeline.yml", PUSH)
    expected = {"security-scan": "success", "data-validation": "success", "train": "success"}
    assert run.jobs == expected | {"compliance-audit": "failure"}, str(run)
    assert any((run.artifacts / "scorer").iterdir())
    assert "FAIL ecoa-approvals-by-marital-status" in run.log
    assert "changed after the verdict" not in run.log


def applications(clone, path: str, rows: int = 3_000, **of: object) -> str:
    clone.write(path, lender(rows, **of).applications.to_csv(index=False))
    return path


def test_a_file_of_applications_is_decided_by_the_scorer_that_the_gate_lets_through(clone):
    file = applications(clone, "new.csv", 700, seed=9)
    run = clone.act("workflow_dispatch", "batch-score.yml", {"inputs": {"applications": file}})
    assert run.jobs == {"score": "success"}, str(run)
    decisions = pd.read_parquet(run.artifacts / "decisions" / "decisions.parquet")
    assert len(decisions) == len(pd.read_csv(clone.root / file))
    assert set(decisions["decision"]) <= {"approve", "decline", "refer", "refused"}


def test_a_scorer_that_the_gate_stops_decides_no_file(clone):
    file = applications(clone, "new.csv", 700, seed=9)
    clone.replace("configs/credit.yaml", "at_least: 0.6", "at_least: 0.99")
    run = clone.act("workflow_dispatch", "batch-score.yml", {"inputs": {"applications": file}})
    assert run.jobs == {"score": "failure"}, str(run)
    assert not (run.artifacts / "decisions").exists()


@pytest.mark.parametrize(("drift", "result"), [(0, "success"), (2.5, "failure")])
def test_applications_that_have_drifted_become_one_issue(clone, drift, result):
    file = applications(clone, "new.csv", 8_000, seed=9, months=6, drift=drift)
    run = clone.act("workflow_dispatch", "drift-monitor.yml", {"inputs": {"dataset": file}})
    assert run.jobs == {"drift": result}, str(run)
    opened = [call for call in run.called("gh") if call["arguments"][:2] == ["issue", "create"]]
    assert len(opened) == (1 if drift else 0)


def test_a_challenger_that_is_no_worse_becomes_a_pull_request_with_the_comparison(clone):
    names = {"TRAINING": 21, "VALIDATION": 22, "TEST": 23}
    told = {f"RETRAIN_{name}_DATA": applications(clone, f"{name}.csv", seed=seed) for name, seed in names.items()}
    clone.replace("configs/credit.yaml", "gates:\n", f"gates:\n  - {NOT_WORSE}\n")
    run = clone.act("workflow_dispatch", "retrain.yml", {}, variables=told)
    assert run.jobs == {"challenger": "success"}, str(run)
    assert any((run.artifacts / "challenger").iterdir())
    (pull,) = run.called("peter-evans/create-pull-request")
    assert (pull["inputs"]["branch"], pull["inputs"]["add-paths"]) == ("retrain/challenger", "reports/comparison.json")
    assert "## Candidate against baseline: PASS" in run.summary


def test_a_challenger_that_is_worse_becomes_none(clone):
    names = {"TRAINING": 21, "VALIDATION": 22, "TEST": 23}
    told = {f"RETRAIN_{name}_DATA": applications(clone, f"{name}.csv", seed=seed) for name, seed in names.items()}
    clone.replace("configs/credit.yaml", "at_least: 0.6", "at_least: 0.99")
    run = clone.act("workflow_dispatch", "retrain.yml", {}, variables=told)
    assert run.jobs == {"challenger": "failure"}, str(run)
    assert run.called("peter-evans/create-pull-request") == []
