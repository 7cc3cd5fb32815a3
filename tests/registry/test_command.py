"""The commands of the registry's history: every refusal's code."""

import json

import pytest

from credit_risk.cli import main
from credit_risk.data import digest


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("registry",), 2, "say what to do with the registry"),
        (("registry", "as-of", "yesterday"), 2, "is no date"),
        (("registry", "statement", "--reason", "the first release here"), 2, "--by and --reason belong to --here"),
        (("release", "--identity", "me"), 2, "go together"),
        (("registry", "history", "--environment", "none.yaml"), 2, "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(run, words, code, sentence):
    got, _, complaint = run(*words)
    assert (got, sentence in complaint) == (code, True), complaint


def test_a_release_that_no_registry_has_is_let_live_by_somebody_and_for_a_reason(files, capsys):
    words = ["registry", "statement", "--here", "--root", str(files.root), "--by", "Kim Lee"]
    assert main(words) == 1
    assert "expected a sentence that an auditor can read (--reason)" in capsys.readouterr().err
    assert main([*words, "--reason", "the first release here"]) == 0
    assert [version["role"] for version in json.loads(capsys.readouterr().out)["live"]] == ["here"]
    assert main(["registry", "history", "--root", str(files.root), "--json"]) == 0
    (move,) = json.loads(capsys.readouterr().out)
    assert (move["move"], move["by"], move["reason"]) == ("here", "Kim Lee", "the first release here")
    assert move["scorer"] == digest.of_directory(files.scorer)
    assert main(["registry", "head", "--root", str(files.root)]) == 0
    text = capsys.readouterr().out.strip()
    assert main(["registry", "head", "--root", str(files.root), "--json"]) == 0
    head = json.loads(capsys.readouterr().out)
    assert (head["seq"], f"{head['seq']}:{head['hash']}") == (1, text)
