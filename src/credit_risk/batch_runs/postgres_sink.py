"""Runs in PostgreSQL: a table of decisions whose key is run and row, and beside it a table of runs.

Each piece of a file is one transaction that leaves rows which are there already as they are. So a writer that is killed
at any moment, or two at once, end with each row once.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from credit_risk.batch_runs.runs import ROW, BatchRun, ControlTotals, pieces
from credit_risk.errors import UsageError
from credit_risk.scoring.decision import OUTCOMES, REFUSED

TYPES = {
    "double": "double precision",
    "int64": "bigint",
    "bool": "boolean",
    "string": "text",
    "timestamp[us]": "timestamp",
}
NAME = re.compile(r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$")


@dataclass(frozen=True)
class PostgresSink:
    """A table in a database, with `<table>_runs` beside it. address: of the server, which may hold a password."""

    address: str
    table: str

    def __post_init__(self) -> None:
        if not NAME.match(self.table):
            raise UsageError(
                f"{self.table}: a table is named by lower-case letters, digits and _, with its schema or not."
            )

    def finished(self, name: str) -> BatchRun | None:
        with self._connected() as connection:
            self._prepare_runs(connection)
            query = sql.SQL("SELECT body FROM {} WHERE run = %s").format(self._runs)
            row = connection.execute(query, [name]).fetchone()
        return BatchRun.from_dict(row[0]) if row else None

    def write(self, run: BatchRun, decided: Path) -> ControlTotals:
        with self._connected() as connection:
            self._prepare(connection, pq.read_schema(decided))
            for piece in pieces(decided):
                with connection.transaction():
                    self._insert(connection, run, piece)
            return self._there(connection, run)

    def finish(self, run: BatchRun) -> None:
        with self._connected() as connection:
            query = sql.SQL("INSERT INTO {} (run, body) VALUES (%s, %s) ON CONFLICT (run) DO NOTHING").format(
                self._runs
            )
            connection.execute(query, [run.name, json.dumps(run.as_dict())])

    def _prepare_runs(self, connection: "psycopg.Connection[Any]") -> None:
        columns = sql.SQL("CREATE TABLE IF NOT EXISTS {} (run text PRIMARY KEY, body jsonb NOT NULL)")
        connection.execute(columns.format(self._runs))

    def _prepare(self, connection: "psycopg.Connection[Any]", schema: pa.Schema) -> None:
        """Make the table, or see that it has the columns of this schema."""
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(its.name), sql.SQL(TYPES[str(its.type)]))
            for its in schema
            if its.name != ROW
        ]
        definition = sql.SQL(", ").join(
            [sql.SQL("run text NOT NULL"), sql.SQL("row bigint NOT NULL"), sql.SQL("scorer text NOT NULL"), *columns]
        )
        create = sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY (run, row))")
        connection.execute(create.format(self._decisions, definition))

    def _insert(self, connection: "psycopg.Connection[Any]", run: BatchRun, piece: pa.Table) -> None:
        names = ["run", "scorer", *piece.column_names]
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        temporary = sql.SQL("CREATE TEMPORARY TABLE piece (LIKE {}) ON COMMIT DROP").format(self._decisions)
        connection.execute(temporary)
        with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY piece ({}) FROM STDIN").format(listed)) as copy:
            for row in zip(*(piece[name].to_pylist() for name in piece.column_names), strict=True):
                copy.write_row((run.name, run.scorer, *row))
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM piece ON CONFLICT (run, row) DO NOTHING")
        connection.execute(insert.format(self._decisions, listed, listed))

    def _there(self, connection: "psycopg.Connection[Any]", run: BatchRun) -> ControlTotals:
        """What stands there of this run by this scorer, counted by the database."""
        exposure = (
            sql.SQL("NULL")
            if run.exposure is None
            else sql.SQL("coalesce(sum(round({} * 10000)::numeric), 0)::bigint").format(sql.Identifier(run.exposure))
        )
        query = sql.SQL(
            "SELECT count(*) FILTER (WHERE decision <> %s), count(*) FILTER (WHERE decision = %s), {} "
            "FROM {} WHERE run = %s AND scorer = %s"
        ).format(exposure, self._decisions)
        refused = OUTCOMES[REFUSED]
        row = connection.execute(query, [refused, refused, run.name, run.scorer]).fetchone()
        return ControlTotals(*(row or (0, 0, None)))

    @property
    def _decisions(self) -> sql.Identifier:
        return sql.Identifier(*self.table.split("."))

    @property
    def _runs(self) -> sql.Identifier:
        return sql.Identifier(*f"{self.table}_runs".split("."))

    @contextmanager
    def _connected(self) -> "Iterator[psycopg.Connection[Any]]":
        try:
            connection = psycopg.connect(self.address, autocommit=True)
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise UsageError(f"PostgreSQL does not answer there; nothing was written: {reason}") from None
        with connection:
            yield connection
