"""`credit-risk ledger` as a person meets it: what it says, and the exit code."""

import json
import sqlite3

import pytest

from credit_risk.cli import commands, main
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger

KEY = bytes(range(32))
BY = DecidedBy("5c", "30", "c0", "c1")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A root whose deployment names a ledger with decisions about Ada and Bob."""
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    monkeypatch.delenv("CREDIT_RISK_LEDGER_URL", raising=False)
    (tmp_path / "configs" / "deploy").mkdir(parents=True)
    settings = "serving:\n  ledger: {url: 'sqlite:///build/ledger/ledger.db'}\n"
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(settings, encoding="utf-8")
    with Ledger.open(f"sqlite:///{tmp_path}/build/ledger/ledger.db", key=KEY) as ledger:
        decided = {"decision": "approve", "pd": 0.25}
        ledger.append([Entry({"income": 1.5}, decided, BY, applicant=name) for name in ("Ada", "Bob")])
    return tmp_path


def change(root, statement):
    with sqlite3.connect(root / "build" / "ledger" / "ledger.db") as connection:
        connection.execute("DROP TRIGGER IF EXISTS entries_no_update")
        connection.execute(statement)
    connection.close()


def test_a_ledger_that_holds_exits_0(run):
    code, out, _ = run("verify")
    assert code == 0
    assert "2 entries hold, 0 of them of erased persons; no head from before was given" in out


def test_a_ledger_that_does_not_hold_exits_1_and_says_where(run, root):
    change(root, "UPDATE entries SET at = 0 WHERE seq = 2")
    code, out, err = run("verify")
    assert (code, out) == (1, "")
    assert "entry 2 is not what was recorded behind entry 1" in err


def test_a_head_written_down_is_held_against_the_chain(run, root, tmp_path):
    heads = tmp_path / "heads.txt"
    code, head, _ = run("head", "--write-down", heads)
    assert (code, heads.read_text(encoding="utf-8")) == (0, head)
    code, out, _ = run("verify", "--heads", heads, "--head", head.strip())
    assert (code, "so do 2 heads from before" in out) == (0, True)
    code, _, err = run("verify", "--head", "9:" + "0" * 64)
    assert (code, "once reached entry 9 and now ends at 2" in err) == (1, True)


def test_a_decision_is_shown_as_json_by_id_or_by_person(run):
    _, out, _ = run("show", "--applicant", "Ada")
    record = json.loads(out)
    assert (record["seq"], record["inputs"], record["decided"]["pd"]) == (1, {"income": 1.5}, 0.25)
    assert json.loads(run("show", record["decision_id"])[1]) == record
    code, out, err = run("show", "no-such-decision")
    assert (code, out) == (1, "")
    assert "no such decision" in err


def test_an_erased_person_is_shown_no_more(run):
    assert "1 decision of this person can no longer be read" in run("erase", "--applicant", "Ada")[1]
    assert run("show", "--applicant", "Ada")[0] == 1
    code, out, _ = run("verify")
    assert (code, "3 entries hold, 1 of them of erased persons" in out) == (0, True)


def test_backup_and_restore(run, root, tmp_path):
    copy = tmp_path / "copies" / "ledger.backup"
    assert run("backup", copy)[0] == 0
    code, _, err = run("restore", copy)
    assert (code, "in the way" in err) == (2, True)
    for path in (root / "build" / "ledger").iterdir():
        path.unlink()
    assert run("verify")[0] == 2
    code, out, _ = run("restore", copy)
    assert (code, "Erase again whoever was erased since" in out) == (0, True)
    assert run("verify")[0] == 0


def test_a_new_master_key(run, monkeypatch):
    monkeypatch.setenv("CREDIT_RISK_LEDGER_NEW_KEY", "ab" * 32)
    assert run("rekey")[0] == 0
    code, _, err = run("verify")
    assert (code, "the master key is not the one" in err) == (2, True)
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", "ab" * 32)
    assert run("verify")[0] == 0


def test_replay_of_another_scorer_alone_exits_1(run, trained):
    code, _, err = run("replay", "--scorer", trained[1].scorer)
    assert (code, "No decision could be made again" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "say what to do with the ledger"),
        (["show"], "name one"),
        (["show", "an-id", "--applicant", "Ada"], "name one"),
        (["erase"], "name one"),
        (["erase", "--applicant", "Ada", "--decision", "an-id"], "name one"),
        (["verify", "--head", "nonsense"], "--head"),
        (["verify", "--heads", "nowhere.txt"], "nowhere.txt: there is no such file"),
        (["verify", "--url", "sqlite:///nowhere.db"], "no ledger is there"),
        (["verify", "--url", "mysql://x"], "Expected sqlite:///"),
        (["verify", "--url", "postgresql://[::1"], "Expected sqlite:///"),
        (["verify", "--environment", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["restore", "nowhere.db", "--url", "sqlite:///new.db"], "nowhere.db: there is no such file"),
        (["restore", "x", "--url", "postgresql:///x"], "pg_dump"),
        (["rekey"], "CREDIT_RISK_LEDGER_NEW_KEY is not set"),
        (["verify", "--head", "9" * 5_000 + ":" + "0" * 64], "--head"),
        (["verify", "--head", f"{2**63}:" + "0" * 64], "--head"),
        (["verify", "--public-key", "nonsense"], "expected 64 hex digits, or a file"),
        (["head", "--public-key", "z" * 64], "expected 64 hex digits, or a file"),
        (["show", "--applicant", "a\0"], "1 to 200 visible characters"),
        (["show", "--applicant", "\udcfc"], "1 to 200 visible characters"),
        (["erase", "--applicant", " a"], "1 to 200 visible characters"),
        (["head", "--write-down", "/proc/no/heads.txt"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_exits_2_with_a_sentence(run, arguments, what, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert what in err


def test_without_a_master_key_it_says_how_to_make_one(run, monkeypatch):
    monkeypatch.delenv("CREDIT_RISK_LEDGER_KEY")
    code, _, err = run("verify")
    assert (code, "token_hex(32)" in err) == (2, True)


def test_a_config_without_a_ledger_is_said(run, root):
    (root / "configs" / "deploy" / "local.yaml").write_text("serving: {}\n", encoding="utf-8")
    code, _, err = run("verify")
    assert (code, "it has no section `serving.ledger:`" in err) == (2, True)


def verbs():
    return commands().commands["ledger"].commands


@pytest.mark.parametrize(
    "verb",
    ["verify", "head", "public-key", "migrate", "show", "replay", "backup", "restore", "erase", "rekey"],
)
def test_every_verb_teaches(capsys, verb):
    assert set(verbs()) >= {verb}
    assert main(["ledger", verb, "--help"]) == 0
    assert len(capsys.readouterr().out) > 300
    assert all(parameter.help for parameter in verbs()[verb].params)


@pytest.mark.parametrize(
    "arguments",
    [
        ["erase", "--applicant", "nobody"],
        ["erase", "--decision", "no-such-id"],
        ["erase", "--decision", "\udcfc"],
        ["show", "--applicant", "nobody"],
        ["show", "--applicant", "nobody", "--json"],
        ["show", "\udcfc\0"],
    ],
)
def test_nobody_is_erased_shown_or_exported_and_that_exits_1(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert "The ledger holds no" in err


def test_a_second_erasure_exits_1_and_says_that_copies_are_gone(run):
    assert run("erase", "--applicant", "Ada")[0] == 0
    code, _, err = run("erase", "--applicant", "Ada")
    assert (code, "erased already" in err, "gone now" in err) == (1, True, True)


def test_an_auditor_needs_the_public_key_alone(run, root, monkeypatch, tmp_path):
    public = run("public-key")[1].strip()
    (tmp_path / "auditor.pub").write_text(public + "\n", encoding="utf-8")
    monkeypatch.delenv("CREDIT_RISK_LEDGER_KEY")
    for key in (public, tmp_path / "auditor.pub"):
        code, out, _ = run("verify", "--public-key", key)
        assert (code, "2 entries hold" in out, "Not checked, as that takes the master key" in out) == (0, True, True)
    assert json.loads(run("verify", "--public-key", public, "--json")[1])["unchecked"].startswith("not checked")
    assert run("head", "--public-key", public)[1].startswith("2:")
    change(root, "UPDATE head SET seq = 1")
    for verb in ("verify", "head"):
        code, out, err = run(verb, "--public-key", public)
        assert (code, out, "public signature" in err) == (1, "", True)
    code, _, err = run("verify", "--public-key", "ab" * 32)
    assert (code, "it was replaced" in err) == (1, True)


def test_a_head_that_this_ledger_did_not_sign_is_not_written_down(run, root, tmp_path):
    change(root, "UPDATE head SET seq = 1")
    code, out, err = run("head", "--write-down", tmp_path / "heads.txt")
    assert (code, out, "was not signed" in err) == (1, "", True)
    assert not (tmp_path / "heads.txt").exists()


def test_verify_and_head_write_nothing(run, root):
    """Neither the file nor a log beside it; with the folder read-only it would work as well."""
    folder = root / "build" / "ledger"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert list(before) == ["ledger.db"]
    assert (run("verify")[0], run("head")[0]) == (0, 0)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_environments_key_file_opens_its_ledger_and_the_command_lines_goes_before_it(run, root, monkeypatch):
    monkeypatch.delenv("CREDIT_RISK_LEDGER_KEY")
    environment = root / "configs" / "deploy" / "local.yaml"
    environment.write_text(environment.read_text().replace("{", "{key_file: keys/own, "), encoding="utf-8")
    (root / "keys").mkdir()
    (root / "keys" / "own").write_text(KEY.hex(), encoding="utf-8")
    (root / "keys" / "other").write_text("0" * 64, encoding="utf-8")
    assert run("verify")[0] == 0
    assert run("verify", "--key-file", "keys/other")[0] == 2


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"x" * 64])
def test_a_key_file_of_something_else_is_said(run, root, monkeypatch, content):
    monkeypatch.delenv("CREDIT_RISK_LEDGER_KEY")
    (root / "build" / "ledger" / "ledger.key").write_bytes(content)
    for verb in ("verify", "show"):
        code, _, err = run(verb, *(["an-id"] if verb == "show" else []))
        assert (code, "ledger.key" in err) == (2, True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET facts = 'no JSON'",
        "UPDATE entries SET facts = x'ff'",
        "UPDATE entries SET at = 'noon'",
        "UPDATE entries SET key = 'x'",
        "UPDATE head SET seq = 'x'",
        "UPDATE head SET hash = 'x'",
        "UPDATE identity SET secret = 'x'",
        "UPDATE identity SET ledger_id = 'x'",
        "UPDATE keys SET wrapped = 'x'",
        "UPDATE keys SET subject = 'x' WHERE number = 1",
        "UPDATE keys SET made = 'x'",
        "DELETE FROM head",
        "DELETE FROM identity",
        "DROP TABLE keys",
        "DROP TABLE entries",
        "DROP TABLE alembic_version",
    ],
)
def test_a_ledger_that_was_damaged_is_said_by_every_verb_without_a_traceback(run, root, tmp_path, statement, trained):
    change(root, statement)
    for arguments in (
        ["verify"],
        ["head"],
        ["show", "--applicant", "Ada"],
        ["replay", "--scorer", trained[1].scorer],
        ["backup", tmp_path / "copy"],
        ["erase", "--applicant", "Ada"],
    ):
        code, _, err = run(*arguments)
        assert code in (0, 1, 2)
        assert err or code == 0


def test_a_person_whose_reference_is_refused_today_is_shown_and_erased_and_that_is_said(run, root, monkeypatch):
    said = "This reference is refused today; what stands under it was recorded before it was."
    with monkeypatch.context() as before, Ledger.open(f"sqlite:///{root}/build/ledger/ledger.db", key=KEY) as ledger:
        before.setattr("credit_risk.ledger.entry.canonical", str)
        ledger.append([Entry({"income": 2.5}, {"decision": "approve", "pd": 0.25}, BY, applicant="A-1\u3164")])
    code, out, err = run("show", "--applicant", "A-1\u3164", "--json")
    assert (code, [shown["applicant"] for shown in json.loads(out)], said in err) == (0, ["A-1\u3164"], True)
    code, out, err = run("erase", "--applicant", "A-1\u3164")
    assert (code, "1 decision of this person can no longer be read" in out, said in err) == (0, True, True)
    code, out, err = run("erase", "--applicant", "A-1\u3164")
    assert (code, out, "Nothing that can be read stands under it from before" in err) == (2, "", True)
