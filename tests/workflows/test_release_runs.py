# the whole file goes with part: registry
"""The workflow `release`, executed by act: what is signed, attested and published, and what is not released."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from runner import REPOSITORY, ROOT

from credit_risk.data.files import Files
from credit_risk.scoring import signing

REPOSITORY_EVENT = {"full_name": REPOSITORY, "visibility": "public", "default_branch": "main"}
TAG = {"ref": "refs/tags/v1.0.0", "repository": {"visibility": "public", "default_branch": "main"}}
ON_MAIN = {"compare": "identical"}


@pytest.fixture
def key(tmp_path) -> Path:
    """A key pair; the clone's settings believe its public half."""
    signing.make_keys(tmp_path / "team.key")
    return tmp_path / "team.key"


def test_a_release_is_signed_attested_pushed_and_published(clone, key):
    clone.write("configs/deploy/team.pub", key.with_suffix(".pub").read_text())
    clone.replace("configs/deploy/local.yaml", "build/signing/signing.pub", "configs/deploy/team.pub")
    variables = {"SIGNING": "key", "IMAGE_REGISTRY": "registry.example"}
    clone.answers.update(ON_MAIN)
    run = clone.act("push", "release.yml", TAG, variables=variables, secrets={"SIGNING_KEY": key.read_text()})
    assert run.jobs == dict.fromkeys(("model", "image", "publish"), "success"), str(run)
    release = Files(run.artifacts / "release/release")
    signing.verify_release(release, signing.SignedBy(public_key=str(key.with_suffix(".pub"))))
    parts = json.loads((release.root / "sbom.json").read_text())["components"]
    assert {"lightgbm", "pandas", "simulated-lender", "data/applications.csv"} <= {part["name"] for part in parts}
    assert "dvc" not in {part["name"] for part in parts}  # what decides, not what trains
    subjects = json.loads((release.root / "provenance.json").read_text())["subject"]
    assert {"models/scorer/model.txt", "models/scorer.sig", "reports/gate.json", "sbom.json"} <= {
        one["name"] for one in subjects
    }
    files, image = (call["inputs"] for call in run.called("actions/attest"))
    assert files["subject-path"].split() == ["build/release/**", "build/scorer.tar.gz"]
    assert (image["subject-name"], image["push-to-registry"]) == ("registry.example/acme/credit-risk", "true")
    sudo = [call["arguments"] for call in run.called("sudo")]
    assert sudo[0][-2:] == ["make", "image"]
    assert sudo[-1][:2] == ["podman", "push"]
    assert sudo[-1][-2] == "localhost/credit-risk:latest"
    assert sudo[-1][-1].startswith("registry.example/acme/credit-risk:")
    compared, published = run.called("gh")
    assert compared["arguments"][1].startswith("repos/acme/credit-risk/compare/main...")
    assert published["arguments"][:2] == ["release", "create"]
    assert "release/scorer.tar.gz" in published["arguments"]
    assert key.read_text().split()[5] not in run.log
    assert run.called("actions/cache") == []


def test_what_cannot_be_signed_is_not_released(clone):
    """No identity for a keyless signature is to be had here."""
    clone.answers.update(ON_MAIN)
    run = clone.act("push", "release.yml", TAG, variables={"IMAGE_REGISTRY": "registry.example"})
    assert run.jobs == {"model": "failure"}, str(run)
    assert run.failed_steps == ["model: .venv/bin/credit-risk sign --keyless"]
    assert "cannot be signed keyless" in run.log
    assert [call for call in run.called("gh") if "release" in call["arguments"]] == run.called("actions/attest") == []
    assert not (run.artifacts / "release").exists()


def test_the_key_that_signs_must_be_the_one_that_counts(clone, key, tmp_path):
    signing.make_keys(tmp_path / "other.key")
    clone.write("configs/deploy/team.pub", (tmp_path / "other.pub").read_text())
    clone.replace("configs/deploy/local.yaml", "build/signing/signing.pub", "configs/deploy/team.pub")
    clone.answers.update(ON_MAIN)
    run = clone.act("push", "release.yml", TAG, variables={"SIGNING": "key"}, secrets={"SIGNING_KEY": key.read_text()})
    assert run.jobs == {"model": "failure"}, str(run)
    assert "was made with another key than the one that counts" in run.log
    assert [call for call in run.called("gh") if "release" in call["arguments"]] == []


@pytest.mark.parametrize("status", ["diverged", "ahead"])
def test_a_tag_that_is_not_on_main_releases_nothing(clone, status):
    clone.answers["compare"] = status
    event = {"ref": "refs/tags/v1.0.0", "repository": REPOSITORY_EVENT}
    run = clone.act("push", "release.yml", event)
    assert run.jobs == {"model": "failure"}, str(run)
    assert run.failed_steps == ["model: .ci/tag-on-main"]


def test_a_private_repository_says_how_it_signs(clone):
    clone.answers["compare"] = "identical"
    event = {"ref": "refs/tags/v1.0.0", "repository": REPOSITORY_EVENT | {"visibility": "private"}}
    run = clone.act("push", "release.yml", event)
    assert run.jobs == {"model": "failure"}, str(run)
    assert len(run.failed_steps) == 1
    assert run.called("actions/setup-python") == []  # before anything is made


def test_a_tag_on_a_commit_that_is_not_on_main_releases_nothing(tmp_path):
    for status, code in (("behind", 0), ("identical", 0), ("ahead", 1), ("diverged", 1), ("", 1)):
        (tmp_path / "gh").write_text(f"#!/bin/sh\necho {status}\n", encoding="utf-8")
        (tmp_path / "gh").chmod(0o755)
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DEFAULT_BRANCH": "main"}
        environment |= {"GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "c", "GITHUB_REF_NAME": "v1"}
        assert subprocess.run([ROOT / ".ci/tag-on-main"], env=environment, check=False).returncode == code, status


def test_the_signing_key_is_a_file_of_its_owner_alone_as_long_as_the_command_runs(tmp_path):
    look = 'stat -c %a "$CREDIT_RISK_SIGNING_KEY"; cat "$CREDIT_RISK_SIGNING_KEY"; echo "${SIGNING_KEY-unset}"; exit 3'
    environment = os.environ | {"TMPDIR": str(tmp_path), "SIGNING_KEY": "a private key"}
    command = [ROOT / ".ci/with-signing-key", "bash", "-c", look]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "600\na private key\nunset\n")
    assert list(tmp_path.iterdir()) == []


def test_without_the_secret_the_command_runs_with_what_the_machine_has(tmp_path):
    environment = os.environ | {"TMPDIR": str(tmp_path), "SIGNING_KEY": "", "CREDIT_RISK_SIGNING_KEY": "/etc/own.key"}
    command = [ROOT / ".ci/with-signing-key", "bash", "-c", 'echo "$CREDIT_RISK_SIGNING_KEY"']
    assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout == b"/etc/own.key\n"
