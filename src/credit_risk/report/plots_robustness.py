"""The robustness part of the report page: its pictures, tables and sentences, from the reports alone.

Attacks are an optional part, with a page of its own; where they were not run the page says so.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame

from credit_risk.data.files import Files
from credit_risk.report.artefacts import Cells, Picture, cells, drawn, read_report, read_table, records
from credit_risk.report.plots import BAD, MODEL, NORMAL

NOT_AVAILABLE = "not available"


def figures(files: Files) -> dict[str, Any]:
    """What page_robustness.html.j2 shows, under the one name `robustness`."""
    report, why = read_report(files.report("robustness"))
    attacks, no_attacks = read_report(files.part("attacks"))
    gate, _ = read_report(files.report("gate"))
    judged = gate.get("digests", {}).get("scorer")
    return {
        "missing": why,
        "stale": bool(judged) and bool(report) and judged != report.get("scorer"),
        "sentences": list(sentences(report)),
        "stress": panel(files, "robustness/scenarios", "Approvals and profit under each stress", stress),
        "scenario_rows": scenario_rows(files),
        "migration": migration(files),
        "missing_sentence": injected(report, "missing"),
        "invalid_sentence": injected(report, "invalid"),
        "missing_rows": missing_rows(files),
        "attacks": {
            "missing": no_attacks,
            "stale": bool(attacks) and attacks.get("scorer") != report.get("scorer"),
            "robustness": _between(attacks.get("robustness", {}), "score", "{:.2f}"),
            "privacy": _between(attacks.get("privacy", {}), "score", "{:.2f}"),
            "attacked": counted(attacks.get("robustness", {}).get("attacked")),
            "budget": in_words(attacks.get("robustness", {}).get("budget")),
        },
    }


def sentences(report: Mapping[str, Any]) -> Iterator[str]:
    """One sentence a scenario: who is approved, what the accounts already open would earn."""
    was = report.get("baseline", {})
    for name, now in report.get("scenarios", {}).items():
        label = _name(name)
        numbers = [was.get("approval_rate"), now.get("approval_rate"), was.get("expected_profit"), now["held_profit"]]
        if any(number is None for number in numbers):
            yield f"{label}: cannot be said."
            continue
        before, after, earned, kept = numbers
        outcome = "would still earn" if kept >= 0 else "WOULD LOSE"
        yield (
            f"{label}: {after:.1%} would be approved instead of {before:.1%}. If it comes when the accounts are open, "
            f"they {outcome} {abs(kept):.2%} of the exposure per application, where {earned:.2%} is expected now."
        )


def injected(report: Mapping[str, Any], kind: str) -> str:
    """Whether anything was scored by accident, in a sentence."""
    numbers = report.get(kind, {})
    accidents, rows = numbers.get("scored_by_accident"), numbers.get("injected")
    if accidents is None:
        return f"Cannot be said: {report.get('unknown', {}).get(f'{kind}.scored_by_accident', 'it was not measured')}."
    what = "with a gap" if kind == "missing" else "with a value out of range or an unknown word"
    verdict = "None was decided" if accidents == 0 else f"{accidents:,} WERE DECIDED"
    return f"{rows:,} applications {what} had to stay without a PD. {verdict} as if nothing were wrong."


def stress(figure: Figure, table: DataFrame) -> None:
    """Approval rate and profit of the accounts already open, a dot and its whiskers for each stress."""
    approved, profit = figure.subplots(1, 2, sharey=True)
    positions = np.arange(len(table))
    for axes, name, label in (
        (approved, "approval_rate", "Approved"),
        (profit, "held_profit", "Profit of open accounts\n(share of exposure)"),
    ):
        value, low, high = (table[name + end].to_numpy(dtype=float) for end in ("", "_low", "_high"))
        ends = np.nan_to_num(np.abs(np.stack([low, high]) - value))
        axes.errorbar(value, positions, xerr=ends, fmt="o", color=MODEL, markersize=4.5, linewidth=1.5, capsize=3)
        axes.set_xlabel(label)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.15)
    if table["held_profit_low"].min() < 0:
        profit.axvline(0, color=BAD, linewidth=1, linestyle=(0, (2, 2)))
    approved.set_yticks(positions, [_name(name) for name in table["scenario"]])
    approved.set_ylim(len(table) - 0.5, -0.5)


def scenario_rows(files: Files) -> Cells:
    """The figures of every scenario."""
    headings = ["Stress", "Approved", "Mean PD", "Expected profit", "Profit of open accounts",
                "Loss of open accounts", "Decisions that change"]  # fmt: skip
    forms = {"approval_rate": "{:.1%}", "mean_pd": "{:.1%}", "expected_profit": "{:.2%}", "held_profit": "{:.2%}",
             "held_loss": "{:.2%}", "flips": "{:.1%}"}  # fmt: skip
    table, why = read_table(files.reports / "robustness" / "scenarios.csv")
    rows = [
        [_name(row["scenario"]), *(_between(row, name, form) for name, form in forms.items())] for row in records(table)
    ]
    return cells(headings, rows, why)


def migration(files: Files) -> Cells:
    """From which decision to which."""
    table, why = read_table(files.reports / "robustness" / "migration.csv")
    rows = [
        [_name(row["scenario"]), row["before"], row["after"], counted(row["rows"])]
        for row in records(table)
        if row["before"] != row["after"]
    ]
    return cells(["Stress", "Decision before", "Decision after", "Accounts"], rows, why, texts=3)


def missing_rows(files: Files) -> Cells:
    """What leaving out each input does."""
    table, why = read_table(files.reports / "robustness" / "missing.csv")
    rows = [
        [row["input"], row["policy"], counted(row["rows"]), counted(row["scored"]), counted(row["by_accident"]),
         in_words(row["pd_shift"], "{:.3f}") if row["scored"] else "not scored", counted(row["won"])]
        for row in records(table)
    ]  # fmt: skip
    headings = ["Input left out", "Policy", "Accounts", "Scored", "By accident", "Mean change of PD", "Approvals won"]
    return cells(headings, rows, why, texts=2)


def _between(each: Mapping[Any, Any], name: str, form: str) -> str:
    return value_and_ends(each, name, f"{name}_low", f"{name}_high", form)


def value_and_ends(each: Mapping[Any, Any], name: str, low: str, high: str, form: str) -> str:
    """A figure of a row with its interval, as far as they are known."""
    value, *ends = (each.get(key) for key in (name, low, high))
    if value is None or pd.isna(value):
        return NOT_AVAILABLE
    if any(end is None or pd.isna(end) for end in ends):
        return in_words(value, form)
    return f"{in_words(value, form)} ({in_words(ends[0], form)} to {in_words(ends[1], form)})"


def in_words(value: Any, form: str = "{:.3g}") -> str:
    """A figure in this form, with a minus sign; or that it is not available."""
    return NOT_AVAILABLE if value is None or pd.isna(value) else form.format(value).replace("-", "−")


def counted(value: Any) -> str:
    """A whole number."""
    return in_words(value, "{:,.0f}")


def _name(name: Any) -> str:
    text = str(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def panel(files: Files, name: str, title: str, draw: Callable[..., None]) -> Picture:
    """A picture of a table below reports/, or why there is none."""
    table, why = read_table(files.reports / f"{name}.csv")
    key = name.removeprefix("parts/").replace("/", "-")
    if table is None:
        return Picture(key, title, None, why)
    size = (NORMAL[0], max(NORMAL[1], 1.2 + 0.3 * len(table))) if "scenario" in table else NORMAL
    return drawn(key, title, partial(draw, table=table), size)
