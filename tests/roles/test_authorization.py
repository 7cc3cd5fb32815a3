"""A person who may does it; who may not is refused, and the refusal stands on record."""

import os
import pwd
from pathlib import Path

import pytest

from credit_risk.config import permission
from credit_risk.data.writing import write_json, write_text
from credit_risk.errors import NotFound, UsageError
from credit_risk.governance.records import Records
from credit_risk.ledger.named import NamedLedger
from credit_risk.registry import acting, conditions
from credit_risk.registry.settings import load
from credit_risk.roles import promotion
from credit_risk.roles.authorization import NotPermitted, ensure
from credit_risk.roles.policy import FILE
from credit_risk.scoring import signing
from identities_trial import commit, write_identities

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
ADA = f"Ada Berg <account:{ACCOUNT}>"
SHIPPED = (Path(__file__).parents[2] / FILE).read_text(encoding="utf-8")
ENVIRONMENT = """
registry:
  tracking: sqlite:///build/mlflow.db
  history: sqlite:///build/registry.db
  signed_by: {public_key: configs/own.pub}
serving:
  ledger: {url: sqlite:///build/ledger.db}
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository with a key of its own, in which this account is Ada Berg's and she may deploy."""
    monkeypatch.delenv(acting.TOKEN, raising=False)
    (tmp_path / "configs").mkdir()
    signing.make_keys(tmp_path / "own.key")
    (tmp_path / "own.pub").rename(tmp_path / "configs" / "own.pub")
    monkeypatch.setenv(signing.VARIABLE, str(tmp_path / "own.key"))
    for name in ("local", "staging", "production"):
        write_text(tmp_path / "configs" / "deploy" / f"{name}.yaml", ENVIRONMENT)
    write_text(tmp_path / FILE, SHIPPED)
    give(tmp_path, "operator")
    return tmp_path


def give(root, *roles):
    """Ada Berg's roles, committed; Kim Lee validates."""
    ada = {"name": "Ada Berg", "accounts": [ACCOUNT], "roles": list(roles)}
    write_identities(root, ada, {"name": "Kim Lee", "subjects": ["kim"], "roles": ["validator"]})
    commit(root)


def site(root, name="production"):
    return root / "configs" / "deploy" / f"{name}.yaml"


def on_record(root):
    return [(e.kind, e.about, e.by) for e in Records(root, load(site(root), root).signed_by).read()]


def test_who_may_is_let_and_nothing_is_recorded(root):
    ensure("deploy", site(root), root)
    ensure("approve", site(root), root, "Kim Lee <subject:kim>")
    assert on_record(root) == []


def test_who_may_not_is_refused_with_who_may_and_that_stands_on_record(root):
    with pytest.raises(NotPermitted) as refused:
        ensure("promote", site(root), root)
    assert str(refused.value) == (
        f"{ADA} may not promote in production: has the role operator, and it takes owner. This refusal is on record."
    )
    assert on_record(root) == [("refused", "promote in production", ADA)]


def test_a_role_counts_where_the_policy_gives_it(root):
    give(root, "developer")
    ensure("promote", site(root, "staging"), root)
    with pytest.raises(NotPermitted, match="may not promote in production: has the role developer"):
        ensure("promote", site(root), root)


def test_an_environment_is_what_its_file_says_and_not_how_the_file_is_called(root):
    give(root, "developer")
    write_text(site(root, "staging"), "environment: production\n" + ENVIRONMENT)
    with pytest.raises(NotPermitted, match="may not promote in production"):
        ensure("promote", site(root, "staging"), root)


def test_who_has_no_role_may_nothing(root):
    give(root)
    with pytest.raises(NotPermitted, match="has no role, and it takes privacy"):
        ensure("erase", site(root), root)


def test_a_developers_machine_asks_nobody(root):
    give(root)
    ensure("erase", site(root, "local"), root)


def test_a_policy_that_nobody_committed_counts_for_nobody(root):
    write_text(root / FILE, "permit (principal, action, resource);")
    with pytest.raises(UsageError, match="not as git has it committed"):
        ensure("promote", site(root), root)


def test_without_a_policy_nobody_may(root):
    (root / FILE).unlink()
    with pytest.raises(NotFound, match="without it nobody may"):
        ensure("deploy", site(root), root)


def test_a_stranger_may_nothing_whatever_the_name(root):
    with pytest.raises(NotPermitted, match="has no role"):
        ensure("deploy", site(root), root, "Ada Berg <account:somebody-else>")


def test_a_refusal_that_cannot_be_put_on_record_says_so_and_stays_one(root, monkeypatch):
    monkeypatch.delenv(signing.VARIABLE)
    with pytest.raises(NotPermitted, match="This refusal is not on record: "):
        ensure("promote", site(root), root)


def test_without_the_part_keys_alone_decide(root, monkeypatch):
    monkeypatch.setattr(permission, "PARTS", ("credit_risk.no_such_part",))
    permission.ensure("promote", site(root), root)


def test_moves_and_rollouts_ask_who_acts(root):
    settings = load(site(root), root)
    assert acting.permitted("deploy", site(root), root, None, settings) == ADA
    with pytest.raises(NotPermitted, match="may not promote"):
        acting.permitted("promote", site(root), root, None, settings)


@pytest.mark.parametrize(
    "named", [{"environment": "production"}, {"environment": "production", "url": "sqlite:///x.db"}]
)
def test_an_environments_ledger_is_not_opened_for_who_may_not(root, named):
    with pytest.raises(NotPermitted, match="may not erase in production"):
        NamedLedger(root, **named).opened("erase")
    assert not (root / "build").exists()


@pytest.mark.parametrize(("roles", "reasons"), [(["risk"], 0), (["owner"], 2), ([], 2)])
def test_a_waiver_counts_from_who_may_waive_wherever_it_opens_the_gate(root, roles, reasons):
    write_json(
        root / "reports" / "gate.json",
        {"waivers": [{"check": "auc", "person": "Ada Berg", "identity": f"account:{ACCOUNT}"}]},
    )
    give(root, *roles)
    refusals = promotion.refusals(root, load(site(root), root).signed_by, "s", None)
    assert len(refusals) == reasons
    assert all(sentence.startswith(f"the waiver of auc: {ADA} may not waive in ") for sentence in refusals)


def test_a_promotion_asks_the_roles_too():
    assert ("credit_risk.roles", "promotion") in conditions.PARTS


def test_without_a_record_of_the_gate_nothing_is_promoted(root):
    assert len(promotion.refusals(root, load(site(root), root).signed_by, "s", None)) == 1
