"""The pictures of docs/gate-power.md, from the record of `credit-risk gate-power` alone."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from credit_risk.report.plots import BAD, GOOD, INK, MODEL, MUTED, picture
from credit_risk.report.standalone_svg import standalone
from credit_risk.studies.gate_errors import AIM
from credit_risk.studies.gate_power_page import value

COLUMNS = 2
DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))
MARKS = ("o", "s", "D", "^")


def pictures(result: Mapping[str, Any]) -> dict[str, str]:
    """Each picture's file name and text."""
    rows = -(-len(result["gates"]) // COLUMNS)
    drawn = {
        "gate-power-passes.svg": picture(
            "gate-power-passes",
            "Share of draws that each gate passes, by test rows and dose",
            partial(passes, gates=result["gates"]),
            (7.2, 1.9 * rows),
        ),
        "gate-power-coverage.svg": picture(
            "gate-power-coverage",
            "Share of the intervals of each kind that hold the truth",
            partial(coverage, lines=result["coverage"]),
            (7.2, 1 + 0.2 * len(result["coverage"])),
        ),
    }
    return {name: standalone(str(svg)) for name, svg in drawn.items()}


def passes(figure: Figure, gates: list[Mapping[str, Any]]) -> None:
    """One panel a gate, one line a dose: lines of good models should rise to 100 %, the others fall to 0."""
    rows = -(-len(gates) // COLUMNS)
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, gate in zip(panels, gates, strict=False):
        _panel(axes, gate)
    for axes in panels[len(gates) :]:
        axes.set_visible(False)
    for axes in panels[max(len(gates) - COLUMNS, 0) : len(gates)]:
        axes.set_xlabel("Test rows")
    for axes in panels[::COLUMNS]:
        axes.set_ylabel("PASS")


def _panel(axes: Axes, gate: Mapping[str, Any]) -> None:
    for dose, dash, mark in zip(gate["doses"], DASHES, MARKS, strict=False):
        cells = [cell for cell in gate["cells"] if cell["dose"] == dose]
        rows = [cell["rows"] for cell in cells]
        share = [cell["passed"] / (cell["passed"] + cell["failed"] + cell["cannot_say"]) for cell in cells]
        colour = GOOD if cells[0]["sound"] else BAD
        axes.plot(
            rows, share, color=colour, linestyle=dash, marker=mark, markersize=3.5, label=value(cells[0]["truth"])
        )
    axes.set_xscale("log")
    sizes = sorted({cell["rows"] for cell in gate["cells"]})
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylim(-0.04, 1.04)
    axes.set_title(gate["name"].replace("_", " "), fontsize=9.5, loc="left", color=INK)
    axes.legend(title="true value", fontsize=7.5, title_fontsize=7.5, loc="center left", bbox_to_anchor=(1, 0.5))


def coverage(figure: Figure, lines: list[Mapping[str, Any]]) -> None:
    """A dot for each kind of interval, with what the number of seeds leaves open, and the band that is aimed at."""
    axes = figure.subplots()
    known = [line for line in lines if line["share"] is not None]
    positions = np.arange(len(known))
    axes.axvspan(*AIM, color=MUTED, alpha=0.18, linewidth=0)
    for position, line in zip(positions, known, strict=True):
        colour = MODEL if line["verdict"] == "within" else BAD
        axes.plot([line["low"], line["high"]], [position, position], color=colour, linewidth=1.3)
        axes.plot(line["share"], position, marker="o", color=colour, markersize=4)
    axes.set_yticks(positions, [line["interval"].replace("_", " ") for line in known], fontsize=7.5)
    axes.set_ylim(len(known) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("Intervals that hold the truth")
