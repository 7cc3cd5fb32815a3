"""What may befall a run of monitoring: a clear sentence, nothing half-written, and the next run right."""

import multiprocessing
import os
import signal
from datetime import date

import pytest
from book import decide, delivery, entry
from sqlalchemy import event
from sqlalchemy.engine import Engine

from credit_risk.cli import main
from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes import adding, deliveries, outcome_file
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from ledger_fixtures import KEY
from monitoring.test_command import root, rows

__all__ = ["root"]

DAY, AS_OF = date(2025, 1, 10), date(2026, 2, 15)


def of_each(ids):
    return [{"decision_id": each, "outcome": "good", "month": 12, "observed_on": "2026-01-31"} for each in ids]


def test_a_ledger_that_goes_in_the_middle_of_a_delivery_leaves_nothing_of_it(
    ledger, outcomes, config, tmp_path, monkeypatch
):
    monkeypatch.setattr(outcome_file, "ROWS", 2)
    ids = decide(ledger, DAY, [entry(f"p{number}") for number in range(5)])
    file, look, looks = delivery(tmp_path / "a.csv", of_each(ids)), adding.some_of, []

    def gone(*words):
        looks.append(words)
        if len(looks) == 2:
            raise LedgerUnavailable("the ledger went away.")
        return look(*words)

    with monkeypatch.context() as patch:
        patch.setattr(adding, "some_of", gone)
        with pytest.raises(LedgerUnavailable, match="went away"):
            adding.add(ledger, outcomes, file, config, today=AS_OF)
    assert len(looks) == 2  # of three: two rows had been read, and added
    assert outcomes.histories() == {}
    assert adding.add(ledger, outcomes, file, config, today=AS_OF).added == 5
    assert deliveries.verify(ledger, busy_timeout_s=5) == 5


def test_a_lost_key_is_said_and_nothing_is_made(root, monkeypatch, capsys):
    file = str(delivery(root / "january.csv", rows("Ada")))
    before = {path.name for path in (root / "build" / "ledger").iterdir()}
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", "00" * 32)
    for words in (["monitor"], ["outcomes", "add", file], ["windows", "freeze"]):
        assert main([*words, "--root", str(root)]) == 2
        assert "key" in capsys.readouterr().err
    assert {path.name for path in (root / "build" / "ledger").iterdir()} == before
    assert not (root / "reports" / "monitoring.json").exists()


def test_a_clock_that_jumps_back_takes_no_outcome_from_the_future_and_no_decision_twice(
    ledger, outcomes, config, tmp_path
):
    """Decisions of a clock that was a year slow for a while stand in the month that it said, in the chain behind."""
    first, second = decide(ledger, DAY, [entry("Ada")]) + decide(ledger, date(2024, 1, 10), [entry("Ben")])
    file = delivery(tmp_path / "a.csv", of_each([first, second]))
    early = adding.add(ledger, outcomes, file, config, today=date(2026, 1, 1))
    assert (early.added, early.rejected) == (0, 2)
    assert "2026-01-31, a day still to come" in early.rejects[0][2]
    late = adding.add(ledger, outcomes, file, config, today=AS_OF)
    assert (late.added, [fact.decision_id for fact in outcomes.of_month("2024-01")]) == (2, [second])


@pytest.mark.weekly
def test_killed_at_any_statement_a_delivery_is_there_whole_or_not_at_all(config, tmp_path):
    """Each run is killed a few statements later than the one before it, until one gets through."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(url, key=KEY) as ledger:
        ids = decide(ledger, DAY, [entry(f"p{number}") for number in range(3)])
    file, died, statements = delivery(tmp_path / "a.csv", of_each(ids)), 0, 0
    while True:
        statements += 2
        child = multiprocessing.get_context("fork").Process(target=add_until, args=(url, file, config, statements))
        child.start()
        child.join()
        with Ledger.open(url, key=KEY) as ledger, Outcomes(url, busy_timeout_s=5) as outcomes:
            there = len(outcomes.histories())
            assert deliveries.verify(ledger, busy_timeout_s=5) == there
            assert there in (0, 3)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        died += 1
    assert (there, died > 5) == (3, True)


def add_until(url, file, config, statements):
    """Add a delivery, and die before so many statements of SQL."""
    seen = iter(range(statements))

    def before(*_):
        if next(seen, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", before)
    with Ledger.open(url, key=KEY) as ledger, Outcomes(url, busy_timeout_s=5) as outcomes:
        adding.add(ledger, outcomes, file, config, today=AS_OF)
