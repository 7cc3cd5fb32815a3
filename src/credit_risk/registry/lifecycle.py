"""What becomes of a scorer: candidate, challenger, champion, retired. Who may move it, and what stood on which day.

The history is a list of moves that only grows; every role is read off it, so that any day can be asked for again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from credit_risk.config.names import identity_of, is_person, person_of, same_person
from credit_risk.errors import CheckFailed
from credit_risk.registry.errors import RegistryBroken
from credit_risk.scoring.live_statement import LiveVersion

Move: TypeAlias = Literal["register", "nominate", "promote", "retire", "rollback", "here"]
Role: TypeAlias = Literal["candidate", "challenger", "champion", "retired"]

HERE = 0  # the number that stands for a repository's own release, which no registry holds
CHECKED: tuple[Move, ...] = ("nominate", "promote")  # what takes a passing gate, and a second pair of eyes


class MoveRefused(CheckFailed, ValueError):
    """A scorer may not be moved like this: the wrong role, the same person twice, no gate."""


@dataclass(frozen=True)
class HistoryEvent:
    """One move: which version of which scorer (by digest), by whom, why, and the evidence it stood on."""

    seq: int
    at: datetime
    move: Move
    version: int
    scorer: str
    by: str
    reason: str
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As `registry history --json` and the evidence of a release write it."""
        return vars(self) | {"at": self.at.isoformat(), "facts": dict(self.facts)}


@dataclass(frozen=True)
class Standing:
    """Who holds which role. line: the champions, the present one last, back to which a rollback goes.

    here: a repository's own release that was let live, until a version is promoted or rolled back to. proved: whether
    any mover was proved by an identity.
    """

    roles: Mapping[int, Role] = field(default_factory=dict)
    line: tuple[int, ...] = ()
    makers: Mapping[int, str] = field(default_factory=dict)
    here: LiveVersion | None = None
    proved: bool = False
    seq: int = 0
    last_move: datetime | None = None

    @property
    def champion(self) -> int | None:
        return self.line[-1] if self.line else None

    @property
    def challenger(self) -> int | None:
        return next((version for version, role in self.roles.items() if role == "challenger"), None)

    @property
    def aliases(self) -> dict[str, int]:
        """The roles that one version holds at a time."""
        holders = {"champion": self.champion, "challenger": self.challenger}
        return {role: version for role, version in holders.items() if version is not None}

    def named(self, word: str) -> int:
        """The version that a word names: its number, or champion or challenger. Raises MoveRefused."""
        if word in self.aliases:
            return self.aliases[word]
        if word.isdecimal() and int(word) in self.roles:
            return int(word)
        known = [*self.aliases, *map(str, self.roles)]
        first = ""
        if not self.roles:  # part: mlflow
            first = (
                " A scorer comes in by `credit-risk register`, then `registry nominate` and `promote`."  # part: mlflow
            )
        elif word == "challenger":  # part: mlflow
            first = " `credit-risk registry nominate` makes a candidate the challenger."  # part: mlflow
        raise MoveRefused(f"the registry holds no version {word!r}; it holds: {', '.join(known) or 'none'}.{first}")


def standing(events: Iterable[HistoryEvent], at: datetime | None = None) -> Standing:
    """Who held which role after these events, or at a moment in the past. Raises RegistryBroken for no such history."""
    now = Standing()
    for event in events:
        if at is None or event.at <= at:
            try:
                now = after(now, event)
            except LookupError:
                raise RegistryBroken(
                    f"the registry's history does not hold: entry {event.seq}, {event.move} {event.version}, cannot "
                    "follow the entries before it."
                ) from None
    return now


def after(before: Standing, event: HistoryEvent) -> Standing:
    """The standing after one more move."""
    roles, line, makers, here = dict(before.roles), before.line, dict(before.makers), before.here
    match event.move:
        case "register":
            roles[event.version], makers[event.version] = "candidate", event.by
        case "nominate":
            if before.challenger is not None:
                roles[before.challenger] = "candidate"
            roles[event.version] = "challenger"
        case "promote":
            if line:
                roles[line[-1]] = "retired"
            roles[event.version] = "champion"
            line, here = (*line, event.version), None
        case "retire":
            roles[event.version] = "retired"
        case "rollback":
            roles[line[-1]], roles[event.version] = "retired", "champion"
            line, here = line[:-1], None
        case "here":
            here = LiveVersion(HERE, "here", event.scorer, event.facts["gate_record"])
    proved = before.proved or identity_of(event.by) is not None
    return Standing(roles, line, makers, here, proved, event.seq, event.at)


def refuse(now: Standing, move: Move, version: int, by: str, reason: str) -> None:
    """Raise MoveRefused with the sentence, if this person may not move this version so now."""
    role, clock = now.roles.get(version), datetime.now(UTC)
    if now.last_move is not None and clock < now.last_move:
        raise MoveRefused(
            f"the clock says {clock:%Y-%m-%d %H:%M:%S} UTC, and the last move was made at "
            f"{now.last_move:%Y-%m-%d %H:%M:%S}: set the clock right, or nobody can say what stood on which day."
        )
    refuse_unsigned(by, reason, now)
    if move not in ("register", "here") and role is None:
        raise MoveRefused(f"version {version} is not registered.")
    if move in CHECKED and same_person(now.makers[version], by):
        raise MoveRefused(
            f"version {version} was registered by {person_of(now.makers[version])}: "
            f"somebody else has to {move} it (four eyes)."
        )
    if expected := _expected(now, move, version):
        raise MoveRefused(f"version {version} is {role}: {expected}")


def refuse_unsigned(by: str, reason: str, now: Standing) -> None:
    """Raise MoveRefused unless a person says who they are and why, proved by an identity once somebody was."""
    if not is_person(by):
        raise MoveRefused(f"the move is by {by!r}, expected a first and a last name (--by).")
    if now.proved and identity_of(by) is None:
        raise MoveRefused(
            f"the move is by {by!r}, a name that was typed, and who moved before was proved by an identity: "
            "set `registry.four_eyes: identities`, and see docs/signatures.md."
        )
    if len(reason.split()) < 3:
        raise MoveRefused(f"the reason is {reason!r}, expected a sentence that an auditor can read (--reason).")


def _expected(now: Standing, move: Move, version: int) -> str | None:
    """What would have to be otherwise for this move; None if nothing."""
    role = now.roles.get(version)
    if move == "nominate" and role not in ("candidate", "retired"):
        return "only a candidate, or one that was retired, is made the challenger."
    if move == "promote" and role != "challenger":
        return "only the challenger is promoted. Nominate it first."
    if move == "retire" and role == "champion":
        return "the champion is retired by its successor: promote another, or roll back."
    if move == "retire" and role == "retired":
        return "nothing is left to retire."
    if move == "rollback" and (len(now.line) < 2 or version != now.line[-2]):
        return "a rollback goes to the champion before the present one" + (
            "." if len(now.line) > 1 else ", and there was none."
        )
    return None


def registered(events: Iterable[HistoryEvent], version: int) -> HistoryEvent:
    """How a version came into the registry. Raises RegistryBroken for a number that never did."""
    for event in events:
        if event.move == "register" and event.version == version:
            return event
    raise RegistryBroken(f"version {version} is in no registration of the history.")


def may_be_live(events: Sequence[HistoryEvent]) -> tuple[LiveVersion, ...]:
    """The champion, the challenger, which comes into traffic step by step, and a repository's own release."""
    now = standing(events)
    live = tuple(live_version(events, version, role) for role, version in now.aliases.items())
    return (*live, now.here) if now.here else live


def live_version(events: Sequence[HistoryEvent], version: int, role: str) -> LiveVersion:
    """A version as a statement names it. Raises RegistryBroken for a number that was never registered."""
    registration = registered(events, version)
    return LiveVersion(version, role, registration.scorer, registration.facts.get("gate_record", ""))


def versions(events: Iterable[HistoryEvent]) -> list[int]:
    """Every version that was ever registered."""
    return [event.version for event in events if event.move == "register"]
