"""The table of docs/ledger.md, "what somebody did": each of it by SQL, in both databases.

With the triggers in place a tamper is refused by the database, or found; without them it is found. Each is also put to
the public check, which must find all but those that it says it cannot.
"""
# ruff: noqa: E501 - one tamper a line reads as the table that it is

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from ledger_trial import KEY, change, entry, literal, older

from credit_risk.ledger import chain
from credit_risk.ledger.chain import Row
from credit_risk.ledger.database.statements import PAGE
from credit_risk.ledger.errors import LedgerBroken, LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import LedgerReader, verify
from credit_risk.scoring.signed_chain import Head

COPY = "INSERT INTO entries SELECT {seq}, kind, at, {id}, NULL, key, facts, sealed, hash FROM entries WHERE seq = {of}"
ERASURE = (
    "INSERT INTO entries SELECT {seq}, 'erasure', at, 'x', NULL, {key}, facts, NULL, hash FROM entries WHERE seq = 6"
)
GUARDED = re.compile("(UPDATE|DELETE FROM|REPLACE INTO) entries")  # an entry behind the last cannot be refused
PUT_BACK = "UPDATE keys SET {columns} WHERE number = 5"


@dataclass(frozen=True)
class Tamper:
    """What somebody did, in SQL, and the beginning of what verifying says. public: whether the public check finds it.

    sqlite_only: PostgreSQL's types refuse it.
    """

    name: str
    fault: str
    statements: tuple[str, ...]
    public: bool = True
    sqlite_only: bool = False


def tamper(name: str, fault: str, *statements: str, public: bool = True, sqlite_only: bool = False) -> Tamper:
    return Tamper(name, fault, statements, public, sqlite_only)


# Of a ledger with decisions 1 to 5 of Ada, Bob, Cid, Dee and Eve, where entry 6 erased Eve, and 7 is Ada's second.
TAMPERS = [
    # Entries
    tamper("fact edited", "entry 3 is not what", "UPDATE entries SET facts = replace(facts, 'decline', 'approve') WHERE seq = 3"),
    tamper("time edited", "entry 2 is not what", "UPDATE entries SET at = at + 1 WHERE seq = 2"),
    tamper("last entry edited", "entry 7 is not what", "UPDATE entries SET at = at + 1 WHERE seq = 7"),
    tamper("id edited", "entry 2 is not what", "UPDATE entries SET decision_id = 'x' WHERE seq = 2"),
    tamper("person swapped", "entry 2 is not what", "UPDATE entries SET key = 1 WHERE seq = 2"),
    tamper("idempotency key edited", "entry 2 is not what", "UPDATE entries SET request = {bytes16} WHERE seq = 2"),
    tamper("decision called an erasure", "entry 2 is not what", "UPDATE entries SET kind = 'erasure' WHERE seq = 2"),
    tamper("kind nobody knows", "entry 2 is not what", "UPDATE entries SET kind = 'x' WHERE seq = 2"),
    tamper("personal part removed", "entry 2 is not what", "UPDATE entries SET sealed = NULL WHERE seq = 2"),
    tamper("personal part of another", "entry 2 is not what", "UPDATE entries SET sealed = (SELECT e.sealed FROM entries e WHERE e.seq = 1) WHERE seq = 2"),
    tamper("hash edited", "entry 2 is not what", "UPDATE entries SET hash = {bytes32} WHERE seq = 2"),
    tamper("first entry removed", "entries 1 to 1 are missing", "DELETE FROM entries WHERE seq = 1"),
    tamper("entries removed", "entries 2 to 3 are missing", "DELETE FROM entries WHERE seq IN (2, 3)"),
    tamper("all entries removed", "entries 1 to 7 are missing: the end was cut off", "DELETE FROM entries"),
    tamper("end cut off", "entries 7 to 7 are missing: the end was cut off", "DELETE FROM entries WHERE seq = 7"),
    tamper("entry put behind the end", "entries 8 to 8 stand behind the end", COPY.format(seq=8, id="'x'", of=7)),
    tamper("entry put in far behind", "entries 8 to 900 stand behind the end", COPY.format(seq=900, id="'x'", of=7)),
    tamper("entry put in at 0", "entries from 0 to 0 stand before the chain", COPY.format(seq=0, id="'x'", of=7)),
    tamper("entry put in at -3", "entries from -3 to 0 stand before the chain", COPY.format(seq=-3, id="'x'", of=7)),
    tamper(
        "entries in another order", "entry 2 is not what",
        "UPDATE entries SET seq = 99 WHERE seq = 2",
        "UPDATE entries SET seq = 2 WHERE seq = 3",
        "UPDATE entries SET seq = 3 WHERE seq = 99",
    ),
    tamper("entry moved away", "entries 2 to 2 are missing", "UPDATE entries SET seq = -2 WHERE seq = 2"),
    tamper("entry replaced", "entry 2 is not what", "REPLACE INTO entries SELECT 2, kind, at, 'x', NULL, key, facts, sealed, hash FROM entries WHERE seq = 1", sqlite_only=True),
    tamper("entry replaced by its id", "entries 2 to 2 are missing", "REPLACE INTO entries SELECT 8, kind, at, decision_id, NULL, key, facts, sealed, hash FROM entries WHERE seq = 2", sqlite_only=True),
    tamper("text for a time", "entry 2 is not what", "UPDATE entries SET at = 'noon' WHERE seq = 2", sqlite_only=True),
    tamper("text for a key", "entry 2 is not what", "UPDATE entries SET key = 'Bob' WHERE seq = 2", sqlite_only=True),
    tamper("bytes for facts", "entry 2 is not what", "UPDATE entries SET facts = x'ff' WHERE seq = 2"),
    tamper("bytes for an id", "entry 2 is not what", "UPDATE entries SET decision_id = x'ff' WHERE seq = 2"),
    tamper("text for a hash", "entry 2 is not what", "UPDATE entries SET hash = 'x' WHERE seq = 2"),
    tamper("text for the personal part", "entry 2 is not what", "UPDATE entries SET sealed = 'x' WHERE seq = 2"),
    # The head
    tamper("head set back", "the head was not signed", "UPDATE head SET seq = 6", public=True),
    tamper("head's number of keys", "the head was not signed", "UPDATE head SET keys = 6"),
    tamper("head's hash", "the head was not signed", "UPDATE head SET hash = {bytes32}"),
    tamper("head's code", "the head was not signed", "UPDATE head SET mac = {bytes32}", public=False),
    tamper("head's signature removed", "the head's public signature is not", "UPDATE head SET signature = NULL"),
    tamper("head's signature altered", "the head's public signature is not", "UPDATE head SET signature = {bytes64}"),
    tamper("second head", "there are 2 heads", "INSERT INTO head SELECT 2, seq, hash, keys, mac, signature FROM head"),
    tamper("head removed", "lost its head", "DELETE FROM head"),
    tamper("head of text", "lost its head", "UPDATE head SET seq = 'x'", sqlite_only=True),
    # The identity
    tamper("second identity", "there are 2 identities", "INSERT INTO identity SELECT 2, ledger_id, secret, verification_key FROM identity"),
    tamper("another public key", "the public key that stands in the ledger", "UPDATE identity SET verification_key = {bytes32}"),
    tamper("public key removed", "the public key that stands in the ledger", "UPDATE identity SET verification_key = NULL"),
    tamper("another ledger's id", "the master key is not the one", "UPDATE identity SET ledger_id = {bytes16}"),
    tamper("secret altered", "the master key is not the one", "UPDATE identity SET secret = {bytes64}", public=False),
    tamper("identity removed", "no ledger is there", "DELETE FROM identity"),
    # The version of the tables
    tamper("second version", "and only 0004 can be verified", "INSERT INTO alembic_version VALUES ('0001')"),
    tamper("earlier version", "and only 0004 can be verified", "UPDATE alembic_version SET version_num = '0003'"),
    tamper("no version", "and only 0004 can be verified", "DELETE FROM alembic_version"),
    # Keys and erasures
    tamper("key removed", "key 4 is gone, and no erasure", "DELETE FROM keys WHERE number = 4"),
    tamper("key destroyed unseen", "key 4 is gone, and no erasure", "UPDATE keys SET wrapped = NULL, subject = NULL WHERE number = 4"),
    tamper("key's content destroyed", "key 4 is gone, and no erasure", "UPDATE keys SET wrapped = NULL WHERE number = 4"),
    tamper("key of another", "key 2 was changed", "UPDATE keys SET wrapped = (SELECT k.wrapped FROM keys k WHERE k.number = 1) WHERE number = 2", public=False),
    tamper("key of noise", "key 2 was changed", "UPDATE keys SET wrapped = {bytes64} WHERE number = 2", public=False),
    tamper(
        "subjects swapped", "key 1 was changed",
        "UPDATE keys SET period = 'x' WHERE number = 1",
        "UPDATE keys SET subject = (SELECT k.subject FROM keys k WHERE k.number = 1) WHERE number = 2",
        "UPDATE keys SET subject = {subject2}, period = '' WHERE number = 1",
        public=False,
    ),
    tamper("subject null", "key 2 was changed", "UPDATE keys SET subject = NULL WHERE number = 2"),
    tamper("subject noise", "key 2 was changed", "UPDATE keys SET subject = {bytes16} WHERE number = 2", public=False),
    tamper("another period", "key 2 was changed", "UPDATE keys SET period = '2026' WHERE number = 2"),
    tamper("another time made", "key 2 was changed", "UPDATE keys SET made = made + 1 WHERE number = 2", public=False),
    tamper("called a key of before", "key 2 was changed", "UPDATE keys SET made = NULL WHERE number = 2", public=False),
    tamper("called destroyed", "key 2 is gone, and no erasure", "UPDATE keys SET destroyed = 1 WHERE number = 2"),
    tamper("key renumbered", "keys 6 to 6 stand behind", "UPDATE keys SET number = 6 WHERE number = 2"),
    tamper("key put in", "keys 6 to 6 stand behind", "INSERT INTO keys SELECT 6, NULL, wrapped, period, made, destroyed FROM keys WHERE number = 2"),
    tamper("key put in before", "keys from -1 to 0 stand before", "INSERT INTO keys SELECT -1, {bytes16}, wrapped, period, made, destroyed FROM keys WHERE number = 2"),
    tamper("all keys removed", "keys 1 to 5 are missing", "DELETE FROM keys"),
    tamper("erased key's row removed", "keys 5 to 5 are missing", "DELETE FROM keys WHERE number = 5"),
    tamper("erased person's key put back", "key 5 was destroyed by entry 6", PUT_BACK.format(columns="wrapped = {old_wrapped}, subject = {old_subject}, destroyed = NULL")),
    tamper("the same, called destroyed", "key 5 was destroyed by entry 6", PUT_BACK.format(columns="wrapped = {old_wrapped}, subject = {old_subject}")),
    tamper("its content alone put back", "key 5 was destroyed by entry 6", PUT_BACK.format(columns="wrapped = {old_wrapped}")),
    tamper("its subject alone put back", "key 5 was destroyed by entry 6", PUT_BACK.format(columns="subject = {old_subject}")),
    tamper("another time of erasure", "key 5 has other times", PUT_BACK.format(columns="destroyed = destroyed + 1")),
    tamper("time of erasure removed", "key 5 has other times", PUT_BACK.format(columns="destroyed = NULL")),
    tamper("another time made of an erased key", "key 5 has other times", PUT_BACK.format(columns="made = 1")),
    tamper("another period of an erased key", "key 5 has other times", PUT_BACK.format(columns="period = 'x'")),
    tamper(
        "person erased unseen by an entry before the chain", "key 2 is gone, and no erasure",
        ERASURE.format(seq=-1, key=2),
        "UPDATE keys SET wrapped = NULL, subject = NULL, destroyed = 1 WHERE number = 2",
    ),
    tamper(
        "person erased unseen by an entry behind the chain", "entries 8 to 8 stand behind the end",
        ERASURE.format(seq=8, key=2),
        "UPDATE keys SET wrapped = NULL, subject = NULL, destroyed = 1 WHERE number = 2",
    ),
    tamper("erasure removed", "entries 6 to 6 are missing", "DELETE FROM entries WHERE seq = 6"),
    tamper("erasure of another key", "entry 6 is not what", "UPDATE entries SET key = 2 WHERE seq = 6"),
]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def untouched(request, tmp_path_factory):
    """The ledger of TAMPERS as its address, and words for SQL: bytes, and Eve's key as it was before her erasure."""
    file = tmp_path_factory.mktemp("untouched") / "ledger.db"
    kept = f"sqlite:///{file}" if request.param == "sqlite" else request.getfixturevalue("server").new_database()
    with Ledger.open(kept, key=KEY) as ledger:
        ledger.append([entry(name) for name in ("Ada", "Bob", "Cid", "Dee", "Eve")])
        with ledger.store.reading() as cursor:
            cursor.execute("SELECT wrapped, subject FROM keys WHERE number = 5")
            wrapped, subject = cursor.fetchone()
            cursor.execute("SELECT subject FROM keys WHERE number = 2")
            [bob] = cursor.fetchone()
        ledger.erase("Eve", by="Kim Lee")
        ledger.append([entry("Ada")])
        noise = {f"bytes{size}": literal(ledger, bytes(size)) for size in (16, 32, 64)}
        old = {"old_wrapped": literal(ledger, wrapped), "old_subject": literal(ledger, subject)}
        return kept, {**noise, **old, "subject2": literal(ledger, bob)}


@pytest.fixture
def url(untouched, request, tmp_path):
    """A copy of that ledger."""
    kept, _ = untouched
    if kept.startswith("sqlite"):
        return f"sqlite:///{shutil.copytree(Path(kept.removeprefix('sqlite:///')).parent, tmp_path / 'copy')}/ledger.db"
    return request.getfixturevalue("server").new_database(copied=kept)


@pytest.fixture
def filled(untouched, ledger):
    return ledger, untouched[1]


def faults(check) -> str:
    """What a check finds, whichever way it says so; empty if the ledger holds."""
    try:
        return "\n".join(check().faults)
    except (LedgerBroken, LedgerRefused, LedgerUnavailable) as error:
        return str(error)


def publicly(url, public):
    with LedgerReader.open(url, verification_key=public) as reader:
        return verify(reader)


def privately(url):
    with LedgerReader.open(url, key=KEY) as reader:
        return verify(reader)


def cases(of):
    return [pytest.param(each, id=each.name.replace(" ", "-")) for each in of]


def refused(ledger, each: Tamper, values, *, triggers: bool) -> bool:
    """Do it, or learn that the database refuses it: then nothing of it may have happened."""
    try:
        change(ledger, *(statement.format(**values) for statement in each.statements), triggers=triggers)
    except LedgerUnavailable:
        assert verify(ledger).faults == []
        return True
    return False


def make_tables_anew(ledger):
    """Entries and keys in tables that let a number stand twice, or be missing: what kept them apart is the table's."""
    for table, number in (("entries", "seq"), ("keys", "number")):
        of = {"table": table, "number": number}
        change(ledger, *(each.format(**of) for each in (ANEW if ledger.store.sqlite else LOOSE)))


ANEW = (
    "CREATE TABLE anew AS SELECT * FROM {table}",
    "DROP TABLE {table}",
    "ALTER TABLE anew RENAME TO {table}",
)
LOOSE = ("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey", "ALTER TABLE {table} ALTER {number} DROP NOT NULL")
KEY_COPY = "INSERT INTO keys SELECT {number}, {{bytes16}}, wrapped, period, made, destroyed FROM keys WHERE number = 2"
SEVEN, FIVE = "there are 8 entries and not 7: some were put in", "there are 6 keys and not 5: some were put in"
# What a table refuses by its keys, until it is made anew.
UNNUMBERED = [
    tamper("entry without a number", SEVEN, COPY.format(seq="NULL", id="'x'", of=7)),
    tamper("entry whose number is a word", SEVEN, COPY.format(seq="'x'", id="'x'", of=7), sqlite_only=True),
    tamper("entry whose number is a fraction", SEVEN, COPY.format(seq="6.5", id="'x'", of=7)),
    tamper("entry a second time", SEVEN, COPY.format(seq=3, id="'x'", of=7)),
    tamper("key without a number", FIVE, KEY_COPY.format(number="NULL")),
    tamper("key whose number is a word", FIVE, KEY_COPY.format(number="'x'"), sqlite_only=True),
    tamper("key a second time", FIVE, KEY_COPY.format(number=2)),
    tamper(
        "person erased unseen by an entry whose number is a word", SEVEN,
        ERASURE.format(seq="'x'", key=2),
        "UPDATE keys SET wrapped = NULL, subject = NULL, destroyed = 1 WHERE number = 2",
        sqlite_only=True,
    ),
]  # fmt: skip


@pytest.mark.parametrize("each", cases(UNNUMBERED))
def test_in_tables_that_were_made_anew_every_row_that_was_put_in_is_found(filled, url, each):
    ledger, values = filled
    make_tables_anew(ledger)
    assert privately(url).faults == []
    by_types = each.sqlite_only and not ledger.store.sqlite
    assert refused(ledger, each, values, triggers=False) is by_types
    if by_types:
        return
    assert each.fault in faults(lambda: privately(url))
    assert each.fault in faults(lambda: publicly(url, ledger.verification_key))


def test_an_erasure_put_in_under_the_last_number_of_a_page_is_found(filled, url):
    """Verifying reads by pages, and the next page begins behind that number: a second one was on neither."""
    ledger, _ = filled
    ledger.append([entry("Bob")] * (PAGE - 7))
    make_tables_anew(ledger)
    change(
        ledger,
        f"INSERT INTO entries SELECT {PAGE}, 'erasure', at, 'x', NULL, 1, (SELECT '{{\"made\":' || made || "
        "',\"period\":\"' || period || '\"}' FROM keys WHERE number = 1), NULL, hash FROM entries WHERE seq = 1",
        "UPDATE keys SET wrapped = NULL, subject = NULL, destroyed = (SELECT at FROM entries WHERE seq = 1) "
        "WHERE number = 1",
    )
    fault = f"there are {PAGE + 1} entries and not {PAGE}: some were put in"
    assert fault in faults(lambda: privately(url))
    assert fault in faults(lambda: publicly(url, ledger.verification_key))


def test_the_untouched_ledger_holds(filled, url):
    ledger, _ = filled
    assert verify(ledger).faults == privately(url).faults == publicly(url, ledger.verification_key).faults == []


@pytest.mark.parametrize("each", cases(TAMPERS))
def test_every_tamper_is_found(filled, url, each):
    ledger, values = filled
    public = ledger.verification_key
    by_types = each.sqlite_only and not ledger.store.sqlite
    assert refused(ledger, each, values, triggers=False) is by_types
    if by_types:
        return
    assert each.fault in faults(lambda: privately(url))
    assert bool(faults(lambda: publicly(url, public))) is each.public


@pytest.mark.parametrize("each", cases(TAMPERS))
def test_every_tamper_is_refused_by_the_triggers_or_found(filled, url, each):
    ledger, values = filled
    if refused(ledger, each, values, triggers=True):
        return
    assert not GUARDED.match(each.statements[0]), "a trigger let it pass"
    assert each.fault in faults(lambda: privately(url))


@pytest.mark.parametrize("each", cases(each for each in TAMPERS if each.fault == "the head was not signed"))
def test_nothing_is_recorded_behind_a_head_that_somebody_set(filled, url, each):
    """The next one would be signed with the ledger's key, and nothing would show any more."""
    ledger, values = filled
    change(ledger, *(statement.format(**values) for statement in each.statements))
    uses = (
        lambda: ledger.append([entry("Fay")]),
        lambda: ledger.erase("Bob", by="Kim Lee"),
        lambda: ledger.destroy([3], {}, by="Kim Lee"),
        ledger.ready,
    )
    for use in uses:
        with pytest.raises(LedgerUnavailable, match=r"was set by somebody else\. Nothing is recorded behind it"):
            use()
    assert each.fault in faults(lambda: privately(url))


def test_an_end_that_was_cut_off_is_not_signed_away_by_the_next_decision(filled, url):
    ledger, _ = filled
    change(
        ledger,
        "DELETE FROM entries WHERE seq = 7",
        "UPDATE head SET seq = 6, hash = (SELECT hash FROM entries WHERE seq = 6)",
    )
    with pytest.raises(LedgerUnavailable):
        ledger.append([entry("Fay")])
    assert "the head was not signed" in faults(lambda: privately(url))


def test_another_ledger_of_the_same_master_key_is_not_this_one(filled, url, tmp_path):
    """As of a test environment, put in the place of this one: all of it is signed, and none of it happened here."""
    ledger, _ = filled
    with Ledger.open(f"sqlite:///{tmp_path / 'other.db'}", key=KEY) as other:
        other.append([entry("Ada")] * 9)
        assert verify(other).faults == []
        assert "not the one that was written down" in "\n".join(verify(other, [ledger.head()]).faults)
    assert faults(lambda: publicly(f"sqlite:///{tmp_path / 'other.db'}", ledger.verification_key))


@pytest.mark.parametrize("seq", [0, -3, 8])
def test_what_stands_outside_the_chain_is_not_shown(filled, seq):
    ledger, _ = filled
    change(ledger, COPY.format(seq=seq, id="'put-in'", of=7))
    if seq < 1:
        assert ledger.get("put-in") is None
        assert [one.seq for one in ledger.decisions_about("Ada")] == [1, 7]
    else:
        with pytest.raises(LedgerBroken, match="not in the chain as it was recorded"):
            ledger.get("put-in")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET facts = replace(facts, 'decline', 'approve') WHERE seq = 3",
        "UPDATE entries SET facts = 'no JSON' WHERE seq = 3",
        "DELETE FROM entries WHERE seq = 2",
        "UPDATE entries SET at = 1 WHERE seq = 4",
        "UPDATE head SET seq = 2",
        "UPDATE head SET keys = 9",
    ],
)
def test_a_decision_whose_chain_was_changed_is_not_shown(filled, statement):
    ledger, _ = filled
    [cid] = ledger.decisions_about("Cid")
    change(ledger, statement)
    for look in (lambda: ledger.get(cid.decision_id), lambda: list(ledger.decisions_about("Cid"))):
        with pytest.raises(LedgerBroken, match="Run `credit-risk ledger verify`"):
            look()


FACTS = {
    "decision": ('"decision":"decline"', '"decision":"approve"'),
    "client": ('"client":"web"', '"client":"other"'),
    "scorer": ('"scorer":"5c"', '"scorer":"5d"'),
    "reasons": ('"reasons":["R01"]', '"reasons":["R02"]'),
}


def chained_anew(ledger, first: int, last: int, **columns: object) -> None:
    """Alter an entry, and chain it and those behind it anew up to another: the chain breaks far from what was altered."""
    with ledger.store.reading() as cursor:
        cursor.execute("SELECT seq, kind, at, decision_id, request, key, facts, sealed, hash FROM entries ORDER BY seq")
        found = [Row(*row) for row in cursor.fetchall()]
    of = {row.seq: row for row in found}
    rows = [of[first]._replace(**columns), *(of[seq] for seq in range(first + 1, last + 1))]
    start = Head(first - 1, of[first - 1].hash) if first > 1 else chain.genesis(ledger.ledger_id)
    linked, _ = chain.continued(start, rows)
    for row in linked:
        change(
            ledger,
            f"UPDATE entries SET at = {row.at}, decision_id = '{row.decision_id}', facts = '{row.facts}', "
            f"request = {'NULL' if row.request is None else literal(ledger, row.request)}, "
            f"hash = {literal(ledger, row.hash)} WHERE seq = {row.seq}",
        )


@pytest.mark.parametrize("fact", FACTS)
def test_a_decision_that_was_chained_anew_beside_its_neighbours_is_not_shown(filled, fact):
    ledger, _ = filled
    [cid] = ledger.decisions_about("Cid")
    with ledger.store.reading() as cursor:
        cursor.execute("SELECT facts FROM entries WHERE seq = 3")
        [facts] = cursor.fetchone()
    altered = facts.replace(*FACTS[fact])
    assert altered != facts
    chained_anew(ledger, 3, 6, facts=altered)
    for look in (lambda: ledger.get(cid.decision_id), lambda: list(ledger.decisions_about("Cid"))):
        with pytest.raises(LedgerBroken, match="Run `credit-risk ledger verify`"):
            look()


@pytest.mark.parametrize(("column", "value"), [("at", 1), ("request", bytes(16))])
def test_its_time_and_request_are_its_own_too(filled, column, value):
    ledger, _ = filled
    [cid] = ledger.decisions_about("Cid")
    chained_anew(ledger, 3, 6, **{column: value})
    with pytest.raises(LedgerBroken, match="Run `credit-risk ledger verify`"):
        ledger.get(cid.decision_id)


@pytest.mark.parametrize("facts", ["no JSON", "[]", "{}"])
def test_an_erased_persons_decision_of_which_nothing_is_left_is_not_shown(filled, facts):
    ledger, _ = filled
    with ledger.store.reading() as cursor:
        cursor.execute("SELECT decision_id FROM entries WHERE seq = 5")
        [eves] = cursor.fetchone()
    assert ledger.get(eves).erased
    chained_anew(ledger, 5, 6, facts=facts)
    with pytest.raises(LedgerBroken, match="Run `credit-risk ledger verify`"):
        ledger.get(eves)


@pytest.mark.parametrize("wrapped", ["{bytes64}", "(SELECT k.wrapped FROM keys k WHERE k.number = 1)"])
def test_a_decision_whose_key_was_altered_is_not_called_erased(filled, wrapped):
    ledger, values = filled
    [bob] = ledger.decisions_about("Bob")
    change(ledger, f"UPDATE keys SET wrapped = {wrapped.format(**values)} WHERE number = 2")
    with pytest.raises(LedgerBroken, match="not as it was sealed"):
        ledger.get(bob.decision_id)


def test_in_a_ledger_from_before_the_decision_at_least_is_what_was_sealed(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    older(url, ["Ada", "Bob", "Cid"])
    with Ledger.open(url, key=KEY) as ledger:
        [ada] = ledger.decisions_about("Ada")
        with ledger.store.reading() as cursor:
            cursor.execute("SELECT facts FROM entries WHERE seq = 1")
            [facts] = cursor.fetchone()
        for altered in ("decision", "reasons"):
            chained_anew(ledger, 1, 2, facts=facts.replace(*FACTS[altered]))
            with pytest.raises(LedgerBroken, match="not as it was sealed"):
                ledger.get(ada.decision_id)


def test_chained_anew_as_it_was_is_shown(filled):
    ledger, _ = filled
    [cid] = ledger.decisions_about("Cid")
    chained_anew(ledger, 3, 6)
    assert ledger.get(cid.decision_id) == cid


def test_the_last_decision_is_shown_against_the_head(filled):
    ledger, _ = filled
    *_, last = ledger.decisions_about("Ada")
    assert ledger.get(last.decision_id) == last
    change(ledger, "UPDATE entries SET at = at + 1 WHERE seq = 7")
    with pytest.raises(LedgerBroken, match="entry 7"):
        ledger.get(last.decision_id)
