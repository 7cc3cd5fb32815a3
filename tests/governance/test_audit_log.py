"""The audit log: every chain verified, what does not hold named, and events asked for by person, kind and day."""

from datetime import UTC, datetime

import pytest

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

BY = SignedBy(public_key="build/signing/signing.pub")
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


def test_an_erasure_is_an_event_and_a_ledger_that_cannot_be_opened_does_not_hold(root):
    write_text(root / "site.yaml", SITE)
    key = {"CREDIT_RISK_LEDGER_KEY": bytes(32).hex()}
    assert not audit_log.of_ledger_at(root / "site.yaml", root, key).there
    with Ledger.open(f"sqlite:///{root}/ledger.db", key=bytes(32)) as ledger:
        ledger.append([Entry({"income": 1.0}, DECIDED, DecidedBy("s", "m", "c", "c"), applicant="p")])
        ledger.erase("p")
    (event,) = audit_log.of_ledger_at(root / "site.yaml", root, key).events
    assert event.what == "erasure"
    assert event.why.startswith("decisions 1")
    assert audit_log.of_ledger_at(root / "site.yaml", root, {}).fault
