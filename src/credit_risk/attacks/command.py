"""`credit-risk attacks`: attack the scorer, and write reports/parts/attacks.json."""

from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import GATES, HERE, ConfigFile, Root, add


def add_commands(app: Typer) -> None:
    """Add the command that attacks the scorer."""
    add(app, "attacks", _attacks, group=GATES)


def _attacks(
    root: Root = HERE,
    config: ConfigFile = None,
    robustness_at_least: Annotated[
        float | None, Option(help="Exit 1 unless the whole interval reaches this; 0.7 is usual.")
    ] = None,
    privacy_at_least: Annotated[
        float | None, Option(help="Exit 1 unless the whole interval reaches this; 0.8 is usual.")
    ] = None,
) -> None:
    """Attack the scorer: cheap flips of declined applicants, and membership inference."""
    from credit_risk.attacks import measure
    from credit_risk.data.repository import opened

    settings, files = opened(root, config)
    measure.run(settings, files)
    floors = {"robustness.score": robustness_at_least, "privacy.score": privacy_at_least}
    measure.check(files, {name: floor for name, floor in floors.items() if floor is not None})
