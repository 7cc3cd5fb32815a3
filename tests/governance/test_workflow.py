"""The workflow that audits what it trained, executed by act: a minute, in `make test-workflows` alone."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflows"))

from runner import clone, pristine, write_data

__all__ = ["clone", "pristine"]

PUSH = {"ref": "refs/heads/main"}
WOMEN = "    - {name: women, attribute: sex, group: female, reference: male}\n"


def test_an_audit_that_lacks_evidence_ends_the_risk_model_pipeline_red(clone):
    """The gate of the small lender opens, but its rows are too few for some controls, and it compares no sexes."""
    clone.replace("configs/credit.yaml", WOMEN, "")
    clone.replace("configs/policies/gate_floor.yaml", "women: a small made-up lender, ", "")
    run = clone.act("push", "risk-model-pipeline.yml", PUSH, job="compliance-audit")
    expected = {"security-scan": "success", "data-validation": "success", "train": "success"}
    assert run.jobs == expected | {"compliance-audit": "failure"}, str(run)
    assert any((run.artifacts / "scorer").iterdir())
    assert "FAIL ecoa-approvals-by-sex: sex holds the basis sex, and fairness.contrasts compares no groups" in run.log
    assert "CANNOT SAY ecoa-reasons-for-everybody" in run.log
    assert "Does not apply: ecoa-approvals-by-marital-status" in run.log
    assert "FAIL ecoa-forms" not in run.log
    assert "changed after the verdict" not in run.log


def test_before_production_what_nobody_has_answered_ends_the_pipeline_red(clone):
    """Every control on the scorer is met; persons and stores owe theirs, which earlier is only shown."""
    write_data(clone, rows=16_000)
    run = clone.act(
        "push",
        "risk-model-pipeline.yml",
        PUSH,
        job="compliance-audit",
        variables={"REGISTRY_ENVIRONMENT": "production"},
    )
    expected = {"security-scan": "success", "data-validation": "success", "train": "success"}
    assert run.jobs == expected | {"compliance-audit": "failure"}, str(run)
    lines = [line.strip() for line in run.log.splitlines()]
    failed = {line.split()[1].rstrip(":") for line in lines if line.startswith(("FAIL ecoa-", "FAIL mr-"))}
    assert failed >= {"ecoa-forms", "mr-independent", "mr-registered", "mr-inventory"}
    assert failed.isdisjoint({"ecoa-approvals-by-sex", "ecoa-validated", "mr-judged", "mr-ranking", "mr-traced"})
    assert "CANNOT SAY" not in run.log
