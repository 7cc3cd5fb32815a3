"""A batch run: one file of applications of one business date, decided by one scorer, written once.

Its name is the date with the start of the file's digest. A file that comes late for a date has another digest, and so
is a run of its own beside the first; the same file again is the same run, which goes on where it stopped, and does
nothing where it is finished. Another scorer for a run that is finished is refused: what was decided stands.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from credit_risk.batch.additions import whole
from credit_risk.batch.score import Summary, score
from credit_risk.batch.task import THIS_MACHINE, BatchEngine
from credit_risk.data import digest
from credit_risk.data.writing import remove
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.scoring.decision import OUTCOMES, REFUSED
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

ROW = "row"
NAME_DIGITS = 16  # of the file's digest, in a run's name
PIECE = 50_000


@dataclass(frozen=True)
class ControlTotals:
    """Rows and what they stand for, in ten-thousandths (None where no column says it)."""

    decided: int
    refused: int
    exposure: int | None

    @property
    def rows(self) -> int:
        return self.decided + self.refused

    def __str__(self) -> str:
        exposed = "" if self.exposure is None else f", exposure {self.exposure / 10_000:,.4f}"
        return f"{self.rows:,} rows ({self.decided:,} decided, {self.refused:,} refused){exposed}"


class TotalsDiffer(CheckFailed):
    """What was read and what stands in the sink are not the same: the run is not finished."""

    def __init__(self, run: str, read: ControlTotals, written: ControlTotals) -> None:
        super().__init__(
            f"run {run}: {read} were read, and {written} stand where they were written: it is not marked as finished. "
            "Somebody else wrote there, or rows were lost. Take out what is not of this run, and run it again."
        )


@dataclass(frozen=True)
class BatchRun:
    """One run. scorer and input are digests; totals: None until it is finished."""

    name: str
    business_date: str
    scorer: str
    input: str
    exposure: str | None
    totals: ControlTotals | None = None

    @classmethod
    def of(cls, scorer: Scorer, applications: Path, day: date, exposure: str | None) -> "BatchRun":
        sha256 = digest.of_file(applications)
        return cls(f"{day.isoformat()}-{sha256[:NAME_DIGITS]}", day.isoformat(), scorer.digest, sha256, exposure)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "BatchRun":
        totals = ControlTotals(**raw["totals"]) if raw["totals"] else None
        return cls(**{**raw, "totals": totals})


class RunSink(Protocol):
    """Where runs are written. Whatever moment a writer is killed at, the next one makes the same of it."""

    def finished(self, name: str) -> BatchRun | None:
        """The run of this name, if it is finished there."""
        ...

    def write(self, run: BatchRun, decided: Path) -> ControlTotals:
        """Write the rows of a decided file, and say what now stands there of this run, read from there."""
        ...

    def finish(self, run: BatchRun) -> None:
        """Mark the run as finished, with its totals."""
        ...


def execute(
    scorer: Scorer,
    applications: Path,
    day: date,
    sink: RunSink,
    *,
    spool: Path,
    exposure: str | None = None,
    record: Callable[[BatchRun], object] | None = None,
    engine: BatchEngine = THIS_MACHINE,
) -> BatchRun:
    """Decide a file for a business date and write it to the sink; returns the finished run, with its totals.

    spool: a folder of this machine that keeps the work until it is written. record: called before the run is finished,
    for what else must be done about its decisions; it may be called again for the same run. engine: where they are
    made. Raises UsageError where another scorer has finished this run, TotalsDiffer where the sink does not hold what
    was read.
    """
    run = BatchRun.of(scorer, applications, day, exposure)
    if (before := sink.finished(run.name)) is not None:
        if before.scorer != run.scorer:
            raise UsageError(
                f"run {run.name} is finished, decided by the scorer {before.scorer[:12]}, and this is another. "
                "What was decided stands. To know what this scorer would decide, write to another sink."
            )
        log.info("Run %s is finished already: %s", run.name, before.totals)
        return before
    decided = spool / run.name / "decided.parquet"
    summary = _decide_file(scorer, applications, decided, exposure, engine)
    read = _read(summary)
    written = sink.write(run, decided)
    if written != read:
        raise TotalsDiffer(run.name, read, written)
    if record is not None:
        record(run)
    finished = BatchRun(**{**vars(run), "totals": written})
    sink.finish(finished)
    remove(decided.parent)
    log.info("Run %s: %s", run.name, written)
    return finished


def _decide_file(
    scorer: Scorer, applications: Path, decided: Path, exposure: str | None, engine: BatchEngine
) -> Summary:
    decided.parent.mkdir(parents=True, exist_ok=True)
    return score(scorer, applications, decided, exposure=exposure, engine=engine)


def _read(summary: Summary) -> ControlTotals:
    """What was read, counted before any decision; only how many of it are refused is known afterwards."""
    return ControlTotals(summary.read - summary.refused, summary.refused, summary.exposure)


def pieces(decided: Path) -> Iterator[pa.Table]:
    """A decided file some rows at a time, each with its row in the file, counted from 0."""
    start = 0
    with pq.ParquetFile(decided) as file:
        for piece in file.iter_batches(PIECE):
            table = pa.Table.from_batches([piece])
            if ROW not in table.column_names:
                table = table.add_column(0, ROW, pa.array(range(start, start + len(table)), pa.int64()))
            start += len(table)
            yield table


def refused(table: pa.Table) -> pa.Array:
    return pc.equal(table["decision"], OUTCOMES[REFUSED])


def exposed(table: pa.Table, exposure: str | None) -> int:
    return 0 if exposure is None else whole(table[exposure].to_numpy(zero_copy_only=False))
