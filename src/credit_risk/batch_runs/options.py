"""A run as the command line describes it: the options that `batch run` and `batch backfill` share."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from credit_risk.batch.dask_options import ClusterAddress, EngineName  # part: dask
from credit_risk.command_line import HERE, Environment, Root
from credit_risk.errors import UsageError

if TYPE_CHECKING:
    from credit_risk.batch_runs.runs import RunSink


@dataclass(frozen=True)
class RunOptions:
    """A run as the command line describes it: a file of a business date, its scorer, and where the decisions go."""

    applications: Annotated[Path, Option("--input", help="Applications, CSV or Parquet by suffix.")]
    day: Annotated[str, Option("--date", help="The business date, as 2026-11-30.")]
    root: Root = HERE
    environment: Environment = None
    scorer: Annotated[Path | None, Option("--scorer", help="The scorer directory (default: models/scorer).")] = None
    output: Annotated[str | None, Option("--output", help="A folder, or s3://bucket/path, for files.")] = None
    kind: Annotated[str, Option("--format", help="Of the files: parquet or csv.")] = "parquet"
    table: Annotated[str | None, Option("--table", help="A table of PostgreSQL instead, with its schema or not.")] = (
        None
    )
    database: Annotated[
        str, Option("--database", metavar="VARIABLE", help="The environment variable with the database's address.")
    ] = "BATCH_DATABASE"
    exposure: Annotated[str | None, Option(help="The column of what a row stands for, to be added up.")] = None
    # of the part: dask
    engine: EngineName = "threads"
    cluster: ClusterAddress = None
    # end of part

    def date(self) -> date:
        """The business date. Raises UsageError for a text that is no day."""
        try:
            return datetime.strptime(self.day, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise UsageError(f"--date {self.day}: expected a day, as 2026-11-30.") from None

    def sink(self) -> "RunSink":
        """Where the decisions go. Raises UsageError unless it is said once, with an address for a database."""
        from credit_risk.batch_runs.file_sink import FileSink  # noqa: PLC0415  (late, as in every command)
        from credit_risk.batch_runs.postgres_sink import PostgresSink  # noqa: PLC0415

        if (self.output is None) == (self.table is None):
            raise UsageError("say where the decisions go: --output for files, or --table for a table of PostgreSQL.")
        if self.output is not None:
            return FileSink(self.output, self.kind)
        address = os.environ.get(self.database)
        if not address:
            raise UsageError(
                f"{self.database} is not set; it holds the database's address, as postgresql://user@host/database."
            )
        return PostgresSink(address, str(self.table))
