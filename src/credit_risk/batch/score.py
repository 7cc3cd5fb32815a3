"""Decide a file of applications in bounded memory; killed at any moment, the next run goes on where it stopped.

Beside the output lies `<output>.parts/` while the work lasts: one file a batch, each whole or not there, and a
manifest that says which scorer and which input they belong to. The output itself appears whole, at the end.
"""

import logging
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pandas import DataFrame
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from credit_risk.batch.task import SCORER_KEY, THIS_MACHINE, BatchEngine, BatchTask, Decide
from credit_risk.config import Config
from credit_risk.data.reading import raw, tables
from credit_risk.data.writing import read_json, remove, replacing, write_json
from credit_risk.errors import CheckFailed, DataError
from credit_risk.scoring.decision import OUTCOMES, REFUSED, batch_columns
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

Watch: TypeAlias = Callable[[int, float], object]
"""Called after each batch with the rows that are done and the share of the input that was read."""

BATCH_ROWS = 50_000
GROUP_ROWS = 100_000  # rows of a Parquet row group; fixed, so that the batches leave no trace in the output
PARTS_FORMAT = 1
SECONDS_BETWEEN_LINES = 10


@dataclass(frozen=True)
class Summary:
    """What became of a file: rows by decision, and how many of them an earlier, killed run had done already.

    read: rows that were read, and exposure: what they stand for in ten-thousandths, both counted before any decision.
    """

    rows: int
    resumed: int
    seconds: float
    decisions: Mapping[str, int]
    read: int = 0
    exposure: int | None = None

    @property
    def refused(self) -> int:
        return self.decisions[OUTCOMES[REFUSED]]

    def __str__(self) -> str:
        decided = ", ".join(f"{count:,} {name}" for name, count in self.decisions.items())
        before = f", {self.resumed:,} of them by the run before" if self.resumed else ""
        return f"{self.rows:,} applications in {self.seconds:.1f} s{before}: {decided}"


def score(
    scorer: Scorer,
    input: Path,  # noqa: A002 - the name of the command's option
    output: Path,
    *,
    batch_rows: int = BATCH_ROWS,
    reasons: bool = True,
    strict: bool = False,
    progress: Watch | None = None,
    exposure: str | None = None,
    points: bool = False,
    engine: BatchEngine = THIS_MACHINE,
) -> Summary:
    """Decide every row of a CSV or Parquet file; the output's ending says which of the two is written.

    Output: the id column where the input has it, else `row` counted from 0; then pd, score, band, decision, why.
    The scorer's digest stands in the Parquet schema's metadata, or for CSV in `<output>.json`.
    reasons: without them declines carry none, which is faster, and right for a simulation alone (see Scorer.decide).
    progress: by default a bar where stderr is a terminal, else a log line now and then.
    exposure: a column of numbers to carry along and add up; points: of a scorecard, a column for each characteristic.
    engine: where batches are decided; the output is the same to the byte whatever it is.

    A refused row is an answer, written with its reason, so it fails nothing, unless `strict`. If every row is
    refused the file is not what the scorer reads: CheckFailed, after the output was written.
    """
    _refuse_paths(input, output)
    started = time.monotonic()
    task = BatchTask(scorer, _identifier(scorer.config, input), reasons, exposure, points)
    parts = _Parts.open(output, task, input, batch_rows)
    resumed, read, exposed, counts = 0, 0, 0, Counter[str]()
    with (
        _watching(progress) as watch,
        engine.deciding(task) as decide,
        ThreadPoolExecutor(engine.width, initializer=_one_thread) as pool,
        _sink(output, task.schema) as sink,
    ):
        batches = _batches(task, input, batch_rows, parts.finished)
        for batch, table in _in_order(partial(_finish, decide, parts), batches, pool, engine.width):
            resumed += 0 if batch.table is not None else batch.rows
            read, exposed = read + batch.rows, exposed + batch.exposure
            counts.update({item["values"]: item["counts"] for item in pc.value_counts(table["decision"]).to_pylist()})
            sink.write(table)
            watch(batch.start + batch.rows, batch.share)
        parts.refuse_change(input)
    parts.remove()
    decisions: dict[str, int] = {name: counts[name] for name in OUTCOMES}
    summary = Summary(sink.rows, resumed, time.monotonic() - started, decisions, read, exposed if exposure else None)
    log.info("%s", summary)
    _raise_if_refused(summary, output, strict=strict)
    return summary


def _raise_if_refused(summary: Summary, output: Path, *, strict: bool) -> None:
    if summary.refused == summary.rows or (strict and summary.refused):
        raise CheckFailed(
            f"{summary.refused:,} of {summary.rows:,} applications are refused; {output} says why, row by row "
            "(column `why`)."
        )


@dataclass(frozen=True)
class _Batch:
    """Consecutive rows of the input; without their table where a finished part holds their decisions already.

    number: of the batch, and of its part; start: the first row; share: of the input's bytes that were read; exposure:
    what its rows stand for, in ten-thousandths.
    """

    number: int
    start: int
    rows: int
    share: float
    exposure: int
    table: DataFrame | None


def _batches(task: BatchTask, path: Path, batch_rows: int, finished: int) -> Iterator[_Batch]:
    config, size, seen = task.scorer.config, path.stat().st_size, 0

    def count(read: int) -> None:
        nonlocal seen
        seen += read

    identifiers = [task.identifier] if task.identifier else []
    columns = list(dict.fromkeys([*identifiers, *config.inputs, *task.added.carried]))
    start = 0
    for number, table in enumerate(tables.read_table(path, config, columns, rows=batch_rows, progress=count)):
        exposed = task.added.exposed(table)
        yield _Batch(number, start, len(table), seen / size, exposed, None if number < finished else table)
        start += len(table)


def _in_order(
    finish: Callable[[_Batch], pa.Table], batches: Iterator[_Batch], pool: ThreadPoolExecutor, width: int
) -> Iterator[tuple[_Batch, pa.Table]]:
    """Each batch with its result, in order; a few are under way at a time, whatever the length of the file."""
    under_way: deque[tuple[_Batch, Future[pa.Table]]] = deque()
    for batch in batches:
        under_way.append((batch, pool.submit(finish, batch)))
        if len(under_way) > width:
            first, future = under_way.popleft()
            yield first, future.result()
    for first, future in under_way:
        yield first, future.result()


def _finish(decide: Decide, parts: "_Parts", batch: _Batch) -> pa.Table:
    """Decide a batch and keep the result as a finished part, or take it from there."""
    return parts.read(batch.number) if batch.table is None else parts.write(batch.number, decide(batch.table))


def _one_thread() -> None:
    """Let LightGBM take no further threads: batches side by side never wait for one another, threads of one do."""
    threadpool_limits(limits=1, user_api="openmp")


def _identifier(config: Config, path: Path) -> str | None:
    """The id column, if the file has it."""
    name = config.only("id")
    if name not in raw.header(path, config.data, tuple(config.columns)):
        return None
    if name in batch_columns():
        results = ", ".join(batch_columns())
        raise DataError(f"{name}: the id column has the name of a result; results are {results}.")
    return name


@dataclass(frozen=True)
class _Parts:
    """The finished batches of an output that is not finished."""

    folder: Path
    source: Mapping[str, Any]
    finished: int

    @classmethod
    def open(cls, output: Path, task: BatchTask, source: Path, batch_rows: int) -> "_Parts":
        """Those of an earlier run with the same scorer, input and batches, or else none."""
        folder = output.with_name(f"{output.name}.parts")
        facts = _facts(source)
        settings = {"batch_rows": batch_rows, "reasons": task.reasons, "added": list(task.added.types)}
        manifest = {"format": PARTS_FORMAT, "scorer": task.scorer.digest, "input": facts, **settings}
        before = _manifest(folder)
        if before == manifest:
            finished = _finished(folder)
            if finished:
                log.info("Going on after %s finished parts in %s", finished, folder)
            return cls(folder, facts, finished)
        if before is not None:
            changed = ", ".join(key for key, value in manifest.items() if before.get(key) != value)
            log.warning("Starting anew: the parts in %s were made with another %s", folder, changed.replace("_", " "))
        remove(folder)
        write_json(folder / "manifest.json", manifest)
        return cls(folder, facts, 0)

    def write(self, number: int, table: pa.Table) -> pa.Table:
        with (
            replacing(_part(self.folder, number)) as unfinished,
            pa.ipc.new_file(str(unfinished), table.schema) as file,
        ):
            file.write_table(table)
        return table

    def read(self, number: int) -> pa.Table:
        with pa.memory_map(str(_part(self.folder, number))) as file:
            return pa.ipc.open_file(file).read_all()

    def refuse_change(self, source: Path) -> None:
        if _facts(source) != self.source:
            raise DataError(
                f"{source}: the file changed while it was read. Nothing was written; run the command again."
            )

    def remove(self) -> None:
        # The manifest first: a folder that is half removed must not look like one that is half made.
        remove(self.folder / "manifest.json")
        remove(self.folder)


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.arrow"


def _finished(folder: Path) -> int:
    count = 0
    while _part(folder, count).exists():
        count += 1
    return count


def _manifest(folder: Path) -> Any:
    try:
        return read_json(folder / "manifest.json")
    except FileNotFoundError:
        return None
    except ValueError:
        return {}


def _facts(source: Path) -> dict[str, Any]:
    """What tells one input file from another without reading it: as with make, a file of another time is another."""
    facts = source.stat()
    return {"name": source.name, "bytes": facts.st_size, "modified_ns": facts.st_mtime_ns}


class _Sink:
    """The output being written, in pieces whose bounds do not depend on the batches."""

    def __init__(self, schema: pa.Schema, write: Callable[[pa.Table], object]) -> None:
        self.schema = schema
        self.rows = 0
        self._write = write
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0

    def write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        if self._waiting_rows >= GROUP_ROWS:
            self._flush(self._waiting_rows // GROUP_ROWS * GROUP_ROWS)

    def finish(self) -> None:
        self._flush(self._waiting_rows)

    def _flush(self, rows: int) -> None:
        waiting = pa.concat_tables(self._waiting) if self._waiting else self.schema.empty_table()
        for start in range(0, rows, GROUP_ROWS):
            # One chunk, as the encoder starts a new page of its own accord at every chunk.
            self._write(waiting.slice(start, min(GROUP_ROWS, rows - start)).combine_chunks())
        rest = waiting.slice(rows)
        self._waiting, self._waiting_rows = [rest], rest.num_rows


@contextmanager
def _sink(output: Path, schema: pa.Schema) -> Iterator[_Sink]:
    """A sink whose content becomes the output when the block ends without an error."""
    with replacing(output) as unfinished:
        if raw.is_parquet(output):
            # PDs and scores hardly repeat: a dictionary of them would cost time and save nothing.
            with pq.ParquetWriter(unfinished, schema, use_dictionary=["band", "decision", "why"]) as file:
                sink = _Sink(schema, file.write_table)
                yield sink
                sink.finish()
        else:
            options = pa_csv.WriteOptions(quoting_style="needed")
            with pa_csv.CSVWriter(str(unfinished), schema, write_options=options) as file:
                sink = _Sink(schema, file.write_table)
                yield sink
                sink.finish()
            digest = schema.metadata[SCORER_KEY].decode()
            write_json(output.with_name(f"{output.name}.json"), {"scorer": digest, "rows": sink.rows})


def _refuse_paths(source: Path, output: Path) -> None:
    if not raw.is_parquet(output) and output.suffix.lower() != ".csv":
        raise DataError(f"{output}: the output's ending must be .parquet or .csv.")
    if source.resolve() == output.resolve():
        raise DataError(f"{output}: the output would overwrite the input. Name another file.")


@contextmanager
def _watching(progress: Watch | None) -> Iterator[Watch]:
    """What is called after each batch: the caller's function, a bar on a terminal, or the log."""
    if progress is not None:
        yield progress
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("Scoring", total=1.0)
            yield lambda rows, share: bar.update(task, completed=share, description=f"{rows:,} rows")
    else:
        yield _lines()


def _lines() -> Watch:
    last = time.monotonic()

    def say(rows: int, share: float) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            log.info("%s rows decided, %.0f %% of the file read", f"{rows:,}", 100 * share)

    return say
