"""Where a model stands with those who answer for it: its tier and what that takes, its change, its findings."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from credit_risk.data.files import Files
from credit_risk.governance.model_risk import change, findings, inventory, promotion
from credit_risk.governance.model_risk.giving_opinion import digest_of_scorer
from credit_risk.governance.model_risk.inventory import Inventory
from credit_risk.governance.records import Entered
from credit_risk.modelling import champion
from credit_risk.scoring.signing import SignedBy


def of_model(files: Files, entry: Inventory, signed_by: SignedBy, today: date) -> dict[str, Any]:
    """The model's tier and what it takes, the class of its change since the champion, and what a promotion waits for.

    Raises NotFound without the policy of tiers or the scorer.
    """
    tier = inventory.tier_of(entry, inventory.load_tiers(files.root))
    released, scorer = champion.release(files), digest_of_scorer(files)
    changed = change.since(released.scorer if released.root.is_dir() else None, files.scorer)
    return {
        "model": entry.model,
        "scorer": scorer,
        "tier": tier.tier,
        "takes": {"review_months": tier.review_months, "approver": tier.approver, "parts": list(tier.parts)},
        "change": vars(changed),
        "waits_for": promotion.refusals(files.root, signed_by, scorer, today),
    }


def of_findings(entries: Iterable[Entered], today: date) -> dict[str, Any]:
    """Every finding as it stands today, and each opinion of a scorer."""
    kept = list(entries)
    known = findings.register(kept)
    return {
        "findings": [
            vars(finding)
            | {
                "due": finding.due.isoformat(),
                "evidence": list(finding.evidence),
                "overdue": finding.is_overdue(today),
            }
            for finding in known.values()
        ],
        "opinions": [
            {"scorer": entry.about, "at": entry.at.isoformat(), "by": entry.by, "reason": entry.reason, **entry.facts}
            for entry in kept
            if entry.kind == "opinion"
        ],
        "overdue_and_severe": findings.blocking(known, today),
    }
