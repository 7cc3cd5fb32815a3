"""What the database holds of a ledger, as values: its head, and an entry with the key that opens it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.engine.interfaces import DBAPICursor

from credit_risk.ledger.chain import Row
from credit_risk.ledger.database.statements import LedgerStatements
from credit_risk.ledger.database.store import Store
from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.sealing import Secret, unseal
from credit_risk.scoring.signed_chain import Head

ROW = len(Row._fields)
FOR_ALL_TIME = ""  # the period of keys from before there was one for each month; nothing new is sealed with them


class StoredHead(NamedTuple):
    """The row `head`, and the public key that stands in the ledger. keys: how many persons' keys were made so far."""

    seq: int
    hash: bytes
    keys: int
    mac: bytes
    signature: bytes | None
    verification_key: bytes | None

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)

    @classmethod
    def of(cls, columns: Sequence[Any]) -> "StoredHead | None":
        """The head of these columns, None for what cannot be one: SQLite stores whatever somebody writes."""
        seq, digest, keys, mac, *_ = columns
        numbers = all(isinstance(number, int) and number >= 0 for number in (seq, keys))
        return cls(*columns) if numbers and isinstance(digest, bytes) and isinstance(mac, bytes) else None


class KeyRow(NamedTuple):
    """What the table `keys` holds of an entry's key; all None where no such key is there.

    made: microseconds since 1970, UTC, None for a key from before schema 0003, when only the number was bound to it.
    """

    wrapped: bytes | None
    subject: bytes | None
    period: str | None
    made: int | None

    @property
    def bound(self) -> bytes:
        """What the wrapped key is bound to beside its number, so that none of it can be changed or swapped."""
        return bound_to(self.subject, self.period, self.made)

    def cipher(self, secret: Secret, number: int) -> AESGCM | None:
        """The cipher of the key; None if it is gone, or something in its row was changed."""
        return secret.unwrap(self.wrapped, number, self.bound) if isinstance(self.wrapped, bytes) else None


def bound_to(subject: bytes | None, period: str | None, made: int | None) -> bytes:
    if made is None and period == FOR_ALL_TIME:
        return b""
    return f"{made}:{period}:{subject!r}".encode("utf-8", "surrogatepass")


class Readable(Protocol):
    """What verifying needs of a ledger: its database, and its secret unless only the public part can be checked."""

    @property
    def store(self) -> Store: ...
    @property
    def sql(self) -> LedgerStatements: ...
    @property
    def ledger_id(self) -> bytes: ...
    @property
    def secret(self) -> Secret | None: ...
    @property
    def verification_key(self) -> bytes: ...


def stored_head(ledger: Readable) -> StoredHead:
    """The head as it stands. Raises LedgerUnavailable if there is none, or none that entries could be chained to."""
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.heads)
        return head_of(cursor, ledger.store.address)


def head_of(cursor: DBAPICursor, address: str) -> StoredHead:
    stored = StoredHead.of(single_row(cursor, address))
    if stored is None:
        raise LedgerUnavailable(f"the ledger {address} has lost its head: what stands there is none. Restore a backup.")
    return stored


def single_row(cursor: DBAPICursor, address: str) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise LedgerUnavailable(f"the ledger {address} has lost its head: restore it from a backup.")
    return tuple(row)


def row_and_key(columns: Sequence[Any]) -> tuple[Row, KeyRow]:
    """The columns of an entry, and those of its key behind them."""
    return Row(*columns[:ROW]), KeyRow(*columns[ROW:])


def decrypted(secret: Secret, row: Row, key: KeyRow) -> bytes | None:
    """The personal part of a row, decrypted with its person's key; None once that key is gone."""
    cipher = key.cipher(secret, row.key)
    if cipher is None or row.sealed is None:
        return None
    return unseal(cipher, row.sealed, row.decision_id.encode())
