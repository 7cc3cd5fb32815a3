"""Entries on their way into one transaction: sealed, and told apart from requests that were answered before."""

import os
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credit_risk.ledger.chain import Head, Row
from credit_risk.ledger.entry import Prepared, Recorded, moment
from credit_risk.ledger.errors import Conflict, LedgerUnavailable
from credit_risk.ledger.sealing import BYTES, Secret, seal

Outcome: TypeAlias = Recorded | Conflict | LedgerUnavailable


@dataclass
class Batch:
    """Entries on their way into one transaction: who is known already, and what is to be written."""

    secret: Secret
    start: Head
    last_key: int
    earlier: dict[bytes, tuple[Row, bytes | None]] = field(default_factory=dict)
    ciphers: dict[bytes, tuple[int, AESGCM | None]] = field(default_factory=dict)
    new_keys: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def know(self, subject: bytes, number: int, wrapped: bytes) -> None:
        self.ciphers[subject] = number, self.secret.unwrap(wrapped, number)

    def put(self, one: Prepared) -> Outcome:
        if one.row.request is not None and (known := self.earlier.get(one.row.request)):
            return _repeated(one, *known)
        number, cipher = self.ciphers.get(one.subject) or self._new_key(one.subject)
        if cipher is None:  # nothing may be sealed that cannot be opened again
            return LedgerUnavailable(
                f"the key of person {number} was altered, so nothing can be recorded for this person. "
                "Run `credit-risk ledger verify`."
            )
        sealed = seal(cipher, one.personal, one.row.decision_id.encode())
        row = one.row._replace(seq=self.start.seq + len(self.rows) + 1, key=number, sealed=sealed)
        self.rows.append(row)
        if row.request is not None:
            self.earlier[row.request] = row, one.personal
        return Recorded(row.decision_id, row.seq, moment(row.at), one.entry.decided, repeated=False)

    def _new_key(self, subject: bytes) -> tuple[int, AESGCM | None]:
        self.last_key += 1
        data_key = os.urandom(BYTES)
        self.new_keys.append((self.last_key, subject, self.secret.wrap(data_key, self.last_key)))
        self.ciphers[subject] = self.last_key, AESGCM(data_key)
        return self.ciphers[subject]


def _repeated(one: Prepared, row: Row, plain: bytes | None) -> Outcome:
    if plain is None:
        return Conflict(row.decision_id, "whose person was erased since")
    first = orjson.loads(plain)
    if first["body_digest"] != one.entry.body_digest:
        return Conflict(row.decision_id, "which was made for another body")
    return Recorded(row.decision_id, row.seq, moment(row.at), first["decided"], repeated=True)
