"""The ledger: decisions that are durable before they are answered, chained, and sealed person by person."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain as joined
from typing import Any

import orjson
from sqlalchemy import Table, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from credit_risk.ledger import chain, schema
from credit_risk.ledger.batch import Batch, Outcome
from credit_risk.ledger.chain import DECISION, ERASURE, Head, Row
from credit_risk.ledger.entry import Entry, Prepared, Record, new_id, prepare, record_of
from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
from credit_risk.ledger.sealing import Secret, unseal
from credit_risk.ledger.statements import Statements, halves, padded
from credit_risk.ledger.store import NO_FILE, Store
from credit_risk.ledger.tables import entries, head, identity, keys


@dataclass(frozen=True)
class Ledger:
    """An open ledger; safe to use from several threads, and by several processes on one database."""

    store: Store
    sql: Statements
    ledger_id: bytes
    secret: Secret

    @classmethod
    def open(cls, url: str, *, key: bytes, busy_timeout_s: float = 5.0, create: bool = True) -> "Ledger":
        """Open a ledger, bring its schema up to date, or make a new one if there is none.

        key: the master key. Raises LedgerUnavailable if it cannot be had now; LedgerRefused for another key, a newer
        schema, or a server that is set to lose what it called durable.
        """
        store = Store(url, busy_timeout_s=busy_timeout_s)
        if not create and store.path is not None and not store.path.is_file():
            raise LedgerUnavailable(f"{store.path}: {NO_FILE}")
        with ExitStack() as opening:
            opening.callback(store.close)
            if create:
                store.create()
            store.remember_file()
            store.check_settings()
            schema.migrated(store)
            ledger_id, wrapped = _identity(store, key, create=create)
            secret = Secret.unwrapped(key, wrapped, ledger_id)
            opening.pop_all()  # it is open, and stays so
        return cls(store, Statements(store.dialect), ledger_id, secret)

    def append(self, new: Sequence[Entry]) -> list[Outcome]:
        """Record decisions in one durable transaction; in place of an entry that conflicts stands its Conflict.

        An idempotency key that was used before with the same body gives the first decision; nothing is recorded twice.
        Raises LedgerUnavailable, and then nothing of it is recorded; EntryError for what is not JSON.
        """
        return self.write([self.prepare(entry) for entry in new])

    def prepare(self, entry: Entry) -> Prepared:
        """An entry as bytes, to be written later: raises EntryError before any other entry is at stake."""
        return prepare(entry, self.secret)

    def write(self, prepared: Sequence[Prepared], *, wait: bool = True) -> list[Outcome]:
        """`append` for prepared entries. Without `wait` it raises LedgerBusy where another process writes just now."""
        with self.store.writing(wait=wait) as cursor:
            batch = self._batch(cursor, prepared)
            outcomes = [batch.put(one) for one in prepared]
            self._insert(cursor, keys, batch.new_keys)
            self._extend(cursor, batch.start, batch.rows, batch.last_key)
        return outcomes

    def get(self, decision_id: str) -> Record | None:
        """A decision by its id, decrypted; of an erased person's only the facts."""
        return next(self._records(self.sql.by_id, (decision_id,)), None)

    def find(self, client: str, request_id: str) -> Record | None:
        """The decision that a client's idempotency key led to."""
        return next(self._records(self.sql.earlier(1), (self.secret.digest(b"request", client, request_id),)), None)

    def of(self, applicant: str) -> Iterator[Record]:
        """Every decision about a person, the oldest first: what a person may ask for."""
        if (number := self._number(self._subject(applicant))) is None:
            return
        after = 0
        while page := list(self._records(self.sql.of_key, (number, after))):
            yield from page
            after = page[-1].seq

    def head(self) -> Head:
        """Where the chain ends: write it down elsewhere, and `verify` finds a chain that was cut off since."""
        return head_of(self)[0]

    def ready(self) -> None:
        """Raises LedgerUnavailable if no decision could be recorded now, as far as that shows without writing."""
        self.head()

    def erase(self, applicant: str) -> int:
        """Destroy a person's key: of these decisions, counted, only the facts remain; the chain holds, and says so."""
        return self._erase(self._subject(applicant))

    def erase_decision(self, decision_id: str) -> int:
        """The same for a decision that came without a reference of the person."""
        return self._erase(self.secret.digest(b"subject", "decision", decision_id))

    def rekey(self, key: bytes) -> None:
        """Seal the ledger's secret under a new master key; from then on the old one opens nothing."""
        with self.store.writing() as cursor:
            cursor.execute(self.sql.set_secret, (self.secret.wrapped(key, self.ledger_id),))
        self.store.scrub()

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _batch(self, cursor: DBAPICursor, prepared: Sequence[Prepared]) -> Batch:
        cursor.execute(self.sql.head)
        seq, digest, last_key, _ = _one(cursor, self.store.place)
        batch = Batch(self.secret, Head(seq, digest), last_key)
        for values in padded([one.row.request for one in prepared if one.row.request is not None]):
            cursor.execute(self.sql.earlier(len(values)), values)
            for row in cursor.fetchall():
                batch.earlier[row[4]] = _unsealed(row, self.secret)
        for values in padded([one.subject for one in prepared if one.entry.applicant is not None]):
            cursor.execute(self.sql.known_keys(len(values)), values)
            for subject, number, wrapped in cursor.fetchall():
                batch.know(subject, number, wrapped)
        return batch

    def _extend(self, cursor: DBAPICursor, start: Head, rows: Sequence[Row], last_key: int) -> None:
        if not rows:
            return
        linked, end = chain.continued(start, rows)
        self._insert(cursor, entries, linked)
        mac = chain.signed(end, last_key, self.ledger_id, self.secret.signing)
        cursor.execute(self.sql.set_head, (end.seq, end.hash, last_key, mac))

    def _insert(self, cursor: DBAPICursor, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        # One statement for many rows: the interpreter's lock is given up and taken again once, not once a row.
        for part in halves(rows):
            cursor.execute(self.sql.insert(table, len(part)), tuple(joined.from_iterable(part)))

    def _records(self, statement: str, values: tuple[Any, ...]) -> Iterator[Record]:
        with self.store.reading() as cursor:
            cursor.execute(statement, values)
            found = cursor.fetchall()
        for row in found:
            if row[1] == DECISION:
                yield record_of(*_unsealed(row, self.secret))

    def _subject(self, applicant: str) -> bytes:
        return self.secret.digest(b"subject", "applicant", applicant)

    def _number(self, subject: bytes) -> int | None:
        with self.store.reading() as cursor:
            cursor.execute(self.sql.known_keys(1), (subject,))
            row = cursor.fetchone()
        return None if row is None else row[1]

    def _erase(self, subject: bytes) -> int:
        with self.store.writing() as cursor:
            cursor.execute(self.sql.head)
            seq, digest, last_key, _ = _one(cursor, self.store.place)
            cursor.execute(self.sql.known_keys(1), (subject,))
            known = cursor.fetchone()
            count = 0
            if known is not None:
                cursor.execute(self.sql.count_of_key, (known[1],))
                count = _one(cursor, self.store.place)[0]
                cursor.execute(self.sql.destroy_key, (known[1],))
                self._extend(cursor, Head(seq, digest), [_erasure(known[1], count)], last_key)
        self.store.scrub()  # also when there was nothing left to destroy: an earlier erasure may have stopped here
        return count


def head_of(ledger: Ledger) -> tuple[Head, int, bytes, int]:
    """The head, how many keys there were then, its signature, and the number of the last entry there really is."""
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.head_and_end)
        seq, digest, last_key, mac, last = _one(cursor, ledger.store.place)
        return Head(seq, digest), last_key, mac, last


def _one(cursor: DBAPICursor, place: str) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise LedgerUnavailable(f"the ledger {place} has lost its head: restore it from a backup.")
    return tuple(row)


def opened(secret: Secret, row: Row, wrapped: bytes | None) -> bytes | None:
    """What is personal in a row, by its person's wrapped key; None once that is gone."""
    cipher = None if wrapped is None else secret.unwrap(wrapped, row.key)
    if cipher is None or row.sealed is None:
        return None
    return unseal(cipher, row.sealed, row.decision_id.encode())


def _unsealed(found: Sequence[Any], secret: Secret) -> tuple[Row, bytes | None]:
    """A row of `entries` with its person's key behind it, and what that opens."""
    *columns, wrapped = found
    row = Row(*columns)
    return row, opened(secret, row, wrapped)


def _erasure(number: int, decisions: int) -> Row:
    decision_id, at = new_id()
    return Row(0, ERASURE, at, decision_id, None, number, orjson.dumps({"decisions": decisions}).decode(), None)


def _identity(store: Store, key: bytes, *, create: bool) -> tuple[bytes, bytes]:
    """The ledger's id and wrapped secret; made, with an empty chain, if this is a new ledger."""
    with store.core() as connection:
        schema.lock(connection)
        if found := connection.execute(select(identity.c.ledger_id, identity.c.secret)).one_or_none():
            return found[0], found[1]
        if not create:
            raise LedgerRefused(f"{store.place}: {NO_FILE}")
        return _begin(connection, key)


def _begin(connection: Connection, key: bytes) -> tuple[bytes, bytes]:
    ledger_id, secret = os.urandom(16), Secret.new()
    wrapped = secret.wrapped(key, ledger_id)
    start = chain.genesis(ledger_id)
    mac = chain.signed(start, 0, ledger_id, secret.signing)
    connection.execute(insert(identity), {"one": 1, "ledger_id": ledger_id, "secret": wrapped})
    connection.execute(insert(head), {"one": 1, "seq": 0, "hash": start.hash, "keys": 0, "mac": mac})
    return ledger_id, wrapped
