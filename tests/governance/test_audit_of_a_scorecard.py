"""The audit of a candidate that is a scorecard, by the framework that ships."""

import sys
from pathlib import Path

from credit_risk.data import digest
from credit_risk.governance import audit

sys.path.insert(0, str(Path(__file__).parents[1] / "sabotage"))

from lenders import card as untouched_card
from trial import Trial

__all__ = ["untouched_card"]


def test_the_audit_reads_the_scorecards_evidence_as_that_of_any_candidate(untouched_card: Trial, tmp_path: Path):
    card = untouched_card.copy(tmp_path / "card")
    policies = Path(__file__).parents[2] / "configs" / "policies"
    (card.files.policies).mkdir(exist_ok=True)
    (card.files.policies / "ecoa.yaml").write_bytes((policies / "ecoa.yaml").read_bytes())
    record = audit.audit(card.files.scorer, "equal_credit_opportunity_act", card.files, card.config)
    assert record["scorer"] == digest.of_directory(card.files.scorer)
    verdicts = {one["id"]: (one["verdict"], one["found"]) for one in record["controls"]}
    assert {name: found for name, found in verdicts.items() if "another scorer" in found[1]} == {}
