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


@pytest.fixture
def run(root, capsys):
    """What a command line exits with, and says on both streams."""

    def run(*arguments):
        code = main(["ledger", *map(str, arguments), "--root", str(root)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run


def change(root, statement):
    with sqlite3.connect(root / "build" / "ledger" / "ledger.db") as connection:
        connection.execute("DROP TRIGGER entries_no_update")
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
    assert "1 decisions of this person can no longer be read" in run("erase", "--applicant", "Ada")[1]
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


def test_the_bench_says_what_fdatasync_costs_and_leaves_nothing(run, root):
    code, out, _ = run("bench", "--entries", "70")
    assert (code, "fdatasync of one page" in out, len(out.splitlines())) == (0, True, 6)
    assert [path.name for path in (root / "build").iterdir()] == ["ledger"]
    code, _, err = run("bench", "--url", f"sqlite:///{root}/build/ledger/ledger.db")
    assert code == 2
    assert "master key" in err


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
        (["verify", "--environment", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["restore", "nowhere.db", "--url", "sqlite:///new.db"], "nowhere.db: there is no such file"),
        (["restore", "x", "--url", "postgresql:///x"], "pg_dump"),
        (["rekey"], "CREDIT_RISK_LEDGER_NEW_KEY is not set"),
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


@pytest.mark.parametrize("verb", ["verify", "head", "show", "replay", "backup", "restore", "erase", "rekey", "bench"])
def test_every_verb_teaches(capsys, verb):
    assert set(verbs()) >= {verb}
    assert main(["ledger", verb, "--help"]) == 0
    assert len(capsys.readouterr().out) > 300
    assert all(parameter.help for parameter in verbs()[verb].params)
