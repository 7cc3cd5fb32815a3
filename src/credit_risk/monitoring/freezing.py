"""Counting the decisions of months that have ended, once, into records that hold no person.

Records of one month add up: decisions that were recorded late, after their month was counted, come in a record of
their own, so no decision is unsealed twice and none is left out. A record of fewer decisions than `smallest` holds no
bins, because their counts could be somebody's.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from credit_risk.errors import UsageError
from credit_risk.ledger import chain
from credit_risk.ledger.chain import DECISION
from credit_risk.ledger.entry import StoredDecision, period_of, stored_decision
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.ledger import Ledger, decrypted
from credit_risk.ledger.verification import rows
from credit_risk.monitoring.beside_ledger import is_begun
from credit_risk.monitoring.drift_windows import DriftWindows, MonthCounts
from credit_risk.monitoring.frozen_store import FrozenRecords, Record
from credit_risk.scoring.signed_chain import Head

WINDOW = "window"


@dataclass
class Window:
    """Counts of the decisions of one month and scorer. first, last: the first and last entry that is counted here."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: int = 0
    last: int = 0


@dataclass
class Frozen:
    """What a run has counted. after, until: the last entry that an earlier run counted, and that this one did."""

    records: list[Record]
    after: Head
    until: Head


def counted_until(known: list[Record]) -> Head:
    """The last entry of the ledger that records have counted, with its hash."""
    last = next((record for record in reversed(known) if record["kind"] == WINDOW), None)
    return Head(0, b"") if last is None else Head.parse(last["until"])


def freeze(
    ledger: Ledger, known: list[Record], scorers: Mapping[str, DriftWindows], as_of: date, *, smallest: int
) -> Frozen:
    """Count what has come since the last records, up to the first decision of a month that still runs.

    scorers: digest → its frozen bins, still empty. Raises LedgerBroken for a chain that does not hold, UsageError for
    a decision of a scorer that is not among them: its inputs will not be read again.
    """
    after = counted_until(known)
    windows: dict[tuple[str, str], Window] = {}
    until = after
    page: list[StoredDecision] = []
    for seq, hash_, decision in _ended(ledger, after, as_of):
        until = Head(seq, hash_)
        if decision is None:
            continue
        if decision.by.scorer not in scorers:
            raise UsageError(
                f"decision {decision.decision_id} was made by scorer {decision.by.scorer}, which was not named. Its "
                "inputs are read once, now: name every scorer that decided with --scorer, repeatable."
            )
        _count(windows, decision)
        page.append(decision)
        if len(page) == 500:
            _bins(scorers, page, as_of)
            page = []
    _bins(scorers, page, as_of)
    new = [
        _record(window, month, scorers[scorer], smallest)
        | {"after": str(after) if after.seq else "", "until": str(until)}
        for (month, scorer), window in sorted(windows.items())
    ]
    return Frozen(new, after, until)


def months_of(known: list[Record], scorer: str, until: date) -> dict[str, MonthCounts]:
    """The frozen counts of one scorer by month, records of a month added up; only months that had ended by a day."""
    months: dict[str, MonthCounts] = {}
    for record in known:
        of_scorer = record["kind"] == WINDOW and record["scorer"] == scorer and record["bins"] is not None
        if not of_scorer or record["month"] >= f"{until:%Y-%m}":
            continue
        counts = months.setdefault(record["month"], MonthCounts())
        counts.decisions += record["compared"]
        counts.approved += record["approved"]
        for name, bins in record["bins"].items():
            counts.bins[name] = counts.bins.get(name, 0) + np.array(bins, dtype=np.int64)
    return months


def with_frozen(ledger: Ledger, windows: DriftWindows, until: date, *, busy_timeout_s: float) -> DriftWindows:
    """Windows, still empty, with the months of their scorer that were frozen; as they are where nothing was.

    Raises LedgerBroken for records that do not hold.
    """
    if not is_begun(ledger.store.url.render_as_string(hide_password=False)):
        return windows
    with FrozenRecords(ledger, busy_timeout_s=busy_timeout_s) as store:
        known, _ = store.read()
    months = months_of(known, windows.scorer, until)
    of_these = [each["counts"] for each in known if each["scorer"] == windows.scorer and each["month"] in months]
    erased = sum(counts["erased"]["erased"] for counts in of_these)
    refused = sum(counts["decision"].get("refused", 0) for counts in of_these)
    others = sum(each["decisions"] for each in known if each["scorer"] != windows.scorer and each["month"] in months)
    return windows.with_frozen(months, erased=erased, refused=refused, other_scorers=others)


def _ended(ledger: Ledger, after: Head, as_of: date) -> Iterator[tuple[int, bytes, StoredDecision | None]]:
    """Entries behind one, up to the first decision of a month that had not ended; None for what is no decision."""
    previous = after.hash or chain.genesis(ledger.ledger_id).hash
    month = f"{as_of:%Y-%m}"
    for row, key in rows(ledger, ledger.head().seq, after=after.seq):
        if not chain.follows(previous, row):
            raise LedgerBroken(
                f"entry {row.seq} is not in the chain as it was recorded, or entry {after.seq} is not the one that was "
                "counted: run `credit-risk ledger verify`."
            )
        previous = row.hash
        if row.kind == DECISION and period_of(row.at) >= month:
            return
        is_decision = row.kind == DECISION
        yield row.seq, row.hash, stored_decision(row, decrypted(ledger.secret, row, key)) if is_decision else None


def _count(windows: dict[tuple[str, str], Window], decision: StoredDecision) -> None:
    window = windows.setdefault((f"{decision.at:%Y-%m}", decision.by.scorer), Window(first=decision.seq))
    window.last = decision.seq
    window.counts["decision", decision.decision] += 1
    window.counts["band", str(decision.band)] += 1
    window.counts["rule", str(decision.rule)] += 1
    window.counts["erased", "erased"] += decision.erased
    for reason in decision.reasons:
        window.counts["reason", reason] += 1


def _bins(scorers: Mapping[str, DriftWindows], page: list[StoredDecision], as_of: date) -> None:
    for digest, windows in scorers.items():
        windows.add([decision for decision in page if decision.by.scorer == digest], as_of)


def _record(window: Window, month: str, scorer: DriftWindows, smallest: int) -> Record:
    counts: dict[str, dict[str, int]] = {}
    for (of, name), count in sorted(window.counts.items()):
        counts.setdefault(of, {})[name] = count
    month_counts = scorer.months.get(month, MonthCounts())
    enough = month_counts.decisions >= smallest
    bins = {name: [int(count) for count in np.asarray(of)] for name, of in month_counts.bins.items()}
    return {
        "kind": WINDOW,
        "month": month,
        "scorer": scorer.scorer,
        "first": window.first,
        "last": window.last,
        "decisions": sum(counts["decision"].values()),
        "compared": month_counts.decisions if enough else 0,
        "approved": month_counts.approved if enough else 0,
        "counts": counts,
        "bins": bins if enough else None,
    }
