"""Retraining from a ledger, executed by act both ways: a candidate that earned its place, a plan nobody approved."""

import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parents[1] / "monitoring"))
sys.path.insert(0, str(Path(__file__).parents[1] / "retraining"))

from matured_book import AS_OF, DATABASE, DEPLOY, FEW_ROWS, LEDGER, MONITORING, RETRAINING, build

from shared import built_once

DAY = {"inputs": {"as-of": str(AS_OF)}}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory, trained):
    """Where a ledger with matured accounts lies that the runner reaches."""
    return built_once(tmp_path_factory, "retraining", lambda root: build(root, trained))


def lender(clone, ledger, tmp_path, **changed):
    """The clone's settings for that ledger, with a limit that its last month exceeds; what a run is given."""
    copy = tmp_path / "ledger.db"
    for name in ("ledger.db", "outcomes.db"):
        (tmp_path / name).write_bytes((ledger / DATABASE).with_name(name).read_bytes())
    deploy = DEPLOY | {"serving": {"ledger": {"url": f"sqlite:///{copy}"}}}
    triggers = {"triggers": RETRAINING["triggers"] | {"most_bad_rate": 0.001}}
    data = {"data": RETRAINING["data"] | {"protected": str(ledger / "protected.csv")}}
    for name, tree in {
        "configs/deploy/ledger.yaml": deploy,
        "configs/monitoring.yaml": MONITORING,
        "configs/retraining.yaml": RETRAINING | triggers | data | changed,
    }.items():
        with (clone.root / name).open("w", encoding="utf-8") as stream:
            YAML().dump(tree, stream)
    for old, new in FEW_ROWS.items():
        clone.replace("configs/credit.yaml", old, new)
    key = (ledger / LEDGER.key_file).read_text(encoding="utf-8").strip()
    return {"variables": {"RETRAIN_ENVIRONMENT": "ledger"}, "secrets": {"LEDGER_KEY": key}}


def test_a_candidate_that_earned_its_place_becomes_a_pull_request(clone, ledger, tmp_path):
    run = clone.act("workflow_dispatch", "retrain.yml", DAY, **lender(clone, ledger, tmp_path))
    assert run.jobs == {"from-ledger": "success"}, str(run)
    (pull,) = run.called("peter-evans/create-pull-request")
    assert (pull["inputs"]["branch"], pull["inputs"]["add-paths"]) == ("retrain/candidate", "reports/retraining.json")
    assert "A training is due" in run.summary
    assert (run.artifacts / "candidate/models/scorer/scorer.json").is_file()
    assert not list(run.artifacts.rglob("*.parquet"))


def test_a_plan_that_nobody_approved_trains_nothing(clone, ledger, tmp_path):
    nobody = {"plan": {"approved_by": None, "until": None}}
    run = clone.act("workflow_dispatch", "retrain.yml", DAY, **lender(clone, ledger, tmp_path, **nobody))
    assert run.jobs == {"from-ledger": "failure"}, str(run)
    assert "nobody has approved that models are retrained by this plan" in run.log
    assert run.called("peter-evans/create-pull-request") == []
