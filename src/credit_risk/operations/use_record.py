"""What work took, as facts that only grow: runs, stages, retrainings, services, jobs of runners, storage.

They lie in a chain (registry.chain_file) at build/operations/use.jsonl. What nobody measured is None, and stays so in
every sum that it would belong to: it is never taken for nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from credit_risk.operations.measuring import Segment
from credit_risk.registry.chain_file import ChainFile

FOLDER = Path("build") / "operations"
Kind = Literal["run", "stage", "retraining", "serving", "runner", "storage"]
INSIDE: tuple[Kind, ...] = ("stage",)  # a part of a run, which is counted whole


@dataclass(frozen=True)
class Use:
    """What one piece of work took.

    at: when it ended, ISO 8601 in UTC. run: of a stage, the run that it belongs to. cached: of a stage whose outputs
    were there. runner_minutes: of a machine that is billed by the minute, which then is all that is billed.
    storage_gb: that lies there at that time. decisions: made meanwhile. estimated_cost: what was foretold, in the
    environment's currency. ended_well: whether a run succeeded.
    """

    at: str
    kind: Kind
    name: str
    run: str = ""
    cached: bool = False
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory_gb_hours: float | None = None
    runner_minutes: float | None = None
    storage_gb: float | None = None
    decisions: int | None = None
    estimated_cost: float | None = None
    ended_well: bool | None = None

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.at)


def of_segment(segment: Segment, kind: Kind, name: str, run: str, now: datetime) -> Use:
    """A measured segment as a record. name: of the whole, where the segment is no stage."""
    own_kind: Kind = "stage" if segment.name else kind
    return Use(now.isoformat(), own_kind, segment.name or name, run, segment.cached, **vars(segment.taken))


@dataclass(frozen=True)
class UseRecord:
    """The facts of one repository."""

    root: Path

    @property
    def chain(self) -> ChainFile:
        return ChainFile(self.root / FOLDER / "use.jsonl")

    def add(self, use: Use) -> None:
        """Durable before this returns; several processes may add at once."""
        self.chain.append(asdict(use))

    def read(self) -> list[Use]:
        """Every fact, the oldest first; none before the first. Raises DataError for what is no such fact."""
        return list(self.chain.entries_as(Use))


def pipeline_runs(uses: Sequence[Use]) -> list[Use]:
    """Runs and retrainings in which DVC stages were seen; any other program that was measured is none."""
    with_stages = {use.run for use in uses if use.kind == "stage"}
    return [use for use in uses if use.kind in ("run", "retraining") and use.run in with_stages]


def of_month(uses: Sequence[Use], now: datetime) -> Iterator[Use]:
    """What ended in this calendar month (UTC), stages left out: each belongs to a run."""
    month = now.astimezone(UTC).strftime("%Y-%m")
    return (use for use in uses if use.kind not in INSIDE and use.at[:7] == month)
