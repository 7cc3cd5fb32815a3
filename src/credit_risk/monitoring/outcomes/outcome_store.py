"""What became of accounts: facts that are only added, in tables of their own beside the ledger.

However long a delivery of outcomes is, no decision waits for it.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, NamedTuple

import pandas as pd
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
)
from sqlalchemy.engine import Connection

from credit_risk.ledger.database import schema
from credit_risk.monitoring.records.beside_ledger import BesideLedger

OutcomeKind = Literal["good", "indeterminate", "bad"]
# Cumulative: an account is as bad as it ever was, so over the months its outcome only moves to the right.
WORSE: Final[dict[str, int]] = {"good": 0, "indeterminate": 1, "bad": 2}

metadata = MetaData()
facts = Table(
    "outcome_facts_1",  # the number is the version of these columns
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("decision_id", Text, nullable=False, index=True),
    Column("month", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("observed_on", Text, nullable=False),
    Column("correction", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    UniqueConstraint("decision_id", "month", "outcome", "correction"),
)


class Fact(NamedTuple):
    """The worst state an account was in by the end of a month on book (ever bad), and on which day it was looked up.

    correction: why it stands in the place of an earlier fact of the same month; empty for one that replaces nothing.
    observed_on: ISO 8601. file: SHA-256 of the delivery it came with.
    """

    decision_id: str
    month: int
    outcome: str
    observed_on: str
    correction: str
    file: str


class NumberedFact(NamedTuple):
    """A fact with its number in the order in which facts were recorded."""

    number: int
    decision_id: str
    month: int
    outcome: str
    observed_on: str


History = list[Fact]
"""All facts of one decision in the order in which they were recorded."""


def by_month(history: Iterable[Fact | NumberedFact]) -> dict[int, str]:
    """The outcome by each month on book as it stands now: of several facts of a month the last."""
    return {fact.month: fact.outcome for fact in history}


class Outcomes(BesideLedger):
    """The facts of one ledger's decisions. Every failure of the database is LedgerUnavailable, nothing half-written."""

    def __init__(self, ledger_url: str, *, busy_timeout_s: float) -> None:
        super().__init__(ledger_url, metadata, busy_timeout_s=busy_timeout_s)

    @contextmanager
    def adding(self) -> Iterator["Transaction"]:
        """One transaction, alone with the facts: all that is added in it is kept, or nothing."""
        with self.store.core() as connection:
            schema.lock(connection)
            yield Transaction(connection)

    def histories(self, decision_ids: Sequence[str] | None = None) -> dict[str, History]:
        """The facts of these decisions, of all if none are named."""
        with self.store.core() as connection:
            return Transaction(connection).histories(decision_ids)

    def numbers(self, decision_ids: Sequence[str] | None = None) -> list[int]:
        """The numbers of the facts of these decisions, of all if none are named."""
        numbered = select(facts.c.number)
        if decision_ids is not None:
            numbered = numbered.where(facts.c.decision_id.in_(decision_ids))
        with self.store.core() as connection:
            return list(connection.execute(numbered).scalars())

    def of_month(self, month: str) -> list[NumberedFact]:
        """The facts of the decisions of a month (UTC), as 2026-11, in the order in which they were recorded."""
        columns = [facts.c[name] for name in NumberedFact._fields]
        with self.store.core() as connection:
            rows = connection.execute(select(*columns).where(*_is_of(month)).order_by(facts.c.number)).all()
        return [NumberedFact(*row) for row in rows]

    def last_of_month(self, month: str) -> int:
        """The number of the last fact of the decisions of a month; 0 without any."""
        with self.store.core() as connection:
            return connection.execute(select(func.max(facts.c.number)).where(*_is_of(month))).scalar_one() or 0


def _is_of(month: str) -> tuple[ColumnElement[bool], ...]:
    begin = pd.Period(month, freq="M")
    first, after = (first_id(month.start_time.timestamp()) for month in (begin, begin + 1))
    return facts.c.decision_id >= first, facts.c.decision_id < after


def first_id(seconds: float) -> str:
    """Where the ids of decisions begin from a time on: with that time in milliseconds (UUID of version 7)."""
    digits = f"{int(seconds * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}"


class Transaction:
    """The facts within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def count(self) -> int:
        return self.connection.execute(select(func.count()).select_from(facts)).scalar_one()

    def histories(self, decision_ids: Sequence[str] | None = None) -> dict[str, History]:
        """The facts of these decisions, of all if none are named."""
        histories: dict[str, History] = defaultdict(list)
        columns = [facts.c[name] for name in Fact._fields]
        ordered = select(*columns).order_by(facts.c.number)
        if decision_ids is not None:
            ordered = ordered.where(facts.c.decision_id.in_(decision_ids))
        for row in self.connection.execute(ordered):
            histories[row.decision_id].append(Fact(*row))
        return histories

    def add(self, new: Sequence[Fact]) -> None:
        if new:
            recorded = time.time_ns() // 1000
            self.connection.execute(insert(facts), [{**fact._asdict(), "recorded": recorded} for fact in new])
