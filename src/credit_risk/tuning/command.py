"""`credit-risk tune`: search the model's parameters."""

from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import HERE, MODEL, ConfigFile, Root, add


def add_commands(app: Typer) -> None:
    """Add the command that searches parameters."""
    add(app, "tune", _tune, group=MODEL)


def _tune(
    root: Root = HERE,
    config: ConfigFile = None,
    trials: Annotated[int | None, Option(help="How many parameter sets to try (default: tune.trials).")] = None,
) -> None:
    """Search LightGBM's parameters, resumable; write configs/model.yaml."""
    from credit_risk.data.repository import opened
    from credit_risk.tuning import search

    settings, files = opened(root, config)
    search.tune(settings, files, trials=trials or search.declared(settings).trials)
