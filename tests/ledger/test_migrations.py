"""Schemas of earlier versions are brought forward; one of a later version is left alone."""

import pytest
from ledger_trial import KEY, entry
from sqlalchemy import inspect

from credit_risk.ledger import schema
from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.schema import VERSION, metadata
from credit_risk.ledger.store import Store
from credit_risk.ledger.verification import verify


@pytest.fixture
def old(url, monkeypatch):
    """A ledger as the first version left it, with two decisions."""
    store = Store(url, busy_timeout_s=5)
    store.create()
    with store.core() as connection:
        schema._upgrade(connection, None, to="0001")
    store.close()
    with monkeypatch.context() as then:
        then.setattr(schema, "VERSION", "0001")
        with Ledger.open(url, key=KEY) as ledger:
            ledger.append([entry("Ada"), entry("Bob")])
    return url


def version_of(store):
    with store.core() as connection:
        return schema.version(connection)


def test_an_old_ledger_is_brought_forward_with_all_it_holds(old):
    with Ledger.open(old, key=KEY) as ledger:
        assert version_of(ledger.store) == VERSION == "0002"
        found = verify(ledger)
        assert (found.holds, found.entries) == (True, 2)
        assert [one.applicant for one in ledger.decisions_about("Ada")] == ["Ada"]
        assert ledger.append([entry("Ada")])[0].seq == 3
        # What the second version brought: the database itself refuses to change an entry.
        with pytest.raises(LedgerUnavailable, match="only grows"), ledger.store.core() as connection:
            connection.exec_driver_sql("DELETE FROM entries")


def test_a_migration_that_fails_leaves_the_old_schema(old, monkeypatch):
    store = Store(old, busy_timeout_s=5)
    with store.core() as connection:  # in the way of the second version's index
        connection.exec_driver_sql("CREATE INDEX ix_entries_key ON entries (at)")
    with pytest.raises(LedgerUnavailable, match="ix_entries_key"):
        schema.migrate(store)
    assert version_of(store) == "0001"
    with store.core() as connection:
        connection.exec_driver_sql("DROP INDEX ix_entries_key")
    schema.migrate(store)
    assert version_of(store) == "0002"
    store.close()


def test_a_newer_schema_is_refused_and_not_touched(ledger, url):
    ledger.append([entry()])
    with ledger.store.core() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
    with pytest.raises(LedgerRefused, match="schema 0003, this version knows up to 0002"):
        Ledger.open(url, key=KEY)
    assert version_of(ledger.store) == "0003"
    assert ledger.head().seq == 1


def test_the_migrations_make_the_tables_that_the_code_reads(ledger):
    with ledger.store.core() as connection:
        there = inspect(connection)
        for table in metadata.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in there.get_columns(table.name)}
            assert columns == {column.name: bool(column.nullable) for column in table.columns}
            unique = {tuple(one["column_names"]) for one in there.get_unique_constraints(table.name)}
            assert unique == {(column.name,) for column in table.columns if column.unique}
            indexes = {tuple(one["column_names"]) for one in there.get_indexes(table.name) if not one["unique"]}
            assert indexes == {(column.name,) for column in table.columns if column.index}
