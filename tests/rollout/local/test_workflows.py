"""Workflows that deploy and roll back, executed by act: router, services and rollouts for real."""

import json
import os
import pwd
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.record.state import RolloutRecord
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignedBy
from identities_trial import commit, write_identities
from judged import judge
from registry_trial import empty_registry, files
from rollout_trial import KEY, write_environment
from tools import HAPROXY, free_ports, needed

sys.path.insert(0, str(Path(__file__).parents[2] / "workflows"))

from runner import clone, pristine

__all__ = ["clone", "empty_registry", "files", "pristine"]

DEPLOY = {
    "version": "challenger",
    "production": True,
    "reason": "it beats the champion on matured rows",
}


def on_free_ports(clone):
    """Router and colours of the clone on ports that nobody has, and no bake of half a minute."""
    for old, new in zip(("port: 8080", "blue_port: 3110", "green_port: 3130"), free_ports(3, beside=4), strict=True):
        clone.replace("configs/deploy/local.yaml", old, f"{old.split(':')[0]}: {new}")
    clone.replace("configs/deploy/local.yaml", "bake_s: 30", "bake_s: 1")


def test_a_deployment_is_rehearsed_for_real_and_without_a_machine_goes_no_further(clone):
    on_free_ports(clone)
    run = clone.act("workflow_dispatch", "deploy.yml", {"inputs": DEPLOY})
    assert run.jobs == {"target": "success", "rehearse": "success"}, str(run)
    assert "Nothing was deployed to staging, because the repository has no variable DEPLOY_ROOT" in run.summary
    events = [json.loads(line) for line in (run.artifacts / "rehearsal-staging/audit.jsonl").read_text().splitlines()]
    assert [one["what"] for one in events][-3:] == ["promote", "retire", "done"]
    assert "has all traffic" in run.log


def test_a_scorer_that_the_gate_stops_is_not_even_rehearsed(clone):
    on_free_ports(clone)
    clone.replace("configs/credit.yaml", "at_least: 0.6", "at_least: 0.99")
    run = clone.act("workflow_dispatch", "deploy.yml", {"inputs": DEPLOY})
    assert run.jobs == {"target": "success", "rehearse": "failure"}, str(run)
    assert run.failed_steps == ["rehearse: make rehearse"]
    assert "The gate does not let this scorer through." in run.log


def test_a_machine_on_which_nothing_runs_takes_no_version_and_production_is_not_reached(clone):
    on_free_ports(clone)
    write_identities(clone.root, {"name": "Ada Berg", "accounts": [ACCOUNT]})
    commit(clone.root)
    variables = {"DEPLOY_ROOT": str(clone.root)}
    run = clone.act("workflow_dispatch", "deploy.yml", {"inputs": DEPLOY}, variables=variables)
    assert run.jobs == {"target": "success", "rehearse": "success", "roll-out": "failure"}, str(run)
    assert "nothing runs here to bring a version into" in run.log


@pytest.fixture
def machine(files, monkeypatch, capsys):
    """A repository that serves as staging, up on this machine, and the key by which smoke decisions are asked for."""
    needed(HAPROXY, "haproxy (Debian package haproxy)")
    write_environment(files.root)
    folder, yaml = files.root / "configs" / "deploy", YAML()
    tree = yaml.load(folder / "local.yaml")
    tree["environment"] = "staging"
    tree["serving"]["access"] = {"mode": "keys", "keys_file": "build/serving/keys.json"}
    tree["security"]["run_as_non_root"] = True
    tree["registry"]["four_eyes"] = "identities"
    write_identities(files.root, {"name": "Ada Berg", "accounts": [ACCOUNT]})
    commit(files.root)
    del tree["serving"]["ledger"]["key_file"]
    # A development key does not count in staging, and nothing serves there that no statement names.
    judge(files)  # who is who is part of what was judged
    signing.make_keys(files.root / "own.key")
    monkeypatch.setenv(signing.VARIABLE, str(files.root / "own.key"))
    signing.sign_release(files, files.root / "own.key")
    tree["serving"] |= {"signed_by": {"public_key": "own.pub"}, "statement": {"source": "models/live.json"}}
    tree["registry"] |= {"signed_by": {"public_key": "own.pub"}, "statement": "models/live.json"}
    yaml.dump(tree, folder / "staging.yaml")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    where = ["--root", str(files.root)]
    staging = ["--environment", str(folder / "staging.yaml")]
    assert main(["registry", "statement", "--here", "--reason", "the first release here", *where, *staging]) == 0
    capsys.readouterr()
    assert (
        main(["keys", "add", "smoke", "--scope", "decide", *where, "--environment", str(folder / "staging.yaml")]) == 0
    )
    key = capsys.readouterr().out.strip()
    try:
        assert main(["up", "--no-alarms", *where, "--environment", "staging"]) == 0
        yield LocalFolder(files.root), key
    finally:
        assert main(["down", *where]) == 0


def test_a_machine_that_serves_takes_the_version_and_gives_it_back(clone, machine):
    """Router, two colours and a rollout for real, once there and once back, by both workflows."""
    folder, key = machine
    on_free_ports(clone)
    before = folder.versions()
    secrets = {"LEDGER_KEY": KEY, "SMOKE_KEY": key, "SIGNING_KEY": (folder.root / "own.key").read_text()}
    with_machine = {"variables": {"DEPLOY_ROOT": str(folder.root)}, "secrets": secrets}
    here = {"inputs": DEPLOY | {"version": "here", "strategy": "direct", "production": False}}
    run = clone.act("workflow_dispatch", "deploy.yml", here, **with_machine)
    assert run.jobs == {"target": "success", "rehearse": "success", "roll-out": "success"}, str(run)
    there = folder.versions()
    assert (list(before), list(there)) == (["blue"], ["green"])
    back = {"inputs": {"environment": "staging", "reason": "the branch asked for it"}}
    run = clone.act("workflow_dispatch", "rollback.yml", back, **with_machine | {"secrets": {"LEDGER_KEY": KEY}})
    assert run.jobs == {"back": "failure"}, str(run)
    assert "set CREDIT_RISK_SMOKE_KEY" in run.log
    assert folder.versions() == there
    run = clone.act("workflow_dispatch", "rollback.yml", back, **with_machine)
    assert run.jobs == {"back": "success"}, str(run)
    assert folder.versions() == before
    audit = RolloutRecord(folder.run).audit.verify(SignedBy(public_key="own.pub"), folder.root)
    assert (audit.faults, audit.unverified) == ((), ())  # both jobs had the key that signs what they did
    ended = [(one.what, one.by) for one in RolloutRecord(folder.run).events() if one.what in ("begun", "done")]
    assert ended == [("begun", f"Ada Berg <account:{ACCOUNT}>"), ("done", "the controller")] * 2


ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
BACK = {"environment": "staging", "reason": "scores shifted after the release"}


def test_without_a_machine_a_rollback_says_that_nothing_was_rolled_back(clone):
    run = clone.act("workflow_dispatch", "rollback.yml", {"inputs": BACK})
    assert run.jobs == {"back": "failure"}, str(run)
    assert run.failed_steps == ["back: Roll back"]


def test_without_a_machine_nothing_is_scaled(clone):
    run = clone.act("workflow_dispatch", "auto-scaler.yml", {"inputs": {"environment": "staging"}})
    assert run.jobs == {"scale": "success"}, str(run)
    assert "Nothing was scaled" in run.summary


@pytest.mark.parametrize("workflow", ["deploy.yml", "rollback.yml"])
def test_real_traffic_changes_from_the_default_branch_alone(clone, workflow):
    event = {"inputs": DEPLOY | BACK, "repository": {"default_branch": "trunk"}}
    run = clone.act("workflow_dispatch", workflow, event, variables={"DEPLOY_ROOT": str(clone.root)})
    assert set(run.jobs.values()) == {"failure"}, str(run)
    assert "refs/heads/main may not" in run.log + str(run.events)


def test_a_rollback_where_nothing_runs_says_so(clone):
    write_identities(clone.root, {"name": "Ada Berg", "accounts": [ACCOUNT]})
    commit(clone.root)
    run = clone.act("workflow_dispatch", "rollback.yml", {"inputs": BACK}, variables={"DEPLOY_ROOT": str(clone.root)})
    assert run.jobs == {"back": "failure"}, str(run)
    assert "nothing runs here to bring a version into" in run.log


def test_who_rolls_back_is_who_started_the_run(clone):
    """Whatever somebody types as a name: four eyes are two accounts."""
    clone.write("machine/.venv/bin/credit-risk", '#!/bin/sh\necho "$@"\n')
    (clone.root / "machine/.venv/bin/credit-risk").chmod(0o755)
    variables = {"DEPLOY_ROOT": str(clone.root / "machine")}
    run = clone.act("workflow_dispatch", "rollback.yml", {"inputs": BACK | {"by": "Ada Berg"}}, variables=variables)
    assert run.jobs == {"back": "success"}, str(run)
    assert f"--reason {BACK['reason']} (https://github.com/" in run.log
    assert "--by" not in run.log
    assert "Ada Berg" not in run.log
