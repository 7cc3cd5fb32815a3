"""The part of the report page on other splits of the same rows: its picture, table and sentences, from the reports."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from pandas import DataFrame

from credit_risk.config.dotted import lookup
from credit_risk.data.files import Files
from credit_risk.report.artefacts import Cells, Picture, cells, drawn, read_report, read_table, records
from credit_risk.report.figures import interval, model_label, written
from credit_risk.report.plots import BAD, INK, MODEL, MUTED

POOLED = {
    "auc": "AUC",
    "ks": "KS",
    "brier": "Brier score",
    "calibration_slope": "Calibration slope",
    "calibration_in_the_large": "Calibration level",
    "largest_gap": "Worst score band, in log-odds",
}
NEEDED = ("auc", "auc_low", "auc_high", "blocked_by")


def figures(files: Files) -> dict[str, Any]:
    """What page_stability.html.j2 shows, under the one name `stability`."""
    report, why = read_report(files.report("splits"), ("splits", "auc", "pooled"))
    metrics, _ = read_report(files.report("metrics"))
    return {
        "missing": why,
        "sentences": list(sentences(report)),
        "picture": picture(files, metrics),
        "pooled": pooled(report, metrics),
        "lines": lines(files),
    }


def sentences(report: Mapping[str, Any]) -> Iterator[str]:
    """How many splits pass, what blocks the others, and how far the AUC spreads."""
    if not report:
        return
    number, rate = report["splits"], report.get("passing_share")
    if rate is None:
        why = report.get("unknown", {}).get("passing_share", "it was not measured")
        yield f"Whether other splits pass cannot be said: {why}."
    else:
        yield f"{report['passing']} of {number} splits pass every gate that reads test or selection rows ({rate:.0%})."
    for name, times in sorted(report.get("blocked_by", {}).items(), key=lambda entry: -entry[1]):
        yield f"{name} does not pass in {times} of {number}."
    area = report["auc"]
    yield (
        f"The AUC on a split’s test rows lies between {area['least']:.3f} and {area['most']:.3f}, {area['mean']:.3f} "
        f"on average, with a standard deviation of {area['spread']:.3f}."
    )
    label = model_label(report["kind"])
    yield f"{report['same_kind']:.0%} of the splits put the same kind of model forward as this run ({label})."


def pooled(report: Mapping[str, Any], metrics: Mapping[str, Any]) -> Cells:
    """The figures of all rows out of fold beside those of the test rows."""

    def figure(tree: Mapping[str, Any], name: str) -> str:
        return interval((lookup(tree, name), lookup(tree, f"{name}_low"), lookup(tree, f"{name}_high")))

    of_test = {name: f"test.{name}" for name in POOLED} | {"largest_gap": "bands.largest_gap"}
    rows = [(label, figure(metrics, of_test[name]), figure(report, f"pooled.{name}")) for name, label in POOLED.items()]
    return cells(("Figure", "This run’s test rows", "All rows, out of fold"), rows, "" if report else "not measured")


def picture(files: Files, metrics: Mapping[str, Any]) -> Picture:
    """The AUC of each split with its interval, those that do not pass marked, and the run's own."""
    title = "The AUC on other splits of the same rows"
    table, why = read_table(files.reports / "stability" / "splits.csv", NEEDED)
    if table is None:
        return Picture("splits", title, None, why)
    return drawn("splits", title, partial(spread, table=table, of_run=lookup(metrics, "test.auc")))


def spread(figure: Figure, table: DataFrame, of_run: float | None) -> None:
    """A dot and its whiskers for each split, in the order of the AUC; filled where every gate passes."""
    axes = figure.subplots()
    ordered = table.sort_values("auc").reset_index(drop=True)
    passes = ordered["blocked_by"].isna() | (ordered["blocked_by"] == "")
    for mask, color, marker, label in ((passes, MODEL, "o", "Passes"), (~passes, BAD, "x", "Does not pass")):
        if mask.any():
            inside = ordered[mask]
            ends = np.abs(inside[["auc_low", "auc_high"]].to_numpy(dtype=float).T - inside["auc"].to_numpy())
            axes.errorbar(
                inside.index, inside["auc"], ends, fmt=marker, color=color, markersize=4.5, linewidth=1.1, label=label
            )
    if of_run is not None:
        axes.axhline(of_run, color=INK, linewidth=1.1, linestyle=(0, (2, 2)), label=f"This run: {of_run:.3f}")
    axes.axhline(float(ordered["auc"].mean()), color=MUTED, linewidth=1, label="Mean of the splits")
    axes.set(xlabel="Split, by its AUC", ylabel="AUC on the split’s test rows", xticks=[])
    axes.legend(loc="lower right")


def lines(files: Files) -> Cells:
    """Each split with its figures and what blocked it."""
    table, why = read_table(files.reports / "stability" / "splits.csv", NEEDED)
    named = ("auc", "calibration_slope", "calibration_in_the_large")
    rows = [
        (
            number,
            model_label(each.get("kind")),
            *(interval((each.get(name), each.get(f"{name}_low"), each.get(f"{name}_high"))) for name in named),
            written(each.get("largest_gap")),
            each["blocked_by"] if isinstance(each["blocked_by"], str) else "",
        )
        for number, each in enumerate(records(table), start=1)
    ]
    headings = ("Split", "Candidate", "AUC", "Calibration slope", "Calibration level", "Worst band", "")
    return cells(headings, rows, why, texts=2)
