"""Records of what work took: a measured program, a job on somebody's runner, what lies on the disk."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from credit_risk.operations import ledger_counts
from credit_risk.operations.measuring import Consumption, measured
from credit_risk.operations.use_record import Kind, Use, UseRecord, of_segment
from credit_risk.rollout.settings import Costs, Environment

HOSTED = "hosted"  # billed by the minute; any other runner by its cores
STORED = (Path(".dvc") / "cache", Path("artifacts"), Path("build"), Path("data"), Path("models"), Path("reports"))
GITHUB = "RUNNER_ENVIRONMENT"  # GitHub's own variable: github-hosted or self-hosted


def measure(
    root: Path,
    environment: Environment,
    command: Sequence[str],
    kind: Kind,
    name: str,
    *,
    every_s: float | None = None,
    variables: Mapping[str, str] = os.environ,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Run a program and record what it and each of its DVC stages took. Returns its exit code. Raises NotStarted."""
    record, run = UseRecord(root), f"{clock():%Y%m%d-%H%M%S}-{os.getpid()}"
    before = decisions_so_far(root, environment)
    code = 0
    for segment in measured(command, variables, every_s):
        use = of_segment(segment, kind, name, run, clock())
        if use.kind == kind:
            now = decisions_so_far(root, environment)
            made = None if now is None or before is None else now - before
            billed = _billed_minutes(segment.taken, variables)
            code = segment.exit_code if segment.exit_code is not None else code
            ended_well = None if segment.exit_code is None else segment.exit_code == 0
            use = Use(**(vars(use) | {"decisions": made, "runner_minutes": billed, "ended_well": ended_well}))
            before = now
        record.add(use)
    record.add(stored(root, clock()))
    return code


def job(
    *,
    runner_type: str,
    minutes: float,
    compute_units: float,
    estimated_cost: float | None,
    name: str,
    now: datetime,
) -> Use:
    """A job that ran elsewhere. compute_units: of a hosted runner, its price in times that of the smallest; else cores.

    minutes: on the clock, as billed. estimated_cost: what somebody foretold, in the environment's currency.
    """
    shared = {"name": name, "estimated_cost": estimated_cost, "seconds": minutes * 60}
    if runner_type == HOSTED:
        return Use(now.isoformat(), "runner", runner_minutes=minutes * compute_units, **shared)  # type: ignore[arg-type]
    cpu_seconds = minutes * 60 * compute_units
    return Use(now.isoformat(), "runner", cpu_seconds=cpu_seconds, memory_gb_hours=0.0, **shared)  # type: ignore[arg-type]


def stored(root: Path, now: datetime) -> Use:
    """What lies on the disk of what a run or the service writes. A file with two names counts once."""
    sizes = {}
    for path in (path for folder in STORED for path in (root / folder).rglob("*") if path.is_file()):
        facts = path.stat()
        sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return Use(now.isoformat(), "storage", "the repository's folders", storage_gb=sum(sizes.values()) / 1e9)


def decisions_so_far(root: Path, environment: Environment) -> int | None:
    """Decisions in the environment's ledger; None where there is no ledger, or its key is not here."""
    with ledger_counts.ledger_if_there(root, environment.serving.ledger) as ledger:
        return None if ledger is None else ledger_counts.decisions(ledger)


def off_by(use: Use, cost: float) -> str:
    """By how much an estimate was wrong, in a sentence; empty without one."""
    if use.estimated_cost is None:
        return ""
    return f" It was estimated at {use.estimated_cost:,.2f}: {cost - use.estimated_cost:+,.2f}."


def _billed_minutes(taken: Consumption, variables: Mapping[str, str]) -> float | None:
    """Minutes that a hosted runner bills: begun ones are whole. None on a machine of one's own."""
    return float(-(-taken.seconds // 60)) if variables.get(GITHUB) == "github-hosted" else None


def prices_said(prices: Costs) -> str:
    """The unit prices, in a sentence: what is computed is no better than these."""
    storage = "not billed apart" if prices.storage_gb_month is None else f"{prices.storage_gb_month:g}"
    return (
        f"At {prices.core_hour:g} a core hour, {prices.gb_hour:g} a GB hour of memory, {prices.runner_minute:g} a "
        f"runner minute and storage by the GB month at {storage} ({prices.currency}, configs/deploy)."
    )
