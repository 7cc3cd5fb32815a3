"""Where rollouts happen: one machine (`rollout.local`) or a cluster (`rollout.kubernetes`); either may be gone.

A target is found here alone, by name and late, so that a fork can take one out and keep its rollouts in the other.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol, TypeAlias

from rich.console import RenderableType

from credit_risk.errors import UsageError
from credit_risk.rollout.colours import Colour
from credit_risk.rollout.engine import Target
from credit_risk.rollout.folder import RolloutFolder
from credit_risk.rollout.settings import Environment

TargetName: TypeAlias = Literal["local", "kubernetes"]
PACKAGE = "credit_risk.rollout"


class TargetMissing(UsageError):
    """An environment is for a target that was taken out of this repository."""

    def __init__(self, name: TargetName, environment: str) -> None:
        super().__init__(
            f"{environment} is an environment of the target {name!r}, and {PACKAGE}.{name} was taken out of this "
            "repository: bring it back, or choose an environment of another target (configs/deploy)."
        )


class DeploymentTarget(Target, Protocol):
    """What `credit-risk deploy` needs to know of a target, beside what the engine does with it."""

    def require_running(self) -> None:
        """Raise where nothing runs that a version could be brought into."""

    def foreign_live(self) -> tuple[Colour, str] | None:
        """The live colour and its version, where it may have come from elsewhere and is to be fetched; else None."""

    def overview(self) -> RenderableType:
        """What runs, how traffic is split and how the rollout stands. Raises where that cannot be seen."""

    def facts(self) -> dict[str, Any]:
        """What the overview shows, as values that JSON knows. Raises where that cannot be seen."""


def name_of(environment: Environment) -> TargetName:
    """The target of an environment: the cluster that it names, or else this machine."""
    return "local" if environment.kubernetes is None else "kubernetes"


def find_target(environment: Environment, folder: RolloutFolder, health: str) -> DeploymentTarget:
    """The target of an environment. Raises TargetMissing where it was taken out."""
    target: DeploymentTarget = part_of(environment, "target").connect(environment, folder, health)
    return target


def part_of(environment: Environment, module: str) -> Any:
    """A module of the environment's target, imported late. Raises TargetMissing where it was taken out."""
    name = name_of(environment)
    if find_spec(f"{PACKAGE}.{name}") is None:
        raise TargetMissing(name, environment.environment)
    return import_module(f"{PACKAGE}.{name}.{module}")
