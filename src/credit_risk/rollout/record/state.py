"""A rollout on disk: what it is, how far it has come, and every event with who and why."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from credit_risk.data.writing import append_line, read_json, write_json
from credit_risk.errors import CreditRiskError
from credit_risk.registry.chain_file import ChainFile
from credit_risk.rollout.colours import Colour, opposite
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.scoring.signing import SignedBy

log = logging.getLogger(__name__)

Strategy = Literal["canary", "blue-green", "direct", "rollback"]
Phase = Literal[
    "fetch", "shadow", "start", "smoke", "traffic", "bake", "promote", "retire", "done", "rolling back", "rolled back"
]
ENDED: tuple[Phase, ...] = ("done", "rolled back")
WRITTEN_AS = {"message": "said"}  # rollout.json keeps the key that it always had


@dataclass(frozen=True)
class Meter:
    """What a colour did in this step. total: so far; last: each replica's counters as they were read last."""

    total: Counts = field(default_factory=Counts)
    last: Mapping[str, Counts] = field(default_factory=dict)

    def read(self, now: Mapping[str, Counts]) -> "Meter":
        """After one more reading; a replica's first one only says where its counters stand.

        One that is away, and so not in `now`, is held to its last counters when it comes back.
        """
        grown = [counts.since(self.last[name]) for name, counts in now.items() if name in self.last]
        return Meter(sum(grown, start=self.total), {**self.last, **now})


@dataclass(frozen=True)
class RolloutState:
    """One rollout. `steps` are the percentages, `step` the index of the present one; times are seconds since 1970.

    live and candidate are versions; colour is the candidate's.
    approved: steps that a person let through. message: what it waits for. cause: why it is rolled back. orders: how
    many were obeyed. away: since when the candidate takes no traffic, 0 while it does. duration_s: of all steps
    together, shared out evenly; None where the environment says how long a step takes.
    """

    id: str
    strategy: Strategy
    live: str
    candidate: str
    colour: Colour
    salt: int
    steps: tuple[int, ...]
    by: str
    reason: str
    phase: Phase = "fetch"
    step: int = 0
    since: float = 0.0
    looks: int = 0
    meters: tuple[Meter, Meter] = field(default_factory=lambda: (Meter(), Meter()))
    baseline: Counts = field(default_factory=Counts)
    verdict: str = ""
    message: str = ""
    paused: bool = False
    approved: tuple[int, ...] = ()
    cause: str = ""
    orders: int = 0
    away: float = 0.0
    duration_s: float | None = None

    @property
    def percent(self) -> int:
        """The candidate's share now."""
        if self.phase == "traffic":
            return self.steps[self.step]
        return 100 if self.phase in ("bake", "promote", "retire", "done") else 0

    @property
    def live_colour(self) -> Colour:
        return opposite(self.colour)

    @property
    def ended(self) -> bool:
        return self.phase in ENDED

    def to(self, phase: Phase, now: float, **changes: Any) -> "RolloutState":
        """In another phase, with clocks and meters at their beginning."""
        fresh: dict[str, Any] = {
            "since": now,
            "looks": 0,
            "meters": (Meter(), Meter()),
            "verdict": "",
            "message": "",
            "away": 0.0,
        }
        return replace(self, phase=phase, **(fresh | changes))

    def as_dict(self) -> dict[str, Any]:
        meters = [
            {"total": meter.total.as_dict(), "last": {name: last.as_dict() for name, last in meter.last.items()}}
            for meter in self.meters
        ]
        fields = vars(self) | {"meters": meters, "baseline": self.baseline.as_dict()}
        if self.duration_s is None:
            del fields["duration_s"]
        return {WRITTEN_AS.get(name, name): value for name, value in fields.items()}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "RolloutState":
        meters = tuple(
            Meter(
                Counts.from_dict(meter["total"]), {name: Counts.from_dict(last) for name, last in meter["last"].items()}
            )
            for meter in raw["meters"]
        )
        names = {written: name for name, written in WRITTEN_AS.items()}
        read = {names.get(key, key): value for key, value in raw.items()}
        tuples = {"steps": tuple(raw["steps"]), "approved": tuple(raw["approved"]), "meters": meters}
        return cls(**(read | tuples | {"baseline": Counts.from_dict(raw["baseline"])}))


@dataclass(frozen=True)
class RolloutEvent:
    """What happened to a rollout: when, by whom, why."""

    at: str
    rollout: str
    what: str
    by: str
    why: str

    def __post_init__(self) -> None:
        if not all(isinstance(value, str) for value in vars(self).values()):
            raise TypeError(f"{vars(self)} are not all texts")


@dataclass(frozen=True)
class RolloutRecord:
    """The files of rollouts: the present state, the audit trail, which is a chain, and orders to the controller.

    sign: whose signature the trail's head must carry, and the root; None leaves it unsigned.
    """

    folder: Path
    sign: tuple[SignedBy, Path] | None = None

    @property
    def state_file(self) -> Path:
        return self.folder / "rollout.json"

    @property
    def audit(self) -> ChainFile:
        return ChainFile(self.folder / "audit.jsonl")

    @property
    def orders_file(self) -> Path:
        return self.folder / "orders.jsonl"

    @property
    def lock_file(self) -> Path:
        return self.folder / "rollout.lock"

    def load(self) -> RolloutState | None:
        """The last rollout, ended or not; None before the first."""
        return RolloutState.from_dict(read_json(self.state_file)) if self.state_file.is_file() else None

    def save(self, state: RolloutState) -> None:
        """A reader, and a controller after a crash, sees the old state or the new one."""
        write_json(self.state_file, state.as_dict())

    def event(self, rollout: str, what: str, by: str, why: str) -> None:
        """Add an event, durable before this returns. What is done is never held up by a head that cannot be signed."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            self.audit.append({"at": at, "rollout": rollout, "what": what, "by": by, "why": why}, self.sign)
        except CreditRiskError as error:
            log.warning("The audit trail has the event and no signed head (`credit-risk status --audit`): %s", error)

    def events(self) -> Iterator[RolloutEvent]:
        """Everything that happened, the oldest first. Raises DataError for what is no event."""
        return self.audit.entries_as(RolloutEvent)

    def order(self, what: str, by: str, why: str) -> None:
        """Leave an order for the controller, which may be another process, or none until `resume`."""
        append_line(self.orders_file, json.dumps({"what": what, "by": by, "why": why}, ensure_ascii=False))

    def orders(self) -> list[dict[str, str]]:
        return list(_lines(self.orders_file))


def _lines(path: Path) -> Iterator[dict[str, str]]:
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
