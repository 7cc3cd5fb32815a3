"""What somebody could do to a ledger, and that it shows; in both databases."""

import tracemalloc

import pytest
from ledger_trial import change, entry, literal

from credit_risk.ledger import chain
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.verification import MAX_FAULTS_SHOWN, Verification, rows, verify
from credit_risk.scoring.signed_chain import Head


@pytest.fixture
def five(ledger):
    """Entries 1 to 5, of Ada, Bob, Cid, Dee and Eve."""
    ledger.append([entry(name) for name in ("Ada", "Bob", "Cid", "Dee", "Eve")])
    return ledger


def swap(ledger, one: int, other: int) -> None:
    change(
        ledger,
        f"UPDATE entries SET seq = -1 WHERE seq = {one}",
        f"UPDATE entries SET seq = {one} WHERE seq = {other}",
        f"UPDATE entries SET seq = {other} WHERE seq = -1",
    )


def test_an_untouched_ledger_holds(five):
    found = verify(five)
    assert (found.holds, found.entries, found.erased, found.faults) == (True, 5, 0, [])
    assert found.head == five.head()


def test_an_empty_ledger_holds(ledger):
    assert verify(ledger, [ledger.head()]).holds


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE entries SET facts = replace(facts, 'decline', 'approve') WHERE seq = 3", "entry 3 is not what was"),
        ("UPDATE entries SET at = at + 1 WHERE seq = 5", "entry 5 is not what was recorded behind entry 4"),
        ("UPDATE entries SET key = 1 WHERE seq = 2", "entry 2 is not what was"),
        (
            "UPDATE entries SET sealed = (SELECT e.sealed FROM entries e WHERE e.seq = 1) WHERE seq = 2",
            "entry 2 is not",
        ),
        ("DELETE FROM entries WHERE seq = 1", "entries 1 to 1 are missing"),
        ("DELETE FROM entries WHERE seq IN (2, 3)", "entries 2 to 3 are missing"),
        ("DELETE FROM entries WHERE seq = 5", "entries 5 to 5 are missing: the end was cut off"),
        ("DELETE FROM entries", "entries 1 to 5 are missing: the end was cut off"),
        ("UPDATE head SET seq = 4", "entries 5 to 5 stand behind the end of the chain"),
        ("UPDATE head SET keys = 6", "the head was not signed with this ledger's key"),
        ("DELETE FROM keys WHERE number = 4", "entry 4 cannot be read: key 4 is gone, and no erasure was recorded"),
        ("UPDATE keys SET wrapped = NULL WHERE number = 4", "entry 4 cannot be read: key 4 is gone"),
        (
            "UPDATE keys SET wrapped = (SELECT k.wrapped FROM keys k WHERE k.number = 1) WHERE number = 2",
            "key 2 was changed",
        ),
        (
            "INSERT INTO entries SELECT 6, kind, at, 'x', NULL, key, facts, sealed, hash FROM entries WHERE seq = 5",
            "put in",
        ),
    ],
)
def test_every_change_shows_where_it_is(five, statement, fault):
    change(five, statement)
    found = verify(five)
    assert not found.holds
    assert any(fault in one for one in found.faults), found.faults


def test_two_entries_that_change_places_show(five):
    swap(five, 2, 4)
    found = verify(five)
    assert {f"entry {seq} " in " ".join(found.faults) for seq in (2, 4)} == {True}


def remade(ledger, edit) -> None:
    """An attacker without the key who edits an entry and computes every hash after it anew, the head's too."""
    last = chain.genesis(ledger.ledger_id)
    for row, _ in list(rows(ledger, 5)):
        [new], last = chain.continued(last, [edit(row)])
        change(
            ledger,
            f"UPDATE entries SET facts = '{new.facts}', hash = {literal(ledger, new.hash)} WHERE seq = {new.seq}",
        )
    change(ledger, f"UPDATE head SET hash = {literal(ledger, last.hash)}")


def test_a_chain_made_anew_shows_by_its_head(five):
    remembered = five.head()
    remade(five, lambda row: row._replace(facts=row.facts.replace("decline", "approve")) if row.seq == 2 else row)
    found = verify(five)
    assert found.faults == [
        "the head was not signed with this ledger's key: the end of the chain was set by somebody else"
    ]
    assert "entry 5 is not the one that was written down" in verify(five, [remembered]).faults[1]


def test_an_end_cut_off_with_the_head_of_that_time_shows_against_a_head_written_down_since(ledger):
    """The one thing that the database alone cannot show."""
    ledger.append([entry("Ada")])
    with ledger.store.reading() as cursor:
        cursor.execute("SELECT hash, mac, signature FROM head")
        then = cursor.fetchone()
    ledger.append([entry("Bob")])
    remembered = ledger.head()
    change(
        ledger,
        "DELETE FROM entries WHERE seq = 2",
        "DELETE FROM keys WHERE number = 2",
        "UPDATE head SET seq = 1, keys = 1, hash = {}, mac = {}, signature = {}".format(
            *(literal(ledger, value) for value in then)
        ),
    )
    assert verify(ledger).holds
    found = verify(ledger, [remembered])
    assert found.faults == ["the chain once reached entry 2 and now ends at 1: the end was cut off"]


def test_heads_from_before_hold_while_the_chain_grows(ledger):
    heads = [ledger.head()]
    for name in ("Ada", "Bob", "Cid"):
        ledger.append([entry(name)])
        heads.append(ledger.head())
    assert verify(ledger, heads).holds
    wrong = Head(2, heads[3].hash)
    assert verify(ledger, [wrong]).faults == ["entry 2 is not the one that was written down: the chain was made anew"]
    assert not verify(ledger, [Head(0, bytes(32))]).holds


def test_many_faults_are_counted_and_the_first_are_said(local):
    local.append([entry() for _ in range(30)])
    change(local, "UPDATE entries SET at = 0")
    found = verify(local)
    assert (found.count, len(found.faults)) == (30, MAX_FAULTS_SHOWN)
    with pytest.raises(LedgerBroken, match="30 faults in 30 entries") as broken:
        found.raise_unless_it_holds()
    assert broken.value.exit_code == 1
    assert "and 10 more" in str(broken.value)


def test_the_walk_holds_one_page_in_memory(local):
    peaks = []
    for _ in range(2):
        for _ in range(4):
            local.append([entry(f"p{number}") for number in range(500)])
        tracemalloc.start()
        assert verify(local).holds
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]  # twice the entries


def test_a_single_fault_is_counted_as_one():
    made = Verification(Head(0, ""), entries=2)
    made.raise_unless_it_holds()
    made.fault("entry 1: altered")
    with pytest.raises(LedgerBroken, match=r"^The ledger does not hold: 1 fault in 2 entries\.\n  entry 1: altered\n"):
        made.raise_unless_it_holds()
