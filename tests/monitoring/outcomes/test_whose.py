"""Who overrides is found out, and a typed name counts on a developer's machine alone."""

import subprocess

import pytest

from credit_risk.data import signers
from credit_risk.errors import UsageError
from credit_risk.monitoring.outcomes import whose

PERSONS = "version: 1\npersons:\n- {name: Ada Berg, accounts: [%s]}\n"


@pytest.fixture
def root(tmp_path):
    """A repository in which this account is Ada Berg's; each environment's file."""
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


def signature(root, stated=None, by="identities", environment="production"):
    return whose.signature_of(root, root / "configs" / "deploy" / f"{environment}.yaml", stated, by)


@pytest.mark.parametrize("there", [True, False], ids=["with tokens", "accounts alone"])
def test_the_account_says_who_it_is_and_no_other_name_counts(root, monkeypatch, there):
    if not there:
        monkeypatch.setattr(whose, "find_spec", lambda _: None)
    ada = f"Ada Berg <account:{signers.account()}>"
    assert signature(root) == signature(root, "Ada Berg") == ada
    with pytest.raises(UsageError, match="Nobody signs for another"):
        signature(root, "Kim Lee")
    (root / "configs/policies/identities.yaml").write_text(PERSONS % "somebody-else", encoding="utf-8")
    with pytest.raises(UsageError, match="is not as git has it committed here"):
        signature(root)


def test_a_name_is_believed_on_a_developers_machine_alone(root):
    assert signature(root, "Kim Lee", "names", "local") == "Kim Lee"
    with pytest.raises(UsageError, match="expected a first and a last name"):
        signature(root, "ops", "names", "local")
    with pytest.raises(UsageError, match="a name that is typed proves nobody here"):
        signature(root, "Kim Lee", "names")
