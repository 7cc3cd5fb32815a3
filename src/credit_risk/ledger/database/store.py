"""The database below the ledger: SQLite or PostgreSQL by URL, one durable transaction at a time.

SQLAlchemy knows the URL, the dialects and the tables, and keeps the connections; the statements of the hot path are
compiled once and run on the driver's own cursor, because its layers would cost more than the rest of an append.
"""

import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, event, make_url, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from credit_risk.data.writing import sync_folder
from credit_risk.ledger.errors import LedgerBusy, LedgerRefused, LedgerUnavailable

SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "fullfsync=ON", "checkpoint_fullfsync=ON")
AGAIN = 0.0004  # seconds between two tries for SQLite's write lock: its own waiting grows to 100 ms and is unfair
NO_FILE = "no ledger is there. Name the right URL, or let the service make one."
RECHECK_S = 10.0
LOSES = {"fsync": ("off",), "full_page_writes": ("off",), "synchronous_commit": ("off",)}


class Store:
    """One ledger's database. Every failure of it is LedgerUnavailable, and leaves nothing half-written."""

    def __init__(self, url: str, *, busy_timeout_s: float, read_only: bool = False) -> None:
        self.url = _url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.busy_timeout_s = busy_timeout_s
        self.read_only = read_only
        self._settings_due = 0.0
        # For a whole transaction, connecting too; None where one may take long: verification, migration, maintenance.
        self.answer_timeout_s: float | None = None
        self._deadline = threading.local()
        self._read_alone: tuple[int, int] | None = None
        self.path = Path(self.url.database or "").absolute() if self.sqlite else None
        self._file: tuple[int, int] | None = None
        self.engine = self._engine()
        # psycopg takes %s by position like SQLite's ?, so that a row is a tuple for both.
        self.dialect = self.url.get_dialect()(paramstyle="qmark" if self.sqlite else "format")  # type: ignore[call-arg]
        self._faults = (self.engine.dialect.loaded_dbapi.Error, SQLAlchemyError, OSError)

    def create(self) -> None:
        """Make SQLite's file, for its owner alone; an existing one stays."""
        if self.path is None:
            return
        with self._translated():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            sync_folder(self.path.parent)

    def remember_file(self) -> None:
        """From now on this very file is the ledger: one that is moved away or replaced is noticed."""
        self._file = self._identity_of_file()

    def check_settings(self) -> None:
        """Raises LedgerRefused where PostgreSQL is set to lose what it has said is durable."""
        if self.sqlite:
            return
        with self.reading() as cursor:
            if lost := _losing_setting(cursor):
                raise LedgerRefused(lost)

    def recheck_settings(self, cursor: DBAPICursor) -> None:
        """`check_settings` in a transaction, once in RECHECK_S: a server may be set otherwise while it runs.

        Raises LedgerUnavailable, again at each try until the setting is back. SQLite's settings are a connection's own.
        """
        if self.sqlite or time.monotonic() < self._settings_due:
            return
        if lost := _losing_setting(cursor):
            raise LedgerUnavailable(lost)
        self._settings_due = time.monotonic() + RECHECK_S

    @contextmanager
    def core(self) -> Iterator[Connection]:
        """A SQLAlchemy transaction that may write: for schema and maintenance, where its cost does not matter."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[DBAPICursor]:
        """One durable transaction, alone with the database; nothing of it is kept unless block and commit succeed.

        Raises LedgerBusy if another process writes to the file for longer than may be waited.
        """
        with self._connected() as connection:
            cursor = connection.cursor()
            if self.sqlite:
                self._begin_alone(cursor, self.busy_timeout_s if wait else 0)
            self.recheck_settings(cursor)
            yield cursor
            connection.commit()
            self._still_there()  # again: what was committed to a file that went meanwhile is not durable

    @contextmanager
    def reading(self) -> Iterator[DBAPICursor]:
        with self._connected() as connection:
            yield connection.cursor()
            connection.rollback()
            self._still_the_same()

    @contextmanager
    def _connected(self) -> Iterator[PoolProxiedConnection]:
        """A connection for one transaction; what this thread waits for PostgreSQL meanwhile ends by one deadline."""
        self._deadline.at = self.answer_timeout_s and time.monotonic() + self.answer_timeout_s
        try:
            with self._translated():
                self._still_there()
                connection = self.engine.raw_connection()
                try:
                    yield connection
                except BaseException as error:
                    if not isinstance(error, LedgerBusy):  # else nothing was begun, and it is as good as before
                        connection.invalidate()  # whatever state it is in ends with it: the database rolls back
                    raise
                finally:
                    connection.close()
        finally:
            self._deadline.at = None

    def scrub(self) -> None:
        """Remove copies of an erased row: from SQLite's write-ahead log, from PostgreSQL's free rows.

        Raises LedgerUnavailable if a reader keeps the log for longer than busy_timeout_s.
        """
        deadline = time.monotonic() + self.busy_timeout_s
        with self._translated():
            if not self.sqlite:
                with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.execute(text("VACUUM keys"))
                return
            with self.reading() as cursor:
                while True:
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    busy = cursor.fetchone()
                    if busy is not None and busy[0] == 0:
                        return
                    if time.monotonic() > deadline:
                        raise LedgerUnavailable(
                            "the key is destroyed, but a reader keeps the write-ahead log, where a copy may stand. "
                            "Run the same erasure again when the reader is done."
                        )
                    time.sleep(0.01)

    def close(self) -> None:
        self.engine.dispose()

    def _engine(self) -> Engine:
        if self.sqlite:
            engine = create_engine(self.url, creator=self._sqlite, poolclass=QueuePool, max_overflow=-1)
            # The driver begins nothing by itself (see _sqlite); a Core transaction takes the write lock at once.
            event.listen(engine, "begin", lambda core: self._begin_alone(core.connection.cursor(), self.busy_timeout_s))
            return engine
        milliseconds = math.ceil(self.busy_timeout_s * 1000)
        options = f"-c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout=60000"
        options += " -c default_transaction_read_only=on" if self.read_only else ""
        waits = {
            "connect_timeout": math.ceil(self.busy_timeout_s),
            "tcp_user_timeout": milliseconds,
            "options": options,
        }
        engine = create_engine(self.url, connect_args=waits, pool_pre_ping=True, pool_timeout=self.busy_timeout_s)
        event.listen(engine, "do_connect", self._connect_postgresql)
        return engine

    def _left(self) -> float | None:
        """Seconds to the deadline of this thread; without one, as many as a wait may take."""
        at = getattr(self._deadline, "at", None)
        return self.answer_timeout_s if at is None else max(at - time.monotonic(), 0.001)

    def _connect_postgresql(self, _: Any, __: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        """A connection whose waits end, also where the server takes what is sent and answers nothing.

        The server's own timeouts do not help there: a server that is frozen keeps no time.
        """
        import psycopg  # noqa: PLC0415  (only where the ledger is PostgreSQL's)

        store = self

        class ImpatientConnection(psycopg.Connection[Any]):
            def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
                longest = store._left() if timeout is None else timeout
                try:
                    return super().wait(gen, interval=interval, timeout=longest)
                except psycopg.errors._WaitTimeout:
                    self.pgconn.finish()  # nothing that the server says later belongs to the next statement
                    late = f"the server did not answer within {store.answer_timeout_s} seconds"
                    raise psycopg.OperationalError(late) from None

        # Apart: looking up the server's name keeps no time, and libpq gives each of its addresses two seconds or more.
        with_time = ThreadPoolExecutor(1)
        made = with_time.submit(ImpatientConnection.connect, *arguments, **options)
        with_time.shutdown(wait=False)
        try:
            return made.result(self._left())
        except TimeoutError:
            made.add_done_callback(lambda late: late.exception() or late.result().close())  # type: ignore[func-returns-value]
            raise psycopg.OperationalError(f"no connection came about within {self.answer_timeout_s} seconds") from None

    def _sqlite(self) -> sqlite3.Connection:
        assert self.path is not None  # noqa: S101 - only SQLite's engine calls this
        if self.read_only:
            return self._sqlite_read_only(self.path)
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",  # never makes a file: an empty ledger instead of a lost one is no ledger
            uri=True,
            timeout=self.busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        connection.execute("PRAGMA busy_timeout=1")  # from here on see _begin_alone; in WAL nobody else ever waits
        return connection

    def _sqlite_read_only(self, path: Path) -> sqlite3.Connection:
        """A connection that writes nothing: neither the file, nor a log or its index beside it.

        Where nobody has the ledger open its file holds everything, and is read alone; see `_still_the_same`.
        """
        log = path.with_name(f"{path.name}-wal")
        if log.exists():
            try:
                return _read_only(f"{path.as_uri()}?mode=ro", self.busy_timeout_s)
            except sqlite3.OperationalError:
                if log.stat().st_size:
                    raise
        self._read_alone = self._read_alone or _changes(path)
        return _read_only(f"{path.as_uri()}?mode=ro&immutable=1", self.busy_timeout_s)

    def _still_the_same(self) -> None:
        """Raises LedgerUnavailable if a file that is read without its log was written meanwhile: pages may be mixed."""
        if self.path is not None and self._read_alone not in (None, _changes(self.path)):
            raise LedgerUnavailable(f"{self.path} was written while it was read, by a service that started. Try again.")

    def _begin_alone(self, cursor: DBAPICursor, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() >= deadline:
                    raise LedgerBusy(self._unusable(error)) from error
                time.sleep(AGAIN)
            else:
                return

    def _still_there(self) -> None:
        """Raises LedgerUnavailable: SQLite would go on writing to a file that was removed, and call it durable."""
        if self._file is not None and self._identity_of_file() != self._file:
            # Nor may a new file of this name be opened: it would be mixed with the log of the one that went.
            raise LedgerUnavailable(
                f"{self.path} is not the file that was opened: it was moved or replaced. "
                "Put it back, or start again with the file that shall be the ledger."
            )

    def _identity_of_file(self) -> tuple[int, int] | None:
        if self.path is None:
            return None
        try:
            status = os.stat(self.path)  # noqa: PTH116 - once a commit: twice as fast as Path.stat
        except FileNotFoundError:
            return (0, 0)
        return status.st_dev, status.st_ino

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except LedgerUnavailable:
            raise
        except self._faults as error:
            cause = getattr(error, "orig", None) or error
            raise LedgerUnavailable(self._unusable(cause)) from error

    @property
    def address(self) -> str:
        """The file, or the URL without its password, for messages."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    def _unusable(self, cause: BaseException) -> str:
        hint = "Look at the server, and at other writers."
        if self.path is not None:
            hint = "Look at free space, permissions and other writers." if self.path.exists() else NO_FILE
        return f"the ledger {self.address} cannot be used now: {' '.join(str(cause).split())}. {hint}"


def _url(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise LedgerRefused(
            f"{error}. Expected sqlite:///path/to/ledger.db or postgresql://user@host/database."
        ) from None
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise LedgerRefused(
            f"a ledger cannot be kept in {parsed.render_as_string(hide_password=True)!r}. "
            "Expected sqlite:///path/to/ledger.db or postgresql://user@host/database."
        )
    return parsed


def _losing_setting(cursor: DBAPICursor) -> str | None:
    """The first of PostgreSQL's settings with which a crash would lose decisions, as a sentence."""
    cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in LOSES))
    for (name, bad), got in zip(LOSES.items(), cursor.fetchall()[0], strict=True):
        if got in bad:
            return f"PostgreSQL has {name}={got}: decisions would be lost in a crash. Set it on."
    return None


def _changes(path: Path) -> tuple[int, int]:
    """When a file was last written, and its size."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _read_only(uri: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")  # opens the file, which `connect` does not
    except sqlite3.Error:
        connection.close()
        raise
    return connection
