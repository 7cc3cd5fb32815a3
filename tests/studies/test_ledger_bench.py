"""`credit-risk ledger bench`: what it says, what it leaves behind, and which ledger it refuses."""

import pytest

from credit_risk.cli import main
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger


@pytest.fixture
def root(tmp_path):
    """A root with a ledger that holds a decision."""
    with Ledger.open(f"sqlite:///{tmp_path}/build/ledger/ledger.db", key=bytes(32)) as ledger:
        ledger.append([Entry({"income": 1.5}, {"decision": "approve", "pd": 0.25}, DecidedBy("5c", "30", "c0", "c1"))])
    return tmp_path


def test_the_bench_says_what_fdatasync_costs_and_leaves_nothing(root, capsys):
    assert main(["ledger", "bench", "--entries", "70", "--root", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "fdatasync of one page" in shown
    assert len(shown.splitlines()) == 6
    assert [path.name for path in (root / "build").iterdir()] == ["ledger"]


def test_a_ledger_that_is_in_use_is_not_measured(root, capsys):
    url = f"sqlite:///{root}/build/ledger/ledger.db"
    assert main(["ledger", "bench", "--url", url, "--root", str(root)]) == 2
    assert "master key" in capsys.readouterr().err


def test_it_teaches(capsys):
    assert main(["ledger", "bench", "--help"]) == 0
    assert len(capsys.readouterr().out) > 300
