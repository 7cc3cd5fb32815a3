"""Recording and finding decisions, once each, in both databases."""

import math
import struct
from datetime import UTC, datetime, timedelta

import pytest
from ledger_trial import BY, KEY, REASONS, SECRET_INCOME, entry, submit_all

from credit_risk.ledger.database.stored import KeyRow
from credit_risk.ledger.errors import Conflict, EntryError, LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from tools import decision_of_request, processes


def bits(number: float) -> bytes:
    return struct.pack(">d", number)


def test_a_decision_comes_back_as_it_was_recorded(ledger):
    [recorded] = ledger.append([entry(request="r1")])
    record = ledger.get(recorded.decision_id)
    assert (record.seq, record.client, record.by, record.decision, record.band) == (1, "web", BY, "decline", "C")
    assert (record.reasons, record.latency_ms, record.erased) == (("R01",), 1.5, False)
    assert (record.applicant, record.request_id) == ("Ada", "r1")
    assert record.inputs == {"income": SECRET_INCOME, "months_late": 3, "purpose": "car"}
    assert record.decided["reasons"] == REASONS
    assert record.at == recorded.at


def test_a_record_is_plain_with_its_time_in_utc_to_the_microsecond(ledger):
    before = datetime.now(UTC) - timedelta(microseconds=1)
    [recorded] = ledger.append([entry()])
    assert before <= recorded.at <= datetime.now(UTC)
    at = ledger.get(recorded.decision_id).as_dict()["at"]
    assert len(at) == len("2026-11-25T02:46:04.912593Z")
    assert datetime.fromisoformat(at) == recorded.at


@pytest.mark.parametrize("number", [0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, 2.0**53 + 2])
def test_a_number_keeps_every_bit(local, number):
    [recorded] = local.append([entry(inputs={"x": number}, decided={"decision": "refer", "pd": number})])
    record = local.get(recorded.decision_id)
    assert bits(record.inputs["x"]) == bits(record.decided["pd"]) == bits(number)


def test_a_pd_that_is_no_number_is_null_and_said(local):
    [recorded] = local.append([entry(decided={"decision": "refer", "pd": math.nan, "scores": [1.0, -math.inf]})])
    with local.store.reading() as cursor:
        cursor.execute(
            "SELECT sealed, keys.number, wrapped, subject, period, made "
            "FROM entries JOIN keys ON keys.number = entries.key"
        )
        sealed, number, *key = cursor.fetchone()
    cipher = KeyRow(*key).cipher(local.secret, number)
    plain = cipher.decrypt(sealed[:12], sealed[12:], recorded.decision_id.encode())
    assert b'"decided":{"decision":"refer","pd":null,"scores":[1.0,null]}' in plain
    assert b'"unknown":{"decided.pd":"nan","decided.scores[1]":"-inf"}' in plain


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ({"x": math.nan}, "inputs.x is nan"),
        ({"a": {"b": [math.inf]}}, r"inputs.a.b\[0\] is inf"),
        ({"x": 2**70}, "JSON"),
    ],
)
def test_inputs_that_would_not_come_back_are_refused(local, inputs, what):
    with pytest.raises(EntryError, match=what):
        local.append([entry(inputs=inputs)])
    assert local.head().seq == 0


@pytest.mark.parametrize("text", ["", "\0", "\ud800", " a", "a" * 201])
def test_what_cannot_be_a_reference_is_neither_recorded_nor_looked_up(ledger, text):
    for use in (lambda: ledger.append([entry(text)]), lambda: ledger.erase(text, by="Kim Lee")):
        with pytest.raises(EntryError, match="1 to 200 visible characters"):
            use()
    assert ledger.head().seq == 0


@pytest.mark.parametrize("name", ["request", "client", "body_digest"])
def test_half_a_character_is_refused(local, name):
    with pytest.raises(EntryError, match="valid Unicode"):
        local.append([entry(**{name: "\ud800"})])


@pytest.mark.parametrize("text", ["", "\0", "Zoë 🙂", "a" * 10_000])
def test_any_text_is_a_client_and_a_key(ledger, text):
    [recorded] = ledger.append([entry("Zoë 🙂", text, client=text)])
    record = decision_of_request(ledger, text, text)
    assert (record.decision_id, record.applicant, record.request_id) == (recorded.decision_id, "Zoë 🙂", text)
    assert verify(ledger).holds


def test_nothing_personal_stands_in_clear(local, file):
    local.append([entry("Ada-Lovelace", "request-of-Ada", body_digest="digest-of-body")])
    local.close()
    raw = b"".join(path.read_bytes() for path in file.parent.iterdir())
    for word in (
        b"Ada-Lovelace",
        b"request-of-Ada",
        b"digest-of-body",
        b"months_late",
        b"41234.56",
        b"0.30000000000000004",
    ):
        assert word not in raw
    assert b'"decision":"decline"' in raw  # so what is looked for would have been found


def test_the_same_request_is_recorded_once_and_answered_with_the_first_decision(ledger):
    [first] = ledger.append([entry(request="r1")])
    [again] = ledger.append([entry(request="r1", decided={"decision": "approve"})])
    assert (again.decision_id, again.seq, again.at, again.repeated) == (first.decision_id, 1, first.at, True)
    assert again.decided == entry().decided
    assert ledger.head().seq == 1


def test_also_when_both_come_in_one_transaction(ledger):
    first, again, other = ledger.append([entry(request="r1"), entry(request="r1"), entry(request="r2")])
    assert (first.repeated, again.repeated, other.repeated) == (False, True, False)
    assert again.decision_id == first.decision_id
    assert other.seq == 2


@pytest.mark.parametrize("together", [True, False])
def test_a_key_that_comes_with_another_body_conflicts_and_alone(ledger, together):
    new = [entry(request="r1"), entry(request="r1", body_digest="b1"), entry(request="r2")]
    first, conflict, other = ledger.append(new) if together else [ledger.append([one])[0] for one in new]
    assert isinstance(conflict, Conflict)
    assert conflict.decision_id == first.decision_id
    assert "Ada" not in str(conflict)
    assert other.seq == 2


def test_a_key_belongs_to_its_client(ledger):
    ours, theirs = ledger.append([entry(request="r1"), entry(request="r1", client="branch")])
    assert ours.decision_id != theirs.decision_id
    assert decision_of_request(ledger, "web", "r1").decision_id == ours.decision_id
    assert decision_of_request(ledger, "branch", "r1").decision_id == theirs.decision_id


def test_without_a_key_the_same_twice_is_two_decisions(ledger):
    assert [one.seq for one in ledger.append([entry(), entry()])] == [1, 2]


def test_what_is_not_there_is_none(ledger):
    assert ledger.get("01a21098-f168-7765-8a58-0b9fc0816889") is None
    assert decision_of_request(ledger, "web", "r1") is None
    assert list(ledger.decisions_about("Ada")) == []


def test_all_about_one_person_the_oldest_first(ledger, monkeypatch):
    ledger.append([entry("Ada"), entry("Bob"), entry(None), entry("Ada")])
    ledger.append([entry("Ada")])
    assert [one.seq for one in ledger.decisions_about("Ada")] == [1, 4, 5]
    assert [one.applicant for one in ledger.decisions_about("Bob")] == ["Bob"]


def test_hundreds_in_one_transaction(ledger):
    recorded = ledger.append([entry(f"person {number % 70}", f"r{number}") for number in range(333)])
    assert [one.seq for one in recorded] == list(range(1, 334))
    assert all(one.repeated for one in ledger.append([entry(f"p{n % 70}", f"r{n}") for n in range(333)]))
    assert len(list(ledger.decisions_about("person 3"))) == 5
    assert verify(ledger).entries == 333


def test_nothing_to_record_is_no_transaction_s_fault(ledger):
    assert ledger.append([]) == []
    assert ledger.head().seq == 0


def test_it_opens_again_where_it_was(url):
    with Ledger.open(url, key=KEY) as ledger:
        [recorded] = ledger.append([entry()])
    with Ledger.open(url, key=KEY, create=False) as ledger:
        assert ledger.get(recorded.decision_id).applicant == "Ada"
        assert ledger.append([entry()])[0].seq == 2
        assert verify(ledger).holds


def test_another_master_key_does_not_open_it(ledger, url):
    with pytest.raises(LedgerRefused, match="the master key is not the one"):
        Ledger.open(url, key=b"k" * 32)


def test_a_new_master_key_opens_it_and_the_old_one_no_more(ledger, url):
    [recorded] = ledger.append([entry()])
    ledger.rekey(b"k" * 32)
    with Ledger.open(url, key=b"k" * 32) as again:
        assert again.get(recorded.decision_id).applicant == "Ada"
        assert verify(again).holds
    with pytest.raises(LedgerRefused, match="the master key is not the one"):
        Ledger.open(url, key=KEY)


def test_a_ledger_that_is_not_there_is_made_only_on_demand(file):
    with pytest.raises(LedgerUnavailable, match="no ledger is there"):
        Ledger.open(f"sqlite:///{file}", key=KEY, create=False)
    assert not file.exists()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/x", "nonsense", "nosuch://x"]
)
def test_a_place_that_keeps_nothing_is_refused(url):
    with pytest.raises(LedgerRefused, match=r"sqlite:///path/to/ledger\.db or postgresql://"):
        Ledger.open(url, key=KEY)


def test_an_entry_cannot_be_changed_or_removed_by_a_slip(ledger):
    ledger.append([entry()])
    for slip in ("UPDATE entries SET facts = '{}'", "DELETE FROM entries"):
        with pytest.raises(LedgerUnavailable, match="the ledger only grows"), ledger.store.core() as connection:
            connection.exec_driver_sql(slip)
    assert verify(ledger).holds


def test_several_processes_continue_one_chain_and_record_each_request_once(url):
    """They also open it at the same time, when there is none yet: one makes it."""
    with processes().Pool(4) as pool:
        said = [one for some in pool.starmap(submit_all, [(url, number) for number in range(4)]) for one in some]
    ids = {name: {one[1] for one in said if one[0] == name} for name, *_ in said}
    assert len(ids) == 10 + 4 * 10
    assert all(len(found) == 1 for found in ids.values())
    assert {one[2] for one in said} == set(range(1, 51))
    with Ledger.open(url, key=KEY) as ledger:
        assert ledger.head().seq == 50
        assert verify(ledger).holds
