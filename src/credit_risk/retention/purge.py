"""Destroying the keys of decisions whose term has ended, a hundred at a time, and reading that their content is gone.

A key of a month goes when the month lies before the day; the key of a person from before keys had months goes when the
last decision that it sealed does. Killed at any moment, what was destroyed is recorded, and the same command goes on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from typing import NamedTuple

import orjson
from sqlalchemy import ColumnElement, bindparam, case, func, literal_column, null, or_, select

from credit_risk.command_line import counted
from credit_risk.errors import CheckFailed
from credit_risk.ledger.chain import DECISION, Row
from credit_risk.ledger.database.schema import entries, keys
from credit_risk.ledger.database.statements import PAGE
from credit_risk.ledger.database.store import Store
from credit_risk.ledger.database.stored import FOR_ALL_TIME, KeyRow, Readable, decrypted, row_and_key
from credit_risk.ledger.errors import EntryError, LedgerUnavailable
from credit_risk.ledger.holds import Hold
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import LedgerReader

TOGETHER = 100  # keys of one transaction: a service that records decisions waits for no longer


class DueKey(NamedTuple):
    """A key whose time has come. wrapped: what stands in the table, to be searched for once it must be gone."""

    number: int
    wrapped: bytes


@dataclass
class Purged:
    """What went: keys with what stood there, the decisions that they had sealed, and the holds that kept others.

    ids: of these decisions; persons: the references of those of whom the ledger keeps nothing any more. Both to be
    searched for, and both empty where nothing is.
    """

    wrapped: dict[int, bytes] = field(default_factory=dict)
    decisions: int = 0
    holds: list[Hold] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    persons: set[str] = field(default_factory=set)


def due(ledger: Readable, before: date) -> Iterator[DueKey]:
    """The keys of decisions that were all made before a day (UTC), by number; held ones too."""
    statement, after, midnight = _page_of_due(ledger), 0, midnight_of(before)
    while True:
        with ledger.store.reading() as cursor:
            cursor.execute(statement, (f"{before:%Y-%m}", after))
            page = cursor.fetchall()
        if not page:
            return
        for number, wrapped, period, last in page:
            if period != FOR_ALL_TIME or (last is not None and last < midnight):
                yield DueKey(number, wrapped)
        after = page[-1][0]


def purge(
    ledger: Ledger,
    before: date,
    why: dict[str, str],
    *,
    by: str,
    remember: bool = False,
    elsewhere: Sequence[Hold] = (),
) -> Purged:
    """Destroy every key that is due and not held. why: stands with each in the chain, beside the day and who did it.

    elsewhere: holds of the ledger that this one is a copy of, which may have been placed since it was made.
    remember: read before, of which decisions and persons they are, so that files can be searched for these. Where
    nothing is due any more, they are the decisions that went earlier: so files are searched again once they are mended.
    Raises LedgerUnavailable where the database cannot be had or a reader keeps its log: run it again then.
    """
    purged = Purged()
    facts = {**why, "before": before.isoformat()}
    kept = {hold.key for hold in elsewhere}
    coming = (key for key in due(ledger, before) if key.number not in kept)
    while some := list(islice(coming, TOGETHER)):
        sealed = {key.number: list(_named(ledger, key.number)) for key in some} if remember else {}
        destroyed = ledger.destroy([key.number for key in some], facts, by=by)
        of_gone = [named for number in destroyed for named in sealed.get(number, ())]
        purged.ids |= {decision for decision, _ in of_gone}
        purged.persons |= {person for _, person in of_gone if person is not None}
        purged.wrapped |= {key.number: key.wrapped for key in some if key.number in destroyed}
        purged.decisions += sum(destroyed.values())
    ledger.store.scrub()  # also when nothing was due: an earlier purge may have stopped before it
    purged.holds = kept_by_holds(ledger, before, elsewhere)
    if remember and not purged.wrapped:
        purged.ids = set(_gone(ledger, midnight_of(before)))
    purged.persons = {person for person in purged.persons if not _is_kept(ledger, person)}
    return purged


def kept_by_holds(ledger: Ledger, before: date, elsewhere: Sequence[Hold] = ()) -> list[Hold]:
    """The holds whose decisions would go before a day. elsewhere: those of the ledger that this one is a copy of."""
    holds = {**{hold.decision_id: hold for hold in elsewhere}, **ledger.holds()}
    left = {key.number for key in due(ledger, before)} if holds else set()
    return [hold for hold in holds.values() if hold.key in left]


def opened_anew(ledger: Ledger) -> LedgerReader:
    """The same ledger through a connection of its own, which sees what is stored and nothing else."""
    store = Store(ledger.store.url.render_as_string(hide_password=False), busy_timeout_s=5.0, read_only=True)
    return LedgerReader(store, ledger.sql, ledger.ledger_id, ledger.secret, ledger.verification_key)


def prove_gone(ledger: Readable, purged: Purged, before: date) -> int:
    """Read again every decision whose key went; how many these are. ledger: opened anew, by a connection of its own.

    Raises CheckFailed if one of them can be read, or a key is left that is due and not held.
    """
    read = prove_unreadable(ledger, purged)
    kept = {hold.key for hold in purged.holds}
    if left := [key.number for key in due(ledger, before) if key.number not in kept]:
        due_still = counted(len(left), "key is due and was", "keys are due and were")
        raise CheckFailed(f"{due_still} not destroyed, as key {left[0]}. Run the purge again.")
    return read


def prove_unreadable(ledger: Readable, purged: Purged) -> int:
    """Read again every decision whose key went; how many these are. Raises CheckFailed if one can be read."""
    read = 0
    for number in purged.wrapped:
        for readable in _readable(ledger, number):
            if readable:
                raise CheckFailed(f"a decision of key {number} can still be read. Run `credit-risk ledger verify`.")
            read += 1
    return read


def midnight_of(day: date) -> int:
    """When a day begins, UTC, in microseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _gone(ledger: Ledger, midnight: int) -> list[str]:
    """The ids of decisions from before a moment whose keys were destroyed."""
    of_key = keys.c.number == entries.c.key
    these = (of_key, entries.c.kind == DECISION, entries.c.at < midnight, keys.c.wrapped.is_(null()))
    with ledger.store.core() as connection:
        return list(connection.execute(select(entries.c.decision_id).where(*these)).scalars())


def _named(ledger: Ledger, number: int) -> Iterator[tuple[str, str | None]]:
    """Of each decision that a key sealed, its id and the person's reference, if it came with one."""
    for row, key in _sealed_by(ledger, number):
        personal = decrypted(ledger.secret, row, key)
        yield row.decision_id, None if personal is None else orjson.loads(personal)["applicant"]


def _is_kept(ledger: Ledger, person: str) -> bool:
    """Whether the ledger keeps anything of a person."""
    try:
        return bool(ledger.keys_of(person))
    except EntryError:  # recorded when more was a reference than is today, and gone now
        return False


def _readable(ledger: Readable, number: int) -> Iterator[bool]:
    """Of each decision that a key sealed, whether it can be read."""
    if ledger.secret is None:
        raise LedgerUnavailable("whether a decision can be read takes the master key.")
    for row, key in _sealed_by(ledger, number):
        yield key.wrapped is not None or key.subject is not None or decrypted(ledger.secret, row, key) is not None


def _sealed_by(ledger: Readable, number: int) -> Iterator[tuple[Row, KeyRow]]:
    """The decisions that a key sealed, the oldest first, each with what stands of the key."""
    after = 0
    while True:
        with ledger.store.reading() as cursor:
            cursor.execute(ledger.sql.of_key, (number, after))
            page = [row_and_key(columns) for columns in cursor.fetchall()]
        if not page:
            return
        yield from ((row, key) for row, key in page if row.sealed is not None)
        after = page[-1][0].seq


def _page_of_due(ledger: Readable) -> str:
    """Parameters: the month before whose beginning a period must lie, and the number after which to go on."""
    whole: ColumnElement[str] = literal_column(f"'{FOR_ALL_TIME}'")
    decided = (entries.c.key == keys.c.number, entries.c.kind == literal_column("'decision'"))
    last = select(func.max(entries.c.at)).where(*decided).correlate(keys).scalar_subquery()
    of_all_time = keys.c.period == whole
    columns = (keys.c.number, keys.c.wrapped, keys.c.period, case((of_all_time, last), else_=null()))
    is_due = or_(keys.c.period < bindparam("month"), of_all_time)
    there = (is_due, keys.c.number > bindparam("after"), keys.c.wrapped.is_not(null()))
    query = select(*columns).where(*there).order_by(keys.c.number)
    limited = query.limit(literal_column(str(PAGE))).offset(literal_column("0"))
    return str(limited.compile(dialect=ledger.store.dialect))
