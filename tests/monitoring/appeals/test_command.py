"""`credit-risk appeals` on a repository with a ledger: from the question to the answer, and what is overdue."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from book import decide, entry

from credit_risk.cli import main
from credit_risk.ledger.ledger import Ledger
from ledger_fixtures import KEY

ROOT = Path(__file__).parents[3]


@pytest.fixture
def decline(tmp_path, monkeypatch):
    """A repository whose ledger holds a decline of 10 January 2025, and the decline's id."""
    shutil.copytree(ROOT / "tests" / "lender", tmp_path / "configs")
    (tmp_path / "configs" / "deploy").mkdir()
    deployed = "serving:\n  ledger: {url: sqlite:///build/ledger/ledger.db}\n"
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(deployed, encoding="utf-8")
    settings = (ROOT / "configs" / "monitoring.yaml").read_text(encoding="utf-8")
    (tmp_path / "configs" / "monitoring.yaml").write_text(
        settings.replace("override_by: identities", "override_by: names"), encoding="utf-8"
    )
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    monkeypatch.chdir(tmp_path)
    with Ledger.open(f"sqlite:///{tmp_path / 'build' / 'ledger' / 'ledger.db'}", key=KEY) as ledger:
        (decision_id,) = decide(ledger, date(2025, 1, 10), [entry("Ada", "decline")])
    return decision_id


def ask(*words, capsys):
    code = main(["appeals", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_from_the_question_to_the_answer(decline, capsys):
    who = ["--by", "Jo Roe"]
    assert ask("due", capsys=capsys) == (0, "0 wait for a person, 0 of them too long.\n", "")
    assert ask("add", decline, "--on", "2025-01-20", *who, capsys=capsys)[0] == 0
    line = f"{decline}: decline, contested on 2025-01-20, due 2025-02-19"
    assert ask("due", "--on", "2025-02-19", capsys=capsys)[:2] == (
        0,
        f"{line}\n1 wait for a person, 0 of them too long.\n",
    )
    code, out, err = ask("due", "--on", "2025-02-20", capsys=capsys)
    assert (code, out) == (1, f"{line}, overdue\n1 wait for a person, 1 of them too long.\n")
    assert "1 of 1 have waited too long, the longest since 2025-01-20." in err
    code, out, _ = ask("due", "--on", "2025-02-20", "--json", capsys=capsys)
    assert (code, json.loads(out)[0]["overdue"]) == (1, True)
    answer = ["answer", decline, "--to", "decline", "--reason", "decision_upheld", *who]
    assert ask(*answer, capsys=capsys) == (0, f"Decision {decline} is decline still, by Jo Roe.\n", "")
    assert ask("due", "--on", "2025-02-20", capsys=capsys)[0] == 0


def test_nobodys_decision_and_a_name_alone_are_refused(decline, capsys):
    assert ask("add", "no-such", "--by", "Jo Roe", capsys=capsys)[0] == 1
    code, _, err = ask("add", decline, "--by", "somebody", capsys=capsys)
    assert (code, "expected a first and a last name" in err) == (2, True)


def test_without_days_nobody_says_that_nothing_is_overdue(decline, capsys):
    path = Path("configs/monitoring.yaml")
    text = path.read_text(encoding="utf-8")
    start = text.index("appeals:")
    path.write_text(text[:start] + text[text.index("override_reasons:") :], encoding="utf-8")
    code, _, err = ask("due", capsys=capsys)
    assert (code, "nobody has said how long one may wait" in err) == (2, True)
