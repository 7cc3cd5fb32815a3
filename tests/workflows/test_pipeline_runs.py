"""Workflows that train, executed by act on the simulated lender: a minute each."""

import json

import pytest
from runner import without_lints, write_data

from credit_risk.data.simulated_lender import lender

PUSH = {"ref": "refs/heads/main"}
NOT_WORSE = "{name: not_worse, measure: comparison.differences.auc, at_least: -0.1, reason: wide for so few rows}"


def test_all_of_ci_is_green(clone):
    without_lints(clone)
    request = {"number": 3, "head": {"repo": {"full_name": "somebody/credit-risk"}}}
    run = clone.act("pull_request", "ci.yml", {"pull_request": request})
    worked = ("plan", "code", "test", "workflows", "pipeline", "model-gate", "image", "ci-ok")
    assert run.jobs == dict.fromkeys(worked, "success"), str(run)
    assert "Coverage of lines and branches:" in run.summary
    assert "## Promotion gate: PASS" in run.summary
    assert json.loads((run.artifacts / "reports/gate.json").read_text())["verdict"] == "PASS"
    assert run.called("gh") == []
    assert [call["arguments"][-2:] for call in run.called("sudo")] == [["make", "image"]]


def test_a_pass_on_main_is_registered_attacked_audited_and_rehearsed(clone):
    """By the frameworks as they are shipped, and with as many rows as their controls need to say anything."""
    write_data(clone, rows=16_000)
    run = clone.act("push", "risk-model-pipeline.yml", PUSH | {"repository": {"visibility": "public"}})
    worked = [
        "security-scan",
        "data-validation",
        "train",
        "compliance-audit",  # part: governance
        "attacks",  # part: attacks
        "target",  # part: rollout
        "rehearse",  # part: rollout-local
    ]
    assert run.jobs == dict.fromkeys(worked, "success"), str(run)
    assert "## Promotion gate: PASS" in run.summary
    assert (run.artifacts / "scorer/model.txt").is_file()
    assert "CANNOT SAY" not in run.log


# of the part: attacks
def test_a_scorer_that_an_attack_turns_over_too_often_is_red_by_the_floor_of_its_lender(clone):
    """The small lender does not hold the floor of the repository's own: a third of its declines can be turned over."""
    clone.replace("configs/policies/attack_floors.yaml", "at_least: 0.55", "at_least: 0.7")
    run = clone.act("push", "risk-model-pipeline.yml", PUSH, job="attacks")
    expected = {"security-scan": "success", "data-validation": "success", "train": "success"}
    assert run.jobs == expected | {"attacks": "failure"}, str(run)
    assert "CANNOT SAY: Robustness score (robustness.score) is" in run.log
    assert "straddles the limit of at least 0.7" in run.log
    assert "privacy.score" not in run.log


# end of part
def test_a_gate_that_does_not_open_stops_the_risk_model_pipeline(clone):
    clone.replace("configs/credit.yaml", "at_least: 0.6", "at_least: 0.99")
    run = clone.act("push", "risk-model-pipeline.yml", PUSH, variables={"MODEL_GATE": "required"})
    assert run.jobs["security-scan"] == run.jobs["data-validation"] == "success", str(run)
    assert "compliance-audit" not in run.jobs
    assert "failure" in run.jobs.values()
    assert "## Promotion gate: FAIL" in run.summary
    assert not (run.artifacts / "scorer").exists()
    assert json.loads((run.artifacts / "training-reports/gate.json").read_text())["verdict"] == "FAIL"


def test_before_mains_first_pass_a_gate_that_does_not_open_stops_promotion_alone(clone):
    clone.replace("configs/credit.yaml", "at_least: 0.6", "at_least: 0.99")
    run = clone.act("push", "risk-model-pipeline.yml", PUSH)
    assert run.jobs == dict.fromkeys(("security-scan", "data-validation", "train"), "success"), str(run)
    assert "Not promotable yet" in run.summary
    assert not (run.artifacts / "scorer").exists()


def test_a_pipeline_that_stops_early_shows_no_older_verdict(clone):
    clone.write("reports/gate.json", '{"verdict": "PASS", "checks": []}')
    clone.write("src/credit_risk/stages/prepare.py", "raise SystemExit(3)\n")
    run = clone.act("pull_request", "ci.yml", {"pull_request": {"number": 3}}, job="pipeline")
    assert run.jobs == {"plan": "success", "pipeline": "failure"}, str(run)
    assert "PASS" not in run.summary
    assert not (run.artifacts / "reports/gate.json").exists()


def applications(clone, path: str, rows: int = 3_000, **of: object) -> str:
    clone.write(path, lender(rows, **of).applications.to_csv(index=False))
    return path


@pytest.mark.parametrize(("drift", "result"), [(0, "success"), (2.5, "failure")])
def test_applications_that_have_drifted_become_one_issue(clone, drift, result):
    file = applications(clone, "new.csv", 8_000, seed=9, months=6, drift=drift)
    run = clone.act("workflow_dispatch", "drift-monitor.yml", {"inputs": {"dataset": file}})
    assert run.jobs == {"drift": result}, str(run)
    opened = [call for call in run.called("gh") if call["arguments"][:2] == ["issue", "create"]]
    assert len(opened) == (1 if drift else 0)
    started = [call for call in run.called("gh") if call["arguments"][:3] == ["workflow", "run", "retrain.yml"]]
    assert len(started) == (1 if drift else 0)
    assert (run.artifacts / "drift/drift.json").is_file()


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


def test_a_proof_runs_on_its_schedule_and_one_that_fails_ends_red(clone):
    text = (clone.root / ".github/workflows/proofs.yml").read_text(encoding="utf-8")
    before, _, rest = text.partition("        target:\n")
    after = rest[rest.index("    steps:\n") :]
    clone.write(".github/workflows/proofs.yml", f"{before}        target: [rollout-power]\n{after}")
    run = clone.act("workflow_dispatch", "proofs.yml", {})
    assert run.jobs == {"prove": "success"}, str(run)
    assert "30 % errors: 200 of 200 rolled back" in run.log
    assert (run.artifacts / "proof-rollout-power/proof.diff").read_text() == ""
    clone.replace(".github/workflows/proofs.yml", "[rollout-power]", "[no-such-proof]")
    run = clone.act("workflow_dispatch", "proofs.yml", {})
    assert run.jobs == {"prove": "failure"}, str(run)
