"""The audit log: every chain verified, what does not hold named, and events asked for by person, kind and day."""

import json
import subprocess
from datetime import UTC, datetime

import pytest

from credit_risk.cli import main
from credit_risk.data.signers import account
from credit_risk.data.writing import write_text
from credit_risk.errors import CheckFailed
from credit_risk.governance import audit_log
from credit_risk.governance.records import FILE, Records
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger
from credit_risk.registry.chain_file import ChainFile
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignedBy
from credit_risk.serving.clients import key_file

BY = SignedBy(public_key="build/signing/signing.pub")
AS_ADA = ("-c", "user.name=Ada Berg", "-c", "user.email=ada@bank.example", "-c", "commit.gpgsign=false")
WHY = "all three forms were read"
AT = datetime(2026, 11, 30, tzinfo=UTC)
DECIDED = {"decision": "approve", "band": "A", "rule": None, "reasons": [], "pd": 0.1, "score": 600.0}
SITE = "serving:\n  ledger: {url: 'sqlite:///ledger.db'}\n  access: {mode: off}\n  gate: reported\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    signing.private_key(tmp_path, {})
    return tmp_path


def test_moves_records_and_rollouts_are_asked_together_by_the_oldest(root):
    Records(root, BY).add("attest", "forms", by="Ada Berg", reason=WHY, met=True)
    rollout = {"at": "2026-11-29T00:00:00+00:00", "rollout": "r", "what": "began", "by": "Kim Lee", "why": "weekly"}
    ChainFile(root / audit_log.ROLLOUTS).append(rollout, (BY, root))
    moves = [HistoryEvent(1, datetime(2026, 11, 28, tzinfo=UTC), "promote", 1, "s", "Ada Berg <account:ada>", WHY, {})]
    sources = [audit_log.of_records(root, BY), audit_log.of_registry(moves), audit_log.of_rollouts(root, BY)]
    audit_log.raise_unless_all_hold(sources)
    assert [event.what for event in audit_log.query(sources)] == ["promote 1", "began", "attest forms"]
    assert [event.what for event in audit_log.query(sources, who="ada berg")] == ["promote 1", "attest forms"]
    assert [event.what for event in audit_log.query(sources, what="rollouts")] == ["began"]
    assert [event.what for event in audit_log.query(sources, since=AT)] == ["attest forms"]


@pytest.mark.parametrize("path", [FILE, audit_log.ROLLOUTS])
def test_a_chain_that_was_edited_is_named(root, path):
    Records(root, BY).add("attest", "forms", by="Ada Berg", reason=WHY, met=True)
    rollout = {"at": "2026-11-29T00:00:00+00:00", "rollout": "r", "what": "began", "by": "Kim Lee", "why": "weekly"}
    ChainFile(root / audit_log.ROLLOUTS).append(rollout, (BY, root))
    text = (root / path).read_text()
    (root / path).write_text(text.replace("Ada", "Eve").replace("Kim", "Eve"))
    with pytest.raises(CheckFailed, match=r"The audit log does not hold(.|\n)*was changed"):
        audit_log.raise_unless_all_hold([audit_log.of_records(root, BY), audit_log.of_rollouts(root, BY)])


def test_what_is_not_there_yet_is_said_and_holds(root):
    sources = [audit_log.of_registry(None), audit_log.of_records(root, BY), audit_log.of_rollouts(root, BY)]
    audit_log.raise_unless_all_hold(sources)
    assert [source.there for source in sources] == [False, False, False]


def test_a_log_that_does_not_hold_is_printed_for_a_program_too(root, monkeypatch, capsys):
    sources = [
        audit_log.ReadSource("registry", there=False),
        audit_log.ReadSource("records", fault="line 2 was changed"),
    ]
    monkeypatch.setattr(audit_log, "sources", lambda *_: sources)
    assert main(["audit-log", "verify", "--json", "--root", str(root)]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {"name": "registry", "events": 0, "fault": None, "there": False},
        {"name": "records", "events": 0, "fault": "line 2 was changed", "there": True},
    ]
    del sources[1]
    assert main(["audit-log", "verify", "--json", "--root", str(root)]) == 0
    assert [source["name"] for source in json.loads(capsys.readouterr().out)] == ["registry"]


def test_an_erasure_is_an_event_and_a_ledger_that_cannot_be_opened_does_not_hold(root):
    write_text(root / "site.yaml", SITE)
    key = {"CREDIT_RISK_LEDGER_KEY": bytes(32).hex()}
    assert not audit_log.of_ledger_at(root / "site.yaml", root, key).there
    with Ledger.open(f"sqlite:///{root}/ledger.db", key=bytes(32)) as ledger:
        ledger.append([Entry({"income": 1.0}, DECIDED, DecidedBy("s", "m", "c", "c"), applicant="p")])
        ledger.erase("p", by="Kim Lee")
    (event,) = audit_log.of_ledger_at(root / "site.yaml", root, key).events
    assert (event.what, event.by) == ("erasure", "Kim Lee")
    assert event.why.startswith("decisions 1")
    assert audit_log.of_ledger_at(root / "site.yaml", root, {}).fault


def test_an_event_says_what_it_is_about(root):
    records = Records(root, BY)
    for kind, about in (("open", "F1"), ("close", "F1"), ("opinion", "9f0d"), ("refused", "erase in staging")):
        records.add(kind, about, by="Ada Berg", reason=WHY)
    sources = [audit_log.of_records(root, BY)]
    assert [event.what for event in audit_log.query(sources)] == [
        *("open finding F1", "close finding F1", "opinion of scorer 9f0d", "refused erase in staging")
    ]
    assert len(audit_log.query(sources, what="finding")) == 2


def test_what_a_person_said_of_a_decision_names_the_decision(root):
    with Ledger.open(f"sqlite:///{root}/ledger.db", key=bytes(32)) as ledger:
        (kept,) = ledger.append([Entry({"income": 1.0}, DECIDED, DecidedBy("s", "m", "c", "c"), applicant="p")])
        ledger.note("override", kept.decision_id, by="Ada Berg", reason="income_proved", to="decline")
        (event,) = audit_log.of_ledger(ledger).events
    assert (event.what, event.by) == (f"override of {kept.decision_id} to decline", "Ada Berg")


def test_changes_of_access_are_events_and_what_is_not_committed_does_not_hold(root):
    write_text(root / "site.yaml", SITE)
    assert not audit_log.of_access(root, root / "site.yaml").there
    path = root / "configs" / "policies" / "identities.yaml"
    write_text(path, "version: 1\npersons: []\n")
    assert "identities.yaml is not as git has it committed" in audit_log.of_access(root, root / "site.yaml").fault
    for command in (["init", "-q"], ["add", "configs"], [*AS_ADA, "commit", "-qm", "Kim Lee may promote"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    keys = root / "build" / "serving" / "keys.json"
    key_file.add_key(keys, "branch", ["decide", "read"], 30)
    (identifier,) = key_file.read_keys(keys)
    key_file.revoke_key(keys, identifier)
    of_git, *of_keys = audit_log.of_access(root, root / "site.yaml").events
    assert (of_git.by, of_git.why, of_git.what.split(" of ")[1]) == (
        "Ada Berg",
        "Kim Lee may promote",
        "identities.yaml",
    )
    assert [event.what for event in of_keys] == [f"add key {identifier} of branch", f"revoke key {identifier}"]
    assert (of_keys[0].why, of_keys[0].by) == ("scopes decide, read", f"account:{account()}")
    older = [json.loads(line) for line in key_file.record_of(keys).read_text(encoding="utf-8").splitlines()]
    without = [json.dumps({name: value for name, value in line.items() if name != "by"}) for line in older]
    write_text(key_file.record_of(keys), "\n".join(without) + "\n")
    assert [event.by for event in audit_log.of_access(root, root / "site.yaml").events] == ["Ada Berg", "", ""]
    write_text(path, "version: 1\npersons: []\n# and Eve\n")
    with pytest.raises(CheckFailed, match="not as git has it committed"):
        audit_log.raise_unless_all_hold([audit_log.of_access(root, root / "site.yaml")])


def test_a_record_of_keys_that_is_none_does_not_hold(root):
    write_text(root / "site.yaml", SITE)
    keys = root / "build" / "serving" / "keys.json"
    key_file.add_key(keys, "branch", ["decide"], 30)
    with key_file.record_of(keys).open("a") as record:
        record.write("no line of JSON\n")
    assert "keys.record.jsonl is no record of keys" in audit_log.of_access(root, root / "site.yaml").fault
