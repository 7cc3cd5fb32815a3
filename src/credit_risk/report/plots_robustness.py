"""The robustness part of the report page: its pictures, tables and sentences, from the reports alone.

Attacks are an optional part; where they were not run the page says so.
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
from credit_risk.report.plots import BAD, INK, MODEL, MUTED, NORMAL

NOT_AVAILABLE = "not available"
ATTACKS = {
    "search": "Our own search over the model’s thresholds",
    "fgsm": "FGSM, carried over from a surrogate",
    "pgd": "PGD, carried over from a surrogate",
    "hop_skip_jump": "HopSkipJump (sees decisions alone)",
    "all": "All together",
    "loss": "Threshold on the loss",
    "rule": "“Right guess, so trained on”",
    "gradient boosting": "Learned (gradient boosting)",
    "logistic": "Learned (logistic)",
}


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
        "stress": _panel(files, "robustness/scenarios", "Approvals and profit under each stress", stress),
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
            "attacked": _count(attacks.get("robustness", {}).get("attacked")),
            "budget": _written(attacks.get("robustness", {}).get("budget")),
            "survival": _panel(
                files, "parts/attacks/survival", "Declines that stand, by what an attack may cost", survival
            ),
            "flips": flips(files),
            "levers": levers(files),
            "membership": membership(files),
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


def survival(figure: Figure, table: DataFrame) -> None:
    """The share of declines that no attack of at most this cost turns over."""
    axes = figure.subplots()
    axes.fill_between(table["cost"], table["low"], table["high"], color=MODEL, alpha=0.16, linewidth=0)
    axes.plot(table["cost"], table["survived"], color=MODEL)
    axes.axvline(table["cost"].max(), color=INK, linewidth=1.1, linestyle=(0, (2, 2)))
    axes.text(table["cost"].max(), 0.03, "budget ", ha="right", color=MUTED, fontsize=8.5)
    axes.set(
        xlabel="Cost of the change (1: a standard step of weight 1)", ylabel="Decisions that stand", ylim=(0, 1.02)
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


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
        [_name(row["scenario"]), row["before"], row["after"], _count(row["rows"])]
        for row in records(table)
        if row["before"] != row["after"]
    ]
    return cells(["Stress", "Decision before", "Decision after", "Accounts"], rows, why, texts=3)


def missing_rows(files: Files) -> Cells:
    """What leaving out each input does."""
    table, why = read_table(files.reports / "robustness" / "missing.csv")
    rows = [
        [row["input"], row["policy"], _count(row["rows"]), _count(row["scored"]), _count(row["by_accident"]),
         _written(row["pd_shift"], "{:.3f}") if row["scored"] else "not scored", _count(row["won"])]
        for row in records(table)
    ]  # fmt: skip
    headings = ["Input left out", "Policy", "Accounts", "Scored", "By accident", "Mean change of PD", "Approvals won"]
    return cells(headings, rows, why, texts=2)


def flips(files: Files) -> Cells:
    """What each attack achieved on the same declined applications."""
    table, why = read_table(files.parts / "attacks" / "flips.csv")
    rows = [
        [ATTACKS.get(row["attack"], row["attack"]), _count(row["rows"]), _count(row["flipped"]),
         _ends(row, "survived", "low", "high", "{:.1%}"), _written(row["median_cost"]), _count(row["found_alone"])]
        for row in records(table)
    ]  # fmt: skip
    headings = ["Attack", "Declines", "Flipped", "Stand (interval)", "Median cost of a flip", "Found by no other"]
    return cells(headings, rows, why)


def levers(files: Files) -> Cells:
    """Which columns the cheapest flips move, and which way."""
    table, why = read_table(files.parts / "attacks" / "levers.csv")
    rows = [
        [row["input"], _count(row["raised"]), _count(row["lowered"]), _written(row["median_move"], "{:,.4g}")]
        for row in records(table)
    ]
    return cells(["Input", "Raised", "Lowered", "Median change"], rows, why)


def membership(files: Files) -> Cells:
    """How well each attack tells training rows from others."""
    table, why = read_table(files.parts / "attacks" / "membership.csv")
    rows = [
        [ATTACKS.get(row["attack"], row["attack"]), _count(row["rows"]),
         _ends(row, "auc", "auc_low", "auc_high", "{:.3f}"), _ends(row, "privacy", "low", "high", "{:.3f}")]
        for row in records(table)
    ]  # fmt: skip
    return cells(["Attack", "Accounts", "AUC (0.5: a guess)", "Privacy score"], rows, why)


def _between(each: Mapping[Any, Any], name: str, form: str) -> str:
    return _ends(each, name, f"{name}_low", f"{name}_high", form)


def _ends(each: Mapping[Any, Any], name: str, low: str, high: str, form: str) -> str:
    value, *ends = (each.get(key) for key in (name, low, high))
    if value is None or pd.isna(value):
        return NOT_AVAILABLE
    if any(end is None or pd.isna(end) for end in ends):
        return _written(value, form)
    return f"{_written(value, form)} ({_written(ends[0], form)} to {_written(ends[1], form)})"


def _written(value: Any, form: str = "{:.3g}") -> str:
    return NOT_AVAILABLE if value is None or pd.isna(value) else form.format(value).replace("-", "−")


def _count(value: Any) -> str:
    return _written(value, "{:,.0f}")


def _name(name: Any) -> str:
    text = str(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def _panel(files: Files, name: str, title: str, draw: Callable[..., None]) -> Picture:
    table, why = read_table(files.reports / f"{name}.csv")
    key = name.removeprefix("parts/").replace("/", "-")
    if table is None:
        return Picture(key, title, None, why)
    size = (NORMAL[0], max(NORMAL[1], 1.2 + 0.3 * len(table))) if "scenario" in table else NORMAL
    return drawn(key, title, partial(draw, table=table), size)
