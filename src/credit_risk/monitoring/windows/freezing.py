"""Counting the decisions of months that have ended, once, into records that hold no person.

Records of one month add up: decisions that were recorded late, after their month was counted, come in a record of
their own, so no decision is unsealed twice and none is left out. A record of fewer decisions than `smallest` holds no
bins, because their counts could be somebody's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np

from credit_risk.errors import UsageError
from credit_risk.ledger.chain import DECISION
from credit_risk.ledger.entry import StoredDecision
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.calendar import month_of
from credit_risk.monitoring.outcomes.adding import decided_on
from credit_risk.monitoring.outcomes.maturing import pd_of
from credit_risk.monitoring.records.frozen_store import Record
from credit_risk.monitoring.records.ledger_reading import TOGETHER, behind, head_at, unsealed
from credit_risk.monitoring.records.pd_cells import PdCells, odds_bin
from credit_risk.monitoring.windows.drift_windows import DriftWindows, MonthCounts
from credit_risk.monitoring.windows.groups import GroupCounting
from credit_risk.scoring.signed_chain import Head

WINDOW = "window"
DECISIONS = "decisions"  # all of a day
CELL = ("decision", "band", "bin")


@dataclass
class Window:
    """Counts of the decisions of one month and scorer. first, last: the first and last entry that is counted here."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    days: dict[str, Counter[str]] = field(default_factory=dict)
    cells: PdCells = field(default_factory=PdCells)
    first: int = 0
    last: int = 0


@dataclass
class Frozen:
    """What a run has counted. after, until: the last entry that an earlier run counted, and that this one did."""

    records: list[Record]
    after: Head
    until: Head


class Counting:
    """Decisions by month and scorer, each read once. scorers: digest → its frozen bins, still empty.

    groups: counts them by protected group too; None where nobody's attributes are recorded, or may be read.
    """

    def __init__(self, scorers: Mapping[str, DriftWindows], as_of: date, groups: GroupCounting | None = None) -> None:
        self._scorers = scorers
        self._as_of = as_of
        self._groups = groups
        self._windows: dict[tuple[str, str], Window] = {}
        self._page: list[tuple[StoredDecision, bytes | None]] = []

    def add(self, decision: StoredDecision, subject: bytes | None) -> None:
        """Count a decision. subject: the ledger's keyed digest of the person, None once erased."""
        scorer = self._scorers.get(decision.by.scorer)
        window = self._windows.setdefault(_whose(decision), Window(first=decision.seq))
        _count(window, decision, None if scorer is None else scorer.middle_score)
        self._page.append((decision, subject))
        if len(self._page) == TOGETHER:
            self._bins()

    def records(self, smallest: int) -> list[Record]:
        self._bins()
        return [
            _record(window, month, scorer, self._months(scorer).get(month, MonthCounts()), smallest)
            | {"groups": None if self._groups is None else self._groups.record((month, scorer), smallest)}
            for (month, scorer), window in sorted(self._windows.items())
        ]

    def _months(self, scorer: str) -> Mapping[str, MonthCounts]:
        return self._scorers[scorer].months if scorer in self._scorers else {}

    def _bins(self) -> None:
        for digest, windows in self._scorers.items():
            windows.add([decision for decision, _ in self._page if decision.by.scorer == digest], self._as_of)
        if self._groups is not None:
            self._groups.add([(_whose(decision), decision.decision, subject) for decision, subject in self._page])
        self._page = []


def windows_of(known: Iterable[Record]) -> list[Record]:
    return [record for record in known if record["kind"] == WINDOW]


def counted_until(known: Sequence[Record]) -> Head:
    """The last entry of the ledger that records have counted, with its hash."""
    windows = windows_of(known)
    return Head.parse(windows[-1]["until"]) if windows else Head(0, b"")


def freeze(
    ledger: Ledger,
    known: list[Record],
    scorers: Mapping[str, DriftWindows],
    as_of: date,
    *,
    smallest: int,
    groups: GroupCounting | None = None,
) -> Frozen:
    """Count what has come since the last records, up to the first decision of a month that still runs.

    scorers: digest → its frozen bins, still empty. groups: see `Counting`. Raises LedgerBroken for a chain that does
    not hold, UsageError for a decision of a scorer that is not among them: its inputs will not be read again.
    """
    after = until = counted_until(known)
    counting, running = Counting(scorers, as_of, groups), _running_month(as_of)
    for row, key in behind(ledger, after):
        if row.kind == DECISION:
            if row.at >= running:
                break
            decision = unsealed(ledger, row, key)
            _refuse_unnamed(decision, scorers)
            counting.add(decision, key.subject)
        until = Head(row.seq, row.hash)
    span = {"after": str(after) if after.seq else "", "until": str(until)}
    return Frozen([record | span for record in counting.records(smallest)], after, until)


def with_live(
    ledger: Ledger, known: Sequence[Record], scorers: Mapping[str, DriftWindows], as_of: date
) -> list[Record]:
    """The windows of a day: those that are frozen of months that had ended, and what else was decided, counted now.

    scorers: whose decisions are counted by bin, still empty. Only what no record of an ended month has counted is read.
    """
    windows = windows_of(known)
    frozen = [record for record in windows if record["month"] < f"{as_of:%Y-%m}"]
    later = [record["first"] for record in windows if record["month"] >= f"{as_of:%Y-%m}"]
    until = counted_until(windows)
    after = head_at(ledger, min(later) - 1) if later else until
    counting, running = Counting(scorers, as_of), _running_month(as_of)
    for row, key in behind(ledger, after):
        if row.kind == DECISION and not (row.seq <= until.seq and row.at < running):
            decision = unsealed(ledger, row, key)
            if decided_on(decision) <= as_of:
                counting.add(decision, key.subject)
    return [*frozen, *counting.records(1)]


def compared(windows: Sequence[Record], scorer: DriftWindows, as_of: date) -> DriftWindows:
    """A scorer's drift windows, still empty, with what records have counted of the months that had ended by a day."""
    ended = [record for record in windows if record["month"] < f"{as_of:%Y-%m}"]
    mine = [record for record in ended if record["scorer"] == scorer.scorer]
    return scorer.with_frozen(
        months_of(windows, scorer.scorer, as_of),
        erased=sum(record["counts"]["erased"]["erased"] for record in mine),
        refused=sum(record["counts"]["decision"].get("refused", 0) for record in mine),
        other_scorers=sum(record["decisions"] for record in ended) - sum(record["decisions"] for record in mine),
    )


def months_of(windows: Iterable[Record], scorer: str, as_of: date) -> dict[str, MonthCounts]:
    """The counts by bin of one scorer by month, records of a month added up; only months that had ended by a day."""
    months: dict[str, MonthCounts] = {}
    for record in windows:
        if record["scorer"] != scorer or record["bins"] is None or record["month"] >= f"{as_of:%Y-%m}":
            continue
        counts = months.setdefault(record["month"], MonthCounts())
        counts.decisions += record["compared"]
        counts.approved += record["approved"]
        for name, bins in record["bins"].items():
            counts.bins[name] = counts.bins.get(name, 0) + np.array(bins, dtype=np.int64)
    return months


def _refuse_unnamed(decision: StoredDecision, scorers: Mapping[str, DriftWindows]) -> None:
    if decision.by.scorer not in scorers:
        raise UsageError(
            f"decision {decision.decision_id} was made by scorer {decision.by.scorer}, which was not named. Its "
            "inputs are read once, now: name every scorer that decided with --scorer, repeatable."
        )


def _running_month(as_of: date) -> int:
    """When the month of a day began, in microseconds since 1970 (UTC)."""
    return int(datetime(as_of.year, as_of.month, 1, tzinfo=UTC).timestamp()) * 1_000_000


def _whose(decision: StoredDecision) -> tuple[str, str]:
    """The month and the scorer by which a decision is counted."""
    return month_of(decided_on(decision)), decision.by.scorer


def _count(window: Window, decision: StoredDecision, middle_score: float | None) -> None:
    """middle_score: of the scorer's training rows; None where it is not known."""
    window.last = decision.seq
    window.counts["decision", decision.decision] += 1
    window.counts["band", str(decision.band)] += 1
    window.counts["rule", str(decision.rule)] += 1
    window.counts["erased", "erased"] += decision.erased
    for reason in decision.reasons:
        window.counts["reason", reason] += 1
    of_day = window.days.setdefault(decided_on(decision).isoformat(), Counter())
    of_day[decision.decision] += 1
    of_day[DECISIONS] += 1
    score = (decision.decided or {}).get("score")
    if score is not None and middle_score is not None:
        of_day["scored"] += 1
        of_day["low score"] += int(score <= middle_score)
    pd = pd_of(decision)
    window.cells.add((decision.decision, decision.band, odds_bin(pd)), pd)


def _record(window: Window, month: str, scorer: str, by_bin: MonthCounts, smallest: int) -> Record:
    counts: dict[str, dict[str, int]] = {}
    for (of, name), count in sorted(window.counts.items()):
        counts.setdefault(of, {})[name] = count
    decisions = sum(counts["decision"].values())
    enough = by_bin.decisions >= smallest
    bins = {name: [int(count) for count in np.asarray(of)] for name, of in by_bin.bins.items()}
    return {
        "kind": WINDOW,
        "month": month,
        "scorer": scorer,
        "first": window.first,
        "last": window.last,
        "decisions": decisions,
        "compared": by_bin.decisions if enough else 0,
        "approved": by_bin.approved if enough else 0,
        "counts": counts,
        "cells": window.cells.rows() if decisions >= smallest else [],
        "days": {day: dict(sorted(of.items())) for day, of in window.days.items()} if decisions >= smallest else {},
        "bins": bins if enough else None,
    }
