"""`credit-risk outcomes` on a repository with a ledger: what it says, writes and answers with."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from book import decide, delivery, entry

from credit_risk.cli import main
from credit_risk.ledger.ledger import Ledger
from ledger_fixtures import KEY

ROOT = Path(__file__).parents[2]
LENDER = Path(__file__).parents[1] / "lender"
REST = "asset_correlation: 0.04\nsmallest_window: 50\n"
DEPLOYED = "serving:\n  ledger: {url: sqlite:///build/ledger/ledger.db}\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository whose environment `local` names a ledger with two decisions of January 2025."""
    shutil.copytree(LENDER, tmp_path / "configs")
    (tmp_path / "configs" / "deploy").mkdir()
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(DEPLOYED, encoding="utf-8")
    shutil.copy(ROOT / "configs" / "monitoring.yaml", tmp_path / "configs")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    with Ledger.open(f"sqlite:///{tmp_path / 'build' / 'ledger' / 'ledger.db'}", key=KEY) as ledger:
        decide(ledger, date(2025, 1, 10), [entry("Ada"), entry("Ben")])
    return tmp_path


def rows(*names: str) -> list[dict[str, object]]:
    of_all = {"decided_on": "2025-01-10", "outcome": "good", "month": 12, "observed_on": "2026-01-31"}
    return [{"applicant": name, **of_all} for name in names]


def test_what_was_added_is_counted_and_what_was_not_is_said(root, capsys):
    file = str(delivery(root / "january.csv", rows("Ada", "Eve", "Ben")))
    assert main(["outcomes", "add", file, "--root", str(root), "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"read": 3, "added": 2, "known": 0, "corrected": 0, "rejected": 1}
    assert "1 of 3 rows were rejected" in printed.err
    assert (root / "january.csv.rejects.csv").read_text(encoding="utf-8").splitlines() == [
        "row,decision_id,reason",
        "2,,the ledger holds no decision about this applicant of 2025-01-10",
    ]
    assert main(["outcomes", "show", "--root", str(root), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["facts"], shown["by_month"]) == (2, {"12": 2})


def test_a_file_without_rejects_exits_0_and_an_older_list_of_rejects_is_replaced(root, capsys):
    file = str(delivery(root / "a.csv", rows("Ada")))
    (root / "a.csv.rejects.csv").write_text("of before", encoding="utf-8")
    assert main(["outcomes", "--root", str(root), "add", file]) == 0
    assert capsys.readouterr().out == "1 read, 1 added, 0 known, 0 corrected, 0 rejected.\n"
    assert (root / "a.csv.rejects.csv").read_text(encoding="utf-8") == "row,decision_id,reason\n"


def test_showing_makes_nothing_where_no_outcome_was_added(root, capsys):
    assert main(["outcomes", "show", "--root", str(root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"] == 0
    assert not (root / "build" / "ledger" / "outcomes.db").exists()


def test_without_a_ledger_nothing_is_added_and_none_is_made(root, capsys):
    shutil.rmtree(root / "build")
    file = str(delivery(root / "a.csv", rows("Ada")))
    assert main(["outcomes", "add", file, "--root", str(root)]) == 2
    assert "no ledger is there" in capsys.readouterr().err
    assert not (root / "build").exists()


def test_the_monitor_writes_its_report_as_of_a_day(root, capsys):
    assert main(["outcomes", "add", str(delivery(root / "a.csv", rows("Ada", "Ben"))), "--root", str(root)]) == 0
    assert main(["monitor", "--root", str(root), "--as-of", "2026-02-01"]) == 0
    report = json.loads((root / "reports" / "monitoring.json").read_text(encoding="utf-8"))
    assert report["counts"]["by_state"] == {"good": 2}
    assert report["backtest"]["bands"][0]["bad_rate"]["n"] == 2
    assert report["backtest"]["figures"]["auc"] == {
        "value": None,
        "low": None,
        "high": None,
        "n": 2,
        "why": "one class only: 0 bads among 2 accounts",
    }
    assert report["drift"]["verdict"] == "CANNOT SAY"
    assert report["drift"]["why"].startswith("no scorer is there")
    capsys.readouterr()
    assert main(["monitor", "--root", str(root), "--as-of", "2025-12-31", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["by_state"] == {"immature": 2}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            f"most_without_outcome: 2.0\n{REST}drift: {{out: 2, of: 3}}\n",
            "most_without_outcome",
        ),
        (
            f"most_without_outcome: 0.1\n{REST}drift: {{out: 2, of: 3}}\nother: 1\n",
            "other",
        ),
        (
            f"most_without_outcome: 0.1\n{REST}drift: {{out: 4, of: 3}}\n",
            "out is 4 of 3 months",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(root, capsys, text, sentence):
    (root / "configs" / "monitoring.yaml").write_text(text, encoding="utf-8")
    assert main(["monitor", "--root", str(root)]) == 2
    assert sentence in capsys.readouterr().err
    assert not (root / "reports").exists()
