"""The history of moves: a table that only grows, each entry holding the hash of the one before.

It decides who is champion. MLflow's aliases are set after it, so that of two promotions at once one wins: the entry's
number is the table's key, and a number is given once.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DDL, Column, Integer, MetaData, Table, Text, create_engine, event, insert, select
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import ExecutableDDLElement

from credit_risk.errors import UsageError
from credit_risk.registry.errors import RegistryBroken, RegistryMoved, RegistryUnavailable
from credit_risk.registry.lifecycle import HistoryEvent, Move

BEGINNING = "0" * 64
BUSY_S = 5

metadata = MetaData()
move_table = Table(
    "registry_moves",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

NO_CHANGE = "the registry only grows: moves are never changed or removed"


def _only_grows(dialect: str, statement: str) -> ExecutableDDLElement:
    return DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]


for _verb in ("UPDATE", "DELETE"):
    event.listen(
        move_table,
        "after_create",
        _only_grows(
            "sqlite",
            f"CREATE TRIGGER moves_no_{_verb.lower()} BEFORE {_verb} ON registry_moves "
            f"BEGIN SELECT RAISE(ABORT, '{NO_CHANGE}'); END",
        ),
    )
event.listen(
    move_table,
    "after_create",
    _only_grows(
        "postgresql",
        "CREATE FUNCTION moves_only_grow() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{NO_CHANGE}'; END $$; "
        "CREATE TRIGGER moves_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON registry_moves "
        "FOR EACH STATEMENT EXECUTE FUNCTION moves_only_grow()",
    ),
)


class History:
    """The moves of one registry, in SQLite or PostgreSQL by URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _engine(url)
        with self._reached():
            metadata.create_all(self._engine)

    def read(self) -> list[HistoryEvent]:
        """Every move, the first one first. Raises RegistryBroken where one was changed, put in or taken out."""
        events, previous = [], BEGINNING
        with self._reached() as connection:
            rows = connection.execute(select(move_table).order_by(move_table.c.seq)).all()
        for number, (seq, body, hash_) in enumerate(rows, 1):
            if seq != number or hash_ != _hash(previous, body):
                raise RegistryBroken(f"move {number} of the registry's history was altered, put in or taken out.")
            events.append(_event(seq, body))
            previous = hash_
        return events

    def head(self) -> str:
        """Where the history ends, as SEQ:HASH."""
        with self._reached() as connection:
            last = connection.execute(select(move_table).order_by(move_table.c.seq.desc()).limit(1)).first()
        return f"{last.seq}:{last.hash}" if last else f"0:{BEGINNING}"

    def hash_of(self, seq: int) -> str:
        """Raises RegistryBroken where there is no such move: this is another history than the one that was read."""
        with self._reached() as connection:
            recorded = connection.execute(select(move_table.c.hash).where(move_table.c.seq == seq)).scalar()
        if recorded is None:
            raise RegistryBroken(f"move {seq} is missing from the registry's history: it was cut off.")
        return str(recorded)

    def append(
        self, move: Move, version: int, scorer: str, *, by: str, reason: str, facts: Mapping[str, Any], after: int
    ) -> HistoryEvent:
        """Record a move, if `after` is still the last one. Raises RegistryMoved if somebody was faster."""
        fields = {"move": move, "version": version, "scorer": scorer, "by": by, "reason": reason, "facts": facts}
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        body = json.dumps(fields | {"at": at}, sort_keys=True, ensure_ascii=False)
        previous = self.hash_of(after) if after else BEGINNING
        row = {"seq": after + 1, "body": body, "hash": _hash(previous, body)}
        try:
            with self._reached() as connection:
                connection.execute(insert(move_table).values(row))
                connection.commit()
        except IntegrityError:
            raise RegistryMoved(
                f"somebody moved a scorer meanwhile (move {after + 1} of the history), so this move was not made. "
                "Look at `credit-risk registry history` and decide again."
            ) from None
        return _event(after + 1, body)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reached(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            what = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise RegistryUnavailable(
                f"the registry's history at {make_url(self.url).render_as_string()} cannot be used: {what}. "
                "Nothing was moved; try the same command again."
            ) from None


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed, connect_args={"timeout": BUSY_S})
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=FULL"))
            return engine
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, connect_args={"connect_timeout": BUSY_S})
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(
            f"{url!r} is no database for the registry's history ({error}); expected sqlite:///FILE or "
            "postgresql+psycopg://USER@HOST/DATABASE."
        ) from None


def _event(seq: int, body: str) -> HistoryEvent:
    fields = json.loads(body)
    return HistoryEvent(seq=seq, **(fields | {"at": datetime.fromisoformat(fields["at"])}))


def _hash(previous: str, body: str) -> str:
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()
