"""How the last rollout stands, whatever the target."""

from credit_risk.rollout.folder import RolloutFolder
from credit_risk.rollout.state import RolloutRecord


def rollout_lines(folder: RolloutFolder) -> list[str]:
    """The last rollout in a line or two; none before the first."""
    state = RolloutRecord(folder.run).load()
    if state is None:
        return []
    head = f"{state.id}: {state.strategy} of {state.candidate} ({state.colour}), {state.phase}, {state.percent} %"
    details = [f"  {sentence}" for sentence in (state.cause, state.message) if sentence]
    return [f"rollout {line}" for line in (head, *details)]
