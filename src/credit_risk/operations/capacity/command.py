"""`credit-risk capacity`: replicas ahead of the hour, and what the settings should be."""

from typing import Annotated

from typer import Context, Option, Typer

from credit_risk.command_line import HERE, OPERATIONS, Json, Root, add, before_the_verb, say, verbs
from credit_risk.rollout.options import ON_THIS_MACHINE, NamedEnvironment

HELP = "Plan replicas ahead of the hour, try such plans, and recommend settings from measurements."
PLAN_MORE = """
The ledger's hourly counts of the last weeks are smoothed (Holt-Winters, a season of a week). A plan is made only where
that beats the same hour of the week before on two weeks held back; else it says to use reactive scaling, and an older
plan is taken away. The auto-scaler of this machine keeps to it as a floor; for a cluster it is a component of KEDA
cron triggers in build/operations/keda-cron (docs/capacity.md). Call it once a day.

examples:
  credit-risk capacity plan
  credit-risk capacity plan --environment production --per-replica 25
"""
TRIAL_MORE = """
Years of a simulated lender with days, weeks, paydays and one campaign. The table has, for each year, the requests that
reactive and predictive scaling refused and their replica-hours. Minutes of processor time.

example:
  credit-risk capacity trial --years 12

exit codes: 0 predictive scaling earned its place in each year; 1 it did not in some; 2 it could not be done
"""

RECOMMEND_MORE = """
Each recommendation stands with the measurement that it is drawn from; where nothing was measured there is none, and it
says what measures it. Nothing is changed.

examples:
  credit-risk capacity recommend --environment production
  credit-risk capacity recommend --model-complexity 6000 --data-size 3000000 --available-gpus 1 --allocated-gpus 1
"""


def add_commands(app: Typer) -> None:
    """Add the commands of capacity."""
    capacity = verbs(app, "capacity", help=HELP, group=OPERATIONS)
    capacity.callback()(_capacity)
    add(capacity, "plan", _plan, more=PLAN_MORE)
    add(capacity, "trial", _trial, more=TRIAL_MORE)
    add(capacity, "recommend", _recommend, more=RECOMMEND_MORE)


def _capacity(context: Context, root: Root = HERE) -> None:  # noqa: ARG001  (handed on to the verb)
    before_the_verb(context)


def _plan(
    named: NamedEnvironment = ON_THIS_MACHINE,
    per_replica: Annotated[
        float | None,
        Option(min=0.001, help="Applications a second for one replica (default: those expected, by min_replicas)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write how many replicas each of the next 24 hours needs at least, if the forecast has earned it."""
    from credit_risk.data.writing import json_text
    from credit_risk.operations.capacity import planning

    settings = named.settings()
    made, written = planning.write(named.root.absolute(), settings, per_replica)
    if as_json:
        say(json_text(made.as_dict()))
        return
    for hour in made.hours:
        say(f"{hour.begin:%Y-%m-%d %H:%M} UTC: {hour.replicas} replicas for {hour.expected:,.2f} a second")
    say("\n".join([made.sentence, *map(str, written)]))


def _trial(
    root: Root = HERE,
    years: Annotated[int, Option(min=1, max=100, help="How many simulated years.")] = 12,
    branches: Annotated[
        bool, Option("--branches/--no-branches", help="Whether branches open at nine, all at once.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Try reactive against predictive scaling on simulated years, and say which one to use."""
    from credit_risk.data.writing import json_text, write_json
    from credit_risk.errors import CheckFailed
    from credit_risk.operations.capacity import scaling_trial
    from credit_risk.operations.use_record import FOLDER

    world = scaling_trial.LenderYear() if branches else scaling_trial.LenderYear(online=30.0, branches=0.0)
    rows = scaling_trial.compare(world, range(1, years + 1), scaling_trial.Cluster())
    verdict = scaling_trial.verdict(rows)
    figures = {"branches": branches, "years": rows, "verdict": verdict}
    write_json(root / FOLDER / ("scaling-trial.json" if branches else "scaling-trial-online.json"), figures)
    say(json_text(figures) if as_json else scaling_trial.table(rows))
    if not verdict.startswith("Use predictive"):
        raise CheckFailed(verdict)
    if not as_json:
        say(verdict)


def _recommend(
    named: NamedEnvironment = ON_THIS_MACHINE,
    model_complexity: Annotated[
        int | None, Option(min=1, help="Trees times leaves of the training to come (default: as the last one).")
    ] = None,
    data_size: Annotated[int | None, Option(min=1, help="Its rows (default: as the last one).")] = None,
    available_gpus: Annotated[int, Option(min=0, help="GPUs that there are.")] = 0,
    allocated_gpus: Annotated[int, Option(min=0, help="GPUs that are reserved for the training.")] = 0,
    as_json: Json = False,
) -> None:
    """Recommend runner, memory, workers, requests in flight and GPUs, each with its evidence; change nothing."""
    from credit_risk.data.writing import json_text
    from credit_risk.operations.capacity import recommend

    made = recommend.recommendations(
        named.root.absolute(),
        named.settings(),
        coming=recommend.TrainingSize(data_size, model_complexity),
        available_gpus=available_gpus,
        allocated_gpus=allocated_gpus,
    )
    if as_json:
        say(json_text([vars(each) for each in made]))
    else:
        say("\n".join(f"{each.subject}: {each.advice}. {each.evidence}." for each in made))
