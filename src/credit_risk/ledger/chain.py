"""The chain of entries: each entry's hash covers the one before, so that no entry can change, go or come unnoticed.

Hashes are over ciphertext and need no key: who holds the database alone can walk the chain. The head, which says where
the chain ends, carries a code made with the ledger's key: who lacks it cannot cut the end off and sign a new one.
It also carries a signature by the ledger's key pair, which an auditor checks with the public half alone.
"""

import hashlib
import hmac
import struct
from collections.abc import Sequence
from typing import NamedTuple

from credit_risk.scoring.signed_chain import Head

FORMAT = b"credit-risk ledger, chain 1"
HEAD_FORMAT = b"credit-risk ledger, head 1"
DECISION, ERASURE = "decision", "erasure"
HOLD, RELEASE, OVERRIDE = "hold", "release", "override"  # what a person says of a decision that stands in the chain
NOT_SIGNED = "the head was not signed with this ledger's key: the end of the chain was set by somebody else"
_NUMBERS = struct.Struct(">qqqiiiii")


class Row(NamedTuple):
    """One row of the table `entries`, column for column.

    at: microseconds since 1970, UTC. request: keyed digest of client and idempotency key. key: which person's key
    sealed it, went with it, or sealed the decision that it is about. facts: what may outlive the person, as JSON.
    sealed: all that is personal, encrypted.
    """

    seq: int
    kind: str
    at: int
    decision_id: str
    request: bytes | None
    key: int
    facts: str
    sealed: bytes | None
    hash: bytes = b""


def genesis(ledger_id: bytes) -> Head:
    """The head of an empty chain. It depends on the ledger's id, so that no entry fits into another ledger."""
    return Head(0, hashlib.sha256(FORMAT + ledger_id).digest())


def link(previous: bytes, row: Row) -> bytes:
    """The hash of an entry that follows `previous`: over every column but the hash, each with its length."""
    parts = (row.kind.encode(), row.decision_id.encode(), row.request, row.facts.encode(), row.sealed)
    lengths = [-1 if part is None else len(part) for part in parts]
    numbers = _NUMBERS.pack(row.seq, row.at, row.key, *lengths)
    return hashlib.sha256(b"".join((previous, numbers, *(part or b"" for part in parts)))).digest()


def follows(previous: bytes, row: Row) -> bool:
    """Whether an entry, read from a database that may hold anything, is the one that was chained behind `previous`."""
    numbers = (row.seq, row.at, row.key)
    texts = (row.kind, row.decision_id, row.facts)
    values = (row.request or b"", row.sealed or b"", row.hash)
    of_their_types = (
        all(isinstance(value, int) for value in numbers)
        and all(isinstance(value, str) for value in texts)
        and all(isinstance(value, bytes) for value in values)
    )
    return of_their_types and row.hash == link(previous, row)


def continued(head: Head, rows: Sequence[Row]) -> tuple[list[Row], Head]:
    """The rows numbered and hashed to follow the head, in their order, and the head after them."""
    linked = []
    seq, previous = head.seq, head.hash
    for row in rows:
        seq += 1
        numbered = row._replace(seq=seq)
        previous = link(previous, numbered)
        linked.append(numbered._replace(hash=previous))
    return linked, Head(seq, previous)


def signed(head: Head, keys: int, ledger_id: bytes, key: bytes) -> bytes:
    """The HMAC (32 bytes) of a head under the ledger's signing key. keys: how many persons' keys were made so far."""
    return hmac.digest(key, ledger_id + struct.pack(">qq", head.seq, keys) + head.hash, "sha256")


def head_message(head: Head, keys: int, ledger_id: bytes) -> bytes:
    """What the ledger's key pair signs of a head, so that others can check it; arguments as in `signed`."""
    return HEAD_FORMAT + ledger_id + struct.pack(">qq", head.seq, keys) + head.hash
