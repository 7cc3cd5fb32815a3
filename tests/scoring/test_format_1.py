"""Scorers of format 1 decide as they did when they were written: a directory and its decisions kept from that time.

What stands in format_1/decided.json was written by the version before format 2: a null where a value was missing, one
text for a value and its lack, and no exclusion that acts. Its numbers have every bit of that time's processor, and are
compared, as `ledger replay` does, to the decimals that decisions state.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import orjson
import pytest

from credit_risk.data.inputs import Inputs
from credit_risk.errors import ScorerError
from credit_risk.ledger.replay import decider
from credit_risk.scoring.decision import as_stated
from credit_risk.scoring.scorer import Scorer

KEPT = Path(__file__).parent / "format_1"
DECIDED = json.loads((KEPT / "decided.json").read_text(encoding="utf-8"))
APPLICATIONS = [kept["application"] for kept in DECIDED]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load(KEPT / "scorer")


def records(decided: list[dict]) -> list[bytes]:
    return [orjson.dumps(as_stated(record)) for record in decided]


def test_every_decision_comes_out_as_it_was_recorded_alone_and_in_a_table(scorer):
    kept = records([kept["record"] for kept in DECIDED])
    assert records([scorer.decide(application).record() for application in APPLICATIONS]) == kept
    assert records(list(decider(scorer)(APPLICATIONS))) == kept


def test_what_is_kept_holds_what_format_2_does_otherwise(scorer):
    reasons = [reason for kept in DECIDED for reason in kept["record"]["reasons"]]
    assert any(reason["driver"] and reason["value"] is None for reason in reasons)  # a missing value without a word
    assert any(reason["driver"] is None for reason in reasons)  # a rule's, with every field
    assert any(isinstance(reason["value"], float) for reason in reasons if reason["driver"] == "existing_customer")
    assert any(kept["application"]["term_months"] > 96 and kept["record"]["pd"] is not None for kept in DECIDED)
    assert json.loads((KEPT / "scorer" / "config.json").read_text(encoding="utf-8"))["outcome"]["exclusions"]
    assert scorer.config.rules == scorer.config.policy.rules


def test_saved_again_it_stays_of_its_format(scorer, tmp_path):
    scorer.save(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "scorer.json").read_text(encoding="utf-8"))["format"] == 1
    again = Scorer.load(tmp_path / "again")
    inputs = Inputs.of(scorer.config)
    matrix = np.vstack([inputs.single_row(application) for application in APPLICATIONS])
    assert again.decide_inputs(matrix).pd.tobytes() == scorer.decide_inputs(matrix).pd.tobytes()


def test_a_format_of_tomorrow_is_refused(tmp_path):
    shutil.copytree(KEPT / "scorer", tmp_path / "scorer")
    path = tmp_path / "scorer" / "scorer.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format": 1', '"format": 3'), encoding="utf-8")
    with pytest.raises(ScorerError, match="has format 3, this version reads 1 and 2"):
        Scorer.load(tmp_path / "scorer")
