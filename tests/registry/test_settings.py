"""The registry's settings: what only a developer's machine may do is refused in every other environment."""

import pytest

from credit_risk.errors import ConfigError
from credit_risk.registry import settings
from credit_risk.scoring import signing

REGISTRY = """
registry:
  tracking: sqlite:///mlflow.db
  history: sqlite:///history.db
  four_eyes: {four_eyes}
  signed_by: {{public_key: {key}}}
"""
TYPED, MARKED = "a name that is typed proves nobody in production", "anybody on a developer's machine could sign moves"


@pytest.fixture
def keys(tmp_path):
    """A key of one's own, the development key, and copies of it with and without its mark."""
    signing.make_keys(tmp_path / "own.key")
    made = signing.private_key(tmp_path, {}).with_suffix(".pub").read_text()
    (tmp_path / "copy.pub").write_text(made)
    (tmp_path / "stripped.pub").write_text(made.removeprefix(signing.MARK))


def load(root, name="production", four_eyes="identities", key="own.pub", first=""):
    path = root / f"{name}.yaml"
    path.write_text(first + REGISTRY.format(four_eyes=four_eyes, key=key))
    return settings.load(path, root)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"four_eyes": "names"}, TYPED),
        ({"four_eyes": "names", "name": "copied", "first": "environment: production"}, TYPED),
        ({"key": "build/signing/signing.pub"}, MARKED),
        ({"key": "copy.pub"}, MARKED),
        ({"key": "stripped.pub"}, MARKED),
    ],
)
def test_what_a_developers_machine_may_do_no_other_environment_may(tmp_path, wrong, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load(tmp_path, **wrong)


@pytest.mark.usefixtures("keys")
def test_a_developers_machine_may_and_a_key_of_ones_own_counts_anywhere(tmp_path):
    assert load(tmp_path).four_eyes == "identities"
    for name in ("local", "trial"):
        assert load(tmp_path, name, "names", "build/signing/signing.pub").four_eyes == "names"
