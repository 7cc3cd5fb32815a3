"""Verifying the chain: finds edits, deletions, insertions, reordering and a cut-off end, with one page in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credit_risk.ledger import chain
from credit_risk.ledger.chain import ERASURE, Head, Row
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.ledger import Ledger, head_of
from credit_risk.ledger.sealing import unseal

MAX_FAULTS_SHOWN = 20


@dataclass
class Verification:
    """The faults of a chain: `faults` has the first of them, `count` is their number. Erased decisions are no fault."""

    head: Head
    entries: int = 0
    erased: int = 0
    count: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.count == 0

    def fault(self, sentence: str) -> None:
        self.count += 1
        if len(self.faults) < MAX_FAULTS_SHOWN:
            self.faults.append(sentence)

    def raise_unless_it_holds(self) -> None:
        if not self.holds:
            more = [f"and {self.count - len(self.faults)} more"] if self.count > len(self.faults) else []
            faults = "\n".join(f"  {fault}" for fault in [*self.faults, *more])
            raise LedgerBroken(
                f"The ledger does not hold: {self.count} faults in {self.entries} entries.\n{faults}\n"
                "Keep this file as evidence, and restore a backup that `credit-risk ledger verify` finds whole."
            )


def verify(ledger: Ledger, remembered: Sequence[Head] = ()) -> Verification:
    """Walk the whole chain, and compare it with heads that were written down earlier.

    Other processes may go on recording: what comes after the head at the start is left to the next time.
    """
    head, keys, mac, last = head_of(ledger)
    verification = Verification(head)
    if mac != chain.signed(head, keys, ledger.ledger_id, ledger.secret.signing):
        verification.fault(
            "the head was not signed with this ledger's key: the end of the chain was set by somebody else"
        )
    if last > head.seq:
        verification.fault(f"entries {head.seq + 1} to {last} stand behind the end of the chain: they were put in")
    _walk(ledger, verification, head)
    for earlier in remembered:
        _check_remembered(ledger, verification, earlier)
    return verification


def _walk(ledger: Ledger, verification: Verification, head: Head) -> None:
    last = chain.genesis(ledger.ledger_id)
    for row, wrapped in rows(ledger, head.seq):
        if row.seq != last.seq + 1:
            verification.fault(f"entries {last.seq + 1} to {row.seq - 1} are missing")
        elif row.hash != chain.link(last.hash, row):
            verification.fault(
                f"entry {row.seq} is not what was recorded behind entry {last.seq}: one of them was changed"
            )
        verification.entries += 1
        _check_readable(ledger, verification, row, wrapped)
        last = Head(row.seq, row.hash)
    if last.seq != head.seq:
        verification.fault(f"entries {last.seq + 1} to {head.seq} are missing: the end was cut off")
    elif last.hash != head.hash:
        verification.fault(f"entry {last.seq} is not the one that the head names")


def _check_readable(ledger: Ledger, verification: Verification, row: Row, wrapped: bytes | None) -> None:
    """A decision can be read, or its person's key was destroyed and an entry says so."""
    if row.kind == ERASURE:
        return
    if wrapped is None:
        verification.erased += 1
        if not _erasure_recorded(ledger, row.key):
            verification.fault(f"entry {row.seq} cannot be read: key {row.key} is gone, and no erasure was recorded")
        return
    cipher = ledger.secret.unwrap(wrapped, row.key)
    if cipher is None:
        verification.fault(f"entry {row.seq} cannot be read: key {row.key} was changed")
    elif not _opens_with(cipher, row):
        verification.fault(f"entry {row.seq} cannot be read: it was sealed with another key than {row.key}")


def _opens_with(cipher: AESGCM, row: Row) -> bool:
    return row.sealed is not None and unseal(cipher, row.sealed, row.decision_id.encode()) is not None


def _erasure_recorded(ledger: Ledger, number: int) -> bool:
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.erasure_of_key, (number,))
        return bool(cursor.fetchall()[0][0])


def _check_remembered(ledger: Ledger, verification: Verification, head: Head) -> None:
    if head.seq == 0:
        same = head == chain.genesis(ledger.ledger_id)
    else:
        with ledger.store.reading() as cursor:
            cursor.execute(ledger.sql.hash_at, (head.seq,))
            same = [tuple(row) for row in cursor.fetchall()] == [(head.hash,)]
    if head.seq > verification.head.seq:
        verification.fault(
            f"the chain once reached entry {head.seq} and now ends at {verification.head.seq}: the end was cut off"
        )
    elif not same:
        verification.fault(f"entry {head.seq} is not the one that was written down: the chain was made anew")


def rows(ledger: Ledger, last: int, after: int = 0) -> Iterator[tuple[Row, bytes | None]]:
    """Entries after one number up to another, the oldest first, each with its person's wrapped key; by pages."""
    while page := _page(ledger, after, last):
        for *columns, wrapped in page:
            yield Row(*columns), wrapped
        after = page[-1][0]


def _page(ledger: Ledger, after: int, last: int) -> list[Any]:
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.page, (after, last))
        return list(cursor.fetchall())
