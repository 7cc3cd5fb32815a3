"""Where rollouts happen: one machine (`rollout.local`) or a cluster (`rollout.kubernetes`); either may be gone.

A target is found here alone, by name and late, so that a fork can take one out and keep its rollouts in the other.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

from credit_risk.errors import UsageError
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


def name_of(environment: Environment) -> TargetName:
    """The target of an environment: the cluster that it names, or else this machine."""
    return "local" if environment.kubernetes is None else "kubernetes"


def part_of(environment: Environment, module: str) -> Any:
    """A module of the environment's target, imported late. Raises TargetMissing where it was taken out.

    Each target has `target`, whose connect(environment, folder, health) gives what deployment.DeploymentTarget says,
    and `status`, whose overview(environment, folder) shows what runs, and facts(environment, folder) as values.
    """
    name = name_of(environment)
    if find_spec(f"{PACKAGE}.{name}") is None:
        raise TargetMissing(name, environment.environment)
    return import_module(f"{PACKAGE}.{name}.{module}")
