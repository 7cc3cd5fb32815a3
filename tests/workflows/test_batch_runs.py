# the whole file goes with part: batch-runs
"""The workflow `batch-score`, executed by act: which scorer decides a file, and where the decisions go."""

import json

import pandas as pd

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
    (record,) = (clone.room / "store").rglob("*.json")
    totals = json.loads(record.read_text())["totals"]
    decisions = pd.read_parquet(record.with_suffix(".parquet"))
    rejects = pd.read_parquet(record.with_suffix(".rejects.parquet"))
    assert (len(decisions), len(rejects)) == (totals["decided"], totals["refused"])
    assert len(decisions) + len(rejects) == len(pd.read_csv(clone.root / file))
    assert set(decisions["decision"]) <= {"approve", "decline", "refer"}


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
