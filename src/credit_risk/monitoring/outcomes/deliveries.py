"""Deliveries of outcomes as signed records: what was delivered cannot be changed, put in or left out unseen.

Each delivery adds a record to a chain of its own beside the facts, in the same transaction: how many facts it brought
and a digest over them. Facts from before there was a chain are signed with the next delivery.
"""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from credit_risk.data.writing import refuse_in_the_way, replacing
from credit_risk.errors import UsageError
from credit_risk.ledger.errors import LedgerBroken, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes.outcome_store import Fact, facts
from credit_risk.monitoring.records.beside_ledger import beside
from credit_risk.monitoring.records.frozen_store import Record, SignedRecords, table_of_records

TABLE = table_of_records("outcome_deliveries_1")
COLUMNS = [facts.c.number, *(facts.c[name] for name in Fact._fields), facts.c.recorded]


class Deliveries(SignedRecords):
    """The chain of deliveries of one ledger's outcomes."""

    def __init__(self, ledger: Ledger, *, busy_timeout_s: float) -> None:
        purpose = b"credit-risk outcomes, head 1"
        super().__init__(ledger, TABLE, subject="outcomes", purpose=purpose, busy_timeout_s=busy_timeout_s)

    def sign(self, connection: Connection, file: str) -> None:
        """Add the record of what was added since the last one, within the transaction that added it. file: SHA-256."""
        last = self.last_record(connection)
        first = last["last"] + 1 if last else 1
        until = connection.execute(select(func.max(facts.c.number))).scalar_one() or 0
        if until >= first:
            self.append(
                connection, [{"file": file, "first": first, "last": until} | _summary(connection, first, until)]
            )

    def verify(self) -> int:
        """How many facts are signed. Raises LedgerBroken where facts are not those that were delivered."""
        records, _ = self.read()
        if not records:
            return 0
        with self.store.core() as connection:
            for record in records:
                if _summary(connection, record["first"], record["last"]) != {k: record[k] for k in ("facts", "digest")}:
                    raise LedgerBroken(
                        f"outcomes: the facts {record['first']} to {record['last']} are not those of the delivery "
                        f"{record['file'][:12]}. Restore a copy of {self.store.address}."
                    )
            after = records[-1]["last"]
            unsigned = connection.execute(select(func.count()).where(facts.c.number > after)).scalar_one()
        if unsigned:
            raise LedgerBroken(
                f"outcomes: {unsigned} facts behind fact {after} came with no delivery. "
                f"Restore a copy of {self.store.address}."
            )
        return sum(record["facts"] for record in records)


def verify(ledger: Ledger, *, busy_timeout_s: float) -> int:
    """`Deliveries.verify` of what stands beside a ledger."""
    with Deliveries(ledger, busy_timeout_s=busy_timeout_s) as deliveries:
        return deliveries.verify()


def backup(ledger: Ledger, path: Path, *, busy_timeout_s: float) -> int:
    """Copy outcomes and frozen records of a ledger in SQLite, after verifying them; how many facts are in the copy.

    Raises UsageError for PostgreSQL, which is backed up there; LedgerUnavailable where copying fails.
    """
    source = ledger.store.path
    if source is None:
        raise UsageError("these outcomes are in PostgreSQL: back them up there, with the ledger (pg_dump).")
    outcomes = Path(beside(f"sqlite:///{source}").removeprefix("sqlite:///"))
    refuse_in_the_way(path)
    signed = verify(ledger, busy_timeout_s=busy_timeout_s)
    try:
        with (
            replacing(path) as unfinished,
            closing(sqlite3.connect(f"{outcomes.absolute().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(unfinished)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnavailable(f"{outcomes} could not be copied to {path}: {error}.") from error
    return signed


def _summary(connection: Connection, first: int, last: int) -> Record:
    """How many facts there are from one number to another, and a digest over every column of theirs."""
    between = (facts.c.number >= first, facts.c.number <= last)
    rows = connection.execute(select(*COLUMNS).where(*between).order_by(facts.c.number))
    digest, count = hashlib.sha256(), 0
    for row in rows:
        count += 1
        digest.update(_line(tuple(row)))
    return {"facts": count, "digest": digest.hexdigest()}


def _line(row: tuple[Any, ...]) -> bytes:
    """A row as text that no other row has."""
    return (repr(row) + "\n").encode("utf-8", "surrogatepass")
