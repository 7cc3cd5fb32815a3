"""Schemas of earlier versions are brought forward; one of a later version is left alone."""

from datetime import UTC, datetime
from unicodedata import normalize
from unittest.mock import patch

import pytest
from ledger_trial import KEY, change, entry, older
from sqlalchemy import UniqueConstraint, inspect

from credit_risk.ledger.chain import NOT_SIGNED
from credit_risk.ledger.database import schema
from credit_risk.ledger.database.schema import VERSION, metadata
from credit_risk.ledger.database.store import Store
from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.reference import ReferenceRefused
from credit_risk.ledger.verification import NOT_SIGNED_PUBLICLY, LedgerReader, verify


@pytest.fixture
def old(url):
    """A ledger as the first version left it, with two decisions."""
    older(url, ["Ada", "Bob"], version="0001")
    return url


def version_of(store):
    with store.core() as connection:
        return schema.version(connection)


def test_an_old_ledger_is_brought_forward_with_all_it_holds(old):
    with Ledger.open(old, key=KEY) as ledger:
        assert version_of(ledger.store) == VERSION == "0004"
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
    assert version_of(store) == "0004"
    store.close()


def test_a_newer_schema_is_refused_and_not_touched(ledger, url):
    ledger.append([entry()])
    with ledger.store.core() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
    with pytest.raises(LedgerRefused, match="schema 0005, this version knows up to 0004"):
        Ledger.open(url, key=KEY)
    assert version_of(ledger.store) == "0005"
    assert ledger.head().seq == 1


def test_the_migrations_make_the_tables_that_the_code_reads(ledger):
    with ledger.store.core() as connection:
        there = inspect(connection)
        for table in metadata.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in there.get_columns(table.name)}
            assert columns == {column.name: bool(column.nullable) for column in table.columns}
            unique = {tuple(one["column_names"]) for one in there.get_unique_constraints(table.name)}
            together = {tuple(one.columns.keys()) for one in table.constraints if isinstance(one, UniqueConstraint)}
            assert unique == together
            indexes = {tuple(one["column_names"]) for one in there.get_indexes(table.name) if not one["unique"]}
            assert indexes == {tuple(index.columns.keys()) for index in table.indexes}


def test_a_ledger_of_the_second_version_keeps_its_heads_its_keys_and_its_erasures(url):
    head = older(url, ["Ada", "Bob", "Cid"], erased=["Bob"])
    with Ledger.open(url, key=KEY) as ledger:
        found = verify(ledger, [head])
        assert (found.faults, found.entries, found.erased, found.head) == ([], 4, 1, head)
        ledger.append([entry("Ada"), entry("Bob")])
        with ledger.store.reading() as cursor:
            cursor.execute("SELECT number, period, made IS NULL, destroyed IS NULL FROM keys ORDER BY number")
            rows = [tuple(row) for row in cursor.fetchall()]
        now = f"{datetime.now(UTC):%Y-%m}"
        assert rows == [(1, "", 1, 1), (2, "", 1, 0), (3, "", 1, 1), (4, now, 0, 1), (5, now, 0, 1)]
        assert ledger.erase("Ada", by="Kim Lee") == 2
        assert verify(ledger, [head]).faults == []


def test_a_head_that_an_earlier_version_wrote_is_signed_when_it_is_opened(url):
    older(url, ["Ada"])
    with Ledger.open(url, key=KEY) as ledger:
        public = ledger.verification_key
    with LedgerReader.open(url, verification_key=public) as reader:
        assert verify(reader).faults == []


def test_a_head_that_somebody_set_before_the_migration_is_not_signed(url):
    older(url, ["Ada", "Bob"])
    store = Store(url, busy_timeout_s=5)
    with store.core() as connection:
        connection.exec_driver_sql("UPDATE head SET seq = 1")
    store.close()
    with Ledger.open(url, key=KEY) as ledger:
        assert NOT_SIGNED in verify(ledger).faults
    with LedgerReader.open(url, verification_key=ledger.verification_key) as reader:
        assert NOT_SIGNED_PUBLICLY in verify(reader).faults


def test_tampering_from_before_the_migration_still_shows(url):
    older(url, ["Ada", "Bob"])
    with Ledger.open(url, key=KEY) as ledger:
        change(ledger, "UPDATE keys SET subject = NULL WHERE number = 1")
        assert "key 1 does not name the person of entry 1" in " ".join(verify(ledger).faults)


def test_reading_brings_nothing_forward(url):
    older(url, ["Ada"])
    with pytest.raises(LedgerRefused, match="schema 0002, and only 0004 can be verified without writing"):
        LedgerReader.open(url, key=KEY)
    store = Store(url, busy_timeout_s=5)
    assert version_of(store) == "0002"
    store.close()


FORMS = ["M\u00fcller-7", "Mu\u0308ller-7", "M\u00fcller-7".encode().decode("latin-1")]


@pytest.mark.parametrize("reference", FORMS[:2])
def test_a_person_of_an_older_ledger_is_found_and_erased_in_every_form(url, reference):
    """A header read as Latin-1, a batch composed and one decomposed: three keys of one person."""
    older(url, [*FORMS, "Ada"])
    with Ledger.open(url, key=KEY) as ledger:
        ledger.append([entry(reference)])
        assert [one.seq for one in ledger.decisions_about(reference)] == [1, 2, 3, 5]
        assert ledger.erase(reference, by="Kim Lee") == 4
        assert list(ledger.decisions_about(reference)) == []
        assert verify(ledger).faults == []
        assert [one.seq for one in ledger.decisions_about("Ada")] == [4]


def test_a_form_of_before_is_another_person_where_it_was_written_since(ledger):
    """A reference that looks like another's misread bytes is a person of its own in a ledger of today."""
    ledger.append([entry(FORMS[0]), entry(FORMS[2])])
    assert ledger.erase(FORMS[0], by="Kim Lee") == 1
    assert [one.seq for one in ledger.decisions_about(FORMS[2])] == [2]


REFUSED_TODAY = [
    *(f"A-1{unseen}" for unseen in "\u3164\uffa0\u2800\u034f\u115f\u17b4\ufe0f\u200b\u202e\ue000\0\n "),
    *(" A-1", "", "u\u0308\u00fc\u200b", "x" * 201, "\u00fc" * 801),
]


def test_a_person_whose_reference_is_refused_today_is_found_and_erased_as_it_was_recorded(url, caplog):
    """Any text was a reference once; each is a person of its own, also beside the same text without what is unseen."""
    older(url, ["A-1", *REFUSED_TODAY])
    with Ledger.open(url, key=KEY) as ledger:
        for seq, reference in enumerate(REFUSED_TODAY, start=2):
            assert [one.seq for one in ledger.decisions_about(reference)] == [seq], ascii(reference)
            assert ledger.erase(reference, by="Kim Lee") == 1
            with pytest.raises(ReferenceRefused, match="Nothing that can be read stands under it from before"):
                list(ledger.decisions_about(reference))
            with pytest.raises(ReferenceRefused):
                ledger.append([entry(reference)])
        assert [one.seq for one in ledger.decisions_about("A-1")] == [1]
        assert verify(ledger).faults == []
    assert set(caplog.messages) == {"This reference is refused today; what stands under it was recorded before it was."}


def test_a_person_recorded_in_one_form_before_what_nobody_sees_was_refused_is_found(ledger):
    """References had one form already and keys a month, when a filler in them was no ground to refuse them yet."""
    with patch("credit_risk.ledger.entry.canonical", lambda text: normalize("NFC", text)):
        ledger.append([entry("u\u0308\u3164"), entry("\u00fc")])
    for typed in ("u\u0308\u3164", "\u00fc\u3164"):
        assert [one.seq for one in ledger.decisions_about(typed)] == [1]
    assert ledger.erase("u\u0308\u3164", by="Kim Lee") == 1
    assert [one.seq for one in ledger.decisions_about("\u00fc")] == [2]
