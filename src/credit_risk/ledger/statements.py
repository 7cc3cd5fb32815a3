"""The SQL of the ledger, compiled once for each dialect to text with parameters by position."""

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, insert, literal_column, null, select, update
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from credit_risk.ledger.chain import ERASURE
from credit_risk.ledger.schema import entries, head, identity, keys

MOST_ROWS = 64  # of one statement
PAGE = 500  # rows that are held in memory at a time
ERASED: ColumnElement[str] = literal_column(f"'{ERASURE}'")  # written out: every parameter left is the caller's


class LedgerStatements:
    """The statements' texts for one dialect. A statement of many values takes a power of two: few texts, all cached."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._inserts = {table.name: self._text(insert(table)).split(" VALUES ") for table in (entries, keys)}
        self.insert = lru_cache(maxsize=None)(self._insert)
        self.earlier = lru_cache(maxsize=None)(self._earlier)
        self.known_keys = lru_cache(maxsize=None)(self._known_keys)

    def _text(self, statement: ClauseElement) -> str:
        return str(statement.compile(dialect=self._dialect))

    def _insert(self, table: Table, count: int) -> str:
        into, values = self._inserts[table.name]
        return f"{into} VALUES {', '.join([values] * count)}"

    def _earlier(self, count: int) -> str:
        """Rows of these requests, each with its person's key."""
        return self._text(_with_key().where(entries.c.request.in_(_binds(count))))

    def _known_keys(self, count: int) -> str:
        columns = select(keys.c.subject, keys.c.number, keys.c.wrapped)
        return self._text(columns.where(keys.c.subject.in_(_binds(count))))

    @cached_property
    def identity(self) -> str:
        return self._text(select(identity.c.ledger_id, identity.c.secret))

    @cached_property
    def head(self) -> str:
        """The head; PostgreSQL lets one transaction at a time have it."""
        return self._text(select(head.c.seq, head.c.hash, head.c["keys"], head.c.mac).with_for_update())

    @cached_property
    def head_and_end(self) -> str:
        """The head, and the number of the last entry there really is, at one moment."""
        end = select(func.coalesce(func.max(entries.c.seq), literal_column("0"))).scalar_subquery()
        return self._text(select(head.c.seq, head.c.hash, head.c["keys"], head.c.mac, end))

    @cached_property
    def set_head(self) -> str:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("seq", "hash", "keys", "mac")}
        return self._text(update(head).values(values))

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
        decided = entries.c.kind != ERASED
        return self._text(select(func.count()).where(entries.c.key == bindparam("number"), decided))

    @cached_property
    def erasure_of_key(self) -> str:
        erased = entries.c.kind == ERASED
        return self._text(select(func.count()).where(entries.c.key == bindparam("number"), erased))

    @cached_property
    def destroy_key(self) -> str:
        gone = {"subject": null(), "wrapped": null()}
        return self._text(update(keys).values(gone).where(keys.c.number == bindparam("which")))

    @cached_property
    def set_secret(self) -> str:
        return self._text(update(identity).values(secret=bindparam("new_secret")))


def _with_key() -> Select[Any]:
    return select(*entries.c, keys.c.wrapped).outerjoin_from(entries, keys, keys.c.number == entries.c.key)


def _page(query: Select[Any]) -> Select[Any]:
    """Written out (see ERASED), the offset too, which SQLite's dialect would else make a parameter of."""
    return query.order_by(entries.c.seq).limit(literal_column(str(PAGE))).offset(literal_column("0"))


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
