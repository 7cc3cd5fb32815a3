"""`credit-risk measure` and `credit-risk cost`: what work takes, what that costs, and whether the budget holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Exit, Option, Typer

from credit_risk.command_line import OPERATIONS, Json, add, say
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.rollout.options import ON_THIS_MACHINE, NamedEnvironment

if TYPE_CHECKING:
    from credit_risk.operations.costs.budget import BudgetVerdict
    from credit_risk.rollout.settings import Environment as EnvironmentSettings

MEASURE_MORE = """
Processor seconds are the system's own count of the program and all that it started; memory is looked at four times a
second. Of `dvc repro` each stage is recorded too, and whether its outputs were there already. Facts are only added, to
build/operations/use.jsonl, with the size of what lies on the disk.

example:
  credit-risk measure --name NAME -- COMMAND

as in:
  credit-risk measure -- dvc repro
  credit-risk measure --kind serving --every 300 -- credit-risk serve
  credit-risk measure --within-budget --kind retraining -- make run

exit codes: those of the program; 1 with --within-budget, where the month's budget is spent; 2 it could not be started
"""
COST_MORE = """
Prices and budget stand in the environment's `costs:` (docs/costs.md). --runner-type adds a job that ran elsewhere:
`hosted` is billed by the minute, any other by its cores (--compute-units). --duration is in minutes.

examples:
  credit-risk cost --environment production
  credit-risk cost --runner-type hosted --duration 12 --compute-units 1 --estimated-cost 0.10
  credit-risk cost --check

exit codes: 0 done; 1 with --check, where the budget is spent without a waiver or nothing was measured this month; 2 it
could not be done
"""


def add_commands(app: Typer) -> None:
    """Add the commands that measure work and price it."""
    add(app, "measure", _measure, group=OPERATIONS, more=MEASURE_MORE)
    add(app, "cost", _cost, group=OPERATIONS, more=COST_MORE)


def _measure(
    command: Annotated[list[str], Argument(help="The program and its arguments, behind `--`.")],
    named: NamedEnvironment = ON_THIS_MACHINE,
    kind: Annotated[Literal["run", "retraining", "serving"], Option(help="What its costs count as.")] = "run",
    name: Annotated[str | None, Option(help="How the record names it (default: the program's name).")] = None,
    every: Annotated[
        float | None, Option(min=1, help="Seconds between records of what runs on and on (default: one at the end).")
    ] = None,
    within_budget: Annotated[
        bool, Option("--within-budget", help="Start it only while the month's budget is not spent, or that is waived.")
    ] = False,
) -> None:
    """Run a program and record what it took: processor, memory, each DVC stage, cache hits, decisions made."""
    from credit_risk.operations.costs import tracking

    settings = named.settings()
    if within_budget:
        say(_enforced(named.root, settings).sentence)
    name = name or Path(command[0]).name
    code = tracking.measure(named.root.absolute(), settings, command, kind, name, every_s=every)
    if code:
        raise Exit(code)


def _cost(
    named: NamedEnvironment = ON_THIS_MACHINE,
    runner_type: Annotated[
        str | None, Option(metavar="hosted|NAME", help="Add a job of such a runner; one of your own by any name.")
    ] = None,
    duration: Annotated[float | None, Option(min=0, help="Minutes that the job took.")] = None,
    compute_units: Annotated[
        float, Option(min=0, help="Of a hosted runner: its price in times the smallest; else: cores.")
    ] = 1.0,
    estimated_cost: Annotated[float | None, Option(min=0, help="What it was foretold to cost.")] = None,
    job: Annotated[str, Option(help="The job's name.")] = "job",
    check: Annotated[bool, Option("--check", help="Exit 1 where the month's budget is spent and nobody waived it.")] = (
        False
    ),
    as_json: Json = False,
) -> None:
    """What the measured work of this month cost at the environment's prices, against its budget; or add a job to it."""
    from credit_risk.data.writing import json_text
    from credit_risk.operations.costs import report

    if (runner_type is None) != (duration is None):
        raise UsageError("--runner-type and --duration belong together: expected both, or neither.")
    settings = named.settings()
    sentences = []
    if runner_type is not None and duration is not None:
        sentences = [_added(named.root, settings, runner_type, duration, compute_units, estimated_cost, job)]
    verdict, figures = report.write(named.root.absolute(), settings)
    say(json_text(figures) if as_json else "\n".join([*sentences, *report.sentences(figures)]))
    if check and verdict.state in ("REFUSED", "CANNOT SAY"):
        raise CheckFailed(verdict.sentence)


def _added(
    root: Path,
    settings: "EnvironmentSettings",
    runner_type: str,
    minutes: float,
    units: float,
    estimated: float | None,
    name: str,
) -> str:
    """Record a job, and say what it cost."""
    from datetime import UTC, datetime

    from credit_risk.operations.costs import pricing, tracking
    from credit_risk.operations.use_record import UseRecord

    use = tracking.job(
        runner_type=runner_type,
        minutes=minutes,
        compute_units=units,
        estimated_cost=estimated,
        name=name,
        now=datetime.now(UTC),
    )
    UseRecord(root.absolute()).add(use)
    cost: Any = pricing.of_use(use, settings.costs).amount
    return f"{name} cost {cost:,.2f} {settings.costs.currency}.{tracking.off_by(use, cost)}"


def _enforced(root: Path, settings: "EnvironmentSettings") -> "BudgetVerdict":
    """The budget's verdict. Raises BudgetExceeded."""
    from credit_risk.operations.costs import report

    return report.enforced(root.absolute(), settings)
