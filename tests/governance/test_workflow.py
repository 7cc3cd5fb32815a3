"""The workflow that audits what it trained, executed by act: a minute, in `make test-workflows` alone."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflows"))

from runner import clone, pristine

__all__ = ["clone", "pristine"]

PUSH = {"ref": "refs/heads/main"}


def test_an_audit_that_lacks_evidence_ends_the_risk_model_pipeline_red(clone):
    """The gate of the small lender opens, but it has no marital status to show approvals by, and too few rows."""
    run = clone.act("push", "risk-model-pipeline.yml", PUSH, job="compliance-audit")
    expected = {"security-scan": "success", "data-validation": "success", "train": "success"}
    assert run.jobs == expected | {"compliance-audit": "failure"}, str(run)
    assert any((run.artifacts / "scorer").iterdir())
    assert "FAIL ecoa-approvals-by-marital-status" in run.log
    assert "changed after the verdict" not in run.log
