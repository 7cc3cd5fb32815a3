"""How the last rollout stands, whatever the target."""

from typing import Any

from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.rollout.record.state import RolloutRecord


def rollout_lines(folder: RolloutFolder) -> list[str]:
    """The last rollout in a line or two; none before the first."""
    state = RolloutRecord(folder.run).load()
    if state is None:
        return []
    head = f"{state.id}: {state.strategy} of {state.candidate} ({state.colour}), {state.phase}, {state.percent} %"
    details = [f"  {sentence}" for sentence in (state.cause, state.message) if sentence]
    return [f"rollout {line}" for line in (head, *details)]


def rollout_facts(folder: RolloutFolder) -> dict[str, Any] | None:
    """The last rollout as values; None before the first."""
    state = RolloutRecord(folder.run).load()
    if state is None:
        return None
    names = ("id", "strategy", "live", "candidate", "colour", "phase", "percent", "paused", "cause", "message")
    return {name: getattr(state, name) for name in names}
