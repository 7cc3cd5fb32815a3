"""The ledger's tables, their version, and how an older ledger is brought to it; a newer one is left alone."""

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Connection

from credit_risk.ledger.database.store import Store
from credit_risk.ledger.errors import LedgerRefused

VERSION = "0004"  # the last of migrations/versions
LOCK = 7_235_140_911  # any number that nothing else in the database uses for an advisory lock

metadata = MetaData()
# SQLite's integers have 64 bits, and only INTEGER can be a row id.
_Long = BigInteger().with_variant(Integer(), "sqlite")

# Who this ledger is: its id, the secret under the master key, and the public key that heads are checked with. One row.
identity = Table(
    "identity",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("ledger_id", LargeBinary, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("verification_key", LargeBinary),
)

# Where the chain ends, with its HMAC and its public signature; `keys`: the number of the last person's key. One row,
# changed by every commit.
head = Table(
    "head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", _Long, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("keys", _Long, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
)

# One key for a person and a period; the empty period is all time. made, destroyed: microseconds since 1970, UTC; made
# is null for keys from before version 0003. Destroyed: subject and wrapped are null, and an entry says when.
keys = Table(
    "keys",
    metadata,
    Column("number", _Long, primary_key=True, autoincrement=False),
    Column("subject", LargeBinary),
    Column("wrapped", LargeBinary),
    Column("period", Text, nullable=False, server_default=""),
    Column("made", _Long),
    Column("destroyed", _Long),
    UniqueConstraint("subject", "period"),
)

# The chain (see chain.Row); nothing here is ever changed or removed.
entries = Table(
    "entries",
    metadata,
    Column("seq", _Long, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at", _Long, nullable=False),
    Column("decision_id", Text, nullable=False, unique=True),
    Column("request", LargeBinary, unique=True),
    Column("key", _Long, nullable=False, index=True),
    Column("facts", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("hash", LargeBinary, nullable=False),
)
OTHERS = text("kind <> 'decision'")  # few beside the decisions: holds are found without reading those
Index("ix_entries_others", entries.c.kind, entries.c.seq, sqlite_where=OTHERS, postgresql_where=OTHERS)


def migrate(store: Store) -> None:
    """Bring the tables to VERSION in one transaction. Raises LedgerRefused for an unknown version."""
    with store.core() as connection:
        lock(connection)
        current = version(connection)
        if current != VERSION:
            _upgrade(connection, current)


def check_version(store: Store) -> None:
    """Raises LedgerRefused unless the tables are of VERSION: for those who may only read."""
    with store.reading() as cursor:
        cursor.execute("SELECT version_num FROM alembic_version")
        current = ", ".join(str(number) for (number,) in cursor.fetchall())
    if current != VERSION:
        raise LedgerRefused(
            f"the ledger has schema {current}, and only {VERSION} can be verified without writing. Start the service, "
            "or run `credit-risk ledger migrate`, to bring an older one forward; a newer one asks for a newer version."
        )


def is_begun(store: Store) -> bool:
    """Whether a ledger is there: tables with an identity that some master key has sealed."""
    if store.path is not None and not store.path.is_file():
        return False
    with store.core() as connection:
        if not inspect(connection).has_table(identity.name):
            return False
        return connection.execute(select(func.count()).select_from(identity)).scalar_one() > 0


def lock(connection: Connection) -> None:
    """Lock PostgreSQL's schema until the transaction ends; a transaction of SQLite has the lock from its start."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def version(connection: Connection) -> str | None:
    """The version of the tables that are there, None if there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(connection: Connection, current: str | None, to: str = VERSION) -> None:
    # Late: a ledger that is up to date need not wait for Alembic.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise LedgerRefused(
            f"the ledger has schema {current}, this version knows up to {VERSION}: a newer version wrote it. "
            "Use that version; nothing was changed."
        )
    command.upgrade(config, to)
