"""The fairness part of the report page: its pictures, tables and sentences, from reports/fairness* alone."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from pandas import DataFrame

from credit_risk.data.files import Files
from credit_risk.report.artefacts import Cells, Picture, cells, drawn, read_report, read_table, records
from credit_risk.report.plots import BAD, GOOD, INK, LOGISTIC, MODEL, MUTED, NORMAL, SCORECARD

FOUR_FIFTHS = 0.8
LOOKS = ((MODEL, "solid"), (BAD, (0, (5, 2))), (SCORECARD, (0, (1.5, 1.5))), (LOGISTIC, (0, (5, 1.5, 1.5, 1.5))))
KINDS = {
    "fewer features": ("Fewer features", MODEL, "o"),
    "constraint": ("Tighter constraint", SCORECARD, "s"),
    "challenger": ("Challenger", LOGISTIC, "D"),
    "reduction": ("Reduction (a bound, not a proposal)", BAD, "^"),
    "model": ("The model as it stands", INK, "*"),
}


def figures(files: Files) -> dict[str, Any]:
    """What page_fairness.html.j2 shows, under the one name `fairness`."""
    report, why = read_report(files.report("fairness"))
    gate, _ = read_report(files.report("gate"))
    words = {check.get("measure"): check.get("verdict") for check in gate.get("checks", [])}
    unknown = report.get("unknown", {})
    stale = bool(report) and bool(gate) and gate.get("digests", {}).get("scorer") != report.get("scorer")
    declared = report.get("contrasts", {}).items()
    worst_first = sorted(declared, key=lambda item: -1.0 if item[1]["ratio"] is None else item[1]["ratio"])
    return {
        "missing": why,
        "unavailable": report.get("unavailable"),
        "stale": stale,
        "operating": report.get("operating", {}),
        "contrasts": [contrast(name, each, unknown, words) for name, each in worst_first],
        "proxies": [proxy(name, each, unknown) for name, each in report.get("proxies", {}).items()],
        "alternatives": report.get("alternatives", {}),
        "groups": _panel(files, "groups", "Share approved in each group, with the interval", groups),
        "sweep": _panel(files, "sweep", "The declared contrasts at other cut-offs", partial(sweep, report=report)),
        "frontier": _panel(files, "frontier", "Alternatives: accuracy, evenness", partial(frontier, report=report)),
        "group_rows": group_rows(files),
        "intersections": intersections(files),
        "candidates": candidates(files),
    }  # fmt: skip


def contrast(
    name: str, each: Mapping[str, Any], unknown: Mapping[str, str], words: Mapping[Any, Any]
) -> dict[str, Any]:
    """One declared contrast as a line of the page: its figures, its verdict, and a sentence for people."""
    measure = f"contrasts.{name}.ratio"
    return {
        "name": name.replace("_", " ").capitalize(),
        "groups": f"{each['group']} against {each['reference']}",
        "rows": f"{each['rows']:,} and {each['reference_rows']:,}",
        "ratio": _between(each, "ratio", "{:.2f}"),
        "difference": _between(each, "difference", "{:+.1%}"),
        "equal_opportunity": _between(each, "equal_opportunity", "{:+.1%}"),
        "verdict": words.get(f"fairness.{measure}"),
        "sentence": _sentence(each, unknown.get(measure)),
    }


def proxy(name: str, each: Mapping[str, Any], unknown: Mapping[str, str]) -> tuple[str, str, str, str]:
    """How well an application gives away one group: its name, all together, the best alone, which."""
    all_of_them = _between(each, "auc", "{:.2f}")
    if each.get("auc") is None:
        all_of_them = f"not known: {unknown.get(f'proxies.{name}.auc')}"
    feature = str(each.get("feature") or "not available")
    return name.replace("_", " ").capitalize(), all_of_them, _between(each, "strongest", "{:.2f}"), feature


def _sentence(each: Mapping[str, Any], why: str | None) -> str:
    if each["ratio"] is None:
        return f"Cannot be said: {why}."
    alike = f"{100 * each['ratio']:.0f} of equally many “{each['group']}” are"
    start = f"Where 100 “{each['reference']}” are approved, {alike}"
    if each["ratio_low"] is None or each["ratio_high"] is None:
        return f"{start}; how far chance moves that is not known."
    start += f" ({100 * each['ratio_low']:.0f} to {100 * each['ratio_high']:.0f})"
    if each["ratio_low"] <= 1 <= each["ratio_high"]:
        return f"{start}: no more than chance explains."
    return (
        f"{start}: more than chance explains. Among the goods, and by PD against bad rate, see whether the model errs."
    )


def _between(each: Mapping[str, Any], name: str, form: str) -> str:
    value, low, high = (each.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return "not available"
    ends = "interval not available" if low is None or high is None else f"{form.format(low)} to {form.format(high)}"
    return f"{form.format(value)} ({ends})".replace("-", "−")


def groups(figure: Figure, table: DataFrame) -> None:
    """A dot and its whiskers for each group; a group that is too small has its name and its rows only."""
    axes = figure.subplots()
    names: list[str] = []
    for attribute, of_groups in table.groupby("attribute", sort=False):
        names.append(f"{attribute}:")
        for row in of_groups.to_dict("records"):
            _whisker(axes, len(names), row)
            names.append(str(row["group"]))
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="Share approved", ylim=(len(names) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="y")
    low, high = axes.get_xlim()
    axes.set_xlim(max(low - 0.04, 0), min(high + 0.04, 1.02))


def _whisker(axes: Any, position: float, row: Mapping[Any, Any]) -> None:
    value, low, high = (row[f"approval_rate{end}"] for end in ("", "_low", "_high"))
    if math.isnan(value):
        axes.annotate(f"{row['rows']:,} rows: too few to say", (0.03, position), xycoords=("axes fraction", "data"),
                      va="center", color=MUTED, fontsize=8.5)  # fmt: skip
        return
    axes.errorbar(value, position, xerr=[[value - low], [high - value]], fmt="o", color=MODEL, markersize=4.5,
                  linewidth=1.5, capsize=3)  # fmt: skip


def sweep(figure: Figure, table: DataFrame, report: Mapping[str, Any]) -> None:
    """Each contrast's approval ratio over the cut-offs, four fifths and the cut-off in force marked."""
    axes = figure.subplots()
    for number, (name, curve) in enumerate(table.dropna(subset=["ratio"]).groupby("contrast", sort=False)):
        color, dash = LOOKS[number % len(LOOKS)]
        axes.fill_between(
            curve["cut_off"], curve["ratio_low"], curve["ratio_high"], color=color, alpha=0.1, linewidth=0
        )
        label = str(name).replace("_", " ")
        axes.plot(curve["cut_off"], curve["ratio"], color=color, linestyle=dash, label=label)
    axes.axhline(1, color=MUTED, linewidth=0.9)
    axes.axhline(FOUR_FIFTHS, color=MUTED, linewidth=1, linestyle=(0, (2, 3)), label="four fifths")
    cut_off = report.get("operating", {}).get("cut_off")
    if cut_off is not None:
        axes.axvline(cut_off, color=INK, linewidth=1.1, linestyle=(0, (2, 2)), label=f"cut-off in force: {cut_off:.1%}")
    axes.set(xlabel="Cut-off (approved: PD below it)", ylabel="Approval ratio")
    axes.set_ylim(bottom=min(0.6, float(table["ratio"].min())), top=max(1.15, float(table["ratio"].max()) + 0.05))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="lower right", fontsize=8)


def frontier(figure: Figure, table: DataFrame, report: Mapping[str, Any]) -> None:
    """Up is more even, right is more accurate; the line joins what nothing else beats in both."""
    axes = figure.subplots()
    best = table[table["on_frontier"]].sort_values("auc")
    axes.plot(best["auc"], best["evenness"], color=MUTED, linewidth=1)
    for kind, (label, color, marker) in KINDS.items():
        points = table[table["kind"] == kind]
        if len(points):
            size = 11 if kind == "model" else 5
            axes.plot(points["auc"], points["evenness"], marker, color=color, markersize=size, label=label, alpha=0.85)
    chosen = table[table["chosen"]]
    axes.plot(chosen["auc"], chosen["evenness"], "o", color=GOOD, markersize=13, fillstyle="none")
    lost = report.get("alternatives", {}).get("most_auc_lost")
    if lost is not None:
        limit = float(table["auc"].iloc[0]) - lost
        axes.axvline(limit, color=INK, linewidth=1, linestyle=(0, (2, 2)), label="largest loss allowed")
    axes.set(xlabel="AUC on the selection rows", ylabel="Worst approval ratio")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    figure.legend(loc="outside upper left", ncols=2, fontsize=8)


def group_rows(files: Files) -> Cells:
    """The table of groups as headings and cells."""
    table, why = _table(files, "groups")
    headings = ["Attribute", "Group", "Accounts", "Approved", "Approved of the goods", "Mean PD", "Bad rate",
                "Mean PD − bad rate", "AUC"]  # fmt: skip
    shares = ("approval_rate", "approval_rate_of_goods", "mean_pd", "bad_rate")
    rows = [
        [row["attribute"], row["group"], f"{row['rows']:,}",
         *(_between_of(row, name, "{:.1%}") for name in shares),
         _between_of(row, "calibration_gap", "{:+.1%}"), _between_of(row, "auc", "{:.2f}")]
        for row in records(table)
    ]  # fmt: skip
    return cells(headings, rows, why, texts=2)


def intersections(files: Files) -> Cells:
    """The table of intersections: reported, not gated."""
    table, why = _table(files, "intersections")
    headings = ["Attributes", "Group", "Accounts", "Approved", "Ratio to the highest", ""]
    rows = [
        [row["attributes"], row["group"], f"{row['rows']:,}", _between_of(row, "approval_rate", "{:.1%}"),
         _between_of(row, "ratio", "{:.2f}"), "" if row["assessed"] == "assessed" else row["assessed"]]
        for row in records(table)
    ]  # fmt: skip
    return cells(headings, rows, why, texts=2)


def candidates(files: Files) -> Cells:
    """The alternatives that matter: the model, the frontier, and whatever is clearly less uneven."""
    table, why = _table(files, "frontier")
    headings = ["Alternative", "Kind", "AUC", "AUC lost (interval)", "Worst ratio", "Could be adopted", "Chosen"]
    rows = [
        [row["candidate"], row["kind"], f"{row['auc']:.4f}", _between_of(row, "auc_lost", "{:+.4f}"),
         f"{row['evenness']:.3f}", "yes" if row["admissible"] else "no", "yes" if row["chosen"] else ""]
        for row in records(table)
        if row["on_frontier"] or row["admissible"] or row["kind"] in ("model", "reduction", "challenger")
    ]  # fmt: skip
    return cells(headings, rows, why, texts=2)


def _between_of(row: Mapping[Any, Any], name: str, form: str) -> str:
    known = {
        f"{name}{end}": None if pd.isna(row[f"{name}{end}"]) else float(row[f"{name}{end}"])
        for end in ("", "_low", "_high")
    }
    return _between(known, name, form)


def _panel(files: Files, name: str, title: str, draw: Callable[..., None]) -> Picture:
    table, why = _table(files, name)
    if table is None or (name == "sweep" and table["ratio"].isna().all()):
        return Picture(f"fairness-{name}", title, None, why or "no declared contrast could be measured")
    size = NORMAL
    if name == "groups":
        size = (NORMAL[0], max(NORMAL[1], 0.8 + 0.2 * (len(table) + table["attribute"].nunique())))
    return drawn(f"fairness-{name}", title, partial(draw, table=table), size)


def _table(files: Files, name: str) -> tuple[DataFrame | None, str]:
    return read_table(files.reports / "fairness" / f"{name}.csv")
