"""The answer of a database to a query. Its address, with the credential in it, stands in the environment alone."""

import os
from itertools import chain

import pyarrow as pa
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from credit_risk.errors import DataError, UsageError
from credit_risk.extracts.freezing import column

ROWS = 50_000  # fetched at a time


def answer(query: str, database: str) -> pa.Table:
    """The rows that a query gives. database: the environment variable with the address, as SQLAlchemy writes it.

    The query is rolled back, so it changes nothing. An order stands in the query or nowhere: without ORDER BY the same
    rows may come as another file. Raises UsageError without an address, DataError where the database refuses.
    """
    address = os.environ.get(database)
    if not address:
        raise UsageError(
            f"the environment has no {database}: put the database's address there, with its password, as SQLAlchemy "
            "writes it (postgresql+psycopg://…). It never stands in a file."
        )
    try:
        engine = create_engine(address)
        with engine.connect() as connection:
            result = connection.execution_options(stream_results=True).execute(text(query))
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
