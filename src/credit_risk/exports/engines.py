"""Databases that a query is tried in before anybody gets it: DuckDB in this process, PostgreSQL by its address."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

import duckdb
import pandas as pd
import psycopg
import pyarrow as pa
from psycopg import sql

from credit_risk.errors import UsageError
from credit_risk.exports.dialects import Dialect
from credit_risk.exports.sql_text import quoted

TABLE = "credit_risk_export_check"
ARROW = {"DOUBLE PRECISION": pa.float64(), "BOOLEAN": pa.bool_(), "VARCHAR": pa.string(), "INTEGER": pa.int64()}
Answer = list[tuple[Any, ...]]


class Engine(Protocol):
    """A database with the applications in a table `TABLE`."""

    name: str
    dialect: Dialect

    def answer(self, query: str, applications: pd.DataFrame, types: Mapping[str, str]) -> Answer:
        """The rows that the query gives, ordered by their first column. types: of the table's columns."""
        ...


class DuckDB:
    """In this process and in memory; it understands ANSI's wording too."""

    name = f"DuckDB {duckdb.__version__}"

    def __init__(self, dialect: Dialect = "duckdb") -> None:
        self.dialect = dialect

    def answer(self, query: str, applications: pd.DataFrame, types: Mapping[str, str]) -> Answer:
        with closing(duckdb.connect()) as connection:
            connection.register("given", _arrow(applications, types))
            columns = ", ".join(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in types.items())
            connection.execute(f"CREATE TABLE {TABLE} AS SELECT {columns} FROM given")  # noqa: S608  (names from the config)
            return connection.execute(f"{query} ORDER BY 1").fetchall()


class PostgreSQL:
    """A server by its address; the table is a temporary one, which nobody else sees."""

    dialect: Dialect = "postgres"

    def __init__(self, address: str) -> None:
        self._address = address
        with self._connected() as connection:
            self.name = f"PostgreSQL {connection.info.server_version // 10_000}"

    def answer(self, query: str, applications: pd.DataFrame, types: Mapping[str, str]) -> Answer:
        with self._connected() as connection:
            columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
            connection.execute(f"CREATE TEMPORARY TABLE {TABLE} ({columns})".encode())
            table = _arrow(applications, types)
            with connection.cursor() as cursor:
                with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(TABLE))) as copy:
                    for row in zip(*(table[name].to_pylist() for name in types), strict=True):
                        copy.write_row(row)
                cursor.execute(f"ANALYZE {TABLE}".encode())
                return cursor.execute(f"{query} ORDER BY 1".encode()).fetchall()

    def _connected(self) -> "psycopg.Connection[tuple[Any, ...]]":
        try:
            return psycopg.connect(self._address)
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise UsageError(f"PostgreSQL does not answer there, so nothing can be checked by it: {reason}") from None


def postgresql_of(variable: str) -> PostgreSQL:
    """The server whose address stands in this environment variable: it may hold a password."""
    address = os.environ.get(variable)
    if not address:
        raise UsageError(
            f"{variable} is not set. It holds the address of a PostgreSQL server where the query is tried before it is "
            "written, as postgresql://user@host/database; it needs the right to make temporary tables alone."
        )
    return PostgreSQL(address)


def _arrow(applications: pd.DataFrame, types: Mapping[str, str]) -> pa.Table:
    columns: Sequence[Any] = [
        pa.array(applications[name], ARROW[kind], from_pandas=True) for name, kind in types.items()
    ]
    return pa.table(dict(zip(types, columns, strict=True)))
