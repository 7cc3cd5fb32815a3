"""Whether a scorer decides as it did: shares of decisions against its first months, gaps against its training rows.

A share has shifted where the interval of the difference lies beyond `most` on either side, and has not where it lies
within; else nobody can say. The mix of reasons is compared by PSI, as the inputs are.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np

from credit_risk.config.schema import Drift
from credit_risk.measures import drift, fairness
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import proportion
from credit_risk.monitoring.records.frozen_store import Record
from credit_risk.monitoring.settings import DriftRule, ShiftRule
from credit_risk.monitoring.windows.drift_windows import DriftVerdict, DriftWindows, MonthCounts, over_windows, worst

SHARES = ("approve", "refer", "refused")
REASONS = "mix of reasons"

Series = dict[str, dict[str, Any]]


def measure(
    windows: Iterable[Record],
    by_bin: DriftWindows,
    settings: Drift,
    rules: tuple[DriftRule, ShiftRule],
    as_of: date,
) -> dict[str, Any]:
    """The shifts of one scorer by month that has ended, and the verdict on each series over the last months.

    by_bin: its drift windows, filled. rules: over months, and of one month.
    """
    over_months, rule = rules
    counts = _counts(windows, by_bin.scorer, as_of)
    months = sorted(counts)
    baseline = sum((counts[month] for month in months[: rule.baseline]), Counter[tuple[str, str]]())
    each = drift.at_once(settings.confidence, 2 * len(by_bin.names) + len(SHARES) + 1)
    shown: list[tuple[str, Series]] = []
    for month in months:
        series: Series = {}
        if month not in months[: rule.baseline]:
            series |= _decisions(counts[month], baseline, settings.threshold, rule.most, each)
        if month in by_bin.months:
            series |= _gaps(by_bin, by_bin.months[month], rule.most, each)
        shown.append((month, series))
    verdicts = {
        name: over_windows([series[name]["verdict"] for _, series in shown if name in series], over_months)
        for name in dict.fromkeys(name for _, series in shown for name in series)
    }
    return {
        "most": rule.most,
        "baseline": months[: rule.baseline],
        "verdicts": verdicts,
        "verdict": worst(verdicts.values()),
        "months": [{"month": month, "series": series} for month, series in shown],
    }


def _counts(windows: Iterable[Record], scorer: str, as_of: date) -> dict[str, Counter[tuple[str, str]]]:
    """By month that has ended, how many decisions of each kind and how many reasons of each id there are."""
    counts: dict[str, Counter[tuple[str, str]]] = {}
    for record in windows:
        if record["scorer"] == scorer and record["month"] < f"{as_of:%Y-%m}":
            of_month = counts.setdefault(record["month"], Counter())
            for of in ("decision", "reason"):
                of_month.update({(of, name): n for name, n in record["counts"].get(of, {}).items()})
    return counts


def _decisions(
    now: Counter[tuple[str, str]], then: Counter[tuple[str, str]], threshold: float, most: float, confidence: float
) -> Series:
    """Shares of decisions, and the mix of reasons, against the first months."""
    totals = [sum(n for (of, _), n in counts.items() if of == "decision") for counts in (now, then)]
    shares = {
        name: _share(
            proportion(now["decision", name], totals[0], confidence=confidence),
            proportion(then["decision", name], totals[1], confidence=confidence),
            most,
        )
        for name in SHARES
    }
    return shares | {REASONS: _reasons(now, then, threshold, confidence)}


def _share(now: Figure, then: Figure, most: float) -> dict[str, Any]:
    difference = fairness.difference(now, then)
    return {"now": asdict(now), "then": then.value, "verdict": verdict_on(difference, most)}


def verdict_on(difference: Figure, most: float) -> DriftVerdict:
    """IN where a share has changed by at most `most`, OUT where by more, by the interval of the difference."""
    if difference.low > most or difference.high < -most:
        return "OUT"
    return "IN" if -most <= difference.low and difference.high <= most else "CANNOT SAY"


def _reasons(
    now: Counter[tuple[str, str]], then: Counter[tuple[str, str]], threshold: float, confidence: float
) -> dict[str, Any]:
    names = sorted({name for of, name in now | then if of == "reason"})
    before, given = (np.array([of["reason", name] for name in names], dtype=np.int64) for of in (then, now))
    if len(names) < 2 or not before.sum() or not given.sum():
        unknown = Figure.unknown(int(given.sum()), "too few reasons were given to compare them")
        return {"now": asdict(unknown), "then": None, "verdict": "CANNOT SAY"}
    low, high = drift.interval(before, given, confidence)
    verdict: DriftVerdict = "OUT" if low > threshold else "IN" if high <= threshold else "CANNOT SAY"
    figure = Figure(drift.index(before, given), low, high, int(given.sum()))
    return {"now": asdict(figure), "then": 0.0, "verdict": verdict}


def _gaps(windows: DriftWindows, month: MonthCounts, most: float, confidence: float) -> Series:
    """Of each input the share missing, and the share that training never held, against the training rows."""
    series: Series = {}
    for name in windows.names:
        then, now = np.array(windows.frozen[name].counts), month.bins[name]
        for what, position in (("missing", -2), ("new or out of range", -1)):
            figures = [proportion(int(of[position]), int(of.sum()), confidence=confidence) for of in (now, then)]
            series[f"{name}: {what}"] = _share(figures[0], figures[1], most)
    return series
