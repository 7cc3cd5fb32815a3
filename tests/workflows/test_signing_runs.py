"""What the training workflow signs and registers where, with the registry's key and without it."""

import os
import shutil
import subprocess

import pytest
from runner import ROOT

PUSH = {"ref": "refs/heads/main"}
SIGNED = """#!/bin/sh
echo "$1 with $(cat "${CREDIT_RISK_SIGNING_KEY:-/dev/null}")"
"""
STAGING, KEY = {"REGISTRY_ENVIRONMENT": "staging"}, {"SIGNING_KEY": "the team's key"}


HERE, THERE = "registry=local\nversion=1\n", "registry=staging\nversion=challenger\n"


@pytest.mark.parametrize(
    ("given", "source", "signed", "registry"),
    [
        ({}, "own", "", HERE),
        (KEY, "own", "", HERE),
        (STAGING | KEY, "own", "the team's key", THERE),
        (STAGING, "own", "", f"{HERE}Not registered in staging: there is no secret SIGNING_KEY"),
        (STAGING | KEY, "lender", "", f"{HERE}Not registered in staging: it was trained on the simulated lender"),
    ],
    ids=["alone", "key-alone", "registry-and-key", "registry-alone", "lender"],
)
def test_what_is_trained_is_signed_with_the_key_of_its_registry(tmp_path, given, source, signed, registry):
    """registry: which takes it, and what the summary says where that is not the one that was named."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/credit-risk").write_text(SIGNED)
    (tmp_path / ".venv/bin/credit-risk").chmod(0o755)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    summary = tmp_path / "summary.md"
    summary.touch()
    own = {name: value for name, value in os.environ.items() if name != "CREDIT_RISK_SIGNING_KEY"}
    done = subprocess.run(
        [tmp_path / ".ci/sign-trained"],
        cwd=tmp_path,
        env=own | given | {"SOURCE": source, "GITHUB_STEP_SUMMARY": str(summary)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout + summary.read_text()).partition(",")[0].rstrip(".\n") == registry.rstrip("\n")
    assert f"sign with {signed}\n" in done.stderr


def test_a_registry_without_its_key_takes_nothing_and_the_run_says_so(clone):
    run = clone.act("push", "risk-model-pipeline.yml", PUSH, variables=STAGING)
    assert run.jobs["train"] == "success", str(run)
    assert "Not registered in staging: it was trained on the simulated lender" in run.summary
