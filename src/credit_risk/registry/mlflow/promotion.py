"""Moving a scorer through its life: who may, on which evidence, and how two versions differ."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from credit_risk.config.dotted import leaves
from credit_risk.data.files import Files
from credit_risk.measures.verdict import gate_record
from credit_risk.registry import conditions
from credit_risk.registry.lifecycle import CHECKED, HistoryEvent, Move, MoveRefused, registered, standing
from credit_risk.registry.mlflow.registry import Registry
from credit_risk.scoring.scorer import Scorer


def move(
    registry: Registry, move_: Move, word: str, *, by: str, reason: str, today: date | None = None
) -> HistoryEvent:
    """Nominate, promote or retire the version that `word` names. Raises MoveRefused, and what Registry.move raises."""
    events = registry.events()
    version = standing(events).named(word)
    facts: dict[str, Any] = {}
    if move_ in CHECKED:
        day = today or datetime.now(UTC).date()
        facts = evidence(registry, version, events, day)
        scorer = registered(events, version).scorer
        if move_ == "promote" and (
            reasons := conditions.refusals(registry.root, registry.history.settings, scorer, day)
        ):
            raise MoveRefused("\n  ".join([f"version {version} may not be promoted:", *reasons]))
    return registry.move(move_, version, events, by=by, reason=reason, facts=facts)


def roll_back(registry: Registry, *, by: str, reason: str) -> HistoryEvent:
    """Make the champion before the present one champion again; the present one is retired. Needs no second person."""
    events = registry.events()
    line = standing(events).line
    if len(line) < 2:
        raise MoveRefused("there is no champion before the present one to roll back to.")
    return registry.move("rollback", line[-2], events, by=by, reason=reason, facts={"from": line[-1]})


def evidence(registry: Registry, version: int, events: list[HistoryEvent], today: date) -> dict[str, Any]:
    """The verdict a move stands on. Raises MoveRefused unless the gate let exactly this scorer pass, and still does.

    A waiver that has expired since does not count any more.
    """
    registration = registered(events, version)
    record = registry.gate_record(version, events)
    reasons = gate_record.refusals(record, registration.scorer, today)
    if reasons:
        raise MoveRefused("\n  ".join([f"version {version} may not move on:", *reasons]))
    return {
        "gate_record": registration.facts["gate_record"],
        "verdict": record["verdict"],
        "waivers": record["waivers"],
    }


def differences(registry: Registry, first_word: str, second_word: str) -> dict[str, Any]:
    """What differs between two versions: config, kind of model, checks of the gate with their figures, origin."""
    events = registry.events()
    now = standing(events)
    first, second = (_content(registry, now.named(word), events) for word in (first_word, second_word))
    return {part: _unlike(first[part], second[part]) for part in first}


def _content(registry: Registry, version: int, events: list[HistoryEvent]) -> dict[str, dict[str, Any]]:
    registration = registered(events, version)
    with tempfile.TemporaryDirectory() as scratch:
        release = Path(scratch) / "release"
        registry.fetch(version, events, release)
        scorer = Scorer.load(Files(release).scorer)
    record = registry.gate_record(version, events)
    return {
        "scorer": {"digest": scorer.digest, "kind": scorer.model.kind, "calibration": scorer.calibration.as_dict()},
        "config": dict(leaves(scorer.config.as_dict())),
        "checks": {
            check["name"]: {part: check[part] for part in ("verdict", "value", "low", "high")}
            for check in record["checks"]
        },
        "origin": {
            "commit": registration.facts["commit"],
            "registered_by": registration.by,
            **registration.facts["digests"],
        },
    }


def _unlike(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = [*first, *(name for name in second if name not in first)]
    return {name: [first.get(name), second.get(name)] for name in names if first.get(name) != second.get(name)}
