"""Runs of the benchmark, kept in a chain, held against the stored baseline and drawn."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from credit_risk.data import digest
from credit_risk.data.writing import read_json, write_json, write_text
from credit_risk.errors import DataError, NotFound
from credit_risk.operations.benchmark.performance import (
    QUANTITIES,
    WORSE_BY,
    PerformanceBenchmark,
    Quantity,
    regressions,
)
from credit_risk.operations.benchmark.power import is_sound
from credit_risk.operations.benchmark.power import measure as measure_power
from credit_risk.operations.use_record import FOLDER
from credit_risk.registry.chain_file import ChainFile
from credit_risk.report import plots
from credit_risk.report.artefacts import Cells, cells, drawn
from credit_risk.report.templates import template

log = logging.getLogger(__name__)

LABELS: Mapping[Quantity, tuple[str, str]] = {
    "latency": ("Latency of a decision", plots.MODEL),
    "throughput": ("Processor time of a row in a batch", plots.SCORECARD),
    "memory": ("Memory of a batch", plots.LOGISTIC),
    "cpu": ("Processor time of a decision", plots.BAD),
}
NO_BASELINE = "Store one from a run that you trust: `credit-risk benchmark --save-baseline`."


@dataclass(frozen=True)
class BenchmarkRun:
    """One run: when, of which scorer (by digest), its ratios, and what is worse than the baseline by how much."""

    at: str
    scorer: str
    ratios: Mapping[Quantity, float]
    against: Mapping[Quantity, float]
    regressions: Mapping[Quantity, float]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def sentence(self) -> str:
        """A line for each quantity, in times the reference, with the change against the baseline."""
        changes = {name: self.ratios[name] / self.against[name] - 1 for name in QUANTITIES}
        lines = [
            f"{LABELS[name][0]}: {self.ratios[name]:.2f} times the reference, {changes[name]:+.0%}" for name in changes
        ]
        return "\n".join([*lines, f"{FOLDER / 'benchmark.html'} shows every run."])


def measure(root: Path, scorer: Path, baseline: Path, *, save: bool) -> BenchmarkRun:
    """One run, kept and drawn. save: it becomes the baseline. Raises NotFound without a baseline, ScorerError."""
    if not save and not baseline.is_file():
        raise NotFound(baseline, NO_BASELINE)
    stored = None if save else read_baseline(baseline)
    log.info("Measuring decisions beside the reference")
    benchmark = PerformanceBenchmark.of(scorer)
    ratios = benchmark.baseline() if save else benchmark.ratios()
    at = datetime.now(UTC).isoformat(timespec="seconds")
    if save:
        write_json(baseline, {"at": at, "ratios": ratios})
    against = stored or ratios
    run = BenchmarkRun(at, digest.of_directory(scorer) or "", ratios, against, regressions(ratios, against))
    chain(root).append(run.as_dict())
    write_text(root / FOLDER / "benchmark.html", page(list(chain(root).entries())))
    return run


def power(root: Path, scorer: Path, times: int) -> dict[str, Any]:
    """How often the benchmark is right here, written to build/operations/benchmark-power.json."""
    log.info("Measuring %s runs with a planted slowdown and as many without", times)
    figures = measure_power(PerformanceBenchmark.of(scorer), times)
    figures["sound"] = is_sound(figures)
    write_json(root / FOLDER / "benchmark-power.json", figures)
    return figures


def power_sentence(figures: Mapping[str, Any]) -> str:
    """A line for each quantity."""
    times = figures["times"]
    head = (
        f"Planted: {figures['slower_by']:.0%} slower, with {figures['slower_by']:.0%} more memory. Called a regression:"
    )
    lines = [
        f"  {LABELS[name][0]}: planted {figures['planted'][name]} of {times}, noise {figures['noise'][name]} of {times}"
        for name in QUANTITIES
    ]
    return "\n".join([head, *lines])


def read_baseline(path: Path) -> dict[Quantity, float]:
    """The ratios of a stored baseline. Raises DataError for a file that holds none."""
    try:
        ratios = {name: float(read_json(path)["ratios"][name]) for name in QUANTITIES}
    except (LookupError, TypeError, ValueError):
        ratios = {}
    if not ratios or min(ratios.values()) <= 0:
        raise DataError(f"{path} holds no ratio above 0 of each of {', '.join(QUANTITIES)}. {NO_BASELINE}")
    return ratios


def chain(root: Path) -> ChainFile:
    """Every run that was kept."""
    return ChainFile(root / FOLDER / "benchmarks.jsonl")


def page(runs: Sequence[Mapping[str, Any]]) -> str:
    """The page as text; equal runs give an equal page."""
    title = "Each run, in times its baseline"
    return template("operations.benchmark").render(
        title="Performance of decisions",
        last=_last(runs[-1]),
        at=runs[-1]["at"],
        worse_by=WORSE_BY,
        regressions=runs[-1]["regressions"],
        picture=drawn("benchmark", title, lambda drawing: draw(drawing, runs)),
        runs=len(runs),
    )


def draw(drawing: Drawing, runs: Sequence[Mapping[str, Any]]) -> None:
    """One line a quantity: the ratio over that of its baseline, with the bound above which it is a regression."""
    axes = drawing.subplots()
    numbers = range(1, len(runs) + 1)
    for (name, (label, colour)), mark in zip(LABELS.items(), "osD^", strict=True):
        changes = [run["ratios"][name] / run["against"][name] for run in runs]
        axes.plot(numbers, changes, color=colour, marker=mark, markersize=3, linewidth=1, label=label)
    axes.axhline(1 + WORSE_BY, color=plots.MUTED, linestyle="--", linewidth=1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="Run", ylabel="Times the baseline", ylim=(0, None))
    axes.legend(loc="lower left")


def _last(run: Mapping[str, Any]) -> Cells:
    rows = [
        (label, f"{run['ratios'][name]:.2f}", f"{run['ratios'][name] / run['against'][name] - 1:+.0%}")
        for name, (label, _) in LABELS.items()
    ]
    return cells(("Quantity", "Times the reference", "Against the baseline"), rows, "")
