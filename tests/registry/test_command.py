"""The commands of the registry's history: every refusal's code."""

import pytest


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
