"""What was live on a day, and why: read off the history."""

from datetime import UTC, date, datetime, time
from typing import Any

from credit_risk.errors import UsageError
from credit_risk.registry.lifecycle import HistoryEvent, registered, standing


def moment(text: str) -> datetime:
    """A day's end or a moment, in UTC unless it says otherwise."""
    try:
        if len(text) == len("2026-11-25"):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date; expected 2026-11-25 or 2026-11-25T14:30.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def as_of(events: list[HistoryEvent], at: datetime) -> dict[str, Any]:
    """Which scorer was champion at a moment, since when, put there by whom, why, on which verdict and which waivers."""
    then = standing(events, at)
    version = then.champion
    if version is None:
        return {"at": at.isoformat(), "champion": None}
    before = [event for event in events if event.at <= at]
    made = registered(before, version)
    put = next(
        event for event in reversed(before) if event.move in ("promote", "rollback") and event.version == version
    )
    return {
        "at": at.isoformat(),
        "champion": version,
        "scorer": made.scorer,
        "since": put.at.isoformat(),
        "by": put.by,
        "why": put.reason,
        "move": put.move,
        "registered_by": made.by,
        "registered_at": made.at.isoformat(),
        "verdict": made.facts.get("verdict"),
        "waivers": made.facts.get("waivers"),
        "commit": made.facts.get("commit"),
        "digests": made.facts.get("digests"),
    }
