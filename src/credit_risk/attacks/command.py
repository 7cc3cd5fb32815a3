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
    check: Annotated[
        bool, Option("--check", help="Exit 1 unless both clear the floors of configs/policies/attack_floors.yaml.")
    ] = False,
) -> None:
    """Attack the scorer: cheap flips of declined applicants, and membership inference."""
    from credit_risk.attacks import floors, measure
    from credit_risk.config.schema import Gate
    from credit_risk.data.repository import opened

    gates = list(floors.gates(floors.load(root))) if check else []
    for name, floor in (("robustness", robustness_at_least), ("privacy", privacy_at_least)):
        if floor is not None:
            why = "asked for on the command line"
            gates.append(Gate(name=f"{name}_score", measure=f"{name}.score", at_least=floor, reason=why))
    settings, files = opened(root, config)
    measure.run(settings, files)
    measure.check(files, gates)
