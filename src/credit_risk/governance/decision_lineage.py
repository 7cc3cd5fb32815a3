"""Why an application was decided as it was: by which scorer, trained on which data, approved by whom.

Answered offline from ledger and registry, and each link is checked: the decision is made again with the registered
scorer, whose files must be, to the byte, what was registered and signed.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from credit_risk.data.files import Files
from credit_risk.errors import CheckFailed
from credit_risk.ledger.entry import StoredDecision
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.replay import decider, differences
from credit_risk.registry.lifecycle import HistoryEvent, standing
from credit_risk.registry.versions import Versions
from credit_risk.scoring.scorer import Scorer


class NoSuchDecision(CheckFailed, LookupError):
    """The ledger holds no decision of this id."""


class LinkBroken(CheckFailed, ValueError):
    """A link between decision, scorer, data and approval cannot be shown."""


@dataclass
class Checks:
    """What was looked at, and what of it does not hold."""

    sound: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, sentence: str, *, holds: bool) -> None:
        (self.sound if holds else self.broken).append(sentence)

    def raise_unless_all_hold(self) -> None:
        if self.broken:
            raise LinkBroken("\n  ".join(["This decision cannot be traced back whole:", *self.broken]))


def why(decision_id: str, ledger: Ledger, registry: Versions) -> tuple[dict[str, Any], Checks]:
    """The decision with its reasons, the scorer with its origin, who approved it; and what was checked.

    What an erased person was decided on cannot be read any more; which scorer decided, and who approved it, still can.
    Raises NoSuchDecision.
    """
    record = ledger.get(decision_id)
    if record is None:
        raise NoSuchDecision(f"the ledger holds no decision {decision_id!r}.")
    events, checks = registry.events(), Checks()
    mine = [event for event in events if event.scorer == record.by.scorer]
    facts: dict[str, Any] = {"decision": _decision(record), "scorer": record.by.scorer}
    made = [event for event in mine if event.move == "register"]
    checks.add(f"the scorer {record.by.scorer[:12]} is in the registry", holds=bool(made))
    if not made:
        return facts, checks
    version = _version_at(events, made, record.at)
    facts["trained_on"] = _origin(next(event for event in made if event.version == version))
    facts["approved"] = [_approval(event) for event in mine if event.version == version and event.at <= record.at]
    role = standing(events, record.at).roles.get(version)
    checks.add(
        f"version {version} was champion when it decided (it was {role or 'not registered yet'})",
        holds=role == "champion",
    )
    with tempfile.TemporaryDirectory() as scratch:
        registry.fetch(version, events, Path(scratch) / "release")
        checks.add(f"the files of version {version} are what was registered and signed", holds=True)
        _decided_again(record, Scorer.load(Files(Path(scratch) / "release").scorer), checks)
    return facts, checks


def _decided_again(record: StoredDecision, scorer: Scorer, checks: Checks) -> None:
    checks.add("its digest is the one that the decision names", holds=scorer.digest == record.by.scorer)
    if record.erased or record.inputs is None:
        return
    again = decider(scorer)([record.inputs])[0]
    same = not differences(record, again)
    checks.add("the registered scorer decides the stored application the same, to the last digit", holds=same)


def _version_at(events: list[HistoryEvent], made: list[HistoryEvent], at: datetime) -> int:
    """The version that decided: of those with this very scorer the champion of that moment, else the first."""
    champion = standing(events, at).champion
    return champion if champion in {event.version for event in made} else made[0].version


def _decision(record: StoredDecision) -> dict[str, Any]:
    """What is known of a decision without the application itself."""
    decided: Mapping[str, Any] = record.decided or {}
    return {
        "id": record.decision_id,
        "at": record.at.isoformat(),
        "erased": record.erased,
        "decision": record.decision,
        "pd": decided.get("pd"),
        "score": decided.get("score"),
        "band": record.band,
        "rule": record.rule,
        "reasons": decided.get("reasons", list(record.reasons)),
    }


def _origin(made: HistoryEvent) -> dict[str, Any]:
    facts = made.facts
    code = {name: facts[name] for name in ("commit", "uncommitted", "raw")}
    return {"version": made.version, **code, **facts["digests"]}


def _approval(event: HistoryEvent) -> dict[str, Any]:
    facts = {"move": event.move, "by": event.by, "at": event.at.isoformat(), "why": event.reason}
    return facts | {name: event.facts[name] for name in ("verdict", "waivers") if name in event.facts}
