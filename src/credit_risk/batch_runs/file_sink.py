"""Runs as files: a folder, or s3://bucket/path by fsspec.

    business_date=2026-11-30/RUN.parquet          the decisions (or RUN.csv)
    business_date=2026-11-30/RUN.rejects.parquet  refused applications, with row and reason
    business_date=2026-11-30/RUN.json             written last: the run is finished, and its totals

A file appears whole or not at all, and under the same name whenever the run is repeated.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from credit_risk.batch_runs.runs import BatchRun, ControlTotals, exposed, pieces, refused
from credit_risk.errors import UsageError

FORMATS = ("parquet", "csv")


@dataclass(frozen=True)
class FileSink:
    """A folder of runs. address: a path, or a URL that fsspec knows. kind: parquet or csv."""

    address: str
    kind: str = "parquet"

    def __post_init__(self) -> None:
        if self.kind not in FORMATS:
            raise UsageError(f"{self.kind}: files are written as {' or '.join(FORMATS)}.")

    def finished(self, name: str) -> BatchRun | None:
        files, path = self._opened(name, "json")
        if not files.exists(path):
            return None
        return BatchRun.from_dict(json.loads(files.cat_file(path)))

    def write(self, run: BatchRun, decided: Path) -> ControlTotals:
        counts = []
        for suffix, rejects in ((self.kind, False), (f"rejects.{self.kind}", True)):
            kept = (piece.filter(pc.equal(refused(piece), rejects)) for piece in pieces(decided))
            self._write_rows(run.name, suffix, kept)
            counts.append(self._there(run, suffix))
        (decided_rows, of_decided), (refused_rows, of_refused) = counts
        return ControlTotals(decided_rows, refused_rows, None if run.exposure is None else of_decided + of_refused)

    def finish(self, run: BatchRun) -> None:
        files, path = self._opened(run.name, "json")
        with files.transaction, files.open(path, "wb") as file:
            file.write((json.dumps(run.as_dict(), indent=2, sort_keys=True) + "\n").encode())

    def _write_rows(self, name: str, suffix: str, tables: Iterator[pa.Table]) -> None:
        files, path = self._opened(name, suffix)
        first = next(tables)
        with files.transaction, files.open(path, "wb") as file, _writer(self.kind, file, first.schema) as writer:
            for table in chain([first], tables):
                writer.write_table(table)

    def _there(self, run: BatchRun, suffix: str) -> tuple[int, int]:
        """Rows and exposure of a file, read from where it lies."""
        files, path = self._opened(run.name, suffix)
        rows = total = 0
        with files.open(path, "rb") as file:
            for table in _tables(file, self.kind):
                rows, total = rows + len(table), total + exposed(table, run.exposure)
        return rows, total

    def _opened(self, name: str, suffix: str) -> tuple[Any, str]:
        files, root = fsspec.core.url_to_fs(self.address)
        folder = f"{root.rstrip('/')}/business_date={name[:10]}"
        files.makedirs(folder, exist_ok=True)
        return files, f"{folder}/{name}.{suffix}"


def _writer(kind: str, file: IO[bytes], schema: pa.Schema) -> Any:
    return pq.ParquetWriter(file, schema) if kind == "parquet" else pa_csv.CSVWriter(file, schema)


def _tables(file: IO[bytes], kind: str) -> Iterator[pa.Table]:
    if kind == "parquet":
        with pq.ParquetFile(file) as parquet:
            yield from (pa.Table.from_batches([piece]) for piece in parquet.iter_batches())
    else:
        with pa_csv.open_csv(file) as pieces_of_csv:
            yield from (pa.Table.from_batches([piece]) for piece in pieces_of_csv)
