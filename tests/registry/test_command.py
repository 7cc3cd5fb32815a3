"""The commands of a release from end to end: sign, register, move, look back, roll back, and every refusal's code."""

import json

import pytest

from credit_risk.cli import main
from credit_risk.scoring import signing
from registry_trial import assemble_again, judge


@pytest.fixture
def run(files, capsys, monkeypatch):
    """Runs a command in the repository; returns exit code, screen and complaints."""
    monkeypatch.delenv(signing.VARIABLE, raising=False)

    def command(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--root", str(files.root)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


ADA = ("--by", "Ada Berg", "--reason", "a reason of five words")


def test_from_a_signed_scorer_to_the_champion_and_back(run, files, tmp_path):
    assert run("sign")[:2] == (0, "Signed already, by this key.\n")
    assert run("verify")[:2] == (0, "Scorer and gate record are what was signed.\n")
    code, said, _ = run("register", "--by", "Kim Lee", "--tags", "environment=staging")
    assert (code, said[:10], said[-32:]) == (0, "Version 1:", "gate PASS, registered by Kim Lee.\n"[-32:])
    assert run("registry", "nominate", "1", *ADA)[0] == 0
    assert run("registry", "promote", "challenger", *ADA)[1].startswith("Move 3: promote version 1")
    code, said, _ = run("registry", "history")
    assert "version 1 is champion" in said
    assert [one["move"] for one in json.loads(run("registry", "history", "--json")[1])] == [
        "register",
        "nominate",
        "promote",
    ]
    assert json.loads(run("registry", "as-of", "2999-01-01")[1])["champion"] == 1
    assert run("registry", "schemas", "champion")[1].startswith("Config, MLflow's record and the API agree on 8 inputs")
    assemble_again(files, lgd=0.75)
    run("register", "--by", "Kim Lee")
    run("registry", "nominate", "2", *ADA)
    run("registry", "promote", "2", *ADA)
    assert "policy.lgd" in run("registry", "diff", "1", "2")[1]
    assert run("registry", "rollback", *ADA)[1].startswith("Move 7: rollback version 1")
    assert run("registry", "verify")[1] == "7 moves hold, and 2 versions are what was registered and signed.\n"
    assert json.loads(run("registry", "verify", "--json")[1]) == {"moves": 7, "versions": [1, 2]}
    assert json.loads(run("registry", "schemas", "champion", "--json")[1]) == {"version": 1, "inputs": 8}
    assert run("registry", "sync")[1] == "MLflow's aliases: {'champion': 1}\n"
    assert run("registry", "fetch", "champion", "--output", str(tmp_path / "release"))[0] == 0
    assert (tmp_path / "release" / "models" / "scorer" / "scorer.json").is_file()


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
        (("registry", "promote", "1", *ADA), 1, "no version '1'; it holds: none"),
        (("registry", "as-of", "yesterday"), 2, "is no date"),
        (("register", "--by", "Kim Lee", "--tags", "staging"), 2, "expected NAME=VALUE"),
        (("register", "--by", "Kim Lee", "--model-path", "models/other"), 2, "the gate's record speaks of that scorer"),
        (("register", "--by", "Kim"), 1, "expected a first and a last name"),
        (("verify", "--identity", "me"), 2, "go together"),
        (("registry", "history", "--environment", "none.yaml"), 2, "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(run, words, code, sentence):
    got, _, complaint = run(*words)
    assert (got, sentence in complaint) == (code, True), complaint
