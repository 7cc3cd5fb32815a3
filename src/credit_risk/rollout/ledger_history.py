"""What the ledger knows of recent applications, for every target alike: how many come, and how a candidate decides."""

import os
from datetime import UTC, datetime

from credit_risk.ledger.chain import DECISION
from credit_risk.ledger.database.stored import decrypted
from credit_risk.ledger.entry import StoredDecision, stored_decision
from credit_risk.ledger.opening import open_ledger
from credit_risk.ledger.replay import decider
from credit_risk.ledger.verification import rows
from credit_risk.rollout.colours import Colour
from credit_risk.rollout.evidence.shadow import Shadow, shadow
from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.rollout.settings import Environment


def compared(folder: RolloutFolder, environment: Environment, live: Colour, candidate: Colour) -> Shadow:
    """Both colours' scorers, as they were signed, on the last decisions of the ledger. Raises SignatureRefused."""
    applications = [(record.decision_id, record.inputs or {}) for record in _last(folder, environment)]
    then, now = (decider(folder.signed_scorer(colour, environment)) for colour in (live, candidate))
    return shadow(applications, then, now, environment.rollout.analysis)


def per_day(folder: RolloutFolder, environment: Environment) -> float:
    """Applications a day, as the last decisions came in."""
    records = _last(folder, environment)
    if len(records) < 2:
        return 0.0
    seconds = (datetime.now(UTC) - records[0].at).total_seconds()
    return len(records) / max(seconds, 1.0) * 86_400


def _last(folder: RolloutFolder, environment: Environment) -> list[StoredDecision]:
    """The last decisions that can be read, the oldest first: of the last entries, those of no erased person."""
    with open_ledger(folder.root, environment.serving.ledger, os.environ, create=True) as ledger:
        last = ledger.head().seq
        pages = rows(ledger, last, after=max(last - environment.rollout.shadow_decisions, 0))
        decisions = [(row, key) for row, key in pages if row.kind == DECISION]
        records = [stored_decision(row, decrypted(ledger.secret, row, key)) for row, key in decisions]
        return [record for record in records if not record.erased]
