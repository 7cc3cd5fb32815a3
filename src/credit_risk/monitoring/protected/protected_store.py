"""Protected attributes that applicants gave of their own will, for watching decisions, and for nothing else.

They stand in a file of their own (on PostgreSQL a table), by the ledger's keyed digest of the person, sealed twice:
under a key that the service does not have, and under the person's own key in the ledger. Erasing the person, or purging
that month, destroys the latter, and nobody can read them any more. No decision can be joined with them by whoever lacks
either key.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Row, Table, delete, insert, select
from sqlalchemy.engine import Connection

from credit_risk.ledger.database import schema
from credit_risk.ledger.database.schema import keys
from credit_risk.ledger.database.stored import KeyRow
from credit_risk.ledger.errors import LedgerRefused
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.reference import canonical
from credit_risk.ledger.sealing import seal, unseal
from credit_risk.monitoring.records.beside_ledger import BesideLedger, is_begun

VARIABLE = "CREDIT_RISK_PROTECTED_KEY"
FILE = "protected.db"
TOGETHER = 500

metadata = MetaData()
persons = Table(
    "protected_1",  # the number is the version of these columns
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("key", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

Attributes = Mapping[str, str]
Became = Literal["added", "changed", "known", "unknown"]


@dataclass(frozen=True)
class PersonKey:
    """A person's key in the ledger that is there: its number and cipher."""

    subject: bytes
    number: int
    cipher: AESGCM


def anything_recorded(ledger: Ledger, *, busy_timeout_s: float) -> bool:
    """Whether attributes of anybody are recorded, which is seen without their key."""
    url = ledger.store.url.render_as_string(hide_password=False)
    if not is_begun(url, FILE):
        return False
    with BesideLedger(url, metadata, busy_timeout_s=busy_timeout_s, file=FILE) as store, store.store.core() as reading:
        return reading.execute(select(persons.c.key).limit(1)).one_or_none() is not None


class ProtectedAttributes(BesideLedger):
    """The attributes of one ledger's persons. key: their own master key, 32 bytes.

    Raises LedgerRefused for another key than the rows that are there were sealed under.
    """

    def __init__(self, ledger: Ledger, key: bytes, *, busy_timeout_s: float) -> None:
        url = ledger.store.url.render_as_string(hide_password=False)
        super().__init__(url, metadata, busy_timeout_s=busy_timeout_s, file=FILE)
        with ExitStack() as opening:
            opening.callback(self.close)
            self._ledger, self._cipher = ledger, AESGCM(key)
            self._refuse_another_key()
            opening.pop_all()  # it is open, and stays so

    def record(self, given: Mapping[str, Attributes]) -> dict[str, Became]:
        """Record attributes by applicant's reference, in one transaction; what became of each.

        A later word of a person stands in the place of the earlier. unknown: nobody of that reference whose decisions
        can be read is in the ledger. Raises ReferenceRefused.
        """
        subjects = {applicant: self._subject(applicant) for applicant in given}
        newest = {each.subject: each for each in self._keys(keys.c.subject, list(subjects.values()))}
        before = self.of_subjects(list(newest))
        became: dict[str, Became] = {}
        with self.store.core() as connection:
            schema.lock(connection)
            for applicant, subject in subjects.items():
                became[applicant] = _news(subject in newest, before.get(subject), given[applicant])
                if became[applicant] in ("added", "changed"):
                    person = newest[subject]
                    _replace(connection, subject, person.number, self._sealed(person, given[applicant]))
        return became

    def of_subjects(self, subjects: Sequence[bytes]) -> dict[bytes, Attributes]:
        """What is recorded of persons and can still be read. subjects: the ledger's keyed digests."""
        rows: list[Row[Any]] = []
        with self.store.core() as connection:
            for part in _parts(subjects):
                rows += connection.execute(select(*persons.c).where(persons.c.subject.in_(part))).all()
        there = {each.number: each for each in self._keys(keys.c.number, [row.key for row in rows])}
        return {
            row.subject: self._opened(there[row.key], row.sealed)
            for row in rows
            if row.key in there and there[row.key].subject == row.subject
        }

    def forget_erased(self) -> int:
        """Delete the rows that nobody can read any more, as the person was erased or the month purged; how many."""
        with self.store.core() as connection:
            schema.lock(connection)
            rows = connection.execute(select(persons.c.subject, persons.c.key)).all()
            there = {(each.subject, each.number) for each in self._keys(keys.c.number, [row.key for row in rows])}
            gone = [row.subject for row in rows if (row.subject, row.key) not in there]
            for part in _parts(gone):
                connection.execute(delete(persons).where(persons.c.subject.in_(part)))
        return len(gone)

    def _subject(self, applicant: str) -> bytes:
        return self._ledger.secret.digest(b"subject", "applicant", canonical(applicant))

    def _keys(self, column: "Column[bytes] | Column[int]", values: Sequence[bytes | int]) -> list[PersonKey]:
        """Keys of the ledger that are there, the newest of a person last."""
        columns = (keys.c.number, keys.c.wrapped, keys.c.subject, keys.c.period, keys.c.made)
        opened: list[tuple[int, KeyRow]] = []
        with self._ledger.store.core() as connection:
            for part in _parts(values):
                query = select(*columns).where(column.in_(part), keys.c.wrapped.is_not(None)).order_by(keys.c.number)
                opened += [(row.number, KeyRow(*row[1:])) for row in connection.execute(query)]
        ciphers = [(number, key.subject, key.cipher(self._ledger.secret, number)) for number, key in opened]
        return [PersonKey(subject, number, cipher) for number, subject, cipher in ciphers if subject and cipher]

    def _sealed(self, person: PersonKey, attributes: Attributes) -> bytes:
        inner = seal(person.cipher, json.dumps(dict(attributes), sort_keys=True).encode(), person.subject)
        return seal(self._cipher, inner, person.subject)

    def _opened(self, person: PersonKey, sealed: bytes) -> Attributes:
        inner = unseal(self._cipher, sealed, person.subject)
        content = None if inner is None else unseal(person.cipher, inner, person.subject)
        if content is None:
            raise LedgerRefused(f"{self.store.address}: a row of protected attributes was changed. Restore a copy.")
        attributes: Attributes = json.loads(content)
        return attributes

    def _refuse_another_key(self) -> None:
        with self.store.core() as connection:
            row = connection.execute(select(persons.c.subject, persons.c.sealed).limit(1)).one_or_none()
        if row is not None and unseal(self._cipher, row.sealed, row.subject) is None:
            raise LedgerRefused(
                f"{VARIABLE} is not the key that {self.store.address} was sealed with. Give the right one."
            )


def _news(is_there: bool, before: Attributes | None, now: Attributes) -> Became:
    if not is_there:
        return "unknown"
    return "added" if before is None else "known" if before == now else "changed"


def _replace(connection: Connection, subject: bytes, number: int, sealed: bytes) -> None:
    connection.execute(delete(persons).where(persons.c.subject == subject))
    connection.execute(insert(persons), {"subject": subject, "key": number, "sealed": sealed})


def _parts(values: "Sequence[bytes | int] | Sequence[bytes]") -> Iterable[Sequence[bytes | int]]:
    return (values[start : start + TOGETHER] for start in range(0, len(values), TOGETHER))
