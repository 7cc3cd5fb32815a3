"""Who overrides is found out, and a typed name counts on a developer's machine alone."""

import pytest

from credit_risk.errors import UsageError
from credit_risk.monitoring.outcomes import whose


@pytest.fixture
def root(tmp_path):
    """A repository with each environment's file."""
    for environment in ("local", "production"):
        deployed = tmp_path / "configs" / "deploy" / f"{environment}.yaml"
        deployed.parent.mkdir(parents=True, exist_ok=True)
        deployed.write_text(f"environment: {environment}\n", encoding="utf-8")
    return tmp_path


def signature(root, stated=None, by="identities", environment="production"):
    return whose.signature_of(root, root / "configs" / "deploy" / f"{environment}.yaml", stated, by)


def test_where_identities_count_the_person_is_found_out(root, monkeypatch):
    monkeypatch.setattr(whose, "person_here", lambda *given: given)
    assert signature(root, "Ada Berg") == signature(root, "Ada Berg", environment="local") == (root, "Ada Berg")


def test_a_name_is_believed_on_a_developers_machine_alone(root):
    assert signature(root, "Kim Lee", "names", "local") == "Kim Lee"
    with pytest.raises(UsageError, match="expected a first and a last name"):
        signature(root, "ops", "names", "local")
    with pytest.raises(UsageError, match="a name that is typed proves nobody here"):
        signature(root, "Kim Lee", "names")
