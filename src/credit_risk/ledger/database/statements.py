"""The SQL of the ledger, compiled once for each dialect to text with parameters by position."""

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, func, insert, literal_column, null, select, update
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from credit_risk.ledger.chain import DECISION, ERASURE, HOLD, RELEASE
from credit_risk.ledger.database.schema import entries, head, identity, keys

MOST_ROWS = 64  # of one statement
PAGE = 500  # rows that are held in memory at a time
ERASED: ColumnElement[str] = literal_column(f"'{ERASURE}'")  # written out: every parameter left is the caller's
DECIDED: ColumnElement[str] = literal_column(f"'{DECISION}'")
OF_HOLDS: tuple[ColumnElement[str], ...] = (literal_column(f"'{HOLD}'"), literal_column(f"'{RELEASE}'"))
IN_CHAIN = entries.c.seq > literal_column("0")


class LedgerStatements:
    """The statements' texts for one dialect. A statement of many values takes a power of two: few texts, all cached."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._inserts = {table.name: self._text(insert(table)).split(" VALUES ") for table in (entries, keys)}
        self.insert = lru_cache(maxsize=None)(self._insert)
        self.earlier = lru_cache(maxsize=None)(self._earlier)
        self.known_keys = lru_cache(maxsize=None)(self._known_keys)
        self.keys_of = lru_cache(maxsize=None)(self._keys_of)

    def _text(self, statement: ClauseElement) -> str:
        return str(statement.compile(dialect=self._dialect))

    def _insert(self, table: Table, count: int) -> str:
        into, values = self._inserts[table.name]
        return f"{into} VALUES {', '.join([values] * count)}"

    def _earlier(self, count: int) -> str:
        """Rows of these requests, each with its person's key."""
        return self._text(_with_key().where(entries.c.request.in_(_binds(count)), IN_CHAIN))

    def _known_keys(self, count: int) -> str:
        """The keys of these subjects for the periods from one to another, as decisions are sealed with them."""
        columns = select(keys.c.subject, keys.c.period, keys.c.number, keys.c.wrapped, keys.c.made)
        between = (keys.c.period >= bindparam("first"), keys.c.period <= bindparam("last"))
        of_these = (keys.c.subject.in_(_binds(count)), *between, keys.c.number > literal_column("0"))
        return self._text(columns.where(*of_these))

    def _keys_of(self, count: int) -> str:
        """The keys of these subjects for whatever period, in their order."""
        columns = select(keys.c.subject, keys.c.number, keys.c.made, keys.c.period)
        return self._text(columns.where(keys.c.subject.in_(_binds(count))).order_by(keys.c.number))

    @cached_property
    def identity(self) -> str:
        return self._text(select(identity.c.ledger_id, identity.c.secret, identity.c.verification_key))

    @cached_property
    def heads_to_write(self) -> str:
        """`heads`; PostgreSQL lets one transaction at a time have it."""
        return self._text(select(*_head_columns()).order_by(head.c.one).with_for_update(of=head))

    @cached_property
    def heads(self) -> str:
        """Every row of the head, of which there must be one, with the public key of the ledger's identity."""
        return self._text(select(*_head_columns()).order_by(head.c.one))

    @cached_property
    def extent(self) -> str:
        """`heads`, and at the same moment: rows of the identity; rows, first and last number of entries and of keys."""
        counts = [select(func.count()).select_from(identity)]
        for table, number in ((entries, entries.c.seq), (keys, keys.c.number)):
            counts += [
                select(func.count()).select_from(table),
                *(select(function(number)) for function in (func.min, func.max)),
            ]
        values = (count.scalar_subquery() for count in counts)
        return self._text(select(*_head_columns(), *values).order_by(head.c.one))

    @cached_property
    def set_head(self) -> str:
        names = ("seq", "hash", "keys", "mac", "signature")
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        return self._text(update(head).values(values))

    @cached_property
    def set_signature(self) -> str:
        return self._text(update(head).values(signature=bindparam("new_signature")))

    @cached_property
    def set_verification_key(self) -> str:
        unset = identity.c.verification_key.is_(null())
        return self._text(update(identity).values(verification_key=bindparam("new_key")).where(unset))

    @cached_property
    def around(self) -> str:
        """The entries from one number to another: an entry with its neighbours."""
        between = (entries.c.seq >= bindparam("first"), entries.c.seq <= bindparam("last"))
        return self._text(select(*entries.c).where(*between).order_by(entries.c.seq))

    @cached_property
    def by_id(self) -> str:
        return self._text(_with_key().where(entries.c.decision_id == bindparam("id")))

    @cached_property
    def of_key(self) -> str:
        """The next entries of a person behind a number, each with the person's key."""
        these = (entries.c.key == bindparam("number"), entries.c.seq > bindparam("after"))
        return self._text(_page(_with_key().where(*these)))

    @cached_property
    def page(self) -> str:
        """The next entries between two numbers, each with its person's key."""
        between = (entries.c.seq > bindparam("after"), entries.c.seq <= bindparam("last"))
        return self._text(_page(_with_key().where(*between)))

    @cached_property
    def hash_at(self) -> str:
        return self._text(select(entries.c.hash).where(entries.c.seq == bindparam("seq")))

    @cached_property
    def count_of_key(self) -> str:
        """How many entries of a kind there are about a key."""
        these = (entries.c.key == bindparam("number"), entries.c.kind == bindparam("kind"), IN_CHAIN)
        return self._text(select(func.count()).where(*these))

    @cached_property
    def holds(self) -> str:
        """Every hold and release, in their order."""
        of_index = (entries.c.kind != DECIDED, entries.c.kind.in_(OF_HOLDS), IN_CHAIN)
        return self._text(select(*entries.c).where(*of_index).order_by(entries.c.seq))

    @cached_property
    def key_to_destroy(self) -> str:
        """Number, time made and period of a key that is there."""
        there = (keys.c.number == bindparam("number"), keys.c.wrapped.is_not(null()))
        return self._text(select(keys.c.number, keys.c.made, keys.c.period).where(*there))

    @cached_property
    def page_of_keys(self) -> str:
        """The next keys between two numbers, each with its erasure and whether any decision was sealed with it."""
        erasure, decision = entries.alias("erasure"), entries.alias("decision")
        of_key = (erasure.c.key == keys.c.number, erasure.c.kind == ERASED, erasure.c.seq > literal_column("0"))
        sealed = (decision.c.key == keys.c.number, decision.c.kind == DECIDED, decision.c.seq > literal_column("0"))
        used = select(literal_column("1")).where(*sealed).exists()
        columns = (*keys.c, erasure.c.seq, erasure.c.at, erasure.c.facts, used)
        between = (keys.c.number > bindparam("after"), keys.c.number <= bindparam("last"))
        query = select(*columns).outerjoin_from(keys, erasure, and_(*of_key)).where(*between)
        return self._text(_limited(query.order_by(keys.c.number)))

    @cached_property
    def destroy_key(self) -> str:
        gone = {"subject": null(), "wrapped": null(), "destroyed": bindparam("new_destroyed")}
        return self._text(update(keys).values(gone).where(keys.c.number == bindparam("which")))

    @cached_property
    def set_secret(self) -> str:
        return self._text(update(identity).values(secret=bindparam("new_secret")))


def _head_columns() -> tuple[ColumnElement[Any], ...]:
    """The columns of ledger.StoredHead."""
    of_identity = _limited(select(identity.c.verification_key).order_by(identity.c.one), 1).scalar_subquery()
    return (head.c.seq, head.c.hash, head.c["keys"], head.c.mac, head.c.signature, of_identity)


def _with_key() -> Select[Any]:
    """Entries, each with the columns of ledger.KeyRow."""
    of_key = (keys.c.wrapped, keys.c.subject, keys.c.period, keys.c.made)
    return select(*entries.c, *of_key).outerjoin_from(entries, keys, keys.c.number == entries.c.key)


def _page(query: Select[Any]) -> Select[Any]:
    return _limited(query.order_by(entries.c.seq))


def _limited(query: Select[Any], most: int = PAGE) -> Select[Any]:
    """Written out (see ERASED), the offset too, which SQLite's dialect would else make a parameter of."""
    return query.limit(literal_column(str(most))).offset(literal_column("0"))


def _binds(count: int) -> list[Any]:
    return [bindparam(f"value_{index}") for index in range(count)]


def padded(values: list[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Values in parts for which a text is cached; the last one stands again and again, which finds nothing new."""
    for start in range(0, len(values), MOST_ROWS):
        part = values[start : start + MOST_ROWS]
        size = 1 << (len(part) - 1).bit_length()
        yield tuple(part + part[-1:] * (size - len(part)))


def halves(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Rows in parts whose sizes are powers of two: thirteen as eight, four and one."""
    start = 0
    while start < len(rows):
        size = min(MOST_ROWS, 1 << (len(rows) - start).bit_length() - 1)
        yield rows[start : start + size]
        start += size
