"""Drift by month: the counts of a month give the figure that all its rows give, and single months convict nobody."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from book import decide, entry

from credit_risk.data.inputs import Inputs
from credit_risk.data.simulated_lender import lender
from credit_risk.ledger.entry import DecidedBy, StoredDecision
from credit_risk.ledger.ledger import Ledger
from credit_risk.measures import drift
from credit_risk.monitoring import monitor
from credit_risk.monitoring.settings import DriftRule, MonitoringSettings
from credit_risk.monitoring.windows.drift_windows import DriftWindows, ended_months, over_windows, worst
from credit_risk.scoring.scorer import Scorer
from ledger_fixtures import KEY

RULE, AS_OF = DriftRule(out=2, of=3), date(2026, 4, 15)


def stored(month: int, inputs: dict[str, object], score: float | None = 600.0, **changes: object) -> StoredDecision:
    """A decision of the tenth of a month of 2026 by scorer `s`."""
    usual = {
        "seq": 1,
        "decision_id": "d",
        "at": datetime(2026, month, 10, tzinfo=UTC),
        "client": "",
        "by": DecidedBy("s", "m", "c", "k"),
        "decision": "approve",
        "band": "A",
        "rule": None,
        "reasons": (),
        "latency_ms": None,
        "erased": False,
        "inputs": inputs,
        "decided": {"score": score},
    }
    return StoredDecision(**{**usual, **changes})


@pytest.fixture(scope="module")
def book():
    """Training rows, and others of the same population, as the service accepts them."""
    table = lender(6_000, seed=3).applications
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return table.iloc[:3000], rows[3000:]


@pytest.fixture
def windows(config, book):
    """An empty count of scorer `s`, whose bins are frozen on the training rows."""
    matrix = Inputs.of(config).table(book[0])
    columns = {name: matrix[:, index] for index, name in enumerate(config.inputs)}
    words = {name: config.categories(name) for name in config.inputs}
    scores = np.random.default_rng(1).normal(600, 30, 3000).round(6)
    reference = {
        "inputs": drift.of(columns, 10, words).as_dict(),
        "score": drift.of({"score": scores}, 10).as_dict(),
    }
    return DriftWindows.of_reference(config, reference, "s")


def scores(rows: int) -> list[float]:
    return np.random.default_rng(2).normal(600, 30, rows).tolist()


def decided(month: int, rows: list[dict[str, object]]) -> list[StoredDecision]:
    return [stored(month, row, score) for row, score in zip(rows, scores(len(rows)), strict=True)]


def test_counts_page_by_page_give_the_figure_of_all_rows(windows, config, book):
    rows = book[1][:1000]
    page = decided(1, rows)
    windows.add(page[:300], AS_OF)
    windows.add(page[300:], AS_OF)
    window = windows.report(config.drift, RULE, AS_OF)["windows"][0]
    matrix = np.vstack([Inputs.of(config).single_row(row) for row in rows])
    columns = {name: matrix[:, index] for index, name in enumerate(config.inputs)}
    reference = drift.Reference(3000, {name: windows.frozen[name] for name in config.inputs})
    each = drift.at_once(config.drift.confidence, len(columns))
    for shift in drift.psi(reference, columns, threshold=config.drift.threshold, confidence=each):
        psi = window["series"][shift.column]["psi"]
        assert (psi["value"], psi["low"], psi["high"], psi["n"]) == (shift.psi, shift.low, shift.high, 1000)
    lacking = sum(row["income"] is None for row in rows)
    assert window["series"]["income"]["missing"]["value"] == lacking / 1000 > 0
    assert (window["decisions"], window["approval_rate"]["value"]) == (1000, 1)


def test_what_has_moved_is_out_and_the_rest_stays_in(windows, config, book):
    for month in (1, 2, 3):
        rows = book[1][1000 * (month - 1) : 1000 * month]
        moved = [{**row, "utilisation": row["utilisation"] * (3 if month > 1 else 1)} for row in rows]
        windows.add(decided(month, moved), AS_OF)
    report = windows.report(config.drift, RULE, AS_OF)
    months = [window["series"]["utilisation"]["verdict"] for window in report["windows"]]
    assert months == ["IN", "OUT", "OUT"]
    assert {name for name, verdict in report["verdicts"].items() if verdict == "OUT"} == {"utilisation"}
    assert report["verdicts"]["score"] == report["verdicts"]["income"] == "IN"
    assert report["verdict"] == "OUT"


def test_few_decisions_cannot_say(windows, config, book):
    windows.add(decided(3, book[1][:20]), AS_OF)
    report = windows.report(config.drift, RULE, AS_OF)
    assert report["verdicts"]["score"] == report["verdict"] == "CANNOT SAY"


def test_a_month_without_decisions_cannot_say_and_the_month_that_runs_does_not_count(windows, config, book):
    windows.add(decided(1, book[1][:50]) + decided(4, book[1][50:60]), AS_OF)
    report = windows.report(config.drift, RULE, AS_OF)
    assert [(window["month"], window["decisions"]) for window in report["windows"]] == [
        ("2026-01", 50),
        ("2026-02", 0),
        ("2026-03", 0),
    ]
    assert report["windows"][2]["series"]["score"]["psi"]["why"] == "no decision of this month was counted by bin"
    assert set(report["verdicts"].values()) == {"CANNOT SAY"}


def test_what_is_not_compared_is_counted(windows, config, book):
    row = book[1][0]
    erased = replace(stored(1, row), erased=True, inputs=None, decided=None)
    refused, of_another = stored(1, row, None, decision="refused"), stored(1, row, by=DecidedBy("t", "", "", ""))
    windows.add([stored(1, row), erased, refused, of_another], AS_OF)
    report = windows.report(config.drift, RULE, AS_OF)
    assert report["not_compared"] == {"erased": 1, "refused": 1, "other_scorers": 1}
    assert report["windows"][0]["decisions"] == 1


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ([], "CANNOT SAY"),
        (["OUT"], "CANNOT SAY"),
        (["IN", "OUT", "OUT"], "OUT"),
        (["OUT", "IN", "OUT"], "OUT"),
        (["OUT", "OUT", "IN"], "IN"),
        (["OUT", "OUT", "CANNOT SAY"], "CANNOT SAY"),
        (["OUT", "IN", "IN", "OUT"], "CANNOT SAY"),  # the first is too long ago
    ],
)
def test_out_is_two_of_the_last_three_months_the_latest_included(verdicts, verdict):
    assert over_windows(verdicts, RULE) == verdict


def test_one_series_out_is_out_and_in_takes_all():
    assert worst(["IN", "OUT", "CANNOT SAY"]) == "OUT"
    assert worst(["IN", "CANNOT SAY"]) == "CANNOT SAY"
    assert worst(["IN", "IN"]) == "IN"
    assert worst([]) == "CANNOT SAY"


def test_the_months_of_a_turn_of_the_year():
    assert ended_months({"2025-11"}, date(2026, 2, 1)) == ["2025-11", "2025-12", "2026-01"]
    assert ended_months(set(), date(2026, 2, 1)) == []


def test_the_monitor_compares_what_the_ledger_holds_with_a_trained_scorer(trained, book, tmp_path):
    config, files = trained
    scorer = Scorer.load(files.scorer)
    by = DecidedBy(scorer.digest, "m", "c", "k")
    rows = [{name: row[name] for name in config.inputs} for row in book[1][:60]]
    settings = MonitoringSettings(most_without_outcome=0.1, asset_correlation=0.04, smallest_window=1, drift=RULE)
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", key=KEY) as ledger:
        decide(ledger, date(2026, 3, 10), [entry(None, inputs=row, by=by) for row in rows])
        decide(ledger, date(2026, 3, 11), [entry(None, "decline", inputs=rows[0], by=by), entry(None)])
        measured = monitor.measure(ledger, None, (), config, settings, as_of=AS_OF, drift=DriftWindows.of(scorer))
    (window,) = measured["drift"]["windows"]
    assert set(window["series"]) == {"score", *config.inputs}
    assert all(series["psi"]["n"] == 61 for series in window["series"].values())
    assert (window["approval_rate"]["value"], window["approval_rate"]["n"]) == (60 / 61, 61)
    assert measured["drift"]["not_compared"]["other_scorers"] == 1
    assert measured["counts"]["by_scorer"] == {"5c": 1, scorer.digest: 61}
