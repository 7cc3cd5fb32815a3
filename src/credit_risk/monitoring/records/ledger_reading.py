"""Reading a ledger for monitoring: decisions behind an entry or by their ids, and what persons said of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date
from functools import lru_cache
from typing import NamedTuple

import orjson
from sqlalchemy import BindParameter, bindparam, literal_column, select
from sqlalchemy.engine import Dialect

from credit_risk.ledger import chain
from credit_risk.ledger.chain import DECISION, Row
from credit_risk.ledger.database.schema import entries, keys
from credit_risk.ledger.database.stored import KeyRow, decrypted, row_and_key
from credit_risk.ledger.entry import StoredDecision, is_of_row, moment, stored_decision
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import rows
from credit_risk.scoring.signed_chain import Head

TOGETHER = 500


def behind(ledger: Ledger, after: Head) -> Iterator[tuple[Row, KeyRow]]:
    """Every entry behind one, in the chain; Head(0, b"") for all. Raises LedgerBroken where the chain does not hold."""
    previous = after.hash or chain.genesis(ledger.ledger_id).hash
    for row, key in rows(ledger, ledger.head().seq, after=after.seq):
        if not chain.follows(previous, row):
            raise LedgerBroken(
                f"entry {row.seq} is not in the chain as it was recorded, or entry {after.seq} is not the one that was "
                "counted: run `credit-risk ledger verify`."
            )
        previous = row.hash
        yield row, key


def head_at(ledger: Ledger, seq: int) -> Head:
    """The entry of a number, as the ledger has it now. Raises LedgerBroken if it is not there."""
    if seq == 0:
        return Head(0, b"")
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.hash_at, (seq,))
        row = cursor.fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise LedgerBroken(f"entry {seq} is missing: run `credit-risk ledger verify`.")
    return Head(seq, row[0])


def unsealed(ledger: Ledger, row: Row, key: KeyRow) -> StoredDecision:
    """The decision of an entry; of an erased person only the facts."""
    return stored_decision(row, decrypted(ledger.secret, row, key))


def by_ids(ledger: Ledger, decision_ids: Sequence[str]) -> Iterator[StoredDecision]:
    """These decisions, TOGETHER at a time. Raises LedgerBroken for one that is missing or not as it was recorded."""
    for start in range(0, len(decision_ids), TOGETHER):
        part = decision_ids[start : start + TOGETHER]
        decisions = some_of(ledger, part)
        for decision_id in part:
            if decision_id not in decisions:
                raise LedgerBroken(f"decision {decision_id} is missing: run `credit-risk ledger verify`.")
            yield decisions[decision_id]


def some_of(ledger: Ledger, decision_ids: Sequence[str]) -> dict[str, StoredDecision]:
    """Those of these decisions that the ledger holds, in one look. Raises LedgerBroken as `Ledger.get` does."""
    ids = sorted({each for each in decision_ids if each.isprintable()})  # PostgreSQL takes no NUL
    if not ids:
        return {}
    with ledger.store.reading() as cursor:
        cursor.execute(_by_ids(ledger.store.dialect, len(ids)), tuple(ids))
        rows = [row_and_key(columns) for columns in cursor.fetchall()]
    return {row.decision_id: _checked(ledger, row, key) for row, key in rows if row.kind == DECISION}


def _checked(ledger: Ledger, row: Row, key: KeyRow) -> StoredDecision:
    """What is sealed vouches for what stands in clear beside it; of an erased person the chain has to."""
    personal = decrypted(ledger.secret, row, key)
    if personal is not None and is_of_row(personal, row):
        return stored_decision(row, personal)
    decision = ledger.get(row.decision_id)
    if decision is None:
        raise LedgerBroken(f"entry {row.seq} is no decision any more: run `credit-risk ledger verify`.")
    return decision


class Note(NamedTuple):
    """What a person said of a decision, in the chain: facts as they stand there. day: of the entry, in UTC."""

    decision_id: str
    kind: str
    facts: Mapping[str, str]
    day: date


def notes(ledger: Ledger, kinds: Sequence[str]) -> list[Note]:
    """What persons said of decisions, the oldest first. Raises LedgerBroken for what is not as it was recorded."""
    # Written out, as in ledger.database.statements: the index of what is no decision is found by it.
    of_kinds = entries.c.kind.in_([literal_column(f"'{kind}'") for kind in kinds])
    query = select(*entries.c).where(
        entries.c.kind != literal_column(f"'{DECISION}'"), of_kinds, entries.c.seq > literal_column("0")
    )
    with ledger.store.reading() as cursor:
        cursor.execute(str(query.order_by(entries.c.seq).compile(dialect=ledger.store.dialect)))
        rows = [Row(*row) for row in cursor.fetchall()]
    noted = []
    for row in rows:
        ledger.check_in_chain(row)
        facts = orjson.loads(row.facts)
        noted.append(Note(facts["of"], row.kind, facts, moment(row.at).astimezone(UTC).date()))
    return noted


@lru_cache
def _by_ids(dialect: Dialect, count: int) -> str:
    of_key = (keys.c.wrapped, keys.c.subject, keys.c.period, keys.c.made)
    query = select(*entries.c, *of_key).outerjoin_from(entries, keys, keys.c.number == entries.c.key)
    ids: list[BindParameter[str]] = [bindparam(f"id_{number}") for number in range(count)]
    return str(query.where(entries.c.decision_id.in_(ids)).compile(dialect=dialect))
