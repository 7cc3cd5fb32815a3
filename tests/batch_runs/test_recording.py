"""Decisions of a run in the ledger: each once, as the service would record it, and only where the policy says so."""

import pandas as pd
import pytest

from credit_risk.batch_runs import recording, settings
from credit_risk.batch_runs.runs import BatchRun
from credit_risk.cli import main
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import write_text
from credit_risk.errors import CheckFailed, ConfigError
from credit_risk.ledger.entry import DecidedBy
from credit_risk.ledger.ledger import Ledger
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from tools import decision_of_request

ROWS = 30
RUN = BatchRun("2026-11-30-abc", "2026-11-30", "s", "i", None)


@pytest.fixture(scope="module")
def scorer(trained):
    return Scorer.load(trained[1].scorer)


@pytest.fixture
def source(tmp_path):
    table = lender(ROWS, seed=11).applications
    table.loc[3, "purpose"] = None
    table.to_parquet(tmp_path / "in.parquet", index=False)
    return tmp_path / "in.parquet"


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", key=bytes(32)) as opened:
        yield opened


def test_every_decision_is_recorded_once_with_its_person_and_reasons(ledger, scorer, source, monkeypatch):
    monkeypatch.setattr(recording, "ROWS", 7)
    by, table = DecidedBy(scorer.digest, "m", "c", "k"), pd.read_parquet(source)
    for _ in range(2):
        assert recording.record(ledger, scorer, by, source, RUN) == ROWS - 1
    assert decision_of_request(ledger, "batch", "2026-11-30-abc:3") is None  # refused
    for row in (0, 20):
        stored = decision_of_request(ledger, "batch", f"2026-11-30-abc:{row}")
        expected = scorer.decide(table).record(row)
        assert stored.decided["decision"] == expected["decision"]
        assert stored.decided["pd"] == expected["pd"]
        about = list(ledger.decisions_about(str(table["applicant_id"][row])))
        assert stored.decision_id in {each.decision_id for each in about}
    assert sum(1 for row in range(ROWS) if decision_of_request(ledger, "batch", f"2026-11-30-abc:{row}")) == ROWS - 1


def test_another_application_under_the_same_run_and_row_is_refused(ledger, scorer, source):
    by = DecidedBy(scorer.digest, "m", "c", "k")
    recording.record(ledger, scorer, by, source, RUN)
    table = pd.read_parquet(source)
    table.loc[5, "loan_amount"] += 1
    table.to_parquet(source, index=False)
    with pytest.raises(CheckFailed, match="1 decisions were not recorded"):
        recording.record(ledger, scorer, by, source, RUN)


def test_the_policy_is_none_or_record_and_nothing_else(tmp_path):
    write_text(tmp_path / "configs" / "batch.yaml", "ledger: sometimes\n")
    with pytest.raises(ConfigError, match="ledger"):
        settings.load(tmp_path)


@pytest.mark.parametrize("policy", ["none", "record"])
def test_the_command_records_where_the_policy_says_so(harmed, source, tmp_path, capsys, policy):
    _, files = harmed
    signing.make_keys(files.root / "signing.key")
    signing.sign(files.scorer, files.scorer_signature, files.root / "signing.key")
    deployed = "serving:\n  ledger: {url: 'sqlite:///ledger.db', key_file: ledger.key}\n  access: {mode: off}\n"
    write_text(
        files.root / "configs" / "deploy" / "local.yaml", f"{deployed}  signed_by: {{public_key: signing.pub}}\n"
    )
    write_text(files.root / "configs" / "batch.yaml", f"ledger: {policy}\n")
    words = ["--root", str(files.root), "--input", str(source), "--date", "2026-11-30"]
    assert main(["batch", "run", *words, "--output", str(tmp_path / "out")]) == 0
    assert "30 rows (29 decided, 1 refused)" in capsys.readouterr().out
    assert (files.root / "ledger.db").exists() == (policy == "record")
    assert main(["batch", "run", *words]) == 2
    assert "say where the decisions go" in capsys.readouterr().err
    assert main(["batch", "run", *words[:-1], "today", "--output", "x"]) == 2
    assert "expected a day" in capsys.readouterr().err
