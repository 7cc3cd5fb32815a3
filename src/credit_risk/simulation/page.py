"""reports/year.html, from reports/year.json alone: what happened, what it earned, when a training was due."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure as Drawing
from pandas import DataFrame

from credit_risk.report import plots
from credit_risk.report.artefacts import Cells, Picture, cells, drawn
from credit_risk.report.templates import template
from credit_risk.simulation.profit import ACTUAL, MONTHLY, NEVER, ORACLE

Report = Mapping[str, Any]
WIDE = (8.6, 3.1)
STYLES = {
    ACTUAL: (plots.MODEL, "solid"),
    NEVER: (plots.BAD, (0, (5, 2))),
    MONTHLY: (plots.SCORECARD, (0, (1.5, 1.5))),
    ORACLE: (plots.MUTED, (0, (2, 3))),
}


def page(report: Report, title: str) -> str:
    """The page as text; equal reports give an equal page."""
    named = [its["runbook"] for its in (*report["events"], *report["alarms"])]
    runbooks = sorted({runbook for runbook in named if runbook})
    return template("simulation").render(
        title=title,
        report=report,
        events=events(report),
        days=service_days(report),
        policies=policies(report),
        retrainings=retrainings(report),
        runbooks=[{"name": name, "href": f"../{name}"} for name in runbooks],
        pictures=[earned(report)],
    )


def events(report: Report) -> Cells:
    headings = ("Event", "Happened", "Noticed", "By", "Done", "Cost", "Runbook")
    rows = [
        (
            *(event[name] for name in ("name", "happened", "noticed", "by", "done")),
            "" if event["cost"] is None else f"{event['cost']:.1f}",
            event["runbook"],
        )
        for event in report["events"]
    ]
    return cells(headings, rows, "" if rows else "nothing happened", texts=7)


def service_days(report: Report) -> Cells:
    rows = [(day["day"], f"{day['requests']:,}", f"{day['failed']:,}") for day in report["service_days"]]
    return cells(("Day", "Applications", "Answers that failed, and were asked for again"), rows, "")


def policies(report: Report) -> Cells:
    """Each policy's year, and what it has of the oracle's profit."""
    whole = {name: sum(month[name] for month in report["profits"]) for name in STYLES}
    rows = [(name, f"{value:,.1f}", f"{value / whole[ORACLE]:.1%}") for name, value in whole.items()]
    return cells(("Policy", "Profit", "Of the oracle's"), rows, "")


def retrainings(report: Report) -> Cells:
    rows = [
        (each["as_of"], each["answer"], each["verdict"], "; ".join([*each["reasons"], *each["objections"]]))
        for each in report["retrainings"]
    ]
    return cells(("Day", "Answer", "Candidate", "Because"), rows, "", texts=4)


def earned(report: Report) -> Picture:
    """Profit since January by policy."""
    table = DataFrame(report["profits"])
    summed = table[list(STYLES)].cumsum()

    def draw(drawing: Drawing) -> None:
        axes = drawing.subplots()
        for name, (color, dash) in STYLES.items():
            axes.plot(range(1, len(summed) + 1), summed[name], color=color, linestyle=dash, label=name)
        axes.set(xlabel="Month", ylabel="Profit since January, exposures")
        drawing.legend(loc="outside upper left", ncols=2, handlelength=1.8, columnspacing=1.2)

    return drawn("earned", "Profit since January, by policy", draw, size=WIDE)
