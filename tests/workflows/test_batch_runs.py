# the whole file goes with part: batch
"""The workflow `batch-score`, executed by act: which scorer decides a file, and where the decisions go."""

import os
import subprocess
import sys

import pandas as pd
from runner import ROOT

from credit_risk.data.simulated_lender import lender


def applications(clone) -> str:
    clone.write("new.csv", lender(700, seed=9).applications.to_csv(index=False))
    return "new.csv"


def test_a_file_of_applications_is_decided_by_the_scorer_that_the_gate_lets_through(clone):
    file = applications(clone)
    (clone.room / "store").mkdir()
    store = {"DECISIONS_STORE": str(clone.room / "store")}
    run = clone.act("workflow_dispatch", "batch-score.yml", {"inputs": {"applications": file}}, variables=store)
    assert run.jobs == {"score": "success"}, str(run)
    assert list(run.artifacts.iterdir()) == []
    (kept,) = (clone.room / "store").iterdir()
    decisions = pd.read_parquet(kept)
    assert len(decisions) == len(pd.read_csv(clone.root / file))
    assert set(decisions["decision"]) <= {"approve", "decline", "refer", "refused"}


def test_a_scorer_that_the_gate_stops_decides_no_file(clone):
    file = applications(clone)
    clone.replace("configs/credit.yaml", "at_least: 0.6", "at_least: 0.99")
    (clone.room / "store").mkdir()
    store = {"DECISIONS_STORE": str(clone.room / "store")}
    run = clone.act("workflow_dispatch", "batch-score.yml", {"inputs": {"applications": file}}, variables=store)
    assert run.jobs == {"score": "failure"}, str(run)
    assert list((clone.room / "store").iterdir()) == []


def test_a_branch_that_was_not_merged_decides_no_file(clone):
    file = applications(clone)
    (clone.room / "store").mkdir()
    store = {"DECISIONS_STORE": str(clone.room / "store")}
    event = {"inputs": {"applications": file}, "ref": "refs/heads/generous", "repository": {"default_branch": "main"}}
    run = clone.act("workflow_dispatch", "batch-score.yml", event, variables=store)
    assert run.jobs == {"score": "failure"}, str(run)
    assert "refs/heads/generous may not do this" in str(run)
    assert list((clone.room / "store").iterdir()) == []


def test_nobody_is_decided_about_without_a_store_for_decisions(clone):
    run = clone.act("workflow_dispatch", "batch-score.yml", {"inputs": {"applications": "new.csv"}})
    assert run.jobs == {"score": "success"}, str(run)
    assert "Nothing was decided, because the variable DECISIONS_STORE names no store" in run.summary


def test_decisions_go_to_the_lenders_store(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build/decisions.parquet").write_bytes(b"rows")
    environment = os.environ | {"DECISIONS_STORE": str(tmp_path / "store"), "GITHUB_RUN_ID": "9"}
    environment |= {"GITHUB_RUN_ATTEMPT": "2"}
    (tmp_path / "store").mkdir()
    subprocess.run([sys.executable, ROOT / ".ci/keep_decisions.py"], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "store/9-2.parquet").read_bytes() == b"rows"
