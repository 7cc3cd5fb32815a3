"""What a rollout compares with is the scorer of a release as it was signed, whatever lies at its path by then."""

import shutil

import pytest

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignatureRefused, SignedBy
from exchange_trial import approve_nearly_everybody, exchange

__all__ = ["exchange"]


@pytest.fixture
def folder(trained, tmp_path):
    """Rollouts of a repository, with a signed release for green."""
    folder = RolloutFolder(tmp_path)
    release = Files(folder.release("green"))
    shutil.copytree(trained[1].scorer, release.scorer)
    signing.make_keys(tmp_path / "own.key")
    signing.sign(release.scorer, release.scorer_signature, tmp_path / "own.key")
    return folder


@pytest.fixture
def own_key(environment):
    """The environment, with that key as the one whose signature counts."""
    registry = environment.registry.model_copy(update={"signed_by": SignedBy(public_key="own.pub")})
    return environment.model_copy(update={"registry": registry})


def test_the_scorer_of_a_colour_is_the_one_that_was_verified(folder, own_key, exchange):
    scorer = Files(folder.release("green")).scorer
    before = digest.of_directory(scorer)
    exchanged = exchange(scorer)
    assert folder.signed_scorer("green", own_key).digest == before
    assert exchanged
    with pytest.raises(SignatureRefused, match="it is not what was signed"):
        folder.signed_scorer("green", own_key)


def test_a_release_that_was_altered_since_it_was_fetched_is_compared_with_nothing(folder, own_key):
    approve_nearly_everybody(Files(folder.release("green")).scorer)
    with pytest.raises(SignatureRefused, match=r"scorer.json was altered"):
        folder.signed_scorer("green", own_key)
