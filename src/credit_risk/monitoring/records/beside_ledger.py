"""Tables that stand beside a ledger: what is written there keeps no decision waiting.

SQLite lets one process write at a time, so there they have a file of their own, `outcomes.db` in the ledger's folder.
On PostgreSQL they are tables of the ledger's database.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from sqlalchemy import MetaData

from credit_risk.config.environment import sqlite_file
from credit_risk.ledger.database import schema
from credit_risk.ledger.database.store import Store

OUTCOMES = "outcomes.db"


def beside(ledger_url: str, file: str = OUTCOMES) -> str:
    """Where they are kept: a file in the ledger's folder, or its PostgreSQL database."""
    path = sqlite_file(ledger_url)
    return f"sqlite:///{path.with_name(file)}" if path is not None else ledger_url


def is_begun(ledger_url: str, file: str = OUTCOMES) -> bool:
    """Whether anything can be there at all: SQLite's file is made with the first outcome or frozen record."""
    path = sqlite_file(beside(ledger_url, file))
    return path is None or Path(path).is_file()


class BesideLedger:
    """A store with its tables made, open until it is closed. Every failure of the database is LedgerUnavailable."""

    def __init__(self, ledger_url: str, tables: MetaData, *, busy_timeout_s: float, file: str = OUTCOMES) -> None:
        self.store = Store(beside(ledger_url, file), busy_timeout_s=busy_timeout_s)
        with ExitStack() as opening:
            opening.callback(self.store.close)
            self.store.create()
            with self.store.core() as connection:
                schema.lock(connection)
                tables.create_all(connection)
            opening.pop_all()  # it is open, and stays so

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
