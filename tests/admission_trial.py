"""A gate's record as it would have been recorded, and the registry's statement, for tests of what may serve."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from credit_risk.scoring.live_statement import LiveStatement, LiveVersion
from credit_risk.scoring.signed_chain import BEGINNING, SignedFacts
from credit_risk.scoring.signing import SignedBy

PROJECT = "simulated-lender"


def check(name: str = "discrimination", verdict: str = "PASS", low: float = 0.75) -> dict[str, Any]:
    """AUC 0.8 from `low` to 0.85 against the limit of at least 0.7."""
    limits = {"measure": "test.auc", "at_least": 0.7, "at_most": None, "exact": False, "of": None}
    figures = {"value": 0.8, "low": low, "high": 0.85}
    words = {"reason": "below this it is not worth its upkeep", "advice": None, "sentence": "AUC is 0.8."}
    return {"name": name, "verdict": verdict, **limits, **figures, **words}


def waiver(expires: date, **changes: Any) -> dict[str, Any]:
    given = {"person": "Rita Vogel", "role": "head of risk", "check": "calibration", "scorer": None}
    reason = "the shift is understood and small"
    return given | {"reason": reason, "expires": expires.isoformat()} | changes


def record(scorer: str, **changes: Any) -> dict[str, Any]:
    passed = {"verdict": "PASS", "stale": [], "checks": [check()], "waivers": [], "digests": {"scorer": scorer}}
    return passed | changes


def statement(root: Path, *live: tuple[str, str], at: datetime | None = None, **changes: Any) -> SignedFacts:
    """Signed by the root's development key. live: scorer and gate record, by digest, of each version."""
    versions = tuple(LiveVersion(number, "champion", *digests) for number, digests in enumerate(live, 1))
    stated = LiveStatement(changes.get("project", PROJECT), at or datetime.now(UTC), BEGINNING, versions)
    return SignedFacts.sign(stated.as_facts(), SignedBy(public_key="build/signing/signing.pub"), root)
