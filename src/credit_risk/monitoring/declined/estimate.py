"""The bad rate of all whom the PD could have let in: weighted by how likely each was to be approved, or bounded.

Approved accounts stand for themselves. Of the declined within the budget's limits those approved at random stand for
all: each weighs by the inverse of the share that was approved and whose outcome is known.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import jeffreys, z_of
from credit_risk.monitoring.performance.book import Book
from credit_risk.monitoring.records.frozen_store import Record
from credit_risk.monitoring.settings import AT_RANDOM

KNOWN = ("good", "bad")
Cells = Counter[tuple[int, str]]
"""Accounts by bin of odds and outcome."""
Counted = tuple[int, int]
"""How many were bad, of how many."""


def measure(book: Book, days: Sequence[Record], *, confidence: float, replicates: int, seed: int) -> dict[str, Any]:
    """The naive bad rate and AUC beside unbiased ones, or a bound and why. days: of DrawnDays.

    naive: of the scorer's approvals, in the months that are compared, or in all that have matured. population: those,
    and the declined that could have been drawn.
    """
    months, left_out = complete(book, days)
    approved = _approved(book, months)
    eligible = sum(day["eligible"] for day in days if day["day"][:7] in months)
    met = [each for each in book.overridden if each.month in months and each.reason == AT_RANDOM]
    random = Counter((each.bin, each.state) for each in met if each.bin is not None and each.state in KNOWN)
    bads, n = _bads(approved), approved.total()
    report: dict[str, Any] = {"months": months, "left_out": left_out, "eligible": eligible, "drawn": len(met)}
    report["naive"] = _naive(approved, confidence)
    if not eligible or not random or not n:
        why = "nobody was approved at random whose month has matured" if not random else "nobody to compare with"
        ends = {"naive": _naive(_approved(book, book.matured), confidence), "bound": bound(book, confidence)}
        return report | {"unbiased": None, "why": why} | ends
    weight = eligible / random.total()
    rate = weighted((bads, n), (_bads(random), random.total()), eligible, confidence)
    rng = np.random.default_rng(seed)
    drawn = [_auc(_again(approved, rng), _times(_again(random, rng), weight)) for _ in range(replicates)]
    auc = _figure(_auc(approved, _times(random, weight)), drawn, n + random.total(), confidence)
    unbiased = {"bad_rate": asdict(rate), "auc": asdict(auc)}
    declined = _rate(_bads(random), random.total(), confidence)
    return report | {"unbiased": unbiased, "declined": asdict(declined), "weight": weight, "why": "", "bound": None}


def _naive(approved: Cells, confidence: float) -> dict[str, Any]:
    return {"bad_rate": asdict(_rate(_bads(approved), approved.total(), confidence)), "auc": _auc(approved)}


def complete(book: Book, days: Sequence[Record]) -> tuple[list[str], list[str]]:
    """The matured months whose every day with declined applicants was drawn from within the budget, and the others."""
    drawn = {day["day"] for day in days if day["within"]}
    lacking = {
        record["month"] for record in book.windows if any(day not in drawn for day in _days_with_declined(record))
    }
    return [month for month in book.matured if month not in lacking], [m for m in book.matured if m in lacking]


def _days_with_declined(record: Record) -> Iterator[str]:
    """The days of a record that have declined applicants; one that is of no day where its days were not kept."""
    if not record.get("days") and record["counts"]["decision"].get("decline"):
        yield "unknown"
    yield from (day for day, counts in record.get("days", {}).items() if counts.get("decline"))


def weighted(approved: Counted, random: Counted, eligible: int, confidence: float) -> Figure:
    """The bad rate of the approved and of `eligible` declined, for whom the random ones stand; a normal interval."""
    (bads, n), (random_bads, seen_random) = approved, random
    whole = n + eligible
    value = (bads + eligible * random_bads / seen_random) / whole
    # Laplace's rule keeps the width of a stratum where nobody, or everybody, was bad.
    variance = sum(
        (size / whole) ** 2 * (rate := (count + 1) / (seen + 2)) * (1 - rate) / seen
        for size, count, seen in ((n, bads, n), (eligible, random_bads, seen_random))
    )
    half = z_of(confidence) * math.sqrt(variance)
    return Figure(value, max(value - half, 0.0), min(value + half, 1.0), n + seen_random)


def bound(book: Book, confidence: float) -> Mapping[str, Any]:
    """Between which ends the bad rate of all approved and declined lies, whatever the declined would have done."""
    approved = _approved(book, book.matured)
    bads, n, declined = _bads(approved), approved.total(), book.by_decision(book.matured)["decline"]
    if not n + declined:
        return asdict(Figure.unknown(0, "no matured month has an account with a known outcome"))
    low, high = bads / (n + declined), (bads + declined) / (n + declined)
    return {"low": low, "high": high, "approved": n, "declined": declined, "confidence": confidence}


def _approved(book: Book, months: Sequence[str]) -> Cells:
    accounts = book.accounts(months, book.window)
    known = accounts[(accounts["decision"] == "approve") & accounts["outcome"].isin(KNOWN) & accounts["bin"].notna()]
    cells: Cells = Counter()
    for bin_, outcome, n in known[["bin", "outcome", "n"]].to_numpy().tolist():
        cells[int(bin_), outcome] += int(n)
    return cells


def _bads(cells: Mapping[tuple[Any, str], int]) -> int:
    return sum(count for (_, outcome), count in cells.items() if outcome == "bad")


def _rate(bads: int, n: int, confidence: float) -> Figure:
    if not n:
        return Figure.unknown(0, "no account with a known outcome")
    return Figure(bads / n, *jeffreys(bads, n, confidence=confidence), n)


def _auc(*strata: Mapping[tuple[Any, str], float]) -> float | None:
    """By cells, each weighing what it counts; None where one outcome is all there is."""
    cells = [(bin_, outcome == "bad", weight) for stratum in strata for (bin_, outcome), weight in stratum.items()]
    bins, bad, weights = (np.array(column) for column in zip(*cells, strict=True)) if cells else ((), (), ())
    if len(set(bad)) < 2:
        return None
    return float(roc_auc_score(bad, bins, sample_weight=weights))


def _figure(value: float | None, drawn: Sequence[float | None], n: int, confidence: float) -> Figure:
    """An AUC with the interval of those drawn again, each stratum within itself."""
    if value is None:
        return Figure.unknown(n, "all accounts came out alike")
    known = [each for each in drawn if each is not None]
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return Figure(value, low, high, n)


def _times(cells: Cells, weight: float) -> dict[tuple[int, str], float]:
    return {cell: count * weight for cell, count in cells.items()}


def _again(cells: Cells, rng: np.random.Generator) -> Cells:
    names, counts = list(cells), np.array(list(cells.values()))
    return +Counter(dict(zip(names, rng.multinomial(counts.sum(), counts / counts.sum()).tolist(), strict=True)))
