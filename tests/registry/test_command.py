"""The commands of a release: sign, verify, look back, and every refusal's code."""

import pytest

from registry_trial import judge


def test_what_the_gate_does_not_let_pass_is_not_signed(run, files):
    judge(files, auc=0.5, auc_low=0.45, auc_high=0.55)
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
    ("words", "code", "sentence"),
    [
        (("registry",), 2, "say what to do with the registry"),
        (("registry", "as-of", "yesterday"), 2, "is no date"),
        (("verify", "--identity", "me"), 2, "go together"),
        (("registry", "history", "--environment", "none.yaml"), 2, "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(run, words, code, sentence):
    got, _, complaint = run(*words)
    assert (got, sentence in complaint) == (code, True), complaint
