"""The ledger: decisions that are durable before they are answered, chained, and sealed person by person."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain as joined
from typing import Any, TypeAlias

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Table, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from credit_risk.ledger import chain, schema
from credit_risk.ledger.chain import DECISION, ERASURE, Head, Row
from credit_risk.ledger.entry import (
    Entry,
    Prepared,
    Recorded,
    StoredDecision,
    moment,
    new_id,
    prepare,
    stored_decision,
)
from credit_risk.ledger.errors import Conflict, LedgerRefused, LedgerUnavailable
from credit_risk.ledger.reference import canonical
from credit_risk.ledger.schema import entries, head, identity, keys
from credit_risk.ledger.sealing import BYTES, Secret, seal, unseal
from credit_risk.ledger.statements import LedgerStatements, halves, padded
from credit_risk.ledger.store import NO_FILE, Store

EntryOutcome: TypeAlias = Recorded | Conflict | LedgerUnavailable


@dataclass
class Batch:
    """Entries of one transaction: sealed, chained after `start`, and compared with requests that were answered before.

    earlier: request → its row and personal part; ciphers: subject → the number and cipher of the person's key, None for
    a key that was altered. new_keys and rows are what the transaction is to insert.
    """

    secret: Secret
    start: Head
    last_key: int
    earlier: dict[bytes, tuple[Row, bytes | None]] = field(default_factory=dict)
    ciphers: dict[bytes, tuple[int, AESGCM | None]] = field(default_factory=dict)
    new_keys: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def add_key(self, subject: bytes, number: int, wrapped: bytes) -> None:
        self.ciphers[subject] = number, self.secret.unwrap(wrapped, number)

    def put(self, prepared: Prepared) -> EntryOutcome:
        """Add an entry, or give the first decision or the conflict of its idempotency key."""
        if prepared.row.request is not None and (known := self.earlier.get(prepared.row.request)):
            return _repeated(prepared, *known)
        number, cipher = self.ciphers.get(prepared.subject) or self._new_key(prepared.subject)
        if cipher is None:  # nothing may be sealed that cannot be opened again
            return LedgerUnavailable(
                f"the key of person {number} was altered, so nothing can be recorded for this person. "
                "Run `credit-risk ledger verify`."
            )
        sealed = seal(cipher, prepared.personal, prepared.row.decision_id.encode())
        row = prepared.row._replace(seq=self.start.seq + len(self.rows) + 1, key=number, sealed=sealed)
        self.rows.append(row)
        if row.request is not None:
            self.earlier[row.request] = row, prepared.personal
        return Recorded(row.decision_id, row.seq, moment(row.at), prepared.entry.decided, repeated=False)

    def _new_key(self, subject: bytes) -> tuple[int, AESGCM | None]:
        self.last_key += 1
        data_key = os.urandom(BYTES)
        self.new_keys.append((self.last_key, subject, self.secret.wrap(data_key, self.last_key)))
        self.ciphers[subject] = self.last_key, AESGCM(data_key)
        return self.ciphers[subject]


@dataclass(frozen=True)
class Ledger:
    """An open ledger; several threads may use it, and several processes may have one database open."""

    store: Store
    sql: LedgerStatements
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
            schema.migrate(store)
            ledger_id, wrapped = _identity(store, key, create=create)
            secret = Secret.unwrapped(key, wrapped, ledger_id)
            opening.pop_all()  # it is open, and stays so
        return cls(store, LedgerStatements(store.dialect), ledger_id, secret)

    def append(self, new: Sequence[Entry]) -> list[EntryOutcome]:
        """Record decisions in one durable transaction: one outcome for each entry, in their order.

        An entry that cannot be recorded has its Conflict, or LedgerUnavailable where its person's key was altered.
        An idempotency key that was used before with the same body gives the first decision; nothing is recorded twice.
        Raises LedgerUnavailable, and then nothing of it is recorded; EntryError for what is not JSON.
        """
        return self.write([self.prepare(entry) for entry in new])

    def prepare(self, entry: Entry) -> Prepared:
        """An entry as bytes, to be written later: raises EntryError before any other entry is at stake."""
        return prepare(entry, self.secret)

    def write(self, prepared: Sequence[Prepared], *, wait: bool = True) -> list[EntryOutcome]:
        """`append` for prepared entries. Without `wait` it raises LedgerBusy where another process writes just now."""
        with self.store.writing(wait=wait) as cursor:
            batch = self._batch(cursor, prepared)
            outcomes = [batch.put(each) for each in prepared]
            self._insert(cursor, keys, batch.new_keys)
            self._extend(cursor, batch.start, batch.rows, batch.last_key)
        return outcomes

    def get(self, decision_id: str) -> StoredDecision | None:
        """A decision by its id, decrypted; of an erased person's only the facts."""
        return next(self._records(self.sql.by_id, (decision_id,)), None)

    def find(self, client: str, request_id: str) -> StoredDecision | None:
        """The decision of a client's idempotency key, None if the key was not used."""
        return next(self._records(self.sql.earlier(1), (self.secret.digest(b"request", client, request_id),)), None)

    def decisions_about(self, applicant: str) -> Iterator[StoredDecision]:
        """Every decision about a person, the oldest first: what a person may ask for."""
        if (number := self._number(self._subject(applicant))) is None:
            return
        after = 0
        while page := list(self._records(self.sql.of_key, (number, after))):
            yield from page
            after = page[-1].seq

    def head(self) -> Head:
        """Where the chain ends. Written down elsewhere, it lets `verify` find a chain that was cut off since."""
        return head_of(self)[0]

    def ready(self) -> None:
        """Raises LedgerUnavailable if no decision could be recorded now, as far as that shows without writing."""
        self.head()

    def erase(self, applicant: str) -> int:
        """Destroy a person's key, and record that in the chain; returns of how many decisions only the facts remain."""
        return self._erase(self._subject(applicant))

    def erase_decision(self, decision_id: str) -> int:
        """`erase` for a decision that came without a reference of the person."""
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
        seq, digest, last_key, _ = _single_row(cursor, self.store.address)
        batch = Batch(self.secret, Head(seq, digest), last_key)
        for values in padded([each.row.request for each in prepared if each.row.request is not None]):
            cursor.execute(self.sql.earlier(len(values)), values)
            for row in cursor.fetchall():
                batch.earlier[row[4]] = _with_personal(row, self.secret)
        for values in padded([each.subject for each in prepared if each.entry.applicant is not None]):
            cursor.execute(self.sql.known_keys(len(values)), values)
            for subject, number, wrapped in cursor.fetchall():
                batch.add_key(subject, number, wrapped)
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

    def _records(self, statement: str, values: tuple[Any, ...]) -> Iterator[StoredDecision]:
        with self.store.reading() as cursor:
            cursor.execute(statement, values)
            page = cursor.fetchall()
        for row in page:
            if row[1] == DECISION:
                yield stored_decision(*_with_personal(row, self.secret))

    def _subject(self, applicant: str) -> bytes:
        return self.secret.digest(b"subject", "applicant", canonical(applicant))

    def _number(self, subject: bytes) -> int | None:
        with self.store.reading() as cursor:
            cursor.execute(self.sql.known_keys(1), (subject,))
            row = cursor.fetchone()
        return None if row is None else row[1]

    def _erase(self, subject: bytes) -> int:
        with self.store.writing() as cursor:
            cursor.execute(self.sql.head)
            seq, digest, last_key, _ = _single_row(cursor, self.store.address)
            cursor.execute(self.sql.known_keys(1), (subject,))
            known = cursor.fetchone()
            count = 0
            if known is not None:
                cursor.execute(self.sql.count_of_key, (known[1],))
                count = _single_row(cursor, self.store.address)[0]
                cursor.execute(self.sql.destroy_key, (known[1],))
                self._extend(cursor, Head(seq, digest), [_erasure(known[1], count)], last_key)
        self.store.scrub()  # also when there was nothing left to destroy: an earlier erasure may have stopped here
        return count


def _repeated(prepared: Prepared, row: Row, personal: bytes | None) -> EntryOutcome:
    if personal is None:
        return Conflict(row.decision_id, "whose person was erased since")
    first = orjson.loads(personal)
    if first["body_digest"] != prepared.entry.body_digest:
        return Conflict(row.decision_id, "which was made for another body")
    return Recorded(row.decision_id, row.seq, moment(row.at), first["decided"], repeated=True)


def head_of(ledger: Ledger) -> tuple[Head, int, bytes, int]:
    """The head, how many keys there were then, its signature, and the number of the last entry there really is."""
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.head_and_end)
        seq, digest, last_key, mac, last = _single_row(cursor, ledger.store.address)
        return Head(seq, digest), last_key, mac, last


def _single_row(cursor: DBAPICursor, address: str) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise LedgerUnavailable(f"the ledger {address} has lost its head: restore it from a backup.")
    return tuple(row)


def decrypted(secret: Secret, row: Row, wrapped: bytes | None) -> bytes | None:
    """The personal part of a row, decrypted with its person's wrapped key; None once that key is gone."""
    cipher = None if wrapped is None else secret.unwrap(wrapped, row.key)
    if cipher is None or row.sealed is None:
        return None
    return unseal(cipher, row.sealed, row.decision_id.encode())


def _with_personal(columns_and_key: Sequence[Any], secret: Secret) -> tuple[Row, bytes | None]:
    """The row, and its decrypted personal part. columns_and_key: of `entries`, the person's wrapped key at the end."""
    *columns, wrapped = columns_and_key
    row = Row(*columns)
    return row, decrypted(secret, row, wrapped)


def _erasure(number: int, decisions: int) -> Row:
    decision_id, at = new_id()
    return Row(0, ERASURE, at, decision_id, None, number, orjson.dumps({"decisions": decisions}).decode(), None)


def _identity(store: Store, key: bytes, *, create: bool) -> tuple[bytes, bytes]:
    """The ledger's id and wrapped secret; made, with an empty chain, if this is a new ledger."""
    with store.core() as connection:
        schema.lock(connection)
        if row := connection.execute(select(identity.c.ledger_id, identity.c.secret)).one_or_none():
            return row[0], row[1]
        if not create:
            raise LedgerRefused(f"{store.address}: {NO_FILE}")
        return _begin(connection, key)


def _begin(connection: Connection, key: bytes) -> tuple[bytes, bytes]:
    ledger_id, secret = os.urandom(16), Secret.new()
    wrapped = secret.wrapped(key, ledger_id)
    start = chain.genesis(ledger_id)
    mac = chain.signed(start, 0, ledger_id, secret.signing)
    connection.execute(insert(identity), {"one": 1, "ledger_id": ledger_id, "secret": wrapped})
    connection.execute(insert(head), {"one": 1, "seq": 0, "hash": start.hash, "keys": 0, "mac": mac})
    return ledger_id, wrapped
