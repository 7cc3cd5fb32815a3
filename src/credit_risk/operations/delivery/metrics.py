"""The metrics of the pipeline from what its sources recorded. Pure; a source that is not there gives "no record"."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal, TypeAlias

from credit_risk.operations.delivery.changes import DeployedChange, deployments
from credit_risk.operations.delivery.gate_history import GateVerdict, blocked
from credit_risk.operations.delivery.github import WorkflowRun
from credit_risk.operations.use_record import Use, pipeline_runs
from credit_risk.registry.lifecycle import HistoryEvent

NO_RECORD = "no record"
Group = Literal["pipeline-duration", "test-coverage", "build-success", "delivery"]
CommitTime: TypeAlias = Callable[[str | None], datetime | None]


@dataclass(frozen=True)
class Metric:
    """A figure with the number of records behind it. value: None where there is no record, and `why` says of what."""

    label: str
    group: Group
    unit: Literal["seconds", "share", "per week"]
    value: float | None
    n: int
    why: str = ""


@dataclass(frozen=True)
class Sources:
    """What was there to read; None: the source is not there, and `missing` has its sentence under the same name.

    coverage: share of lines. drill: seconds from each fault that was planted until the live version had all traffic.
    """

    changes: Sequence[DeployedChange] | None = None
    registry_history: Sequence[HistoryEvent] | None = None
    verdicts: Sequence[GateVerdict] | None = None
    workflow_runs: Sequence[WorkflowRun] | None = None
    uses: Sequence[Use] = ()
    coverage: float | None = None
    drill: Mapping[str, float] | None = None
    missing: Mapping[str, str] = field(default_factory=dict)


def measure(sources: Sources, commit_time: CommitTime, since: datetime, now: datetime) -> dict[str, Metric]:
    """Every metric by its name. since: where the window begins; what happened before it does not count."""
    return {
        **_of_changes(sources, since, now),
        "restored_in_drill": _drill(sources),
        "commit_to_champion": _commit_to_champion(sources, commit_time, since),
        "gate_pass_share": _gate(sources),
        **_of_runs(sources, since),
        **_of_workflows(sources),
        "test_coverage": _coverage(sources),
    }


def gates(sources: Sources) -> dict[str, Any]:
    """How often the gate said what, and how often each check blocked; `why` where no record is there."""
    if sources.verdicts is None:
        return {"why": _why(sources, "verdicts"), "verdicts": {}, "blocked": {}}
    verdicts = [verdict.verdict for verdict in sources.verdicts]
    counts = {name: verdicts.count(name) for name in sorted(set(verdicts))}
    return {"why": "", "verdicts": counts, "blocked": blocked(sources.verdicts)}


def stages(sources: Sources, since: datetime) -> dict[str, dict[str, Any]]:
    """Of each stage: how often it ran and how often it was in the cache; median seconds and processor seconds."""
    own = [use for use in sources.uses if use.kind == "stage" and use.when >= since]
    table = {}
    for name in dict.fromkeys(use.name for use in own):
        runs = [use for use in own if use.name == name and not use.cached]
        table[name] = {
            "ran": len(runs),
            "cached": sum(1 for use in own if use.name == name and use.cached),
            "seconds": _median(use.seconds for use in runs),
            "cpu_seconds": _median(use.cpu_seconds for use in runs),
        }
    return table


def weeks(sources: Sources, since: datetime, now: datetime) -> list[dict[str, Any]]:
    """The trend: for each week that ends in the window, deployments, failed ones, and the gate's verdicts."""
    count = int((now - since) / timedelta(days=7))
    trend = []
    for number in range(count, 0, -1):
        begin, end = now - timedelta(days=7 * number), now - timedelta(days=7 * (number - 1))
        within = [change for change in deployments(sources.changes or ()) if begin <= _first(change) < end]
        verdicts = [verdict for verdict in sources.verdicts or () if begin <= verdict.at < end]
        trend.append(
            {
                "week": f"{begin:%Y-%m-%d}",
                "deployments": None if sources.changes is None else len(within),
                "failed": None if sources.changes is None else sum(change.failed for change in within),
                "verdicts": None if sources.verdicts is None else len(verdicts),
                "blocked": None if sources.verdicts is None else sum(bool(each.blocking) for each in verdicts),
            }
        )
    return trend


def as_dict(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """As JSON has it."""
    return {name: asdict(metric) for name, metric in metrics.items()}


def _of_changes(sources: Sources, since: datetime, now: datetime) -> dict[str, Metric]:
    known = None if sources.changes is None else _deployed_since(sources.changes, since)
    changes = known or []
    restored = [change.restored_after.total_seconds() for change in changes if change.restored_after]
    weeks_long = (now - since) / timedelta(days=7)
    per_week = None if known is None else len(changes) / weeks_long
    failed = sum(change.failed for change in changes) / len(changes) if changes else None
    why = _why(sources, "changes") if known is None else ""
    nothing = why or f"{NO_RECORD} of a deployment in the window"
    return {
        "deployment_frequency": Metric("Deployments", "delivery", "per week", per_week, len(changes), why),
        "change_failure_rate": Metric(
            "Changes that failed", "delivery", "share", failed, len(changes), "" if changes else nothing
        ),
        "time_to_restore": Metric(
            *("Time to restore", "delivery", "seconds"),
            *(_median(restored), len(restored), "" if restored else why or f"{NO_RECORD} of a failed change"),
        ),
    }


def _deployed_since(changes: Sequence[DeployedChange], since: datetime) -> list[DeployedChange]:
    return [change for change in deployments(changes) if _first(change) >= since]


def _first(change: DeployedChange) -> datetime:
    return change.in_traffic or change.begun


def _commit_to_champion(sources: Sources, commit_time: CommitTime, since: datetime) -> Metric:
    label = "From commit to champion"
    if sources.registry_history is None:
        return Metric(label, "delivery", "seconds", None, 0, _why(sources, "registry_history"))
    commits = {move.version: move.facts.get("commit") for move in sources.registry_history if move.move == "register"}
    promoted = [move for move in sources.registry_history if move.move == "promote" and move.at >= since]
    times = [(move.at, commit_time(commits.get(move.version))) for move in promoted]
    seconds = [(at - made).total_seconds() for at, made in times if made]
    if unknown := len(times) - len(seconds):
        why = f"{unknown} of {len(times)} promoted versions were made from a commit that this repository does not know"
    else:
        why = "" if times else f"{NO_RECORD} of a promotion in the window"
    return Metric(label, "delivery", "seconds", _median(seconds), len(seconds), why)


def _gate(sources: Sources) -> Metric:
    verdicts = sources.verdicts or ()
    passed = sum(verdict.verdict.startswith("PASS") for verdict in verdicts)
    share = passed / len(verdicts) if verdicts else None
    why = _why(sources, "verdicts") if sources.verdicts is None else f"{NO_RECORD} of a verdict in the window"
    return Metric("Gate verdicts that let pass", "delivery", "share", share, len(verdicts), "" if verdicts else why)


def _drill(sources: Sources) -> Metric:
    """The slowest of the planted faults: the others were over sooner."""
    seconds = list((sources.drill or {}).values())
    why = "" if seconds else _why(sources, "drill")
    return Metric("Time to restore, drill", "delivery", "seconds", max(seconds, default=None), len(seconds), why)


def _of_runs(sources: Sources, since: datetime) -> dict[str, Metric]:
    uses = [use for use in sources.uses if use.when >= since]
    own, runs = [use for use in uses if use.kind == "stage"], pipeline_runs(uses)
    ended = [use for use in runs if use.ended_well is not None]
    hits = sum(use.cached for use in own) / len(own) if own else None
    well = sum(bool(use.ended_well) for use in ended) / len(ended) if ended else None
    why = f"{NO_RECORD} of a run: `make measured-run` measures one"
    seconds = [use.seconds for use in runs if use.seconds is not None]
    return {
        "pipeline_duration": Metric(
            *("A measured run of the pipeline", "pipeline-duration", "seconds"),
            *(_median(seconds), len(seconds), "" if seconds else why),
        ),
        "cache_hit_share": Metric(
            "Stages found in the cache", "pipeline-duration", "share", hits, len(own), "" if own else why
        ),
        "run_success": Metric(
            "Measured runs that ended well", "build-success", "share", well, len(ended), "" if ended else why
        ),
    }


def _of_workflows(sources: Sources) -> dict[str, Metric]:
    runs = sources.workflow_runs or ()
    concluded = [run for run in runs if run.succeeded is not None]
    why = _why(sources, "workflow_runs") if sources.workflow_runs is None else f"{NO_RECORD} of a run in the window"
    share = sum(bool(run.succeeded) for run in concluded) / len(concluded) if concluded else None
    seconds = [run.seconds for run in concluded]
    return {
        "build_success": Metric(
            *("Runs of workflows that succeeded", "build-success", "share"),
            *(share, len(concluded), "" if concluded else why),
        ),
        "workflow_duration": Metric(
            *("A run of a workflow", "pipeline-duration", "seconds"),
            *(_median(seconds), len(seconds), "" if concluded else why),
        ),
    }


def _coverage(sources: Sources) -> Metric:
    n, why = (0, _why(sources, "coverage")) if sources.coverage is None else (1, "")
    return Metric("Lines that tests reach", "test-coverage", "share", sources.coverage, n, why)


def _why(sources: Sources, name: str) -> str:
    return f"{NO_RECORD}: {sources.missing.get(name, f'{name} were not read')}"


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
