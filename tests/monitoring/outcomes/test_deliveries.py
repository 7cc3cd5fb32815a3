"""Outcomes that somebody changed in the database are found; a copy of them is whole."""

from datetime import date

import pytest
from book import decide, delivery, entry

from credit_risk.errors import UsageError
from credit_risk.ledger.database.store import Store
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.monitoring import monitor
from credit_risk.monitoring.outcomes import adding, deliveries
from credit_risk.monitoring.outcomes.outcome_store import Fact, Outcomes
from credit_risk.monitoring.settings import DriftRule, MonitoringSettings

DAY, AS_OF = date(2025, 1, 10), date(2026, 2, 15)
FACT = "('x', 12, 'good', '2026-01-31', '', 'f', 1)"
SETTINGS = MonitoringSettings(
    most_without_outcome=0.1, asset_correlation=0.04, smallest_window=1, drift=DriftRule(out=2, of=3)
)


@pytest.fixture
def delivered(ledger, outcomes, config, tmp_path):
    """Two deliveries, of two outcomes and of one."""
    ids = decide(ledger, DAY, [entry("Ada"), entry("Ben"), entry("Cid")])
    rows = [{"decision_id": each, "outcome": "good", "month": 12, "observed_on": "2026-01-31"} for each in ids]
    for part in (rows[:2], rows[2:]):
        adding.add(ledger, outcomes, delivery(tmp_path / "a.csv", part), config, today=AS_OF)
    return outcomes


def run(outcomes: Outcomes, statement: str) -> None:
    with outcomes.store.core() as connection:
        connection.exec_driver_sql(statement)


def test_each_delivery_is_signed_with_what_it_brought(ledger, delivered):
    assert deliveries.verify(ledger, busy_timeout_s=5) == 3
    with deliveries.Deliveries(ledger, busy_timeout_s=5) as chain:
        records, end = chain.read()
    assert [(each["first"], each["last"], each["facts"]) for each in records] == [(1, 2, 2), (3, 3, 1)]
    assert end.seq == 2


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE outcome_facts_1 SET outcome = 'bad' WHERE number = 2", "the facts 1 to 2 are not those"),
        ("DELETE FROM outcome_facts_1 WHERE number = 3", "the facts 3 to 3 are not those"),
        (
            "INSERT INTO outcome_facts_1 (decision_id, month, outcome, observed_on, correction, file, recorded) "
            f"VALUES {FACT}",
            "1 facts behind fact 3 came with no delivery",
        ),
        ("DELETE FROM outcome_deliveries_1 WHERE seq = 1", "entries 1 to 1 are missing"),
    ],
)
def test_what_was_changed_put_in_or_left_out_is_found_by_the_report_too(ledger, delivered, config, statement, fault):
    run(delivered, statement)
    with pytest.raises(LedgerBroken, match=fault):
        deliveries.verify(ledger, busy_timeout_s=5)
    with pytest.raises(LedgerBroken, match=fault):
        monitor.of_ledger(ledger, config, SETTINGS, as_of=AS_OF, drift=None, busy_timeout_s=5)


def test_outcomes_that_do_not_hold_leave_no_connection_open(ledger, delivered, monkeypatch):
    run(delivered, "DELETE FROM outcome_facts_1 WHERE number = 3")
    opened, closed = [], []
    create, close = Store.create, Store.close
    monkeypatch.setattr(Store, "create", lambda store: (opened.append(store), create(store)))
    monkeypatch.setattr(Store, "close", lambda store: (closed.append(store), close(store)))
    with pytest.raises(LedgerBroken):
        deliveries.CheckedOutcomes(ledger, busy_timeout_s=5)
    assert len(opened) == 2
    assert {*map(id, opened)} == {*map(id, closed)}


@pytest.mark.parametrize(
    "statements",
    [
        [f"INSERT INTO outcome_facts_1 ({', '.join([*Fact._fields, 'recorded'])}) VALUES {FACT}"],
        [
            "DELETE FROM outcome_deliveries_1 WHERE seq = 2",
            "UPDATE outcome_facts_1 SET outcome = 'bad' WHERE number = 3",
        ],
    ],
)
def test_what_no_delivery_brought_is_not_signed_with_the_next(ledger, delivered, config, tmp_path, statements):
    for statement in statements:
        run(delivered, statement)
    fourth = decide(ledger, DAY, [entry("Dee")])
    rows = [{"decision_id": each, "outcome": "good", "month": 12, "observed_on": "2026-01-31"} for each in fourth]
    with pytest.raises(LedgerBroken, match=r"1 facts behind fact [23] came with no delivery"):
        adding.add(ledger, delivered, delivery(tmp_path / "c.csv", rows), config, today=AS_OF)
    with pytest.raises(LedgerBroken, match="came with no delivery"):
        deliveries.verify(ledger, busy_timeout_s=5)


def test_the_same_file_again_signs_nothing_and_a_rejected_one_neither(ledger, delivered, config, tmp_path):
    with deliveries.Deliveries(ledger, busy_timeout_s=5) as chain:
        before = chain.read()
        adding.add(ledger, delivered, tmp_path / "a.csv", config, today=AS_OF)
        unknown = [{"decision_id": "none", "outcome": "good", "month": 12, "observed_on": "2026-01-31"}]
        adding.add(ledger, delivered, delivery(tmp_path / "b.csv", unknown), config, today=AS_OF)
        assert chain.read() == before


def test_facts_from_before_there_was_a_chain_are_signed_with_the_next_delivery(ledger, outcomes, config, tmp_path):
    first, second = decide(ledger, DAY, [entry("Ada"), entry("Ben")])
    with outcomes.adding() as transaction:
        transaction.add([Fact(first, 12, "good", "2026-01-31", "", "f")])
    assert deliveries.verify(ledger, busy_timeout_s=5) == 0
    rows = [{"decision_id": second, "outcome": "good", "month": 12, "observed_on": "2026-01-31"}]
    adding.add(ledger, outcomes, delivery(tmp_path / "a.csv", rows), config, today=AS_OF)
    assert deliveries.verify(ledger, busy_timeout_s=5) == 2


def test_a_copy_has_what_was_there_and_takes_no_others_name(ledger, delivered, tmp_path):
    if ledger.store.path is None:
        with pytest.raises(UsageError, match="in PostgreSQL"):
            deliveries.backup(ledger, tmp_path / "copy.db", busy_timeout_s=5)
        return
    assert deliveries.backup(ledger, tmp_path / "copies" / "outcomes.db", busy_timeout_s=5) == 3
    with Outcomes(f"sqlite:///{tmp_path / 'copies' / 'ledger.db'}", busy_timeout_s=5) as copy:
        assert copy.histories() == delivered.histories()
    run(delivered, "UPDATE outcome_facts_1 SET outcome = 'bad' WHERE number = 2")
    with pytest.raises(LedgerBroken):
        deliveries.backup(ledger, tmp_path / "other.db", busy_timeout_s=5)
    assert not (tmp_path / "other.db").exists()


def test_a_report_holds_what_it_reads_against_its_deliveries_and_no_others(ledger, outcomes, config, tmp_path):
    """Two months of decisions, a delivery each: news of the second alone is read, and so is its delivery alone."""
    for day, name in ((date(2024, 1, 10), "Ada"), (date(2024, 6, 10), "Ben")):
        (decision_id,) = decide(ledger, day, [entry(name)])
        row = {"decision_id": decision_id, "outcome": "good", "month": 12, "observed_on": "2026-01-31"}
        adding.add(ledger, outcomes, delivery(tmp_path / "a.csv", [row]), config, today=AS_OF)
    run(outcomes, "UPDATE outcome_facts_1 SET outcome = 'bad' WHERE number = 1")
    with deliveries.CheckedOutcomes(ledger, busy_timeout_s=5) as checked:
        assert [fact.number for fact in checked.of_month("2024-06")] == [2]
        for reads in (lambda: checked.of_month("2024-01"), checked.histories):
            with pytest.raises(LedgerBroken, match="the facts 1 to 1 are not those"):
                reads()
