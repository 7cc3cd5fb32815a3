"""The answer of a database to a query. Its address, with the credential in it, stands in the environment alone."""

import os
import re
from itertools import chain

import pyarrow as pa
from sqlalchemy import create_engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from credit_risk.errors import DataError, UsageError
from credit_risk.extracts.freezing import column

ROWS = 50_000  # fetched at a time
ASKS = ("SELECT", "TABLE", "VALUES", "WITH")  # what a statement that only reads begins with
# Quotations and comments, by the standard and where a backslash quotes the sign that follows it.
PASSAGES = tuple(
    re.compile(rf"--[^\n]*|/\*.*?\*/|'(?:{sign}|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\$(\w*)\$.*?\$\1\$", re.DOTALL)
    for sign in (r"[^']", r"[^'\\]|\\.")
)


def answer(query: str, database: str) -> pa.Table:
    """The rows that a query gives. database: the environment variable with the address, as SQLAlchemy writes it.

    It changes nothing: what is no single SELECT is not sent, PostgreSQL and SQLite are asked to allow no write, and all
    is rolled back. An order stands in the query or nowhere: without ORDER BY the same rows may come as another file.
    Raises UsageError without an address, DataError for what is no SELECT and where the database refuses.
    """
    if fault := _no_select(query):
        raise DataError(
            f"{database}: the query {fault}, and a query is a single SELECT (or WITH, VALUES, TABLE). It was not sent "
            "to the database, where nothing was changed. Write the SELECT that gives the rows to freeze."
        )
    address = os.environ.get(database)
    if not address:
        raise UsageError(
            f"the environment has no {database}: put the database's address there, with its password, as SQLAlchemy "
            "writes it (postgresql+psycopg://…). It never stands in a file."
        )
    try:
        options = {"stream_results": True, "no_parameters": True, "postgresql_readonly": True}
        engine = create_engine(address, poolclass=NullPool, execution_options=options)
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
            result = connection.exec_driver_sql(query)
            names = list(result.keys())
            rows = list(chain.from_iterable(result.partitions(ROWS)))
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise UsageError(f"{database}: SQLAlchemy cannot read this address ({type(error).__name__}).") from None
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise DataError(f"{database}: the database refused the query ({cause}).") from None
    if not rows:
        raise DataError(f"{database}: the query gives no rows. Nothing was written.")
    if len(set(names)) < len(names):
        raise DataError(f"{database}: the query gives two columns one name among {names}: rename one with AS.")
    return pa.table({name: column(its) for name, its in zip(names, zip(*rows, strict=True), strict=True)})


def _no_select(query: str) -> str | None:
    """What is wrong with a text that is no single statement that reads; None where nothing is."""
    readings = (
        passages.sub(lambda passage: " " if passage[0][0] in "-/" else "''", query).split(";") for passages in PASSAGES
    )
    statements = min(([each for each in reading if each.strip()] for reading in readings), key=len)
    if not statements:
        return "is empty"
    if len(statements) > 1:
        return f"holds {len(statements)} statements"
    word = re.findall(r"\w+|[^\s(]", statements[0])[:1]
    return None if word and word[0].upper() in ASKS else f"begins with {''.join(word) or '('}"
