"""build/operations/metrics.json, .prom and .html: the metrics for programs, Prometheus and people."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from credit_risk.data.writing import write_json, write_text
from credit_risk.operations.delivery import metrics
from credit_risk.operations.delivery.changes import ATTRIBUTION
from credit_risk.operations.delivery.metrics import Metric, Sources
from credit_risk.operations.use_record import FOLDER
from credit_risk.report import plots
from credit_risk.report.artefacts import Cells, Picture, cells, drawn
from credit_risk.report.templates import template

UNITS = {"seconds": "seconds", "share": "ratio", "per week": "per_week"}
# What the article on which this project was commissioned claims, before and after: its words, measured by nobody here.
CLAIMS = (
    ("An iteration", "14 days → 2 days", ("commit_to_champion",)),
    ("Deployments that succeed", "65 % → 95 %", ("change_failure_rate",)),
    ("Recovery", "4 h → 15 min", ("time_to_restore", "restored_in_drill")),
)


def figures_of(
    measured: Mapping[str, Metric], sources: Sources, environment: str, since: datetime, now: datetime
) -> dict[str, Any]:
    """Everything that the page and the JSON hold."""
    return {
        "at": now.isoformat(timespec="seconds"),
        "since": since.isoformat(timespec="seconds"),
        "environment": environment,
        "attribution_days": ATTRIBUTION / timedelta(days=1),
        "metrics": metrics.as_dict(measured),
        "gates": metrics.gates(sources),
        "stages": metrics.stages(sources, since),
        "weeks": metrics.weeks(sources, since, now),
    }


def write(root: Path, figures: Mapping[str, Any]) -> None:
    """Write all three below build/operations."""
    write_json(root / FOLDER / "metrics.json", figures)
    write_text(root / FOLDER / "metrics.prom", prometheus(figures))
    write_text(root / FOLDER / "metrics.html", page(figures))


def prometheus(figures: Mapping[str, Any]) -> str:
    """For the textfile collector: a gauge for each metric that is known, and the records behind every one.

    What has no record has no value, and a rule on it finds nothing: absent() says so.
    """
    registry = CollectorRegistry()
    records = Gauge("credit_risk_pipeline_records", "Records behind a metric", ["metric"], registry=registry)
    for name, metric in figures["metrics"].items():
        records.labels(name).set(metric["n"])
        if metric["value"] is not None:
            gauge = f"credit_risk_pipeline_{name}_{UNITS[metric['unit']]}"
            Gauge(gauge, metric["label"], registry=registry).set(metric["value"])
    blocked = Gauge("credit_risk_pipeline_gate_blocked", "How often a check blocked", ["check"], registry=registry)
    for check, count in figures["gates"]["blocked"].items():
        blocked.labels(check).set(count)
    return generate_latest(registry).decode()


def sentences(figures: Mapping[str, Any], groups: Sequence[str]) -> list[str]:
    """A line for each metric of these groups."""
    chosen = [metric for metric in figures["metrics"].values() if metric["group"] in groups]
    return [f"{metric['label']}: {value_of(metric)}" for metric in chosen]


def value_of(metric: Mapping[str, Any]) -> str:
    """A metric as people read it; "no record" and why, where there is none."""
    value = metric["value"]
    if value is None:
        return str(metric["why"])
    written = {
        "seconds": lambda: duration(value),
        "share": lambda: f"{value:.1%}",
        "per week": lambda: f"{value:.2g} a week",
    }[metric["unit"]]()
    return f"{written} (of {metric['n']:,})" + (f"; {metric['why']}" if metric["why"] else "")


def duration(seconds: float) -> str:
    """In the largest unit of which there is more than one."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def page(figures: Mapping[str, Any]) -> str:
    """The page as text; equal figures give an equal page."""
    return template("operations.delivery").render(
        title="Pipeline metrics",
        figures=figures,
        metrics=_metrics(figures["metrics"]),
        claims=_claims(figures["metrics"]),
        verdicts=_counts(figures["gates"], "verdicts", ("The gate said", "Times")),
        blocked=_counts(figures["gates"], "blocked", ("Check", "Blocked")),
        stages=_stages(figures["stages"]),
        pictures=list(_pictures(figures["weeks"])),
    )


def _metrics(measured: Mapping[str, Any]) -> Cells:
    rows = [
        (metric["label"], "" if metric["value"] is None else value_of(metric | {"why": ""}), metric["why"])
        for metric in measured.values()
    ]
    return cells(("Metric", "Measured", "What is missing"), rows, "", texts=3)


def _claims(measured: Mapping[str, Any]) -> Cells:
    """The claims beside what was measured here; a success is what did not fail."""
    rows = []
    for label, claim, names in CLAIMS:
        shown = [measured[name] for name in names]
        for metric in shown:
            succeeds = metric["label"] == measured["change_failure_rate"]["label"] and metric["value"] is not None
            own = metric | {"value": 1 - metric["value"]} if succeeds else metric
            rows.append((label, claim, f"{metric['label']}: {value_of(own)}" if not succeeds else value_of(own)))
    return cells(("What", "The article claims", "Measured here"), rows, "", texts=3)


def _counts(gates: Mapping[str, Any], name: str, headings: tuple[str, str]) -> Cells:
    rows = list(gates[name].items())
    return cells(headings, rows, gates["why"] or ("" if rows else "none in the window"))


def _stages(stages: Mapping[str, Any]) -> Cells:
    headings = ("Stage", "Ran", "In the cache", "Seconds", "Processor seconds")
    rows = [
        (name, its["ran"], its["cached"], _seconds(its["seconds"]), _seconds(its["cpu_seconds"]))
        for name, its in stages.items()
    ]
    return cells(headings, rows, "" if rows else f"{metrics.NO_RECORD} of a run: `make measured-run` measures one")


def _seconds(value: float | None) -> str:
    return metrics.NO_RECORD if value is None else f"{value:.1f}"


def _pictures(weeks: Sequence[Mapping[str, Any]]) -> list[Picture]:
    """The trend of each source that is there, where there are two weeks or more."""
    shown = {
        "deployments": ("Deployments by week, and those that failed", "failed"),
        "verdicts": ("Gate verdicts by week, and those with a check that blocked", "blocked"),
    }
    return [
        drawn(name, title, lambda drawing, name=name, bad=bad: draw(drawing, weeks, name, bad))  # type: ignore[misc]
        for name, (title, bad) in shown.items()
        if len(weeks) > 1 and weeks[0][name] is not None
    ]


def draw(drawing: Drawing, weeks: Sequence[Mapping[str, Any]], name: str, bad: str) -> None:
    """A bar a week; the lower, darker part is what failed or blocked."""
    axes: Axes = drawing.subplots()
    positions = range(len(weeks))
    axes.bar(positions, [week[name] for week in weeks], color=plots.GOOD, width=0.7, label=name)
    axes.bar(positions, [week[bad] for week in weeks], color=plots.BAD, width=0.7, label=bad)
    few = max(len(weeks) // 5, 1)
    axes.set_xticks(list(positions)[::few], [week["week"][5:] for week in weeks][::few])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="Week that begins on", ylabel="Number", ylim=(0, None))
    axes.legend(loc="upper left")
    axes.margins(y=0.25)
