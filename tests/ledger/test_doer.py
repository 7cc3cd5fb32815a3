"""Who erases, purges or holds stands in the chain, as the machine or an identity provider says; a name is not typed."""

import json
import subprocess

import pytest
from ledger_trial import KEY, entry, older

from credit_risk.data import signers
from credit_risk.errors import UsageError
from credit_risk.ledger import doer
from credit_risk.ledger.chain import ERASURE
from credit_risk.ledger.database.schema import OTHERS, entries
from credit_risk.ledger.errors import EntryError
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.named import NamedLedger
from credit_risk.ledger.verification import verify

PERSONS = "version: 1\npersons:\n- {name: Ada Berg, accounts: [%s]}\n"
ACCOUNT = f"account:{signers.account()}"
ADA = f"Ada Berg <{ACCOUNT}>"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository in which this account is Ada Berg's; each environment's file."""
    for name in ("CREDIT_RISK_LEDGER_URL", "CREDIT_RISK_IDENTITY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "configs" / "policies" / "identities.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(PERSONS % signers.account(), encoding="utf-8")
    for environment in ("local", "production"):
        deployed = tmp_path / "configs" / "deploy" / f"{environment}.yaml"
        deployed.parent.mkdir(exist_ok=True)
        deployed.write_text(f"environment: {environment}\n", encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Kim Lee", "-c", "user.email=kim@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "who is who"]):
        subprocess.run([*git, *words], check=True)
    return tmp_path


def said_in_chain(ledger):
    """The facts of each entry that is no decision, in their order."""
    with ledger.store.core() as connection:
        rows = connection.execute(entries.select().where(OTHERS).order_by(entries.c.seq)).mappings()
        return [(row["kind"], json.loads(row["facts"])) for row in rows]


@pytest.mark.parametrize("there", [True, False], ids=["with tokens", "accounts alone"])
def test_the_account_says_who_it_is_and_no_other_name_counts(root, monkeypatch, there):
    if not there:
        monkeypatch.setattr(doer, "find_spec", lambda _: None, raising=False)
    assert doer.person_here(root) == doer.person_here(root, "Ada Berg") == ADA
    with pytest.raises(UsageError, match="Nobody signs for another"):
        doer.person_here(root, "Kim Lee")
    (root / "configs/policies/identities.yaml").write_text(PERSONS % "somebody-else", encoding="utf-8")
    with pytest.raises(UsageError, match="is not as git has it committed here"):
        doer.person_here(root)


def test_an_environment_asks_for_a_person_and_a_developers_machine_for_an_account(root):
    assert NamedLedger(root, "production").doer() == ADA
    assert NamedLedger(root, "local").doer() == NamedLedger(root).doer() == ACCOUNT
    assert NamedLedger(root, url="sqlite:///copy.db").doer() == ACCOUNT
    assert NamedLedger(root, "production", url="sqlite:///copy.db").doer() == ADA
    (root / "configs/policies/identities.yaml").write_text(PERSONS % "somebody-else", encoding="utf-8")
    with pytest.raises(UsageError):
        NamedLedger(root, "production").doer()


def test_an_erasure_says_by_whom(ledger):
    recorded = ledger.append([entry("Ada"), entry(None), entry("Bob")])
    ledger.erase("Ada", by=ADA)
    ledger.erase_decision(recorded[1].decision_id, by=ADA)
    ledger.destroy([3], {"policy": "p"}, by="Kim Lee")
    kinds, facts = zip(*said_in_chain(ledger), strict=True)
    assert kinds == (ERASURE,) * 3
    assert [its["by"] for its in facts] == [ADA, ADA, "Kim Lee"]
    assert facts[2]["policy"] == "p"
    assert verify(ledger).holds


@pytest.mark.parametrize("name", ["", " Ada", "Ada\nBerg"])
def test_nobody_erases_without_a_name(local, name):
    local.append([entry("Ada")])
    with pytest.raises(EntryError, match="who: expected 1 to 500 visible characters"):
        local.erase("Ada", by=name)
    assert (next(local.decisions_about("Ada")).erased, local.head().seq) == (False, 1)


def test_an_erasure_from_before_doers_were_named_holds_beside_a_new_one(url):
    head = older(url, ["Ada", "Bob"], erased=["Bob"])
    with Ledger.open(url, key=KEY) as ledger:
        ledger.erase("Ada", by=ADA)
        assert ["by" in facts for _, facts in said_in_chain(ledger)] == [False, True]
        assert (verify(ledger, [head]).faults, verify(ledger).erased) == ([], 2)
