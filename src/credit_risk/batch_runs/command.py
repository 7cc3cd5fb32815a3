"""`credit-risk batch`: runs of whole files by business date."""

import os
from functools import partial
from typing import TYPE_CHECKING

from typer import Context, Typer

from credit_risk.batch_runs.options import RunOptions
from credit_risk.command_line import HERE, MODEL, Environment, Root, add, before_the_verb, environment_file, say, verbs

if TYPE_CHECKING:
    from credit_risk.batch_runs.runs import RunSink

HELP = "Decide files of applications by business date, each row accounted for and written once."
MORE = """
A run is one file of one date, named by the date and the file's digest. Killed at any moment and started again it loses
and doubles no row; finished and started again it does nothing. A file that comes late for a date is a run of its own.
Nothing is marked as finished unless as many rows, and as much exposure, stand in the sink as were read.

examples:
  credit-risk batch run --input applications.parquet --date 2026-11-30 --output s3://bucket/decisions
  credit-risk batch run --input late.csv --date 2026-11-29 --table risk.decisions --exposure loan_amount
  credit-risk batch backfill --input march.parquet --date 2026-03-31 --scorer build/version-4/scorer --output decisions
"""


def add_commands(app: Typer) -> None:
    """Add the runs."""
    batch = verbs(app, "batch", help=HELP, group=MODEL, more=MORE)
    batch.callback()(_batch)
    add(batch, "run", _run)
    add(batch, "backfill", _backfill)


def _batch(context: Context, root: Root = HERE, environment: Environment = None) -> None:  # noqa: ARG001
    before_the_verb(context)


def _run(options: RunOptions) -> None:
    """Decide a file for a business date, under the scorer that may decide now."""
    _execute(options, options.sink())


def _backfill(options: RunOptions) -> None:
    """Decide a file for a date that is past, refused unless the scorer is the one that was live at its end."""
    _execute(options, options.sink(), live_then=True)


def _execute(options: RunOptions, sink: "RunSink", *, live_then: bool = False) -> None:
    from contextlib import ExitStack

    from credit_risk.batch.dask_options import deciding  # part: dask
    from credit_risk.batch.signed import that_may_decide
    from credit_risk.batch.task import THIS_MACHINE, BatchEngine
    from credit_risk.batch_runs import live_then as history
    from credit_risk.batch_runs import recording
    from credit_risk.batch_runs import settings as batch
    from credit_risk.batch_runs.runs import execute
    from credit_risk.data.files import Files
    from credit_risk.data.repository import opened
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.registry import settings, versions
    from credit_risk.serving import settings as serving
    from credit_risk.serving.engine import digests

    at, root, applications = options.date(), options.root, options.applications
    environment, path = environment_file(root, options.environment), options.scorer or Files(root).scorer
    loaded = that_may_decide(path, environment, root)
    if live_then:
        registry = settings.load(environment, root)
        history.refuse_other(loaded, versions.read_history(opened(root)[0].project.name, registry, root), at)
    with ExitStack() as opening:
        decides: BatchEngine = THIS_MACHINE
        decides = opening.enter_context(deciding(options.engine, options.cluster, path))  # part: dask
        record = None
        if batch.load(root).ledger == "record":
            of_ledger, by = serving.load(environment).ledger, digests(path, loaded)
            ledger = opening.enter_context(open_ledger(root, of_ledger, os.environ, create=True))
            record = partial(recording.record, ledger, loaded, by, applications)
        spool = root / "build" / "batch"
        run = execute(
            loaded, applications, at, sink, spool=spool, exposure=options.exposure, record=record, engine=decides
        )
    say(f"Run {run.name} is finished: {run.totals}")
