"""`credit-risk measure` and `cost` as an operator meets them, on a repository of their own."""

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.operations.use_record import UseRecord
from identities_trial import sign_waiver

ENVIRONMENTS = Path(__file__).parents[2] / "rollout" / "environments"
WAIVER = f"""\
person: Ada Berg
role: head of risk
check: monthly_budget
reason: the audit needs one more retraining
expires: {datetime.now(UTC).date() + timedelta(days=30)}
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "configs" / "deploy").mkdir(parents=True)
    for path in ENVIRONMENTS.glob("*.yaml"):
        shutil.copy(path, tmp_path / "configs" / "deploy")
    return tmp_path


def command(root, name, *words):
    return main([name, "--root", str(root), *words])


def spend(root, minutes):
    """Jobs at 0.007 EUR a minute, of a budget of 100."""
    return command(root, "cost", "--runner-type", "hosted", "--duration", str(minutes))


def test_a_program_is_measured_and_its_exit_code_kept(root):
    assert command(root, "measure", "--name", "try", "--", sys.executable, "-c", "raise SystemExit(3)") == 3
    use, storage = UseRecord(root).read()
    assert (use.kind, use.name, use.ended_well, use.decisions, use.runner_minutes) == ("run", "try", False, None, None)
    assert use.cpu_seconds > 0
    assert (storage.kind, storage.storage_gb) == ("storage", pytest.approx(0, abs=1e-3))


def test_on_a_hosted_runner_begun_minutes_are_billed_and_nothing_else(root, monkeypatch):
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    assert command(root, "measure", "--", sys.executable, "-c", "") == 0
    assert UseRecord(root).read()[0].runner_minutes == 1


def test_a_job_elsewhere_is_priced_and_held_against_its_estimate(root, capsys):
    words = ["--runner-type", "hosted", "--duration", "12", "--compute-units", "2", "--estimated-cost", "0.1"]
    assert command(root, "cost", *words, "--job", "ci") == 0
    said = capsys.readouterr().out
    assert "ci cost 0.17 EUR. It was estimated at 0.10: +0.07." in said
    assert "A run of the pipeline: no record" in said


def test_a_runner_of_ones_own_is_billed_by_its_cores(root, capsys):
    words = ["--environment", "production", "--runner-type", "gpu-box", "--duration", "30", "--compute-units", "4"]
    assert command(root, "cost", *words) == 0
    assert "job cost 0.08 EUR." in capsys.readouterr().out  # half an hour of four cores at 0.04


def test_the_page_and_the_figures_are_written(root):
    spend(root, 1_000)
    written = json.loads((root / "build" / "operations" / "costs.json").read_text())
    assert (written["budget"]["state"], written["month"]["by_kind"]["runner"]) == ("WITHIN", 7.0)
    page = (root / "build" / "operations" / "costs.html").read_text()
    assert "7.00 of 100.00 EUR" in page
    assert "<script" not in page


def test_a_spent_budget_stops_what_asks_for_it_until_somebody_waives_it(root, capsys):
    asked = ["measure", "--within-budget", "--", sys.executable, "-c", f"open({str(root / 'begun')!r}, 'w')"]
    spend(root, 20_000)
    assert command(root, "cost", "--check") == 1
    assert command(root, *asked) == 1
    assert not (root / "begun").exists()
    assert "140.00 of 100.00 EUR" in capsys.readouterr().err
    path = root / "configs" / "deploy" / "waivers" / "june.yaml"
    path.parent.mkdir()
    path.write_text(WAIVER)
    assert command(root, "cost", "--check") == 2  # nobody signed it
    sign_waiver(root, path, "Ada Berg")
    assert command(root, "cost", "--check") == 0
    assert "Waived by Ada Berg" in capsys.readouterr().out


def test_nothing_measured_is_no_pass(root, capsys):
    assert command(root, "cost") == 0
    assert command(root, "cost", "--check") == 1
    assert "nothing was measured" in capsys.readouterr().err


def test_words_that_do_not_go_together_are_refused(root, capsys):
    assert command(root, "cost", "--duration", "3") == 2
    assert "--runner-type and --duration belong together" in capsys.readouterr().err
    assert command(root, "measure", "--", "no-such-program") == 2
    assert UseRecord(root).read() == []
