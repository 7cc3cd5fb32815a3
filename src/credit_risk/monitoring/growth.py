"""What monitoring takes as a ledger grows: month after month of decisions and outcomes, each counted and reported once.

Counting reads what is new alone, so it takes as long in the last month as in any before: its processor time of all runs
so far then grows with the number of decisions so far, to the power of one. The report reads records, and takes longer
with each month of history, however many decisions that had.
"""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from credit_risk.data.writing import write_csv
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring import monitor
from credit_risk.monitoring.calendar import months_after
from credit_risk.monitoring.outcomes import adding, maturing
from credit_risk.monitoring.outcomes.deliveries import CheckedOutcomes
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from credit_risk.monitoring.records.frozen_store import FrozenRecords
from credit_risk.monitoring.settings import MonitoringSettings
from credit_risk.monitoring.windows import freezing
from credit_risk.monitoring.windows.drift_windows import DriftWindows
from credit_risk.scoring.scorer import Scorer

BEGIN, DAY, TOGETHER, TIMEOUT_S = date(2020, 1, 10), 10, 1_000, 60.0
MOST = 1.05  # the power
APPLICATIONS = 500  # different ones; each comes again under other names
SETTINGS = MonitoringSettings.model_validate(
    {"most_without_outcome": 0.5, "asset_correlation": 0.04, "smallest_window": 50, "drift": {"out": 2, "of": 3}}
)
BY = DecidedBy("", "2" * 64, "3" * 64, "4" * 64)


@dataclass(frozen=True)
class MonthRun:
    """A month's run, in seconds of processor time. decisions: in the ledger by then.

    adding_s: recording the outcomes that were delivered. counting_s: `windows freeze`. report_s: `monitor`.
    """

    month: str
    decisions: int
    adding_s: float
    counting_s: float
    report_s: float


def measure(
    folder: Path, scorer: Scorer, applications: Sequence[dict[str, Any]], *, months: int, per_month: int
) -> Iterator[MonthRun]:
    """Play months of a ledger in SQLite below a folder. applications: of the scorer's config, at least one."""
    table = pd.DataFrame(list(applications))
    records = [scorer.decide(table, reasons=False).record(row) for row in range(len(table))]
    by = replace(BY, scorer=scorer.digest)
    with Ledger.open(f"sqlite:///{folder / 'ledger.db'}", key=bytes(range(32))) as ledger:
        made: list[tuple[date, list[str]]] = []
        for number in range(months):
            day = months_after(BEGIN, number)
            entries = [
                Entry(inputs=inputs, decided=decided, by=by, applicant=f"{number}-{index}")
                for index, (inputs, decided) in enumerate(
                    islice(cycle(zip(applications, records, strict=True)), per_month)
                )
            ]
            made.append((day, _record(ledger, entries, day)))
            as_of = months_after(date(day.year, day.month, 1), 1)
            adding_s = _deliver(ledger, scorer, folder, made, as_of)
            counting_s, report_s = (_timed(work, ledger, scorer, as_of) for work in (_count, _report))
            yield MonthRun(f"{day:%Y-%m}", sum(len(ids) for _, ids in made), adding_s, counting_s, report_s)


def exponent(runs: Sequence[MonthRun]) -> float:
    """By which power of the decisions so far all counting so far grows: 1 where a run takes as long as any before.

    Of the months with outcomes: those before them have less to count.
    """
    steady = [run for run in runs if run.adding_s]
    decisions, counting = (np.log([getattr(run, name) for run in steady]) for name in ("decisions", "counting_s"))
    slope, _ = np.polyfit(decisions, counting, 1)
    return 1 + float(slope)


def peak_mb() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _record(ledger: Ledger, entries: Sequence[Entry], day: date) -> list[str]:
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    ids: list[str] = []
    with patch("credit_risk.ledger.entry.time.time_ns", lambda: noon * 1_000_000_000):
        for start in range(0, len(entries), TOGETHER):
            ids += [recorded.decision_id for recorded in ledger.append(entries[start : start + TOGETHER])]  # type: ignore[union-attr]
    return ids


def _deliver(
    ledger: Ledger, scorer: Scorer, folder: Path, made: Sequence[tuple[date, list[str]]], as_of: date
) -> float:
    """Every outcome of the month whose window has passed, in one delivery; the processor time of recording it."""
    window = scorer.config.outcome.performance_window_months
    mature = [ids for day, ids in made if months_after(day, window) <= as_of < months_after(day, window + 1)]
    rows = [
        {"decision_id": each, "outcome": "bad" if index % 7 == 0 else "good", "month": window, "observed_on": as_of}
        for ids in mature
        for index, each in enumerate(ids)
    ]
    if not rows:
        return 0.0
    write_csv(folder / "outcomes.csv", pd.DataFrame(rows))
    begun = time.process_time()
    with Outcomes(str(ledger.store.url), busy_timeout_s=TIMEOUT_S) as store:
        adding.add(ledger, store, folder / "outcomes.csv", scorer.config, today=as_of)
    return time.process_time() - begun


def _timed(work: Callable[[Ledger, Scorer, date], None], ledger: Ledger, scorer: Scorer, as_of: date) -> float:
    begun = time.process_time()
    work(ledger, scorer, as_of)
    return time.process_time() - begun


def _count(ledger: Ledger, scorer: Scorer, as_of: date) -> None:
    """What a month's `windows freeze` does."""
    smallest = SETTINGS.smallest_window
    with (
        FrozenRecords(ledger, busy_timeout_s=TIMEOUT_S) as store,
        CheckedOutcomes(ledger, busy_timeout_s=TIMEOUT_S) as outcomes,
    ):
        known, end = store.read()
        windows = {scorer.digest: DriftWindows.of(scorer)}
        frozen = freezing.freeze(ledger, known, windows, as_of, smallest=smallest)
        months = [record["month"] for record in freezing.windows_of([*known, *frozen.records])]
        matured = maturing.mature(ledger, outcomes, known, months, date.max, smallest=smallest)
        store.add([*frozen.records, *matured], end)


def _report(ledger: Ledger, scorer: Scorer, as_of: date) -> None:
    """What `monitor` does."""
    drift = DriftWindows.of(scorer)
    monitor.of_ledger(ledger, scorer.config, SETTINGS, as_of=as_of, drift=drift, busy_timeout_s=TIMEOUT_S)
