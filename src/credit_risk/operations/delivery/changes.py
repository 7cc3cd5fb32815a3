"""Changes of what serves, read off the audit trail of rollouts: who got traffic when, and what became of it. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from credit_risk.rollout.record.state import RolloutEvent

ATTRIBUTION = timedelta(days=7)  # a rollback later than this after the change is laid to something else
BEGUN = re.compile(r"^(\S+) of version (\S+) instead of (\S+) as ")
TRAFFIC = re.compile(r"^\d+ % traffic$")


@dataclass(frozen=True)
class DeployedChange:
    """One rollout of a version. in_traffic: when the first applicant could meet it; None: it never came so far.

    back: when its traffic was the former version's again; noticed: when it was known that this had to be.
    """

    rollout: str
    version: str
    instead_of: str
    by_hand: bool
    begun: datetime
    in_traffic: datetime | None = None
    done: datetime | None = None
    noticed: datetime | None = None
    back: datetime | None = None

    @property
    def failed(self) -> bool:
        """It had traffic and lost it again within the window of attribution."""
        return self.in_traffic is not None and self.noticed is not None

    @property
    def restored_after(self) -> timedelta | None:
        """From the first applicant who could meet it until nobody could: never shorter than the harm lasted."""
        return self.back - self.in_traffic if self.back and self.in_traffic and self.failed else None


def read(events: Iterable[RolloutEvent]) -> list[DeployedChange]:
    """Every change, the oldest first; a rollback by hand is laid to the change that it undoes."""
    rollouts: dict[str, DeployedChange] = {}
    for event in events:
        at = datetime.fromisoformat(event.at)
        if event.what == "begun" and (words := BEGUN.match(event.why)):
            rollouts[event.rollout] = DeployedChange(event.rollout, words[2], words[3], words[1] == "rollback", at)
        elif event.rollout in rollouts:
            rollouts[event.rollout] = _after(rollouts[event.rollout], event.what, at)
    return _with_rollbacks(list(rollouts.values()))


def deployments(changes: Sequence[DeployedChange]) -> list[DeployedChange]:
    """Those that had traffic; one that shadow or smoke stopped harmed nobody."""
    return [change for change in changes if change.in_traffic]


def _after(change: DeployedChange, what: str, at: datetime) -> DeployedChange:
    if TRAFFIC.match(what):
        return replace(change, in_traffic=change.in_traffic or at)
    if what == "done":
        return replace(change, done=at)
    if what == "to be rolled back":
        return replace(change, noticed=change.noticed or at)
    return replace(change, back=at) if what == "rolled back" else change


def _with_rollbacks(rollouts: Sequence[DeployedChange]) -> list[DeployedChange]:
    changes = [change for change in rollouts if not change.by_hand]
    for undone in (rollout for rollout in rollouts if rollout.by_hand):
        for index in reversed(range(len(changes))):
            change = changes[index]
            if change.version == undone.instead_of and change.done and change.done <= undone.begun:
                if undone.begun - change.done <= ATTRIBUTION:
                    changes[index] = replace(change, noticed=undone.begun, back=undone.done)
                break
    return changes
