"""A trigger or rule by which the database ignores rows without an error: nothing is answered as if it were stored."""

import pytest
from ledger_trial import KEY, entry

from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify

IGNORED = "without an error: a trigger or rule ignores some"


def ignore(ledger: Ledger, verb: str, table: str, when: str = "") -> None:
    """Let the database ignore what is written to a table, or such rows of it, without an error."""
    with ledger.store.core() as connection:
        if ledger.store.sqlite:
            connection.exec_driver_sql(
                f"CREATE TRIGGER ignores_{table} BEFORE {verb} ON {table} {when and f'WHEN {when}'} "
                "BEGIN SELECT RAISE(IGNORE); END"
            )
        else:
            connection.exec_driver_sql(
                f"CREATE FUNCTION ignores_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
            )
            connection.exec_driver_sql(
                f"CREATE TRIGGER ignores_{table} BEFORE {verb} ON {table} FOR EACH ROW {when and f'WHEN ({when})'} "
                f"EXECUTE FUNCTION ignores_{table}()"
            )


def stop_ignoring(ledger: Ledger, *tables: str) -> None:
    with ledger.store.core() as connection:
        for table in tables:
            connection.exec_driver_sql(
                f"DROP TRIGGER ignores_{table}" + ("" if ledger.store.sqlite else f" ON {table}")
            )


@pytest.mark.parametrize(
    "ignored",
    [
        [("INSERT", "entries", "")],
        [("INSERT", "keys", "")],
        [("INSERT", "entries", ""), ("INSERT", "keys", "")],
        [("UPDATE", "head", "")],
        [("INSERT", "entries", ""), ("INSERT", "keys", ""), ("UPDATE", "head", "")],
        [("INSERT", "entries", "NEW.seq = 5")],  # a single row of many
        [("INSERT", "keys", "NEW.number = 4")],
    ],
)
def test_a_row_that_the_database_ignores_is_not_answered_and_nothing_of_its_transaction_stays(ledger, ignored):
    ledger.append([entry("Ada")])
    before = ledger.head()
    for verb, table, when in ignored:
        ignore(ledger, verb, table, when)
    with pytest.raises(LedgerUnavailable, match=IGNORED):
        ledger.append([entry(name) for name in ("Bob", "Cyd", "Dan", "Eve", "Fay")])
    assert (ledger.head(), next(ledger.decisions_about("Ada")).seq) == (before, 1)
    stop_ignoring(ledger, *(table for _, table, _ in ignored))
    assert ledger.append([entry("Bob")])[0].seq == 2
    found = verify(ledger, [before])
    assert (found.holds, found.entries) == (True, 2)


def test_a_rule_of_postgresql_that_does_nothing_instead_is_not_answered_either(server):
    with Ledger.open(server.new_database(), key=KEY) as ledger:
        for table in ("entries", "keys"):
            with ledger.store.core() as connection:
                connection.exec_driver_sql(f"CREATE RULE nothing AS ON INSERT TO {table} DO INSTEAD NOTHING")
        with pytest.raises(LedgerUnavailable, match=IGNORED):
            ledger.append([entry("Ada")])
        assert (ledger.head().seq, verify(ledger).entries) == (0, 0)


def test_an_erasure_that_the_database_ignores_is_none(ledger):
    ledger.append([entry("Ada")])
    ignore(ledger, "UPDATE", "keys")
    with pytest.raises(LedgerUnavailable, match=IGNORED):
        ledger.erase("Ada", by="Kim Lee")
    assert [each.erased for each in ledger.decisions_about("Ada")] == [False]
    stop_ignoring(ledger, "keys")
    assert (ledger.erase("Ada", by="Kim Lee"), verify(ledger).holds) == (1, True)


def test_a_master_key_that_the_database_does_not_take_is_not_the_new_one(ledger, url):
    ignore(ledger, "UPDATE", "identity")
    with pytest.raises(LedgerUnavailable, match=IGNORED):
        ledger.rekey(bytes(32))
    Ledger.open(url, key=KEY).close()
