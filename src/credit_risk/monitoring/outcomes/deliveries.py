"""Deliveries of outcomes as signed records: what was delivered cannot be changed, put in or left out unseen.

Each delivery adds a record to a chain of its own beside the facts, in the same transaction: how many facts it brought
and a digest over them. Facts from before there was a chain are signed with the next delivery.
"""

import hashlib
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from credit_risk.data.writing import refuse_in_the_way, replacing
from credit_risk.errors import UsageError
from credit_risk.ledger.errors import LedgerBroken, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes.outcome_store import Fact, History, NumberedFact, Outcomes, facts
from credit_risk.monitoring.records.beside_ledger import OUTCOMES
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

    def refuse_undelivered(self, connection: Connection) -> None:
        """Raises LedgerBroken for facts behind the last delivery, which brought none of them: the next would sign them.

        Before there was a delivery, facts came without one.
        """
        last = self.last_record(connection)
        after = last["last"] if last else 0
        unsigned = connection.execute(select(func.count()).where(facts.c.number > after)).scalar_one()
        if last and unsigned:
            raise LedgerBroken(
                f"outcomes: {unsigned} facts behind fact {after} came with no delivery. "
                f"Restore a copy of {self.store.address}."
            )

    def verify(self) -> int:
        """How many facts are signed. Raises LedgerBroken where facts are not those that were delivered."""
        records, _ = self.read()
        if not records:
            return 0
        with self.store.core() as connection:
            for record in records:
                self._check(connection, record)
            self.refuse_undelivered(connection)
        return sum(record["facts"] for record in records)

    def verify_count(self, records: Sequence[Record]) -> None:
        """As `verify`, where there are not as many facts as were delivered: some were put in or left out."""
        with self.store.core() as connection:
            there = connection.execute(select(func.count()).select_from(facts)).scalar_one()
        if records and there != sum(record["facts"] for record in records):
            self.verify()

    def verify_some(self, records: Sequence[Record]) -> None:
        """Whether the facts of these deliveries are those that were delivered. Raises LedgerBroken."""
        with self.store.core() as connection:
            for record in records:
                self._check(connection, record)

    def _check(self, connection: Connection, record: Record) -> None:
        if _summary(connection, record["first"], record["last"]) != {k: record[k] for k in ("facts", "digest")}:
            raise LedgerBroken(
                f"outcomes: the facts {record['first']} to {record['last']} are not those of the delivery "
                f"{record['file'][:12]}. Restore a copy of {self.store.address}."
            )


class CheckedOutcomes(Outcomes):
    """Outcomes that are held against the signed deliveries as they are read, each delivery once.

    A run that counts the news of some months so reads their deliveries alone, however long the history is. What it does
    not read it does not look at: `verify` does, and the number of all facts is compared with each run.
    """

    def __init__(self, ledger: Ledger, *, busy_timeout_s: float) -> None:
        super().__init__(ledger.store.url.render_as_string(hide_password=False), busy_timeout_s=busy_timeout_s)
        with ExitStack() as opening:
            opening.callback(super().close)
            self._deliveries = opening.enter_context(Deliveries(ledger, busy_timeout_s=busy_timeout_s))
            self._records, _ = self._deliveries.read()
            self._lasts = [record["last"] for record in self._records]
            self._checked: set[int] = set()
            self._deliveries.verify_count(self._records)
            opening.pop_all()  # it is open, and stays so

    def close(self) -> None:
        self._deliveries.close()
        super().close()

    def of_month(self, month: str) -> list[NumberedFact]:
        """As there. Raises LedgerBroken for facts that are not those of their delivery."""
        of_month = super().of_month(month)
        self._check(fact.number for fact in of_month)
        return of_month

    def histories(self, decision_ids: Sequence[str] | None = None) -> dict[str, History]:
        """As there. Raises LedgerBroken for facts that are not those of their delivery."""
        self._check(self.numbers(decision_ids))
        return super().histories(decision_ids)

    def _check(self, numbers: Iterable[int]) -> None:
        of = {bisect_left(self._lasts, number) for number in numbers} - self._checked
        self._deliveries.verify_some([self._records[index] for index in sorted(of) if index < len(self._records)])
        self._checked |= of


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
    outcomes = source.with_name(OUTCOMES)
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
