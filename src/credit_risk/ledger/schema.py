"""Bringing a ledger's tables to the version that this code knows; a newer one is left alone."""

from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from credit_risk.ledger.errors import LedgerRefused
from credit_risk.ledger.store import Store
from credit_risk.ledger.tables import VERSION

LOCK = 7_235_140_911  # any number that nothing else in the database uses for an advisory lock


def migrated(store: Store) -> None:
    """Raises LedgerRefused for a schema that this version does not know."""
    with store.core() as connection:
        lock(connection)
        found = version(connection)
        if found != VERSION:
            _upgrade(connection, found)


def lock(connection: Connection) -> None:
    """Alone with PostgreSQL's schema until the transaction ends; SQLite's transaction is alone from its start."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(connection: Connection, found: str | None, to: str = VERSION) -> None:
    # Late: a ledger that is up to date need not wait for Alembic.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise LedgerRefused(
            f"the ledger has schema {found}, this version knows up to {VERSION}: a newer version wrote it. "
            "Use that version; nothing was changed."
        )
    command.upgrade(config, to)
