"""Several years, each of a seed of its own, as distributions: one year is one story."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from scipy import stats

from credit_risk.measures.figure import Figure
from credit_risk.simulation.profit import ACTUAL, MONTHLY, NEVER, ORACLE

Report = Mapping[str, Any]
DRIFT, FAULT = "Slow drift", "Feed fault"
LEAST = 2  # years, for an interval


def measure(reports: Sequence[Report], *, confidence: float) -> dict[str, Any]:
    """What the years say together. Shares are of the oracle's profit; differences are paired, year by year.

    An event that a year did not notice, or a champion that never came, is counted apart: it has no delay.
    """
    profits = {name: [_profit(report, name) / _profit(report, ORACLE) for report in reports] for name in _POLICIES}
    delays = {name: [_delay(report, name) for report in reports] for name in (DRIFT, FAULT)}
    successors = [_to_champion(report) for report in reports]
    return {
        "seeds": [report["seed"] for report in reports],
        "of_the_oracles_profit": {name: vars(_mean(shares, confidence)) for name, shares in profits.items()},
        "more_than": {
            name: vars(_mean([a - b for a, b in zip(profits[ACTUAL], profits[name], strict=True)], confidence))
            for name in (NEVER, MONTHLY)
        },
        "months_until_noticed": {name: _known(months, confidence) for name, months in delays.items()},
        "months_from_drift_to_another_champion": _known(successors, confidence),
        "trainings_before_the_drift": [_early(report) for report in reports],
        "bad_candidates_refused": sum(_is_refused(report) for report in reports),
        "failed_answers": sum(day["failed"] for report in reports for day in report["service_days"]),
        "answers": sum(day["requests"] for report in reports for day in report["service_days"]),
        "cpu_seconds": vars(_mean([report["cpu_seconds"] for report in reports], confidence)),
        "seconds": vars(_mean([report["seconds"] for report in reports], confidence)),
    }


_POLICIES = (ACTUAL, NEVER, MONTHLY)


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as a table."""
    noticed, more = figures["months_until_noticed"], figures["more_than"]
    rows = [(f"profit, {name}", _percent(of)) for name, of in figures["of_the_oracles_profit"].items()]
    rows += [(f"profit, {ACTUAL} less {name}", _percent(of)) for name, of in more.items()]
    rows += [(f"{name.lower()}: months until it was noticed", _months(of)) for name, of in noticed.items()]
    rows += [
        ("months from drift to another champion", _months(figures["months_from_drift_to_another_champion"])),
        ("trainings before there was a drift", ", ".join(map(str, figures["trainings_before_the_drift"]))),
        ("bad candidates refused", f"{figures['bad_candidates_refused']} of {len(figures['seeds'])}"),
        ("answers of the service that failed", f"{figures['failed_answers']:,} of {figures['answers']:,}"),
        (
            "seconds of a year; of the processor",
            f"{figures['seconds']['value']:,.0f}; {figures['cpu_seconds']['value']:,.0f}",
        ),
    ]
    seeds = ", ".join(map(str, figures["seeds"]))
    head = f"{len(figures['seeds'])} years, of the seeds {seeds}. Profits are shares of the oracle's."
    lines = [head, "", "| | mean, interval |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) + "\n"


def _percent(of: Mapping[str, float]) -> str:
    return f"{of['value']:.1%} ({of['low']:.1%} to {of['high']:.1%})" if of["n"] >= LEAST else f"{of['value']:.1%}"


def _months(of: Mapping[str, Any]) -> str:
    never = f"; in {of['never']} never" if of["never"] else ""
    return (f"{', '.join(map(str, of['each']))}{never}") if of["each"] else f"in {of['never']} never"


def _profit(report: Report, policy: str) -> float:
    return float(sum(month[policy] for month in report["profits"]))


def _event(report: Report, name: str) -> Mapping[str, Any] | None:
    return next((event for event in report["events"] if event["name"].startswith(name)), None)


def _delay(report: Report, name: str) -> int | None:
    """Months from what happened to the first of the month on which it was noticed."""
    event = _event(report, name)
    if event is None or event["noticed"] == "not noticed":
        return None
    return _between(event["happened"], event["noticed"])


def _to_champion(report: Report) -> int | None:
    begun = _event(report, DRIFT)
    after = [day for day in report["promoted"] if begun and day >= begun["happened"]]
    return _between(begun["happened"], after[0]) if begun and after else None


def _between(earlier: str, later: str) -> int:
    return int((pd.Period(later[:7], freq="M") - pd.Period(earlier[:7], freq="M")).n)


def _early(report: Report) -> int:
    """Trainings that began before anything had moved."""
    begun = _event(report, DRIFT)
    return sum(
        each["answer"] == "TRAIN" and (begun is None or each["as_of"] <= begun["happened"])
        for each in report["retrainings"]
    )


def _is_refused(report: Report) -> bool:
    event = _event(report, "A bad candidate")
    return event is not None and event["done"].startswith("refused")


def _known(months: Sequence[int | None], confidence: float) -> dict[str, Any]:
    each = [month for month in months if month is not None]
    return {"each": each, "never": len(months) - len(each), "mean": vars(_mean(each, confidence))}


def _mean(values: Sequence[float], confidence: float) -> Figure:
    """The mean with Student's interval; of one value there is none."""
    if not values:
        return Figure.unknown(0, "no year has one")
    mean = float(sum(values) / len(values))
    if len(values) < LEAST:
        return Figure(mean, math.nan, math.nan, len(values), "one year has no interval")
    low, high = stats.t.interval(confidence, len(values) - 1, loc=mean, scale=stats.sem(values) or 1e-12)
    return Figure(mean, float(low), float(high), len(values))
