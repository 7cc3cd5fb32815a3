"""What monitoring has counted, as records that are only added: chained, and signed with the ledger's key pair.

A record holds aggregates and no person, so erasing or purging decisions afterwards changes no past figure. Hashes are
those of scoring.signed_chain. Each record carries a signature of the chain up to it, which the ledger's public key
checks; a head that was written down elsewhere shows an end that was cut off since.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, insert, select
from sqlalchemy.engine import Connection

from credit_risk.ledger import schema
from credit_risk.ledger.errors import LedgerBroken, LedgerBusy
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.sealing import signature_holds
from credit_risk.monitoring.beside_ledger import BesideLedger
from credit_risk.scoring.signed_chain import BEGINNING, ChainWalk, Head, fault_against, link

FORMAT = b"credit-risk monitoring, head 1"

metadata = MetaData()
records = Table(
    "frozen_records_1",  # the number is the version of these columns
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

Record = dict[str, Any]


class FrozenRecords(BesideLedger):
    """The records of one ledger, beside its outcomes. Every failure of the database is LedgerUnavailable."""

    def __init__(self, ledger: Ledger, *, busy_timeout_s: float) -> None:
        url = ledger.store.url.render_as_string(hide_password=False)
        super().__init__(url, metadata, busy_timeout_s=busy_timeout_s)
        self._ledger = ledger

    def read(self, remembered: Sequence[Head] = ()) -> tuple[list[Record], Head]:
        """All records in their order and where they end. Raises LedgerBroken for a chain that does not hold."""
        with self.store.core() as connection:
            rows = connection.execute(select(*records.c).order_by(records.c.seq)).all()
        walk = ChainWalk(BEGINNING)
        for seq, body, hash_, signature in rows:
            head = Head(seq, hash_)
            if fault := walk.fault_of(head, partial(_follows, body=body, hash_=hash_)):
                raise LedgerBroken(f"frozen windows: {fault}. Restore a copy of {self.store.address}.")
            if not signature_holds(self._ledger.verification_key, signature, self._message(head)):
                raise LedgerBroken(f"frozen windows: entry {seq} was not signed with this ledger's key.")
        hashes = [BEGINNING.hash, *(row[2] for row in rows)]
        for earlier in remembered:
            if fault := fault_against(earlier, walk.last, hashes[earlier.seq] if earlier.seq < len(hashes) else None):
                raise LedgerBroken(f"frozen windows: {fault}.")
        return [json.loads(row[1]) for row in rows], walk.last

    def add(self, new: Sequence[Mapping[str, Any]], behind: Head) -> Head:
        """Add records in one transaction. behind: where the chain ended when they were counted; the new end.

        Raises LedgerBusy if somebody has added records since: what was counted then is counted already.
        """
        with self.store.core() as connection:
            schema.lock(connection)
            if _last(connection) != behind:
                raise LedgerBusy(
                    "frozen windows: another run has added records meanwhile. Nothing was added; run again."
                )
            head = behind
            for record in new:
                body = json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False)
                head = Head(head.seq + 1, link(head.hash, body))
                signature = self._ledger.secret.signature(self._message(head))
                row = {"seq": head.seq, "body": body, "hash": head.hash, "signature": signature}
                connection.execute(insert(records), row)
        return head

    def _message(self, head: Head) -> bytes:
        return FORMAT + self._ledger.ledger_id + struct.pack(">q", head.seq) + head.hash


def _follows(previous: bytes, *, body: str, hash_: bytes) -> bool:
    return hash_ == link(previous, body)


def _last(connection: Connection) -> Head:
    row = connection.execute(
        select(records.c.seq, records.c.hash).order_by(records.c.seq.desc()).limit(1)
    ).one_or_none()
    return BEGINNING if row is None else Head(*row)
