"""What the settings should be, each with the measurement that says so. Nothing is changed; without one, no advice."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.operations.use_record import FOLDER, Use, UseRecord, pipeline_runs
from credit_risk.rollout.settings import Environment

SEARCH = FOLDER / "capacity-search.json"
NO_ADVICE = "no advice"


@dataclass(frozen=True)
class Recommendation:
    """What to set to what, and why. advice: NO_ADVICE where nothing was measured; evidence says what measures it."""

    subject: str
    advice: str
    evidence: str


@dataclass(frozen=True)
class TrainingSize:
    """A training: rows, and trees times leaves. None where it is not known."""

    rows: int | None
    complexity: int | None


def recommendations(
    root: Path, environment: Environment, *, coming: TrainingSize, available_gpus: int, allocated_gpus: int
) -> list[Recommendation]:
    """Everything that can be advised from what was measured here. coming: the training to come. Raises ConfigError."""
    uses, files = UseRecord(root).read(), Files(root)
    config = load(files.config)
    measured = trained(config, files)
    seconds = training_seconds(uses)
    return [
        cores(pipeline_runs(uses), environment),
        memory(uses, environment),
        service(read_json(root / SEARCH) if (root / SEARCH).is_file() else None, environment),
        gpus(available_gpus, allocated_gpus, expected_training(seconds, measured, coming)),
    ]


def cores(runs: Sequence[Use], environment: Environment) -> Recommendation:
    """The runner of the pipeline: as many cores as a run keeps busy, and where it costs less."""
    known = [use for use in runs if use.cpu_seconds and use.seconds]
    if not known:
        return Recommendation("runner of the pipeline", NO_ADVICE, "no record of a run: `make measured-run`")
    busy = median((use.cpu_seconds or 0.0) / (use.seconds or 1.0) for use in known)
    seconds, number, prices = median(use.seconds or 0.0 for use in known), max(math.ceil(busy), 1), environment.costs
    own, hosted = seconds / 3600 * number * prices.core_hour, math.ceil(seconds / 60) * prices.runner_minute
    cheaper = "of your own" if own < hosted else "hosted"
    return Recommendation(
        "runner of the pipeline",
        f"{number} core{'s' if number > 1 else ''}, {cheaper}",
        f"{len(known)} measured runs keep {busy:.2f} cores busy for {seconds:.0f} s (medians): {own:.3g} "
        f"{prices.currency} on cores of your own, {hosted:.3g} hosted",
    )


def memory(uses: Iterable[Use], environment: Environment) -> Recommendation:
    """The memory of a replica, by what the measured service holds; a quarter more, for what no mean shows."""
    subject, configured = "compute.memory_gb", environment.compute.memory_gb
    known = [use for use in uses if use.kind == "serving" and use.seconds and use.memory_gb_hours]
    if not known:
        return Recommendation(subject, NO_ADVICE, "no record of the service: `credit-risk measure --kind serving`")
    means = [(use.memory_gb_hours or 0.0) / ((use.seconds or 1.0) / 3600) for use in known]
    needed = math.ceil(max(means) * 1.25 * 4) / 4
    advice = "keep it" if needed == configured else f"{needed:g} instead of {configured:g}"
    return Recommendation(subject, advice, f"the service held {max(means):.2f} GB in the mean of its largest period")


def service(searched: Mapping[str, Any] | None, environment: Environment) -> Recommendation:
    """Workers and requests in flight, as the open-loop search found them."""
    subject = "serving.workers, serving.limits.in_flight"
    if searched is None:
        return Recommendation(subject, NO_ADVICE, "no record of a search: `make capacity-search`")
    best, serving = searched["best"], environment.serving
    now = serving.workers, serving.limits.in_flight
    better = best["workers"], best["in_flight"]
    advice = "keep them" if better == now else f"{better[0]} and {better[1]} instead of {now[0]} and {now[1]}"
    return Recommendation(
        subject,
        advice,
        f"{best['per_second']:,.0f} a second were accepted within {searched['p99_ms']:g} ms (p99) in an open loop; "
        f"{best['measured']} settings were tried",
    )


def gpus(available: int, allocated: int, expected_s: float | None) -> Recommendation:
    """GPUs for the training: none, as long as nothing that is fitted here can use one."""
    advice = f"free all {allocated}" if allocated else "allocate none"
    expected = (
        "" if expected_s is None else f"; about {expected_s:,.0f} s of processor are expected for such a training"
    )
    return Recommendation(
        f"GPUs ({available} available, {allocated} allocated)",
        advice,
        f"no key of configs/model.yaml lets LightGBM use a GPU, and nothing else is trained{expected}",
    )


def expected_training(seconds: float | None, measured: TrainingSize, coming: TrainingSize) -> float | None:
    """Processor seconds of a training to come: those measured, by its rows and by its trees times leaves."""
    if seconds is None or not measured.rows or not measured.complexity:
        return None
    rows, complexity = coming.rows or measured.rows, coming.complexity or measured.complexity
    return seconds * rows / measured.rows * complexity / measured.complexity


def training_seconds(uses: Iterable[Use]) -> float | None:
    """The median of the stage `train` in measured runs."""
    seconds = [
        use.cpu_seconds for use in uses if use.kind == "stage" and use.name == "train" and use.cpu_seconds is not None
    ]
    return median(seconds) if seconds else None


def trained(config: Config, files: Files) -> TrainingSize:
    """The last training here, as far as its artefacts are there."""
    preparation, training = files.report("preparation"), files.model / "training.json"
    rows = read_json(preparation)["rows_read"] if preparation.is_file() else None
    trees = read_json(training)["trees"] if training.is_file() else None
    return TrainingSize(rows, None if trees is None else trees * config.parameters.num_leaves)
