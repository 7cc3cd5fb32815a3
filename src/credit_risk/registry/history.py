"""The history of moves: a table that only grows, each entry holding the hash of the one before (scoring.signed_chain).

It decides who is champion. MLflow's aliases are set after it, so that of two promotions at once one wins: the entry's
number is the table's key, and a number is given once. With each move comes a signed statement: where the history ends,
when, and which versions may be live. So the history cannot be written anew without the key.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    DDL,
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    insert,
    inspect,
    literal,
    select,
    union_all,
)
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from credit_risk.config import identities
from credit_risk.config.environment import sqlite_file
from credit_risk.config.names import identity_of
from credit_risk.data import digest
from credit_risk.data.writing import write_text
from credit_risk.errors import UsageError
from credit_risk.registry.errors import RegistryBroken, RegistryMoved, RegistryUnavailable
from credit_risk.registry.history_reading import HistoryReading, event_of, fault_of_numbers, fault_of_statements, walked
from credit_risk.registry.lifecycle import HERE, HistoryEvent, Move, may_be_live, refuse, refuse_unsigned, standing
from credit_risk.registry.settings import RegistrySettings
from credit_risk.scoring.live_statement import LiveStatement, LiveVersion
from credit_risk.scoring.signed_chain import BEGINNING, ChainWalk, Head, SignedFacts, fault_against, link
from credit_risk.scoring.signing import SignatureRefused

log = logging.getLogger(__name__)

BUSY_S = 5

metadata = MetaData()


def _table(name: str, *texts: str) -> Table:
    """A table of numbered entries; a number is given once."""
    seq = Column("seq", Integer, primary_key=True, autoincrement=False)
    return Table(name, metadata, seq, *(Column(text, Text, nullable=False) for text in texts))


move_table = _table("registry_moves", "body", "hash")
# Every statement that was ever signed (scoring.live_statement); the last one counts, and names the last move.
statement_table = _table("registry_statements", "facts", "signature")
MEANWHILE = (
    "somebody moved a scorer meanwhile, or stated anew what may be live, so this was not done. Look at `credit-risk "
    "registry history` and decide again."
)
IGNORED = "it took a row without an error and did not store it: a trigger or rule of its owner's ignores it"
TAKE_OVER = (
    "Look it through (`credit-risk registry history --unverified`), hold it against what was written down elsewhere, "
    "and take it over as it is: `credit-risk registry take-over --by NAME --reason WHY`. Every statement since then "
    "says that it is unverified before that day."
)


def only_grows(table: str, dialect: str) -> list[str]:
    """The SQL by which a database refuses to change, remove or replace rows of a table with a number `seq`.

    Against slips: whoever owns the database can drop it. SQLite's REPLACE removes a row without a DELETE that a trigger
    would see, so a row may only come behind the last one there.
    """
    sentence = f"{table} only grows: entries are never changed or removed"
    if dialect == "sqlite":
        fail = f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        behind = f"WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM {table})"  # noqa: S608  (a table of ours)
        return [
            *(f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table} {fail}" for verb in _CHANGES),
            f"CREATE TRIGGER IF NOT EXISTS {table}_only_behind BEFORE INSERT ON {table} {behind} {fail}",
        ]
    return [
        f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{sentence}'; END $$",
        f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()",
    ]


_CHANGES = ("update", "delete")


class History:
    """The moves of one registry, in SQLite or PostgreSQL. project: that its statements speak of."""

    def __init__(self, settings: RegistrySettings, root: Path, project: str) -> None:
        self.settings, self._root, self._project = settings, root, project
        self._engine = _engine(settings.history)
        with self._reached():
            self._prepare()

    def read(self, remembered: Sequence[Head] = ()) -> list[HistoryEvent]:
        """Every move, the first one first, also held against heads that were written down elsewhere.

        Raises RegistryBroken where one was changed, put in or taken out, or where the last is not the one signed for.
        """
        return self._verified(remembered).events

    def unverified(self) -> list[HistoryEvent]:
        """Every move that can be read, whoever wrote it."""
        return self._reading().events

    def notes(self) -> list[Mapping[str, Any]]:
        """What of it nobody vouches for: before when, up to which entry, who took it over and why."""
        return self._verified().unverified

    def head(self) -> Head:
        """Where the history ends. Raises RegistryBroken as `read`."""
        return self._verified().head

    def append(
        self, move: Move, version: int, scorer: str, *, by: str, reason: str, facts: Mapping[str, Any], after: int
    ) -> HistoryEvent:
        """Record a move with its signed statement, if `after` is still the last one.

        Raises RegistryMoved if somebody was faster, SignatureRefused without the key that counts.
        """
        reading = self._verified()
        events = reading.events
        if len(events) < after:
            raise RegistryBroken(f"entry {after} is missing from the registry's history: it was cut off.")
        if len(events) > after:
            raise RegistryMoved(MEANWHILE)
        if identity_of(by):
            facts = {**facts, "identities": _digest_of(self._root / identities.FILE)}
        fields = {"move": move, "version": version, "scorer": scorer, "by": by, "reason": reason, "facts": facts}
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        body = json.dumps(fields | {"at": at}, sort_keys=True, ensure_ascii=False)
        made = event_of(after + 1, body)
        head = Head(after + 1, link(reading.head.hash, body))
        row = {"seq": head.seq, "body": body, "hash": head.hash.hex()}
        self._state(reading, [*events, made], head, reading.unverified, move=row)
        return made

    def let_live(self, scorer: str, gate_record: str, *, by: str, reason: str) -> HistoryEvent:
        """Record that a release which no registry holds may be live, with its signed statement.

        scorer: its digest; gate_record: SHA-256 of the gate's record of it. It stays until a version is promoted or
        rolled back to, or another such release is named. Raises MoveRefused, and what `append` raises.
        """
        events = self.read()
        refuse(standing(events), "here", HERE, by, reason)
        facts = {"gate_record": gate_record}
        return self.append("here", HERE, scorer, by=by, reason=reason, facts=facts, after=len(events))

    def signed(self) -> SignedFacts | None:
        """The last signed statement; None before the first. Raises RegistryBroken as `read`."""
        return self._verified().signed

    def restate(self, also: LiveVersion | None = None) -> SignedFacts:
        """A statement of now about the same history. also: a version that may be live too, as one to be rolled back to.

        It stays named until the next move. Raises RegistryBroken, SignatureRefused, RegistryMoved.
        """
        reading = self._verified()
        named = dict.fromkeys((*reading.also_live, *([also] if also else [])))
        return self._state(reading, reading.events, reading.head, reading.unverified, also=tuple(named))

    def take_over(self, by: str, reason: str) -> SignedFacts:
        """Sign a history from before, or one that nobody's key vouches for: as unverified before now.

        Raises RegistryBroken where its entries do not even follow one another, MoveRefused without a person or reason.
        """
        reading = self._reading()
        walked(reading.move_rows)
        refuse_unsigned(by, reason, standing(reading.events))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        taken = {"before": now, "up_to": len(reading.move_rows), "by": by, "reason": reason}
        taken["statements"] = reading.last_statement
        return self._state(reading, reading.events, reading.head, [*reading.unverified, taken])

    def close(self) -> None:
        self._engine.dispose()

    def _reading(self) -> HistoryReading:
        """Both tables, in one query: two would see two moments, and a move between them would look like a forgery."""
        named = ((move_table, "moves"), (statement_table, "statements"))
        both = union_all(*(select(literal(name).label("of"), *table.c) for table, name in named)).order_by("seq")
        with self._reached() as connection:
            rows = connection.execute(both).all()
        # SQLite's columns, and any table that was made anew, take whatever somebody writes.
        if wrong := [row for row in rows if list(map(type, tuple(row)[1:])) != [int, str, str]]:
            raise RegistryBroken(
                f"the registry's history does not hold: among its {wrong[0].of} stands one with the number "
                f"{wrong[0].seq!r} that no registry wrote: it was changed, or put in"
            )
        return HistoryReading(*([tuple(row)[1:] for row in rows if row.of == name] for _, name in named))

    def _verified(self, remembered: Sequence[Head] = ()) -> HistoryReading:
        reading = self._reading()
        walk, signed = walked(reading.move_rows), reading.signed
        hashes = {seq: bytes.fromhex(hash_) for seq, _, hash_ in reading.move_rows} | {0: BEGINNING.hash}
        faults = [self._fault_of_statement(signed, walk)] if reading.move_rows or signed else []
        faults += [fault_of_numbers(reading), fault_of_statements(reading)]
        faults += [fault_against(head, walk.last, hashes.get(head.seq)) for head in remembered]
        if fault := next(filter(None, faults), None):
            raise RegistryBroken(f"the registry's history does not hold: {fault}")
        return reading

    def _fault_of_statement(self, signed: SignedFacts | None, walk: ChainWalk) -> str | None:
        if signed is None:
            return f"its {walk.last.seq} entries are signed by nobody. {TAKE_OVER}"
        try:
            statement = LiveStatement.of_facts(signed.verified(self.settings.signed_by, self._root))
        except (SignatureRefused, ValueError) as error:
            return f"its signed statement does not count: {error} {TAKE_OVER}"
        if statement.project != self._project:
            return f"it is of project {statement.project!r}, and this one is {self._project!r}. {TAKE_OVER}"
        return walk.fault_of_end(statement.head)

    def _state(
        self,
        reading: HistoryReading,
        events: Sequence[HistoryEvent],
        head: Head,
        unverified: Sequence[Mapping[str, Any]],
        *,
        also: tuple[LiveVersion, ...] = (),
        move: Mapping[str, Any] | None = None,
    ) -> SignedFacts:
        """Sign what may be live after these events and record it, with the move in one transaction.

        The statement gets the number behind the last one that was read. Every move has a statement too, so whatever
        came in between has taken that number, and this is not recorded.
        """
        live = (*may_be_live(events), *also)
        statement = LiveStatement(self._project, datetime.now(UTC), head, live, tuple(unverified))
        seq = reading.last_statement + 1
        facts = statement.as_facts() | {"previous": reading.statement_digest}
        signed = SignedFacts.sign(facts, self.settings.signed_by, self._root)
        try:
            with self._reached() as connection:
                row = {"seq": seq, "facts": signed.text, "signature": signed.signature}
                for table, values in ((move_table, move), (statement_table, row)):
                    if values and _stored_rows(connection, table, values) != 1:
                        raise OSError(IGNORED)
                connection.commit()
        except IntegrityError:
            raise RegistryMoved(MEANWHILE) from None
        self._publish(signed)
        return signed

    def _publish(self, signed: SignedFacts) -> None:
        """Write the statement where services read it; the move stands even if that cannot be."""
        if self.settings.statement:
            path = self._root / self.settings.statement
            try:
                write_text(path, str(signed))
            except OSError as error:
                log.warning(
                    "The statement could not be written to %s (%s): `credit-risk registry statement`", path, error
                )

    def _prepare(self) -> None:
        """Make tables and triggers that are not there; an account that may only read finds them made."""
        dialect = self._engine.dialect.name
        lacking = set(metadata.tables) - set(inspect(self._engine).get_table_names())
        metadata.create_all(self._engine)
        with self._engine.begin() as connection:
            if dialect == "sqlite":  # triggers of an earlier version let REPLACE through
                triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
                names = set(triggers)
                lacking = {table for table in metadata.tables if f"{table}_only_behind" not in names}
            for statement in (each for table in sorted(lacking) for each in only_grows(table, dialect)):
                connection.execute(DDL(statement))  # type: ignore[no-untyped-call]

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
                f"the registry's history at {make_url(self.settings.history).render_as_string()} cannot be used: "
                f"{what}. Nothing was moved; try the same command again."
            ) from None


def read_events(settings: RegistrySettings, root: Path, project: str) -> list[HistoryEvent]:
    """Every move of a project's registry, which is begun if there is none. Raises RegistryBroken."""
    history = History(settings, root, project)
    try:
        return history.read()
    finally:
        history.close()


def events_if_there(settings: RegistrySettings, root: Path, project: str) -> list[HistoryEvent] | None:
    """Every move of a project's registry, or None where there is none yet. Raises RegistryBroken."""
    file = sqlite_file(settings.history)
    if file is not None and not file.is_file():
        return None
    return read_events(settings, root, project)


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
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise UsageError(
            f"{url!r} is no database for the registry's history ({error}); expected sqlite:///FILE or "
            "postgresql+psycopg://USER@HOST/DATABASE."
        ) from None


def _stored_rows(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    counted = connection.execution_options(preserve_rowcount=True)
    return counted.execute(insert(table).values(values)).rowcount


def _digest_of(path: Path) -> str | None:
    return digest.of_file(path) if path.is_file() else None
