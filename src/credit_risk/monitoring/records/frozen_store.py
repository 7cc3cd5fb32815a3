"""Records that are only added beside a ledger: chained, and signed with the ledger's key pair.

Monitoring keeps what it has counted so: a record holds aggregates and no person, so erasing or purging decisions
afterwards changes no past figure. Hashes are those of scoring.signed_chain. Each record carries a signature of the
chain up to it, which the ledger's public key checks; a head that was written down elsewhere shows an end that was cut
off since.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, insert, select
from sqlalchemy.engine import Connection

from credit_risk.ledger.database import schema
from credit_risk.ledger.errors import LedgerBroken, LedgerBusy
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.sealing import signature_holds
from credit_risk.monitoring.records.beside_ledger import BesideLedger
from credit_risk.scoring.signed_chain import BEGINNING, ChainWalk, Head, fault_against, link

Record = dict[str, Any]


def table_of_records(name: str) -> Table:
    """A table of chained records in a metadata of its own. name: ends in the version of these columns."""
    return Table(
        name,
        MetaData(),
        Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
        Column("body", Text, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("signature", LargeBinary, nullable=False),
    )


records = table_of_records("frozen_records_1")


class SignedRecords(BesideLedger):
    """One chain of records of one ledger, beside its outcomes. Every failure of the database is LedgerUnavailable.

    subject: what the records are, as errors name them. purpose: what a signature is bound to, so that no signature of
    another chain counts here.
    """

    def __init__(self, ledger: Ledger, table: Table, *, subject: str, purpose: bytes, busy_timeout_s: float) -> None:
        url = ledger.store.url.render_as_string(hide_password=False)
        super().__init__(url, table.metadata, busy_timeout_s=busy_timeout_s)
        self._ledger, self._table, self._subject, self._purpose = ledger, table, subject, purpose

    def read(self, remembered: Sequence[Head] = ()) -> tuple[list[Record], Head]:
        """All records in their order and where they end. Raises LedgerBroken for a chain that does not hold."""
        with self.store.core() as connection:
            rows = connection.execute(select(*self._table.c).order_by(self._table.c.seq)).all()
        walk = ChainWalk(BEGINNING)
        for seq, body, hash_, signature in rows:
            head = Head(seq, hash_)
            if fault := walk.fault_of(head, partial(_follows, body=body, hash_=hash_)):
                raise LedgerBroken(f"{self._subject}: {fault}. Restore a copy of {self.store.address}.")
            if not signature_holds(self._ledger.verification_key, signature, self._message(head)):
                raise LedgerBroken(f"{self._subject}: entry {seq} was not signed with this ledger's key.")
        hashes = [BEGINNING.hash, *(row[2] for row in rows)]
        for earlier in remembered:
            if fault := fault_against(earlier, walk.last, hashes[earlier.seq] if earlier.seq < len(hashes) else None):
                raise LedgerBroken(f"{self._subject}: {fault}.")
        return [json.loads(row[1]) for row in rows], walk.last

    def add(self, new: Sequence[Mapping[str, Any]], behind: Head) -> Head:
        """Add records in one transaction. behind: where the chain ended when they were counted; the new end.

        Raises LedgerBusy if somebody has added records since: what was counted then is counted already.
        """
        with self.store.core() as connection:
            schema.lock(connection)
            if self._last(connection) != behind:
                raise LedgerBusy(
                    "frozen windows: another run has added records meanwhile. Nothing was added; run again."
                )
            return self.append(connection, new)

    def append(self, connection: Connection, new: Sequence[Mapping[str, Any]]) -> Head:
        """Add records within a transaction that is alone with the chain; the new end."""
        head = self._last(connection)
        for record in new:
            body = json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False)
            head = Head(head.seq + 1, link(head.hash, body))
            signature = self._ledger.secret.signature(self._message(head))
            row = {"seq": head.seq, "body": body, "hash": head.hash, "signature": signature}
            connection.execute(insert(self._table), row)
        return head

    def last_record(self, connection: Connection) -> Record | None:
        """The last record, as it stands there; None in an empty chain."""
        query = select(self._table.c.body).order_by(self._table.c.seq.desc()).limit(1)
        body = connection.execute(query).scalar_one_or_none()
        return None if body is None else json.loads(body)

    def _message(self, head: Head) -> bytes:
        return self._purpose + self._ledger.ledger_id + struct.pack(">q", head.seq) + head.hash

    def _last(self, connection: Connection) -> Head:
        seq, hash_ = self._table.c.seq, self._table.c.hash
        row = connection.execute(select(seq, hash_).order_by(seq.desc()).limit(1)).one_or_none()
        return BEGINNING if row is None else Head(*row)


class FrozenRecords(SignedRecords):
    """What monitoring has counted of one ledger's decisions."""

    def __init__(self, ledger: Ledger, *, busy_timeout_s: float) -> None:
        purpose = b"credit-risk monitoring, head 1"
        super().__init__(ledger, records, subject="frozen windows", purpose=purpose, busy_timeout_s=busy_timeout_s)


def _follows(previous: bytes, *, body: str, hash_: bytes) -> bool:
    return hash_ == link(previous, body)
