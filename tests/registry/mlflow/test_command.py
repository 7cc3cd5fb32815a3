"""The commands on numbered versions from end to end: register, move, look back, roll back, and every refusal's code."""

import json
from datetime import UTC, datetime

import pytest

from credit_risk.registry.lifecycle import HistoryEvent, MoveRefused, standing
from registry_trial import assemble_again

ADA = ("--by", "Ada Berg", "--reason", "a reason of five words")


def test_from_a_signed_scorer_to_the_champion_and_back(run, files, tmp_path):
    assert run("sign")[:2] == (0, "Signed already, by this key.\n")
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


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("registry", "promote", "1", *ADA), 1, "no version '1'; it holds: none"),
        (("register", "--by", "Kim Lee", "--tags", "staging"), 2, "expected NAME=VALUE"),
        (("register", "--by", "Kim Lee", "--model-path", "models/other"), 2, "the gate's record speaks of that scorer"),
        (("register", "--by", "Kim"), 1, "expected a first and a last name"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(run, words, code, sentence):
    got, _, complaint = run(*words)
    assert (got, sentence in complaint) == (code, True), complaint


def test_a_version_that_is_not_there_is_refused_with_what_comes_first():
    with pytest.raises(MoveRefused, match=r"it holds: none. A scorer comes in by `credit-risk register`, then `regis"):
        standing([]).named("challenger")
    registered = HistoryEvent(1, datetime(2026, 11, 25, tzinfo=UTC), "register", 1, "scorer 1", "Kim Lee", "new", {})
    with pytest.raises(MoveRefused, match=r"it holds: 1. `credit-risk registry nominate` makes a candidate the"):
        standing([registered]).named("challenger")
    with pytest.raises(MoveRefused, match=r"it holds: 1.$"):
        standing([registered]).named("7")
