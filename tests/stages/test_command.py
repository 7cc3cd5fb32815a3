"""`credit-risk sign` and `verify`: what the gate lets pass is signed, what was altered does not verify."""

import pytest

from credit_risk.data.writing import write_text
from credit_risk.stages import gate
from judged import judge

SERVING = "serving:\n  access: {mode: off}\n  signed_by: {public_key: build/signing/signing.pub}\n"


@pytest.fixture
def files(harmed):
    """The simulated lender's repository, judged and signed, with an environment."""
    _, files = harmed
    write_text(files.root / "configs" / "deploy" / "local.yaml", SERVING)
    write_text(files.root / gate.CODE / "scoring" / "model.py", "x = 1\n")
    judge(files)
    return files


def test_what_was_signed_verifies_and_is_not_signed_again(run):
    assert run("sign")[:2] == (0, "Signed already, by this key.\n")
    assert run("verify")[:2] == (0, "Scorer and gate record are what was signed.\n")


def test_what_the_gate_does_not_let_pass_is_not_signed(run, files):
    judge(files, auc_low=0.45, auc_high=0.55)
    files.scorer_signature.unlink()
    code, _, complaint = run("sign")
    assert (code, files.scorer_signature.exists()) == (1, False)
    assert "FAIL discrimination" in complaint


def test_an_altered_scorer_does_not_verify(run, files):
    with (files.scorer / "model.txt").open("a") as file:
        file.write(" ")
    code, _, complaint = run("verify")
    assert (code, complaint.strip().endswith("it is not what was signed: model.txt was altered.")) == (1, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--identity", "me"), "go together"),
        (("--environment", "none.yaml"), "there is no such file"),
        (("--environment", "unsigned"), "it has no section `serving.signed_by:`"),
    ],
)
def test_what_cannot_be_verified_is_said_with_a_code(run, files, words, sentence):
    write_text(files.root / "configs" / "deploy" / "unsigned.yaml", "serving:\n  access: {mode: off}\n")
    code, _, complaint = run("verify", *words)
    assert (code, sentence in complaint) == (2, True), complaint
