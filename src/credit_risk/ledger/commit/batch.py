"""Entries of one transaction, sealed and put behind the head, before any of them is written."""

import os
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credit_risk.ledger.chain import Row
from credit_risk.ledger.database.stored import KeyRow, bound_to
from credit_risk.ledger.entry import Prepared, RecordedDecision, moment
from credit_risk.ledger.errors import Conflict, LedgerUnavailable
from credit_risk.ledger.sealing import BYTES, Secret, seal
from credit_risk.scoring.signed_chain import Head

EntryOutcome: TypeAlias = RecordedDecision | Conflict | LedgerUnavailable


@dataclass
class Batch:
    """Entries of one transaction: sealed, chained after `start`, and compared with requests that were answered before.

    earlier: request → its row and personal part; ciphers: subject and period → the number and cipher of the person's
    key, None for a key that was altered. new_keys (columns of the table) and rows: what the transaction is to insert.
    """

    secret: Secret
    start: Head
    last_key: int
    earlier: dict[bytes | None, tuple[Row, bytes | None]] = field(default_factory=dict)
    ciphers: dict[tuple[bytes, str], tuple[int, AESGCM | None]] = field(default_factory=dict)
    new_keys: list[tuple[int, bytes, bytes, str, int, None]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def add_key(self, subject: bytes, period: str, number: int, wrapped: bytes, made: int | None) -> None:
        cipher = KeyRow(wrapped, subject, period, made).cipher(self.secret, number)
        self.ciphers[subject, period] = number, cipher

    def put(self, prepared: Prepared) -> EntryOutcome:
        """Add an entry, or give the first decision or the conflict of its idempotency key."""
        if prepared.row.request is not None and (known := self.earlier.get(prepared.row.request)):
            return _repeated(prepared, *known)
        whose = prepared.subject, prepared.period
        number, cipher = self.ciphers.get(whose) or self._new_key(*whose, prepared.row.at)
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
        return RecordedDecision(row.decision_id, row.seq, moment(row.at), prepared.entry.decided, repeated=False)

    def _new_key(self, subject: bytes, period: str, made: int) -> tuple[int, AESGCM | None]:
        self.last_key += 1
        data_key = os.urandom(BYTES)
        wrapped = self.secret.wrap(data_key, self.last_key, bound_to(subject, period, made))
        self.new_keys.append((self.last_key, subject, wrapped, period, made, None))
        self.ciphers[subject, period] = self.last_key, AESGCM(data_key)
        return self.ciphers[subject, period]


def _repeated(prepared: Prepared, row: Row, personal: bytes | None) -> EntryOutcome:
    if personal is None:
        return Conflict(row.decision_id, "whose content was erased or purged since")
    first = orjson.loads(personal)
    if first["body_digest"] != prepared.entry.body_digest:
        return Conflict(row.decision_id, "which was made for another body")
    return RecordedDecision(row.decision_id, row.seq, moment(row.at), first["decided"], repeated=True)
