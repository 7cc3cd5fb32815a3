"""`credit-risk score`: decide every application of a file."""

from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.batch.dask_options import ClusterAddress, EngineName, deciding  # part: dask
from credit_risk.command_line import HERE, MODEL, Environment, Root, add, environment_file

EXAMPLE = """
example:
  credit-risk score --environment production --input applications.parquet --output decisions.parquet

Which scorer may decide is said by the environment, as for the service (serving.signed_by): it carries that signature
(`credit-risk sign`), which lies beside the scorer as NAME.sig. A developer's machine (local, trial) takes one that
nobody signed, and says so; everywhere else `serving.gate` must be `required`.
"""


def add_commands(app: Typer) -> None:
    """Add the command that decides a file."""
    add(app, "score", _score, group=MODEL, more=EXAMPLE)


def _score(
    applications: Annotated[Path, Option("--input", help="Applications, CSV or Parquet by suffix.")],
    output: Annotated[Path, Option(help="Decisions, CSV or Parquet by suffix.")],
    root: Root = HERE,
    environment: Environment = None,
    scorer: Annotated[Path | None, Option(help="The scorer directory (default: models/scorer).")] = None,
    without_reasons: Annotated[
        bool, Option("--without-reasons", help="Faster, for simulation: declines carry no reasons.")
    ] = False,
    strict: Annotated[bool, Option("--strict", help="Exit 1 if any application is refused.")] = False,
    exposure: Annotated[
        str | None, Option(help="The column of what a row stands for: carried along, and added up.")
    ] = None,
    points: Annotated[bool, Option("--points", help="Of a scorecard, a column of points by characteristic.")] = False,
    # of the part: dask
    engine: EngineName = "threads",
    cluster: ClusterAddress = None,
    # end of part
) -> None:
    """Decide every application of a file, in bounded memory; a killed run goes on where it stopped."""
    from credit_risk.batch import score
    from credit_risk.batch.signed import that_may_decide
    from credit_risk.batch.task import THIS_MACHINE, BatchEngine
    from credit_risk.data.files import Files

    path = scorer or Files(root).scorer
    loaded = that_may_decide(path, environment_file(root, environment), root)
    with ExitStack() as ends:
        decides: BatchEngine = ends.enter_context(nullcontext(THIS_MACHINE))
        decides = ends.enter_context(deciding(engine, cluster, path))  # part: dask
        score.score(
            loaded,
            applications,
            output,
            reasons=not without_reasons,
            strict=strict,
            exposure=exposure,
            points=points,
            engine=decides,
        )
