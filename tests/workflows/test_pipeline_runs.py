"""Workflows that train, executed by act on the simulated lender: a minute each, in `make test-workflows` alone."""

import json
import os
import shutil

import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("WORKFLOW_TESTS") != "all", reason="trains for minutes: make test-workflows"
)
TARGETS = "[lint, format-check, types, imports, config, workflows-lint]"
PUSH = {"ref": "refs/heads/main"}


def test_all_of_ci_is_green(clone):
    shutil.rmtree(clone.root / "loadtest", ignore_errors=True)  # linted where it belongs
    clone.replace(".github/workflows/ci.yml", TARGETS, "[config]")
    run = clone.act("pull_request", "ci.yml", {"pull_request": {"number": 3, "head": {"repo": {"fork": True}}}})
    worked = ("plan", "code", "windows", "test", "workflows", "data", "pipeline", "image", "ci-ok")
    assert run.jobs == dict.fromkeys(worked, "success"), str(run)
    assert "## Promotion gate: PASS" in run.summary
    assert json.loads((run.artifacts / "reports/gate.json").read_text())["verdict"] == "PASS"
    assert run.called("gh") == []
    assert [call["arguments"] for call in run.called("docker")] == [["build", "--tag", "credit-risk:ci", "."]]


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
