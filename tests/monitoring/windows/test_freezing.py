"""Months that were counted once stay as they were counted: after erasures, late decisions, kills, two runs at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from book import clock, decide, entry

from credit_risk.cli import main
from credit_risk.config import Config
from credit_risk.data.inputs import Inputs
from credit_risk.data.simulated_lender import lender
from credit_risk.errors import UsageError
from credit_risk.ledger.entry import DecidedBy
from credit_risk.ledger.errors import LedgerBroken, LedgerBusy
from credit_risk.ledger.ledger import Ledger
from credit_risk.measures import drift
from credit_risk.monitoring.records.frozen_store import FrozenRecords
from credit_risk.monitoring.settings import DriftRule
from credit_risk.monitoring.windows import freezing
from credit_risk.monitoring.windows.drift_windows import DriftWindows
from credit_risk.monitoring.windows.freezing import compared, freeze, with_live
from credit_risk.scoring.signed_chain import Head
from ledger_fixtures import KEY

MARCH, RULE = date(2026, 3, 15), DriftRule(out=2, of=3)
SIGNATURE_OF_1 = "(SELECT signature FROM frozen_records_1 WHERE seq = 1)"
SWAPPED = f"UPDATE frozen_records_1 SET signature = {SIGNATURE_OF_1} WHERE seq = 2"
BY, OTHER = DecidedBy("s", "m", "c", "k"), DecidedBy("t", "m", "c", "k")


@pytest.fixture(scope="module")
def applications():
    table = lender(3_000, seed=3).applications
    return table, table.astype(object).where(table.notna(), None).to_dict("records")


@dataclass
class Desk:
    """A ledger of 60 decisions of January, 40 of February and 20 of March, each of a person of its own."""

    ledger: Ledger
    store: FrozenRecords
    config: Config
    reference: dict[str, Any]
    rows: list[dict[str, object]]

    def windows(self, scorer: str = "s") -> DriftWindows:
        """An empty count of a scorer whose bins are frozen on the simulated lender."""
        return DriftWindows.of_reference(self.config, self.reference, scorer)

    def decide(self, day: date, first: int, count: int, by: DecidedBy = BY) -> list[str]:
        some = self.rows[first : first + count]
        return decide(self.ledger, day, [entry(f"p{first + at}", inputs=row, by=by) for at, row in enumerate(some)])

    def freeze(self, as_of: date = MARCH, scorers: Sequence[str] = ("s",)) -> freezing.Frozen:
        known, end = self.store.read()
        frozen = freeze(self.ledger, known, {name: self.windows(name) for name in scorers}, as_of, smallest=10)
        self.store.add(frozen.records, end)
        return frozen

    def report(self, as_of: date = MARCH) -> dict[str, Any]:
        return self.compared(as_of).report(self.config.drift, RULE, as_of)

    def compared(self, as_of: date = MARCH) -> DriftWindows:
        """The scorer's windows as a report has them: those that are frozen, and the rest counted now."""
        windows = with_live(self.ledger, self.store.read()[0], {"s": self.windows()}, as_of)
        return compared(windows, self.windows(), as_of)


@pytest.fixture
def desk(ledger, config, applications):
    matrix = Inputs.of(config).table(applications[0])
    columns = {name: matrix[:, index] for index, name in enumerate(config.inputs)}
    words = {name: config.categories(name) for name in config.inputs}
    scores = np.random.default_rng(1).normal(600, 30, 3000)
    inputs = drift.of(columns, 10, words).as_dict()
    reference = {"inputs": inputs, "score": drift.of({"score": scores}, 10).as_dict()}
    rows = [{name: row[name] for name in config.inputs} for row in applications[1][:400]]
    with FrozenRecords(ledger, busy_timeout_s=5) as store:
        desk = Desk(ledger, store, config, reference, rows)
        desk.decide(date(2026, 1, 10), 0, 60)
        desk.decide(date(2026, 2, 10), 60, 40)
        desk.decide(date(2026, 3, 10), 100, 20)
        yield desk


def test_months_that_have_ended_are_counted_and_the_running_one_is_not(desk):
    frozen = desk.freeze()
    assert [(each["month"], each["decisions"], each["compared"]) for each in frozen.records] == [
        *(("2026-01", 60, 60), ("2026-02", 40, 40))
    ]
    assert [(each["first"], each["last"]) for each in frozen.records] == [(1, 60), (61, 100)]
    assert frozen.until.seq == 100
    assert all(sum(bins) == 60 for bins in frozen.records[0]["bins"].values())
    assert frozen.records[0]["counts"]["decision"] == {"approve": 60}


def test_the_frozen_report_is_the_live_one_and_an_erasure_changes_it_no_more(desk):
    live = desk.report()
    desk.freeze()
    assert desk.report() == live
    for person in range(50):
        desk.ledger.erase(f"p{person}", by="Kim Lee")
    assert desk.report() == live
    assert live["windows"][0]["decisions"] == 60


def test_a_report_reads_only_what_is_not_frozen(desk):
    desk.freeze()
    with patch("credit_risk.monitoring.windows.freezing.unsealed", wraps=freezing.unsealed) as unsealed:
        desk.report()
    assert unsealed.call_count == 20


def test_a_report_of_a_past_day_counts_the_days_until_then_though_the_month_is_frozen(desk):
    desk.decide(date(2026, 2, 20), 200, 15)
    desk.freeze(as_of=date(2026, 4, 1))
    known, _ = desk.store.read()
    windows = with_live(desk.ledger, known, {}, date(2026, 2, 15))
    assert [(each["month"], each["decisions"]) for each in windows] == [("2026-01", 60), ("2026-02", 40)]


def test_each_decision_is_unsealed_once(desk):
    desk.freeze()
    desk.decide(date(2026, 3, 20), 120, 5)
    with patch("credit_risk.monitoring.windows.freezing.unsealed", wraps=freezing.unsealed) as unsealed:
        frozen = desk.freeze(as_of=date(2026, 4, 1))
    assert unsealed.call_count == 25
    assert [(each["month"], each["decisions"]) for each in frozen.records] == [("2026-03", 25)]
    assert desk.freeze(as_of=date(2026, 4, 1)).records == []


def test_a_decision_recorded_late_adds_to_its_month(desk):
    desk.freeze()
    desk.decide(date(2026, 2, 28), 200, 15)
    frozen = desk.freeze(as_of=date(2026, 4, 1))
    assert [(each["month"], each["decisions"]) for each in frozen.records] == [("2026-02", 15), ("2026-03", 20)]
    known, _ = desk.store.read()
    months = freezing.months_of(known, "s", date(2026, 4, 1))
    assert {month: counts.decisions for month, counts in months.items()} == {
        "2026-01": 60,
        "2026-02": 55,
        "2026-03": 20,
    }
    assert months["2026-02"].bins["score"].sum() == 55


def test_a_record_of_few_decisions_holds_no_bins(desk):
    desk.freeze()
    desk.decide(date(2026, 2, 28), 200, 3)
    late = desk.freeze(as_of=date(2026, 4, 1)).records[0]
    assert (late["month"], late["decisions"], late["compared"], late["bins"]) == ("2026-02", 3, 0, None)


def test_a_scorer_that_was_not_named_stops_the_run_and_adds_nothing(desk):
    desk.decide(date(2026, 2, 20), 300, 1, by=OTHER)
    desk.decide(date(2026, 4, 2), 301, 1)
    with pytest.raises(UsageError, match="was made by scorer t, which was not named"):
        desk.freeze(as_of=date(2026, 4, 1))
    assert desk.store.read() == ([], Head(0, bytes(32)))
    frozen = desk.freeze(as_of=date(2026, 4, 1), scorers=("s", "t"))
    assert ("2026-02", "t", 1) in [(each["month"], each["scorer"], each["decisions"]) for each in frozen.records]


def test_two_runs_at_once_count_once(desk):
    known, end = desk.store.read()
    both = [freeze(desk.ledger, known, {"s": desk.windows()}, MARCH, smallest=10) for _ in range(2)]
    desk.store.add(both[0].records, end)
    with pytest.raises(LedgerBusy, match="another run has added records meanwhile"):
        desk.store.add(both[1].records, end)
    assert len(desk.store.read()[0]) == 2


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE frozen_records_1 SET body = replace(body, '60', '61') WHERE seq = 1", "entry 1 is not what"),
        ("DELETE FROM frozen_records_1 WHERE seq = 1", "entries 1 to 1 are missing"),
        (SWAPPED, "entry 2 was not signed"),
    ],
)
def test_what_was_changed_is_found(desk, statement, fault):
    desk.freeze()
    with desk.store.store.core() as connection:
        connection.exec_driver_sql(statement)
    with pytest.raises(LedgerBroken, match=fault):
        desk.store.read()


def test_an_end_that_was_cut_off_shows_against_a_head_written_down(desk):
    desk.freeze()
    _, end = desk.store.read()
    with desk.store.store.core() as connection:
        connection.exec_driver_sql("DELETE FROM frozen_records_1 WHERE seq = 2")
    assert len(desk.store.read()[0]) == 1
    with pytest.raises(LedgerBroken, match="once reached entry 2 and now ends at 1"):
        desk.store.read([end])


def test_a_ledger_that_was_put_back_is_not_counted_on(desk):
    """The records say which entry was counted last; another ledger behind it, or one that lost it, is refused."""
    known, _ = desk.store.read()
    frozen = freeze(desk.ledger, known, {"s": desk.windows()}, MARCH, smallest=10)
    wrong = [{**frozen.records[-1], "until": f"{frozen.until.seq}:{'00' * 32}"}]
    with pytest.raises(LedgerBroken, match=r"entry 101 is not in the chain .* or entry 100 is not the one"):
        freeze(desk.ledger, wrong, {"s": desk.windows()}, date(2026, 4, 1), smallest=10)


def test_an_erased_and_a_refused_decision_are_counted_apart(desk):
    with clock(date(2026, 2, 11)):
        desk.ledger.append([entry("p900", "refused", None, by=BY)])
    desk.ledger.erase("p61", by="Kim Lee")
    desk.freeze(as_of=date(2026, 4, 1))
    counted = desk.compared(date(2026, 4, 1))
    assert (counted.erased, counted.refused) == (1, 1)
    assert counted.months["2026-02"].decisions == 39


def test_the_command_without_a_scorer_counts_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "configs" / "deploy").mkdir(parents=True)
    deployed = "serving:\n  ledger: {url: sqlite:///build/ledger/ledger.db}\n"
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(deployed, encoding="utf-8")
    settings = "most_without_outcome: 0.1\nasset_correlation: 0.04\nsmallest_window: 50\ndrift: {out: 2, of: 3}\n"
    (tmp_path / "configs" / "monitoring.yaml").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    with Ledger.open(f"sqlite:///{tmp_path / 'build' / 'ledger' / 'ledger.db'}", key=KEY) as ledger:
        decide(ledger, date(2025, 1, 10), [entry("Ada")])
    assert main(["windows", "freeze", "--root", str(tmp_path)]) == 2
    assert main(["windows", "show", "--json", "--root", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out) == []
