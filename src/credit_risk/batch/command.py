"""`credit-risk score`: decide every application of a file."""

from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import HERE, MODEL, Root, add

EXAMPLE = """
example:
  credit-risk score --input applications.parquet --output decisions.parquet
"""


def add_commands(app: Typer) -> None:
    """Add the command that decides a file."""
    add(app, "score", _score, group=MODEL, more=EXAMPLE)


def _score(
    applications: Annotated[Path, Option("--input", help="Applications, CSV or Parquet by suffix.")],
    output: Annotated[Path, Option(help="Decisions, CSV or Parquet by suffix.")],
    root: Root = HERE,
    scorer: Annotated[Path | None, Option(help="The scorer directory (default: models/scorer).")] = None,
    without_reasons: Annotated[
        bool, Option("--without-reasons", help="Faster, for simulation: declines carry no reasons.")
    ] = False,
    strict: Annotated[bool, Option("--strict", help="Exit 1 if any application is refused.")] = False,
) -> None:
    """Decide every application of a file, in bounded memory; a killed run goes on where it stopped."""
    from credit_risk.batch import score
    from credit_risk.data.files import Files
    from credit_risk.scoring.scorer import Scorer

    loaded = Scorer.load(scorer or Files(root).scorer)
    score.score(loaded, applications, output, reasons=not without_reasons, strict=strict)
