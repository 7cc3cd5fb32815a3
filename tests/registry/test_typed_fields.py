"""Whatever type a field has that somebody wrote, with the key or the database alone: no traceback, but a sentence."""

import json
import sqlite3
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.data.writing import write_text
from credit_risk.errors import CreditRiskError
from credit_risk.registry import as_of, lifecycle
from credit_risk.registry.chain_file import ChainFile, unverified_notes
from credit_risk.registry.errors import RegistryBroken
from credit_risk.registry.history import History
from credit_risk.registry.settings import RegistrySettings
from credit_risk.scoring import signing
from credit_risk.scoring.live_statement import LiveStatement, LiveVersion
from credit_risk.scoring.signed_chain import BEGINNING, Head, SignedFacts, has_types, link, object_of
from credit_risk.scoring.signing import SignedBy

BY = SignedBy(public_key="build/signing/signing.pub")
MISSING = object()
VALUES = (MISSING, None, True, 10**30, "x", "2026-11-29T12:00:00", ["x"], {"a": 1})
NOTE = {"before": "2026-11-29", "up_to": 1, "by": "Kim Lee", "reason": "looked it through today", "statements": 1}


def paths(value, path=()):
    """Where every field of an object of JSON stands, itself included."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from paths(item, (*path, name))


def changes(facts: dict):
    """The facts with each of their fields replaced by each value, or taken out; as (what, facts)."""
    for path in paths(facts):
        for value in VALUES:
            changed = deepcopy(facts)
            *way, last = path
            holder = changed
            for name in way:
                holder = holder[name]
            if value is MISSING:
                del holder[last]
            else:
                holder[last] = value
            yield f"{path} = {'missing' if value is MISSING else value!r}", changed


@pytest.fixture
def unsafe(monkeypatch):
    """A key is at hand: signatures cost nothing here, and each is taken for good."""
    monkeypatch.setattr(signing, "sign", lambda path, signature, key: signature.write_text("{}"))
    monkeypatch.setattr(signing, "refusal", lambda *_: None)


@pytest.fixture
def history(root) -> History:
    settings = RegistrySettings(tracking="nowhere", history=f"sqlite:///{root / 'history.db'}", signed_by=BY)
    opened = History(settings, root, "lender")
    facts = {"verdict": "PASS", "gate_record": "aa", "digests": {"model": "bb"}}
    opened.append("register", 1, "5c", by="Kim Lee", reason="a first try here", facts=facts, after=0)
    opened.append("nominate", 1, "5c", by="Ada Berg", reason="a first try here", facts={}, after=1)
    yield opened
    opened.close()


def reads(opened: History) -> None:
    """All that the commands do with a history, each of which may refuse with a sentence."""

    def show() -> None:
        for entry in opened.unverified():
            json.dumps([f"{entry.at:%Y}", entry.by + entry.reason, entry.version + 0, entry.as_json()])

    def ask() -> None:
        as_of.as_of(opened.unverified(), datetime.now(UTC))
        lifecycle.may_be_live(opened.unverified())

    def notes() -> None:
        for note in opened.notes():
            json.dumps([note["before"] + note["by"], note["up_to"] + 0])

    for read in (opened.read, notes, show, ask, opened.signed, opened.restate):
        with suppress(CreditRiskError):
            read()
    try:
        opened.take_over("Kim Lee", "looked it through today")
    except CreditRiskError:
        return
    assert [note["by"] for note in opened.notes()][-1] == "Kim Lee"  # what was taken over holds from then on


def replaced(root: Path, sql: str, *values: object) -> None:
    """Change a table as its owner may, whose triggers are in nobody's way."""
    with sqlite3.connect(root / "history.db") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(sql, values)
    connection.close()


def test_every_field_of_a_signed_statement_of_every_type_is_refused_with_a_sentence_or_holds(history, root, unsafe):
    history.take_over("Kim Lee", "looked it through today")
    history.restate(LiveVersion(1, "earlier", "5c", "aa"))
    kept = (root / "history.db").read_bytes()
    facts = json.loads(history.signed().text)
    assert (len(facts["unverified"]), len(facts["live"])) == (1, 2)
    for what, changed in changes(facts):
        (root / "history.db").write_bytes(kept)
        replaced(root, "UPDATE registry_statements SET facts = ? WHERE seq = 4", json.dumps(changed))
        try:
            reads(history)
        except Exception as error:  # noqa: BLE001  (whatever it is, it names its case)
            pytest.fail(f"{what}: {error!r}")


def test_every_field_of_a_move_of_every_type_is_refused_with_a_sentence_or_holds(history, root, unsafe):
    kept = (root / "history.db").read_bytes()
    first = history.read()[0]
    body = json.loads(json.dumps(first.as_json()))
    del body["seq"]
    for what, changed in changes(body):
        text = json.dumps(changed, sort_keys=True)
        (root / "history.db").write_bytes(kept)
        head, second = link(BEGINNING.hash, text), json.dumps({}) if "seq" in changed else history_body(root)
        replaced(root, "UPDATE registry_moves SET body = ?, hash = ? WHERE seq = 1", text, head.hex())
        replaced(root, "UPDATE registry_moves SET hash = ? WHERE seq = 2", link(head, second).hex())
        statement = json.loads(history._reading().signed.text) | {"head": str(Head(2, link(head, second)))}
        replaced(root, "UPDATE registry_statements SET facts = ? WHERE seq = 2", json.dumps(statement))
        try:
            reads(history)
        except Exception as error:  # noqa: BLE001  (whatever it is, it names its case)
            pytest.fail(f"{what}: {error!r}")


def history_body(root: Path) -> str:
    with sqlite3.connect(root / "history.db") as connection:
        (body,) = connection.execute("SELECT body FROM registry_moves WHERE seq = 2").fetchone()
    connection.close()
    return body


@pytest.mark.parametrize(
    ("moves", "fault"),
    [
        ([("rollback", 1, {})], "entry 1, rollback 1, cannot follow the entries before it"),
        ([("here", 0, {})], "a move that does not say its gate_record"),
    ],
)
def test_moves_that_make_no_history_are_named(history, root, moves, fault):
    at = datetime.now(UTC).isoformat()
    fields = [
        {"move": move, "version": version, "scorer": "5c", "by": "Kim Lee", "reason": "a b c", "facts": facts, "at": at}
        for move, version, facts in moves
    ]
    replaced(root, "DELETE FROM registry_moves")
    for seq, each in enumerate(fields, start=1):
        replaced(root, "INSERT INTO registry_moves VALUES (?, ?, '')", seq, json.dumps(each))
    with pytest.raises(RegistryBroken, match=fault):
        lifecycle.standing(history.unverified())


def test_every_field_of_a_chains_signed_head_of_every_type_is_a_fault_or_holds(root, unsafe):
    chain = ChainFile(root / "audit.jsonl")
    chain.path.write_text('{"what": "from before"}\n')
    chain.append({"what": "first"}, (BY, root))
    facts = json.loads(json.loads(chain.head_file.read_text())["facts"])
    assert len(facts["unverified"]) == 1
    entries = chain.path.read_bytes()
    for what, changed in changes(facts):
        chain.path.write_bytes(entries)
        write_text(chain.head_file, json.dumps({"facts": json.dumps(changed), "signature": {}}))
        try:
            for note in chain.verify(BY, root).unverified:
                json.dumps([note["before"] + note["why"], note["up_to"] + 0])
            chain.append({"what": "second"}, (BY, root))
            assert chain.verify(BY, root).faults == ()
        except Exception as error:  # noqa: BLE001  (whatever it is, it names its case)
            pytest.fail(f"{what}: {error!r}")


@pytest.mark.parametrize("line", [b"no JSON", b"[]", b"5", b"\xff", b"[" * 100_000, b'"x"'])
def test_a_line_that_is_no_entry_is_named_by_its_number(root, line):
    chain = ChainFile(root / "use.jsonl")
    chain.append({"at": "2026-11-29"})
    chain.path.write_bytes(chain.path.read_bytes() + line + b"\n")
    with pytest.raises(CreditRiskError, match=r"use\.jsonl: line 2 is no entry of a chain"):
        list(chain.entries())
    with pytest.raises(CreditRiskError, match="line 2 is no entry"):
        list(chain.entries_as(dict))


def test_an_entry_with_other_fields_is_named(root):
    chain = ChainFile(root / "use.jsonl")
    chain.append({"project": "lender", "nonsense": 1})
    with pytest.raises(CreditRiskError, match=r"use\.jsonl holds an entry of another form: .*nonsense"):
        list(chain.entries_as(LiveVersion))


@pytest.mark.parametrize(
    ("notes", "holds"),
    [
        ([], True),
        ([NOTE], True),
        (["x"], False),
        ("x", False),
        ({}, False),
        (None, False),
        ([NOTE | {"up_to": True}], False),
        ([NOTE | {"up_to": "1"}], False),
        ([NOTE, {"before": "x"}], False),
    ],
)
def test_notes_of_what_is_unverified_are_objects_with_their_fields(notes, holds):
    if holds:
        assert unverified_notes(notes, by=str) == tuple(notes)
    else:
        with pytest.raises(ValueError, match=r"is unverified; expected objects with before, up_to, by"):
            unverified_notes(notes, by=str)


def test_types_are_those_of_json_and_no_others():
    assert has_types({"a": 1, "b": "x"}, a=int)
    assert not has_types({"a": True}, a=int)
    assert not has_types({}, a=int)
    assert not has_types([("a", 1)], a=int)
    assert object_of('{"a": 1}') == {"a": 1}
    for text in ("[]", "5", "null", '"x"', "", "{", "[" * 100_000):
        with pytest.raises(ValueError, match=r"expected an object of JSON|Expecting"):
            object_of(text)


def test_a_statement_of_a_day_without_a_zone_or_of_versions_of_another_form_is_none():
    whole = LiveStatement("lender", datetime.now(UTC), BEGINNING, (LiveVersion(1, "champion", "5c", "aa"),)).as_facts()
    assert LiveStatement.of_facts(whole).live[0].version == 1
    for changed in (
        {"at": "2026-11-29T12:00:00"},
        {"live": [whole["live"][0] | {"version": "1"}]},
        {"project": 5},
        {"head": 5},
        {"unverified": ["x"]},
    ):
        with pytest.raises(ValueError, match=r"another form|is no statement|expected SEQ"):
            LiveStatement.of_facts(whole | changed)


def test_a_statement_that_says_unverified_x_ends_the_command_with_a_sentence(files, capsys):
    words = ["--root", str(files.root)]
    here = ["registry", "statement", "--here", "--by", "Kim Lee", "--reason", "the first release here", *words]
    assert main(here) == 0
    facts = json.loads(capsys.readouterr().out)
    signed = SignedFacts.sign(facts | {"unverified": ["x"]}, BY, files.root)
    file = files.root / "registry" / "history.db"
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TRIGGER registry_statements_no_update")
        connection.execute("UPDATE registry_statements SET facts = ?, signature = ?", (signed.text, signed.signature))
    connection.close()
    for verb in (["history"], ["head"], ["statement"]):
        assert main(["registry", *verb, *words]) == 1
        complaint = capsys.readouterr().err
        assert "its signed statement does not count" in complaint
        assert "what is unverified (['x'])" in complaint
    assert main(["registry", "take-over", "--by", "Kim Lee", "--reason", "looked it through today", *words]) == 0
    assert main(["registry", "history", *words]) == 0
