"""The sub-commands of this room: `credit-risk environment`."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

ENVIRONMENT = "check the environments in configs/deploy: every problem at once, each with its line"
EXAMPLES = """
examples:
  credit-risk environment
  credit-risk environment --environment staging

exit codes: 0 sound; 2 not, and the message says what
"""


def register(commands: Commands) -> None:
    """Add the sub-commands to the one command line."""
    command = commands.add_parser(
        "environment",
        help=ENVIRONMENT,
        description=ENVIRONMENT[0].upper() + ENVIRONMENT[1:] + ".",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    command.add_argument("--environment", help="local, staging or production (default: each of them)")
    command.set_defaults(run=_environment)


def _environment(options: argparse.Namespace) -> None:
    settings = import_module("credit_risk.delivery.settings")
    for name in [options.environment] if options.environment else settings.NAMES:
        found = settings.validate_environment_config(options.root / "configs" / "deploy" / f"{name}.yaml")
        scaling, compute = found.scaling, found.compute
        Console(highlight=False, soft_wrap=True).print(
            f"{name}: {scaling.min_replicas} to {scaling.max_replicas} replicas of {compute.cpu:g} cores and "
            f"{compute.memory_gb:g} GB, steps {', '.join(map(str, found.rollout.steps))} %"
        )
