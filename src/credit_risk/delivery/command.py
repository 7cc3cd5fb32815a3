"""The sub-commands of this room: environments, the local target, rollouts."""

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console

Run: TypeAlias = Callable[[argparse.Namespace], None]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

POWER = "measure how often a rollout's analysis is wrong, and how soon it is right, on simulated rollouts"
UP = "start router and service on this machine, kept running: crashed or hung, they are started again"
DOWN = "end router and services of this machine"
STATUS = "what runs on this machine, how the traffic is split, and what the rollout waits for"
SUPERVISE = "what `up` starts in the background, in the foreground: for systemd or a container"
LOCAL = """
Files, logs and the record of rollouts lie in build/delivery. `up` begins with the release of this repository as the
blue colour; `credit-risk deploy` brings another version into traffic.

exit codes: 0 done; 2 it could not be done, and the message says why
"""
ENVIRONMENT = "check the environments in configs/deploy: every problem at once, each with its line"
EXAMPLES = """
examples:
  credit-risk environment
  credit-risk environment --environment staging

exit codes: 0 sound; 2 not, and the message says what
"""


def register(commands: Commands) -> None:
    """Add the sub-commands to the one command line."""
    command = _parser(commands, "environment", ENVIRONMENT, _environment, EXAMPLES)
    command.set_defaults(environment=None)
    _power(commands)
    _local(commands)


def _power(commands: Commands) -> None:
    command = _parser(commands, "rollout-power", POWER, _measure_power)
    command.add_argument("--rollouts", type=int, default=200, help="simulated rollouts of each kind (default: 200)")
    command.add_argument("--per-look", type=int, default=1_000, help="requests between two looks (default: 1000)")
    command.add_argument("--seed", type=int, default=7, help="of the random numbers (default: 7)")


def _local(commands: Commands) -> None:
    for name, what, run in (("up", UP, _up), ("down", DOWN, _down), ("status", STATUS, _status)):
        _parser(commands, name, what, run, epilog=LOCAL)
    _parser(commands, "supervise", SUPERVISE, _supervise)


def _parser(commands: Commands, name: str, what: str, run: Run, epilog: str = "") -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    command.add_argument("--environment", default="local", help="local, staging or production (default: local)")
    command.set_defaults(run=run)
    return command


def _up(options: argparse.Namespace) -> None:
    supervisor = import_module("credit_risk.delivery.supervisor")
    environment = _settings(options.root, options.environment)
    supervisor.up(_place(options), environment, options.environment)
    _say(f"http://{environment.router.host}:{environment.router.port} answers; `credit-risk status` shows what runs.")


def _down(options: argparse.Namespace) -> None:
    ended = import_module("credit_risk.delivery.supervisor").down(_place(options))
    _say("Router and services have ended." if ended else "Nothing ran.")


def _supervise(options: argparse.Namespace) -> None:
    supervisor = import_module("credit_risk.delivery.supervisor")
    environment, place = _settings(options.root, options.environment), _place(options)
    supervisor.prepare(place, environment)
    supervisor.Supervisor(place, environment).run()


def _status(options: argparse.Namespace) -> None:
    status = import_module("credit_risk.delivery.status")
    Console(highlight=False).print(status.shown(_place(options)))


def _place(options: argparse.Namespace) -> Any:
    return import_module("credit_risk.delivery.place").Place(options.root.absolute())


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
