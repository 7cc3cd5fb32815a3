"""The ledger: decisions that are durable before they are answered, chained, and sealed person by person."""

import heapq
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import chain as joined
from typing import Any

import orjson
from sqlalchemy import Table, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from credit_risk.ledger import chain, holds
from credit_risk.ledger.chain import DECISION, ERASURE, NOT_SIGNED, Row
from credit_risk.ledger.commit.batch import Batch, EntryOutcome
from credit_risk.ledger.database import schema
from credit_risk.ledger.database.schema import entries, head, identity, keys
from credit_risk.ledger.database.statements import LedgerStatements, halves, padded
from credit_risk.ledger.database.store import NO_FILE, Store
from credit_risk.ledger.database.stored import (
    KeyRow,
    StoredHead,
    decrypted,
    head_of,
    row_and_key,
    single_row,
    stored_head,
)
from credit_risk.ledger.entry import (
    Entry,
    Prepared,
    StoredDecision,
    client_of,
    is_of_row,
    new_id,
    prepare,
    stored_decision,
)
from credit_risk.ledger.errors import LedgerBroken, LedgerRefused, LedgerUnavailable
from credit_risk.ledger.holds import Hold
from credit_risk.ledger.reference import require_known, stored_forms
from credit_risk.ledger.sealing import Secret, signature_holds
from credit_risk.scoring.signed_chain import Head


@dataclass(frozen=True)
class Ledger(AbstractContextManager["Ledger"]):
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
        with ExitStack() as opening:
            opening.callback(store.close)
            if create:
                store.create()
            store.remember_file()
            store.check_settings()
            schema.migrate(store)
            ledger_id, wrapped = _identity(store, key, create=create)
            secret = Secret.unwrapped(key, wrapped, ledger_id)
            ledger = cls(store, LedgerStatements(store.dialect), ledger_id, secret)
            ledger._sign_where_unsigned()
            opening.pop_all()  # it is open, and stays so
        return ledger

    @property
    def verification_key(self) -> bytes:
        """The public key (32 bytes) that anybody may check heads with; keep it where nobody writes the ledger."""
        return self.secret.verification_key

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

    def get(self, decision_id: str, client: str | None = None) -> StoredDecision | None:
        """A decision by its id, decrypted; of an erased person's only the facts. None for an id that is not there.

        client: whose decision it must be, else None as well; without it anybody's.
        Raises LedgerBroken for a decision that is not as it was chained, or whose chain was changed beside it.
        """
        if not decision_id.isprintable():  # PostgreSQL takes no NUL, and neither database half a character
            return None
        return next(self._records(self.sql.by_id, (decision_id,), client), None)

    def decisions_about(self, applicant: str) -> Iterator[StoredDecision]:
        """Every decision about a person, the oldest first: what a person may ask for.

        Raises EntryError for what is no reference and never was, LedgerBroken as `get` does.
        """
        numbers = self.keys_of(applicant)
        yield from heapq.merge(*map(self._decisions_of_key, numbers), key=lambda record: record.seq)

    def keys_of(self, applicant: str) -> list[int]:
        """The numbers of a person's keys that are there. Raises EntryError for what is no reference."""
        subjects = self._subjects(applicant)
        with self.store.reading() as cursor:
            numbers = [number for number, *_ in self._keys_of(cursor, subjects)]
        require_known(applicant, stands=bool(numbers))
        return numbers

    def _decisions_of_key(self, number: int) -> Iterator[StoredDecision]:
        after = 0
        while page := list(self._records(self.sql.of_key, (number, after))):
            yield from page
            after = page[-1].seq

    def head(self) -> Head:
        """Where the chain ends. Written down elsewhere, it lets `verify` find a chain that was cut off since."""
        return stored_head(self).head

    def ready(self) -> None:
        """Raises LedgerUnavailable if no decision could be recorded now, as far as that shows without writing."""
        with self.store.reading() as cursor:
            self.store.recheck_settings(cursor)
        self._own(stored_head(self))

    def erase(self, applicant: str, *, by: str) -> int:
        """Destroy a person's keys, and record that in the chain; returns of how many decisions only the facts remain.

        by: who does it. 0: nobody of this reference is here, or no more. Raises EntryError for what is no reference and
        never was, LedgerRefused for a person with a decision under a legal hold.
        """
        erased = self._erase(self._subjects(applicant), by)
        require_known(applicant, stands=erased > 0)
        return erased

    def erase_decision(self, decision_id: str, *, by: str) -> int:
        """`erase` for a decision that came without a reference of the person."""
        if not decision_id.isprintable():
            return 0
        return self._erase([self.secret.digest(b"subject", "decision", decision_id)], by)

    def destroy(self, numbers: Sequence[int], why: Mapping[str, str], *, by: str) -> dict[int, int]:
        """Destroy keys whose time has come, but none of a decision under a hold, and record each, by whom and why.

        Returns how many decisions each destroyed key had sealed. One transaction; `store.scrub` then removes copies.
        """
        with self.store.writing() as cursor:
            stored = self._locked_head(cursor)
            held_keys = {hold.key for hold in self._holds(cursor).values()}
            there: list[tuple[int, int | None, str]] = []
            for number in numbers:
                if number not in held_keys:
                    cursor.execute(self.sql.key_to_destroy, (number,))
                    there += cursor.fetchall()
            return self._destroy(cursor, stored, there, by, why)

    def note(self, kind: str, decision_id: str, *, by: str, reason: str, **more: str) -> bool:
        """Add what a person says of a decision to the chain: a hold, a release, an override. In clear, and for ever.

        False for a decision that is not there. Raises LedgerRefused for one that cannot be read any more.
        """
        who, why = holds.text_in_clear(by, "who"), holds.text_in_clear(reason, "the reason")
        facts = {"of": decision_id, "by": who, "reason": why, **more}
        decision = self.get(decision_id)
        if decision is None:
            return False
        with self.store.writing() as cursor:
            stored = self._locked_head(cursor)
            cursor.execute(self.sql.by_id, (decision_id,))
            row, key = row_and_key(single_row(cursor, self.store.address))
            if key.wrapped is None:
                raise LedgerRefused(f"decision {decision_id} cannot be read any more: its key was destroyed.")
            note_id, at = new_id()
            note = Row(0, kind, at, note_id, None, row.key, orjson.dumps(facts).decode(), None)
            self._extend(cursor, stored.head, [note], stored.keys)
        return True

    def holds(self) -> dict[str, Hold]:
        """The legal holds that stand, by decision. Raises LedgerBroken for one that is not as it was recorded."""
        with self.store.reading() as cursor:
            return self._holds(cursor)

    def rekey(self, key: bytes) -> None:
        """Seal the ledger's secret under a new master key; from then on the old one opens nothing."""
        with self.store.writing() as cursor:
            self._change(cursor, self.sql.set_secret, (self.secret.wrapped(key, self.ledger_id),))
        self.store.scrub()

    def close(self) -> None:
        self.store.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _batch(self, cursor: DBAPICursor, prepared: Sequence[Prepared]) -> Batch:
        stored = self._locked_head(cursor)
        batch = Batch(self.secret, stored.head, stored.keys)
        for values in padded([each.row.request for each in prepared if each.row.request is not None]):
            cursor.execute(self.sql.earlier(len(values)), values)
            for row, of_row in map(row_and_key, cursor.fetchall()):
                batch.earlier[row.request] = row, decrypted(self.secret, row, of_row)
        of_persons = [each for each in prepared if each.entry.applicant is not None]
        periods = [each.period for each in of_persons]
        for values in padded([each.subject for each in of_persons]):
            cursor.execute(self.sql.known_keys(len(values)), (*values, min(periods), max(periods)))
            for key in cursor.fetchall():
                batch.add_key(*key)
        return batch

    def _locked_head(self, cursor: DBAPICursor) -> StoredHead:
        """The head, which no other transaction changes until this one has ended. Raises LedgerUnavailable as `_own`."""
        cursor.execute(self.sql.heads_to_write)
        return self._own(head_of(cursor, self.store.address))

    def _own(self, stored: StoredHead) -> StoredHead:
        """Raises LedgerUnavailable for a head that this ledger did not write: the next one would sign for it."""
        if stored.mac != self._mac(stored):
            raise LedgerUnavailable(f"the ledger {self.store.address}: {NOT_SIGNED}. Nothing is recorded behind it.")
        return stored

    def _holds(self, cursor: DBAPICursor) -> dict[str, Hold]:
        cursor.execute(self.sql.holds)
        rows = [Row(*row) for row in cursor.fetchall()]
        for row in rows:  # before anything is destroyed because no hold stands on it
            self.check_in_chain(row)
        return holds.standing(rows)

    def _extend(self, cursor: DBAPICursor, start: Head, rows: Sequence[Row], last_key: int) -> None:
        if not rows:
            return
        linked, end = chain.continued(start, rows)
        self._insert(cursor, entries, linked)
        mac = chain.signed(end, last_key, self.ledger_id, self.secret.signing)
        signature = self.secret.signature(chain.head_message(end, last_key, self.ledger_id))
        self._change(cursor, self.sql.set_head, (end.seq, end.hash, last_key, mac, signature))

    def _insert(self, cursor: DBAPICursor, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        # One statement for many rows: the interpreter's lock is given up and taken again once, not once a row.
        for part in halves(rows):
            self._change(cursor, self.sql.insert(table, len(part)), tuple(joined.from_iterable(part)), len(part))

    def _change(self, cursor: DBAPICursor, statement: str, values: tuple[Any, ...], rows: int = 1) -> None:
        """Raises LedgerUnavailable unless so many rows are changed: a trigger or rule may let some fall in silence."""
        cursor.execute(statement, values)
        if cursor.rowcount != rows:
            what = f"stored {cursor.rowcount} rows of {rows} without an error: a trigger or rule ignores some"
            raise LedgerUnavailable(f"the ledger {self.store.address} {what}. Nothing is recorded.")

    def _records(self, statement: str, values: tuple[Any, ...], client: str | None = None) -> Iterator[StoredDecision]:
        with self.store.reading() as cursor:
            cursor.execute(statement, values)
            page = cursor.fetchall()
        for columns in page:
            row, key = row_and_key(columns)
            if row.kind == DECISION and isinstance(columns[0], int) and row.seq > 0:
                # Before anything else is looked at: somebody else's decision takes no longer than an unknown id.
                if client is not None and client_of(row) != client:
                    continue
                self.check_in_chain(row)
                yield self._decision(row, key)

    def _decision(self, row: Row, key: KeyRow) -> StoredDecision:
        """The decision of a row that is chained to its neighbours: those can be chained anew, what is sealed cannot.

        Raises LedgerBroken where the sealed part cannot be read though its key is there, or was sealed beside something
        else. Nothing is sealed of an erased person's decision: what became of it shows only in verifying all.
        """
        personal = decrypted(self.secret, row, key)
        try:
            if key.wrapped is None or (personal is not None and is_of_row(personal, row)):
                return stored_decision(row, personal)
        except (ValueError, KeyError, TypeError, AttributeError):  # what stands in clear may be anything now
            pass
        raise LedgerBroken(
            f"decision {row.decision_id} is not as it was sealed (entry {row.seq}), so it is not shown. "
            "Run `credit-risk ledger verify`."
        )

    def check_in_chain(self, row: Row) -> None:
        """Raises LedgerBroken unless the row, its neighbours and the head are chained as this ledger chained them."""
        with self.store.reading() as cursor:
            # The head first: an entry that is chained meanwhile makes the neighbours more, and never fewer.
            cursor.execute(self.sql.heads)
            stored = head_of(cursor, self.store.address)
            cursor.execute(self.sql.around, (row.seq - 1, row.seq + 1))
            around = {values[0]: Row(*values) for values in cursor.fetchall()}
        before, after = around.get(row.seq - 1), around.get(row.seq + 1)
        previous = chain.genesis(self.ledger_id).hash if row.seq == 1 else before and before.hash
        chained = isinstance(previous, bytes) and around.get(row.seq) == row and chain.follows(previous, row)
        if row.seq == stored.seq:
            chained = chained and row.hash == stored.hash
        else:
            chained = chained and row.seq < stored.seq and after is not None and chain.follows(row.hash, after)
        if not chained or stored.mac != self._mac(stored):
            raise LedgerBroken(
                f"decision {row.decision_id} is not in the chain as it was recorded (entry {row.seq}), so it is not "
                "shown. Run `credit-risk ledger verify`."
            )

    def _mac(self, stored: StoredHead) -> bytes:
        return chain.signed(stored.head, stored.keys, self.ledger_id, self.secret.signing)

    def _sign_where_unsigned(self) -> None:
        """Sign a head that an earlier version wrote; one that is not this ledger's own stays unsigned."""
        stored = stored_head(self)
        message = chain.head_message(stored.head, stored.keys, self.ledger_id)
        if stored.verification_key and signature_holds(self.verification_key, stored.signature, message):
            return
        with self.store.writing() as cursor:
            cursor.execute(self.sql.set_verification_key, (self.verification_key,))
            cursor.execute(self.sql.heads_to_write)
            stored = head_of(cursor, self.store.address)
            if stored.mac == self._mac(stored):
                message = chain.head_message(stored.head, stored.keys, self.ledger_id)
                self._change(cursor, self.sql.set_signature, (self.secret.signature(message),))

    def _subjects(self, applicant: str) -> list[bytes]:
        """The keyed digests of a person: of the canonical reference first, then of forms from before there was one."""
        return [self.secret.digest(b"subject", "applicant", form) for form in stored_forms(applicant)]

    def _keys_of(self, cursor: DBAPICursor, subjects: Sequence[bytes]) -> list[tuple[int, int | None, str]]:
        """Number, time made and period of a person's keys. Another form than the first counts in keys from before."""
        cursor.execute(self.sql.keys_of(len(subjects)), tuple(subjects))
        rows = cursor.fetchall()
        return [
            (number, made, period) for subject, number, made, period in rows if subject == subjects[0] or made is None
        ]

    def _erase(self, subjects: Sequence[bytes], by: str) -> int:
        with self.store.writing() as cursor:
            stored = self._locked_head(cursor)
            these = self._keys_of(cursor, subjects)
            holds.refuse_held(self._holds(cursor).values(), (number for number, *_ in these))
            destroyed = self._destroy(cursor, stored, these, by, {})
        self.store.scrub()  # also when there was nothing left to destroy: an earlier erasure may have stopped here
        return sum(destroyed.values())

    def _destroy(
        self,
        cursor: DBAPICursor,
        stored: StoredHead,
        these: Sequence[tuple[int, int | None, str]],
        by: str,
        why: Mapping[str, str],
    ) -> dict[int, int]:
        """Destroy keys and record each; of each, how many decisions it sealed. these: number, time made and period."""
        erasures, counts, why = [], {}, {"by": holds.text_in_clear(by, "who"), **why}
        for number, made, period in these:
            cursor.execute(self.sql.count_of_key, (number, DECISION))
            counts[number] = single_row(cursor, self.store.address)[0]
            erasures.append(_erasure(number, counts[number], made, period, why))
            self._change(cursor, self.sql.destroy_key, (erasures[-1].at, number))
        self._extend(cursor, stored.head, erasures, stored.keys)
        return counts


def _erasure(number: int, decisions: int, made: int | None, period: str, why: Mapping[str, str]) -> Row:
    """The entry that says which key went, by whom (missing in older ones), why, and what stays of the key's row."""
    decision_id, at = new_id()
    facts = {"decisions": decisions, **({} if made is None else {"made": made, "period": period}), **why}
    return Row(0, ERASURE, at, decision_id, None, number, orjson.dumps(facts).decode(), None)


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
    signature = secret.signature(chain.head_message(start, 0, ledger_id))
    mine = {"one": 1, "ledger_id": ledger_id, "secret": wrapped, "verification_key": secret.verification_key}
    connection.execute(insert(identity), mine)
    start_row = {"one": 1, "seq": 0, "hash": start.hash, "keys": 0, "mac": mac, "signature": signature}
    connection.execute(insert(head), start_row)
    return ledger_id, wrapped
