"""Verifying a ledger: every row of every table is what was recorded, with one page of it in memory.

With the ledger's secret everything is checked. With the public key alone an auditor's account, which may only read,
checks the chain, its signed head and which keys are there; `Verification.unchecked` says what it could not check.
"""

import hmac
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import orjson

from credit_risk.ledger import chain
from credit_risk.ledger.chain import DECISION, ERASURE, NOT_SIGNED, Row
from credit_risk.ledger.database import schema
from credit_risk.ledger.database.statements import LedgerStatements
from credit_risk.ledger.database.store import NO_FILE, Store
from credit_risk.ledger.database.stored import FOR_ALL_TIME, KeyRow, Readable, StoredHead, row_and_key, stored_head
from credit_risk.ledger.entry import period_of
from credit_risk.ledger.errors import LedgerBroken, LedgerRefused
from credit_risk.ledger.sealing import Secret, signature_holds, unseal
from credit_risk.scoring.signed_chain import ChainWalk, Head, fault_against

MAX_FAULTS_SHOWN = 20
MOST_AT = 253_402_300_800_000_000  # microseconds until the year 10000
PUBLIC_KEY_CANNOT = (
    "not checked, as that takes the master key: that personal parts can be read, that they are of the persons whose "
    "keys sealed them, and the head's HMAC"
)
NOT_SIGNED_PUBLICLY = (
    "the head's public signature is not of this head: somebody changed one of them, or an earlier version wrote last "
    "(opening the ledger anew signs it then)"
)


@dataclass(frozen=True)
class LedgerReader(AbstractContextManager["LedgerReader"]):
    """A ledger that is only read, by an account that may do no more. secret: None without the master key."""

    store: Store
    sql: LedgerStatements
    ledger_id: bytes
    secret: Secret | None
    verification_key: bytes

    @classmethod
    def open(
        cls, url: str, *, key: bytes | None = None, verification_key: bytes | None = None, busy_timeout_s: float = 5.0
    ) -> "LedgerReader":
        """Open a ledger to verify it; nothing is made, brought forward or written.

        key: the master key. verification_key: the public key that heads are checked with, default the master key's
        own, or else the one that stands in the ledger, which proves nothing against those who could replace it.
        Raises LedgerUnavailable, and LedgerRefused for another master key or another schema.
        """
        store = Store(url, busy_timeout_s=busy_timeout_s, read_only=True)
        with ExitStack() as opening:
            opening.callback(store.close)
            store.remember_file()
            schema.check_version(store)
            sql = LedgerStatements(store.dialect)
            with store.reading() as cursor:
                cursor.execute(sql.identity)
                row = cursor.fetchone()
            if row is None or not all(isinstance(value, bytes) for value in row[:2]):
                raise LedgerRefused(f"{store.address}: {NO_FILE}")
            secret = None if key is None else Secret.unwrapped(key, row[1], row[0])
            public = verification_key or (row[2] if secret is None else secret.verification_key)
            opening.pop_all()  # it is open, and stays so
        return cls(store, sql, row[0], secret, public if isinstance(public, bytes) else b"")

    def head(self) -> Head:
        """Where the chain ends. Raises LedgerBroken for a head that this ledger's key did not sign."""
        stored = stored_head(self)
        if fault := next(_faults_of_head(self, stored), None):
            raise LedgerBroken(f"{fault}. Run `credit-risk ledger verify`.")
        return stored.head

    def close(self) -> None:
        self.store.close()

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Verification:
    """The faults of a ledger: `faults` has the first of them, `count` is their number. Erased decisions are no fault.

    unchecked: what could not be checked without the master key, as a sentence.
    """

    head: Head
    unchecked: str | None = None
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
            faults, ending = "\n".join(f"  {fault}" for fault in [*self.faults, *more]), "s" * (self.count > 1)
            raise LedgerBroken(
                f"The ledger does not hold: {self.count} fault{ending} in {self.entries} entries.\n{faults}\n"
                "Keep this file as evidence, and restore a backup that `credit-risk ledger verify` finds whole."
            )


class Extent(NamedTuple):
    """What stands in the tables at one moment: how many rows, and the first and the last number of those that have one.

    Of a table that somebody made anew, a number may be anything, stand twice, or be none.
    """

    identities: int
    entries: int
    first_entry: object
    last_entry: object
    keys: int
    first_key: object
    last_key: object


def verify(ledger: Readable, remembered: Sequence[Head] = ()) -> Verification:
    """Check every row of every table, and compare the chain with heads that were written down earlier.

    Other processes may go on recording: what comes after the head at the start is left to the next time.
    """
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.extent)
        rows_of_head = cursor.fetchall()
    width = len(StoredHead._fields)
    stored = StoredHead.of(rows_of_head[0][:width]) if rows_of_head else None
    if stored is None:
        raise LedgerBroken(
            f"The ledger {ledger.store.address} does not hold: it has lost its head. Restore a backup that holds."
        )
    verification = Verification(stored.head, PUBLIC_KEY_CANNOT if ledger.secret is None else None)
    for fault in _faults_of_head(ledger, stored):
        verification.fault(fault)
    _check_extent(verification, stored, len(rows_of_head), Extent(*rows_of_head[0][width:]))
    _walk(ledger, verification, stored.head)
    _walk_keys(ledger, verification, stored.keys)
    for earlier in remembered:
        _check_remembered(ledger, verification, earlier)
    return verification


def _faults_of_head(ledger: Readable, stored: StoredHead) -> Iterator[str]:
    message = chain.head_message(stored.head, stored.keys, ledger.ledger_id)
    if ledger.secret is not None:
        mac = chain.signed(stored.head, stored.keys, ledger.ledger_id, ledger.secret.signing)
        if not hmac.compare_digest(stored.mac, mac):
            yield NOT_SIGNED
            return  # then no signature can be of it either
    if not signature_holds(ledger.verification_key, stored.signature, message):
        yield NOT_SIGNED_PUBLICLY
    if stored.verification_key != ledger.verification_key:
        yield "the public key that stands in the ledger is not the one that its heads are checked with: it was replaced"


def _check_extent(verification: Verification, stored: StoredHead, heads: int, extent: Extent) -> None:
    """Nothing stands outside entries 1 to the head's, and keys 1 to its number of keys."""
    if heads != 1:
        verification.fault(f"there are {heads} heads: all but one were put in")
    if extent.identities != 1:
        verification.fault(f"there are {extent.identities} identities of the ledger: all but one were put in")
    entries, keys = extent[1:4], extent[4:7]
    _check_numbers(verification, "entries", entries, stored.seq, before="the chain", behind="the end of the chain")
    _check_numbers(verification, "keys", keys, stored.keys, before="the first", behind="the last")


def _check_numbers(
    verification: Verification, what: str, extent: tuple[int, object, object], end: int, *, before: str, behind: str
) -> None:
    """No row but those of the numbers 1 to `end`, each once. Which of these is missing, the walk says."""
    rows, first, last = extent
    count = verification.count
    if isinstance(first, int) and first < 1:
        verification.fault(f"{what} from {first} to 0 stand before {before}: they were put in")
    if isinstance(last, int) and last > end:
        verification.fault(f"{what} {end + 1} to {last} stand behind {behind}: they were put in")
    if rows > end and verification.count == count:
        verification.fault(
            f"there are {rows} {what} and not {end}: some were put in under a number that is taken, or is none"
        )


def _walk(ledger: Readable, verification: Verification, head: Head) -> None:
    walk = ChainWalk(chain.genesis(ledger.ledger_id))
    for row, key in rows(ledger, head.seq):
        if fault := walk.fault_of(Head(row.seq, _bytes(row.hash)), partial(chain.follows, row=row)):
            verification.fault(fault)
        elif row.kind == DECISION and key.period not in (None, FOR_ALL_TIME, _period(row.at)):
            verification.fault(f"key {row.key} is of the period {key.period!r}, and entry {row.seq} is not")
        verification.entries += 1
        if row.kind == DECISION:
            _check_readable(ledger, verification, row, key)
    if fault := walk.fault_of_end(head):
        verification.fault(fault)


def _check_readable(ledger: Readable, verification: Verification, row: Row, key: KeyRow) -> None:
    """A decision can be read, and is of the person whose key it is; or that key was destroyed and an entry says so."""
    if key.wrapped is None:
        verification.erased += 1
        if not _erasure_recorded(ledger, row.key):
            verification.fault(f"entry {row.seq} cannot be read: key {row.key} is gone, and no erasure was recorded")
        return
    if ledger.secret is None:
        return
    cipher = key.cipher(ledger.secret, row.key)
    if cipher is None:
        verification.fault(f"entry {row.seq} cannot be read: key {row.key} was changed")
        return
    personal = unseal(cipher, _bytes(row.sealed), str(row.decision_id).encode())
    if personal is None:
        verification.fault(f"entry {row.seq} cannot be read: it was sealed with another key than {row.key}")
    elif key.subject != _subject(ledger.secret, row.decision_id, personal):
        verification.fault(
            f"key {row.key} does not name the person of entry {row.seq}: its subject was changed or swapped, "
            "and that person could not be found or erased"
        )


def _period(at: int) -> str | None:
    """The period of an entry; None for a time that no calendar has."""
    return period_of(at) if 0 <= at < MOST_AT else None


def _subject(secret: Secret, decision_id: str, personal: bytes) -> bytes:
    """The keyed digest that a key must have which sealed this."""
    applicant = orjson.loads(personal)["applicant"]
    words = ("decision", decision_id) if applicant is None else ("applicant", applicant)
    return secret.digest(b"subject", *words)


def _bytes(value: object) -> bytes:
    """A value that was read as bytes; SQLite's columns take anything, and whatever else stands there is a fault."""
    return value if isinstance(value, bytes) else b""


def _erasure_recorded(ledger: Readable, number: object) -> bool:
    if not isinstance(number, int):
        return False
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.count_of_key, (number, ERASURE))
        return bool(cursor.fetchall()[0][0])


class StoredKey(NamedTuple):
    """A row of `keys`; its erasure's number, time and facts, None without one; whether it sealed any decision."""

    number: int
    subject: bytes | None
    wrapped: bytes | None
    period: str
    made: int | None
    destroyed: int | None
    erasure: int | None
    erased_at: int | None
    erasure_facts: str | None
    used: bool


def _walk_keys(ledger: Readable, verification: Verification, last: int) -> None:
    """Keys and erasures agree both ways, and no key is missing or nobody's."""
    number = 0
    for key in map(StoredKey._make, _pages(ledger, ledger.sql.page_of_keys, last)):
        if key.number > number + 1:
            verification.fault(f"keys {number + 1} to {key.number - 1} are missing")
        number = key.number
        if fault := _fault_of_key(key):
            verification.fault(f"key {key.number} {fault}")
    if number < last:
        verification.fault(f"keys {number + 1} to {last} are missing")


def _fault_of_key(key: StoredKey) -> str | None:
    gone = key.wrapped is None and key.subject is None
    if not key.used:
        return "is nobody's: no decision was sealed with it"
    if key.erasure is None:
        return _fault_of_live_key(key)
    if not gone:
        return f"was destroyed by entry {key.erasure}, and something of it stands there again"
    if key.destroyed != key.erased_at or (key.made, key.period) != _made(key.erasure_facts):
        return f"has other times or another period than its erasure, entry {key.erasure}, recorded"
    return None


def _fault_of_live_key(key: StoredKey) -> str | None:
    if (key.wrapped is None and key.subject is None) or key.destroyed is not None:
        return "is gone, and no erasure was recorded"
    if key.wrapped is None or key.subject is None:
        return "was changed: it has no key, or no subject by which its person could be found or erased"
    return None


def _made(erasure_facts: str | None) -> tuple[int | None, str]:
    """When a destroyed key was made and for which period, as its erasure recorded them."""
    try:
        facts = orjson.loads(erasure_facts or "{}")
        return facts.get("made"), facts.get("period", FOR_ALL_TIME)
    except (ValueError, TypeError, AttributeError):  # the entry itself was changed, which is a fault of its own
        return None, FOR_ALL_TIME


def _check_remembered(ledger: Readable, verification: Verification, head: Head) -> None:
    hashes = [chain.genesis(ledger.ledger_id).hash]
    if head.seq:
        with ledger.store.reading() as cursor:
            cursor.execute(ledger.sql.hash_at, (head.seq,))
            hashes = [hash_ for (hash_,) in cursor.fetchall()]
    if fault := fault_against(head, verification.head, hashes[0] if hashes else None):
        verification.fault(fault)


def rows(ledger: Readable, last: int, after: int = 0) -> Iterator[tuple[Row, KeyRow]]:
    """Entries after one number up to another, the oldest first, each with its person's key; by pages."""
    yield from map(row_and_key, _pages(ledger, ledger.sql.page, last, after))


def _pages(ledger: Readable, statement: str, last: int, after: int = 0) -> Iterator[Any]:
    """The rows of a statement of pages whose number, their first column, lies behind one up to another."""
    page: Sequence[Any] = ((after,),)
    while page:
        with ledger.store.reading() as cursor:
            cursor.execute(statement, (page[-1][0], last))
            page = cursor.fetchall()
        yield from page
