"""`credit-risk score` decides with a scorer that somebody vouches for, by the rule of the service."""

import shutil

import pyarrow.parquet as pq
import pytest

from credit_risk.batch.task import SCORER_KEY
from credit_risk.cli import main
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import write_text
from credit_risk.scoring import signing
from exchange_trial import approve_nearly_everybody, exchange

__all__ = ["exchange"]

SIGNED = "serving:\n  access: {mode: off}\n  signed_by: {public_key: signing.pub}\n"
TRIAL = "serving:\n  access: {mode: off}\n  gate: reported\n"
REPORTED = "serving:\n  access: {mode: keys}\n  gate: reported\n"
FORGOTTEN = "serving:\n  access: {mode: off}\n"


@pytest.fixture
def files(trained, tmp_path):
    """A repository with a signed scorer and applications; production asks for the signature, a trial does not."""
    repository = Files(tmp_path)
    shutil.copytree(trained[1].scorer, repository.scorer)
    signing.make_keys(tmp_path / "signing.key")
    signing.sign(repository.scorer, repository.scorer_signature, tmp_path / "signing.key")
    environments = {"local": SIGNED, "production": SIGNED, "trial": TRIAL, "reported": REPORTED, "forgotten": FORGOTTEN}
    for name, text in environments.items():
        write_text(tmp_path / "configs" / "deploy" / f"{name}.yaml", text)
    lender(20, seed=11).applications.to_parquet(tmp_path / "in.parquet", index=False)
    return repository


@pytest.fixture
def score(files, capsys):
    """Runs the command; gives its exit code and what it complained of."""

    def run(*words: str) -> tuple[int, str]:
        paths = ["--input", str(files.root / "in.parquet"), "--output", str(files.root / "out.parquet")]
        code = main(["score", "--root", str(files.root), *paths, *words])
        return code, capsys.readouterr().err

    return run


def decided_by(files: Files) -> str:
    return pq.read_schema(files.root / "out.parquet").metadata[SCORER_KEY].decode()


@pytest.mark.parametrize("environment", [(), ("--environment", "production")])
def test_a_signed_scorer_decides_and_no_other(files, score, environment):
    assert score(*environment)[0] == 0
    assert decided_by(files) == digest.of_directory(files.scorer)
    (files.root / "out.parquet").unlink()
    approve_nearly_everybody(files.scorer)
    code, message = score(*environment)
    assert code == 1
    assert "it is not what was signed: scorer.json was altered" in message
    assert not (files.root / "out.parquet").exists()


def test_no_environment_but_a_developers_lets_a_scorer_decide_that_the_gate_stopped(files, score):
    code, message = score("--environment", "reported")
    assert code == 2
    assert "reported.yaml line 3: serving.gate: a scorer that the gate stopped" in message
    assert not (files.root / "out.parquet").exists()


def test_what_nobody_signed_decides_on_a_developers_machine_alone_and_that_is_said(files, score):
    files.scorer_signature.unlink()
    code, message = score("--environment", "production")
    assert code == 1
    assert "is not signed" in message
    assert not (files.root / "out.parquet").exists()
    code, message = score()
    assert code == 0
    assert f"Nobody vouches for {files.scorer}" in message


def test_another_scorer_is_verified_by_the_signature_beside_it(files, score, tmp_path):
    champion = shutil.copytree(files.scorer, tmp_path / "fetched" / "scorer")
    code, message = score("--environment", "production", "--scorer", str(champion))
    assert code == 1
    assert f"{champion} is not signed" in message
    shutil.copy(files.scorer_signature, tmp_path / "fetched" / "scorer.sig")
    assert score("--environment", "production", "--scorer", str(champion))[0] == 0


def test_a_trial_asks_for_no_signature_and_says_so(files, score):
    files.scorer_signature.unlink()
    code, message = score("--environment", "trial")
    assert code == 0
    assert f"Nobody vouches for {files.scorer}" in message


def test_an_environment_that_forgot_whose_signature_counts_decides_nothing(score):
    code, message = score("--environment", "forgotten")
    assert code == 2
    assert "gate: required needs signed_by" in message


def test_what_is_exchanged_while_the_signature_is_checked_decides_nothing(files, score, exchange):
    before = digest.of_directory(files.scorer)
    exchanged = exchange(files.scorer)
    assert score()[0] == 0
    assert exchanged
    assert decided_by(files) == before
