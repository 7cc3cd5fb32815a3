"""The controls of policies answered for a data set: in its report, in the table for people, in its exit code."""

import hashlib
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import smallest
from credit_risk.compliance import policies
from credit_risk.compliance.controls import CHECKS
from credit_risk.compliance.policies import DataPolicy, UnknownFramework
from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.errors import ConfigError
from credit_risk.stages.validate_data import Report, render, validate

SHIPPED = Path(__file__).parents[2] / "configs" / "policies"
COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"role": "id", "type": "integer"},
    "income": {"role": "feature", "type": "number", "range": [0, 9000], "missing": "allow"},
    "status": {"role": "target", "type": "integer"},
}
ROWS = [f"{n},{n * 10},{n % 4 // 3}" for n in range(1, 41)]
POLICY = """
version: 1
framework: house
title: House rules
reviewed: 2026-01-01
statements: {purpose: p, retention: r, retention_months: 1}
words: {}
data_controls:
"""


def config() -> Config:
    return smallest.config(
        data={"sources": [{"path": "data/loans.csv"}]},
        columns=COLUMNS,
        contract={"min_rows": 1, "max_duplicates": 1},
        drift={"bins": 2, "threshold": 0.1, "confidence": 0.95},
    )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A repository with forty sound rows and a policy that asks for every check."""
    files = Files(tmp_path)
    write(files, ROWS)
    files.policies.mkdir(parents=True)
    controls = [
        f"  - {{id: c-{number}, requirement: r, source: s, dated: 2020-01-01, secondary: true, check: {check}, "
        f"severity: failure}}"
        for number, check in enumerate(CHECKS)
    ]
    (files.policies / "house.yaml").write_text(POLICY + "\n".join(controls))
    return files


def write(files: Files, rows: list[str]) -> None:
    path = files.root / "data" / "loans.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["id,income,status", *rows]) + "\n")


def check(files: Files, **options: Any) -> Report:
    return validate(config(), files, today=date(2026, 6, 30), **options)


def record(files: Files) -> None:
    """What `dvc add data` would write: the MD5 of the list of files, each with its own."""
    own = hashlib.md5((files.root / "data" / "loans.csv").read_bytes()).hexdigest()
    listing = f'[{{"md5": "{own}", "relpath": "loans.csv"}}]'
    digest = hashlib.md5(listing.encode()).hexdigest()
    (files.root / "data.dvc").write_text(f"outs:\n- md5: {digest}.dir\n  nfiles: 1\n  hash: md5\n  path: data\n")


def commit(root: Path) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "configs", "data.dvc"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)


def test_an_unknown_framework_names_the_known_ones(files: Files):
    with pytest.raises(UnknownFramework, match="there is no regulatory framework 'hipaa'; known: house") as caught:
        check(files, frameworks=["hipaa"])
    assert caught.value.exit_code == 2


def test_a_broken_policy_is_refused(files: Files):
    (files.policies / "house.yaml").write_text(POLICY + "  - {id: c-1}\n")
    with pytest.raises(ConfigError, match=r"data_controls.0.requirement: Field required"):
        check(files, frameworks=["house"])


def test_without_git_and_dvc_the_controls_that_need_them_fail(files: Files):
    report = check(files, frameworks=["house"])
    failed = {verdict.sentence.split(",")[0] for verdict in report.compliance if verdict.verdict == "FAIL"}
    assert failed == {
        "data.dvc is not there or names no MD5",
        "there is no git commit to trace this run to; commit first",
    }
    assert report.exit_code == 1


def test_with_the_data_recorded_and_the_code_committed_every_control_passes(files: Files):
    record(files)
    commit(files.root)
    report = check(files, frameworks=["house"])
    assert {verdict.sentence for verdict in report.compliance if verdict.verdict == "FAIL"} == set()
    assert report.as_dict()["commit"] == report.commit
    # One changed cell, and the data are no longer those that were recorded.
    write(files, [*ROWS[:-1], ROWS[-1].replace("400", "401")])
    (changed,) = [verdict for verdict in check(files, frameworks=["house"]).compliance if verdict.verdict == "FAIL"]
    assert changed.sentence.startswith("data.dvc records ")
    # One changed line of the config, and the run cannot be traced.
    write(files, ROWS)
    with (files.policies / "house.yaml").open("a") as stream:
        stream.write("\n")
    (changed,) = [verdict for verdict in check(files, frameworks=["house"]).compliance if verdict.verdict == "FAIL"]
    assert changed.sentence.startswith("changed since commit")


def test_data_outside_the_recorded_directory_are_not_under_control(files: Files):
    record(files)
    commit(files.root)
    other = files.root / "other.csv"
    shutil.copy(files.root / "data" / "loans.csv", other)
    (failed,) = [v for v in check(files, paths=[other], frameworks=["house"]).compliance if v.verdict == "FAIL"]
    assert failed.sentence == "data.dvc does not track other.csv"


def test_the_shipped_policies_ask_for_checks_that_exist():
    assert set(policies.known(SHIPPED, DataPolicy)) >= {"gdpr", "sox"}
    for framework in ("gdpr", "sox"):
        _, policy = policies.find(SHIPPED, framework, DataPolicy)
        assert {control.check for control in policy.data_controls} <= set(CHECKS)
        assert all(control.source and control.dated for control in policy.data_controls)


def test_the_table_for_people_says_that_a_source_is_secondary(files: Files):
    console = Console(record=True, width=200)
    console.print(render(check(files, frameworks=["house"])))
    assert "secondary source" in console.export_text()
