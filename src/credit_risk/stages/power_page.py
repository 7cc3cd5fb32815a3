"""docs/gate-power.md and its pictures, from docs/gate-power.json alone: no figure on the page is typed."""

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from credit_risk.data.writing import read_json, write_text

FIGURES, PAGE, PICTURES = Path("docs/gate-power.json"), Path("docs/gate-power.md"), Path("docs/power")
COLOURS = ("#0b62a8", "#c85200", "#00806a")
DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)))
STYLE = {"svg.hashsalt": "credit-risk", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
BAND = (0.93, 0.97)

INTRODUCTION = """# How often the gates are wrong

Written by `make gate-power` from [gate-power.json](gate-power.json); a test holds the page to that file.

A lender is simulated whose true PDs are known (`data/simulate.py`). One fault at a time is turned up, samples of
several sizes are drawn, and each goes through the functions that the pipeline measures with and the engine that judges.
What is true of a dose is the same figure on {truth} rows. A gate is *wrong* when it says FAIL of what is within its
limits (false fail) or PASS of what is outside (miss). CANNOT SAY blocks too, and is what a sample that is too small
should get.

Exact gates (monotone steps, leaks, reasons, nonsense) have no chance in them: `make sabotage` tries those. The gate on
profit under stress, those on proxies and on the agreement of explanations are statistical and are not studied here.
"""


def write(root: Path) -> None:
    """Write the page and a picture for each gate."""
    report = read_json(root / FIGURES)
    write_text(root / PAGE, page(report))
    for one in report["gates"]:
        write_text(root / PICTURES / f"{one['name']}.svg", picture(one))


def page(report: Mapping[str, Any]) -> str:
    """The page as text; equal figures give an equal page."""
    parts = [INTRODUCTION.format(truth="400,000"), "## In short\n", *table(*in_short(report)), ""]
    for one in report["gates"]:
        parts += [f"## {one['gate']}\n", told(one), "", f"![{one['fault']}]({PICTURES.name}/{one['name']}.svg)", ""]
        parts += [*table(HEADINGS, map(line, one["lines"])), ""]
    parts += ["## Do the intervals hold the truth?\n", of_coverage(report), "", *table(*coverage(report)), ""]
    return "\n".join(parts)


HEADINGS = ("dose", "true value", "within the limits", "rows", "PASS", "CANNOT SAY", "FAIL", "wrong")


def line(one: Mapping[str, Any]) -> tuple[str, ...]:
    within = "yes" if one["within"] else "no"
    shares = (share(one[word]) for word in ("PASS", "CANNOT SAY", "FAIL"))
    return f"{one['dose']:g}", f"{one['true']:.3f}", within, f"{one['rows']:,}", *shares, share(wrong(one))


def wrong(one: Mapping[str, Any]) -> float:
    """Share of verdicts that say the opposite of the truth."""
    return float(one["FAIL"] if one["within"] else one["PASS"])


def in_short(report: Mapping[str, Any]) -> tuple[Sequence[str], Iterator[tuple[str, ...]]]:
    """For each gate, at the largest size: how often a sound model passes or fails, and how often the worst dose."""
    headings = ("gate", "rows", "sound model: PASS", "sound model: FAIL", "largest dose: PASS", "largest dose: FAIL")

    def lines() -> Iterator[tuple[str, ...]]:
        for one in report["gates"]:
            most = max(each["rows"] for each in one["lines"])
            sized = [each for each in one["lines"] if each["rows"] == most]
            sound, worst = sound_of(one["name"], sized)
            shares = (share(each[word]) for each in (sound, worst) for word in ("PASS", "FAIL"))
            yield one["gate"], f"{most:,}", *shares

    return headings, lines()


def sound_of(name: str, sized: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The sound end of a gate's doses and the faulty one: where the challenger is as good, beating it is unsound."""
    first, last = sized[0], sized[-1]
    return (last, first) if name == "materiality" else (first, last)


def told(one: Mapping[str, Any]) -> str:
    limits = [f"at least {one['at_least']:g}"] if one["at_least"] is not None else []
    limits += [f"at most {one['at_most']:g}"] if one["at_most"] is not None else []
    return f"`{one['measure']}`, {' and '.join(limits)}. The fault: {one['fault']}."


def of_coverage(report: Mapping[str, Any]) -> str:
    outside = [one["figure"] for one in report["coverage"] if not BAND[0] <= one["coverage"] <= BAND[1]]
    named = f"Outside it: {', '.join(outside)}." if outside else "None is outside."
    return (
        f"{report['coverage_seeds']} samples of {report['rows_of_coverage']:,} rows of a sound model, "
        f"{report['replicates_of_coverage']} replicates where there is a bootstrap. An interval of 95 % should hold "
        f"the truth in 93 to 97 % of them. {named}\n\n"
        "KS and ECE are the largest or the absolute gaps of curves, which chance only widens: each replicate adds to "
        "what the sample has, so their intervals lie too high, and no gate reads them. *Truth below* and *above* say "
        "on which side an interval misses."
    )


def coverage(report: Mapping[str, Any]) -> tuple[Sequence[str], Iterator[tuple[str, ...]]]:
    headings = ("interval of", "true value", "holds the truth", "± (standard error)", "truth below", "truth above")
    lines = (
        (
            one["figure"],
            f"{one['true']:.4f}",
            share(one["coverage"]) + ("" if BAND[0] <= one["coverage"] <= BAND[1] else " !"),
            share(one["error"]),
            share(one["truth_below"]),
            share(one["truth_above"]),
        )
        for one in report["coverage"]
    )
    return headings, lines


def table(headings: Sequence[str], lines: Iterator[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *lines)]


def share(value: float) -> str:
    return f"{100 * value:.1f} %"


def picture(one: Mapping[str, Any]) -> str:
    """Shares of PASS and of FAIL over the true value, one line a sample size; what is outside the limits is shaded."""
    with matplotlib.style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(7.6, 3.1), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        by_size = [
            list(lines) for _, lines in groupby(sorted(one["lines"], key=_by_size), key=lambda each: each["rows"])
        ]
        for panel, word in zip(axes, ("PASS", "FAIL"), strict=True):
            for lines, colour, dash in zip(by_size, COLOURS, DASHES, strict=True):
                ordered = sorted(lines, key=lambda each: each["true"])
                x, y = [each["true"] for each in ordered], [each[word] for each in ordered]
                look = {"color": colour, "linestyle": dash, "marker": "o", "markersize": 3.5}
                panel.plot(x, y, label=f"{lines[0]['rows']:,} rows", **look)
            _shade(panel, one)
            panel.set(title=f"says {word}", xlabel=f"true value of {one['measure']}", ylim=(-0.03, 1.03))
            panel.spines[["top", "right"]].set_visible(False)
        axes[0].yaxis.set_major_formatter(PercentFormatter(1))
        axes[0].set_ylabel("Share of the samples")
        axes[1].legend(frameon=False)
        return _svg(figure)


def _by_size(one: Mapping[str, Any]) -> tuple[int, float]:
    return one["rows"], one["true"]


def _shade(panel: Any, one: Mapping[str, Any]) -> None:
    low, high = panel.get_xlim()
    for start, end in ((low, one["at_least"]), (one["at_most"], high)):
        if start is not None and end is not None and end > start:
            panel.axvspan(start, end, color="#a63a00", alpha=0.09, linewidth=0)
    panel.set_xlim(low, high)


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return stream.getvalue()
