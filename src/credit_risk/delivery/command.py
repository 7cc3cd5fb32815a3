"""The sub-commands of this room: `credit-risk environment` and `credit-risk rollout-power`."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

POWER = "measure how often a rollout's analysis is wrong, and how soon it is right, on simulated rollouts"
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
    _power(commands)


def _power(commands: Commands) -> None:
    command = commands.add_parser("rollout-power", help=POWER, description=POWER[0].upper() + POWER[1:] + ".")
    command.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    command.add_argument("--environment", default="local", help="whose analysis (default: local)")
    command.add_argument("--rollouts", type=int, default=200, help="simulated rollouts of each kind (default: 200)")
    command.add_argument("--per-look", type=int, default=1_000, help="requests between two looks (default: 1000)")
    command.add_argument("--seed", type=int, default=7, help="of the random numbers (default: 7)")
    command.set_defaults(run=_measure_power)


def _measure_power(options: argparse.Namespace) -> None:
    simulate = import_module("credit_risk.delivery.simulate")
    rollout = _settings(options.root, options.environment).rollout
    steps = [step for step in rollout.steps if step < 100]
    _say(f"{options.rollouts} rollouts each; at most {rollout.analysis.false_alarms:.1%} of the sound may be stopped")
    for line in simulate.measure(
        rollout.analysis, steps, rollouts=options.rollouts, per_look=options.per_look, seed=options.seed
    ):
        _say(line)


def _settings(root: Path, name: str) -> Any:
    settings = import_module("credit_risk.delivery.settings")
    return settings.validate_environment_config(root / "configs" / "deploy" / f"{name}.yaml")


def _environment(options: argparse.Namespace) -> None:
    settings = import_module("credit_risk.delivery.settings")
    for name in [options.environment] if options.environment else settings.NAMES:
        found = _settings(options.root, name)
        scaling, compute = found.scaling, found.compute
        _say(
            f"{name}: {scaling.min_replicas} to {scaling.max_replicas} replicas of {compute.cpu:g} cores and "
            f"{compute.memory_gb:g} GB, steps {', '.join(map(str, found.rollout.steps))} %"
        )


def _say(text: str) -> None:
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(text)
