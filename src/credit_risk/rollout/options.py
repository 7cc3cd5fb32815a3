"""The options by which the commands of rollouts, and of each target, name an environment."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from typer import Option

from credit_risk.command_line import HERE, Root, environment_file, is_path, say
from credit_risk.errors import UsageError

if TYPE_CHECKING:
    from credit_risk.rollout.deployment import Site
    from credit_risk.rollout.record.state import RolloutState
    from credit_risk.rollout.settings import Environment as EnvironmentSettings

LOCAL: Final = "local"

Environment = Annotated[
    str, Option("--environment", metavar="NAME|FILE", help="local, staging or production; or its file.")
]
Check = Annotated[bool, Option("--check", help="Write nothing, and exit 1 if a file is stale.")]
EnvironmentFile = Annotated[
    Path | None, Option("--config-file", help="The environment's file, if it is not configs/deploy/NAME.yaml.")
]


def read_environment(root: Path, environment: str, config_file: Path | None) -> "EnvironmentSettings":
    """The environment that the options name. Raises ConfigError with every problem; NotFound without the file."""
    from credit_risk.rollout.settings import NAMES, validate_environment_config  # noqa: PLC0415  (`--help` need not wait)

    if config_file is None and not is_path(environment) and environment not in NAMES:
        there = environment_file(root, environment)
        only = f": {there} says how a service runs, not how versions come into traffic" if there.is_file() else ""
        raise UsageError(f"--environment {environment}: expected {', '.join(NAMES)} or a file{only}.")
    path = config_file or environment_file(root, environment)
    return validate_environment_config(path, None if is_path(environment) else environment)


@dataclass(frozen=True)
class NamedEnvironment:
    """The environment that a command line names, of the repository at `root`."""

    root: Root = HERE
    environment: Environment = LOCAL
    config_file: EnvironmentFile = None

    def settings(self) -> "EnvironmentSettings":
        return read_environment(self.root, self.environment, self.config_file)

    def site(self, health: str = "/health") -> "Site":
        """The repository with that environment."""
        from credit_risk.rollout.deployment import Site  # noqa: PLC0415  (`--help` need not wait)

        path = self.config_file or environment_file(self.root, self.environment)
        return Site(self.root.absolute(), self.settings(), path.absolute(), health)


ON_THIS_MACHINE = NamedEnvironment()


@dataclass(frozen=True)
class RolloutOptions:
    """The version that is to have traffic, and how."""

    version: Annotated[
        str,
        Option(
            "--model-version",
            "--new-version",
            help="A number of the registry, `challenger`, or `here` for the release of this repository.",
        ),
    ] = "challenger"
    strategy: Annotated[Literal["canary", "blue-green", "direct"], Option(help="How.")] = "canary"
    percent: Annotated[
        int | None,
        Option(
            *("--traffic-percentage", "--traffic-shift"),
            min=1,
            max=100,
            help="The first share of traffic (default: as planned).",
        ),
    ] = None
    duration: Annotated[
        float | None,
        Option(
            min=1,
            help="Seconds for all steps together, shared out evenly; a step also lasts until it is proved good "
            "(default: the environment's step_s and bake_s).",
        ),
    ] = None
    current: Annotated[str | None, Option("--current-version", help="Refuse unless this version is live now.")] = None

    def start(self, site: "Site", who: str, why: str) -> "RolloutState":
        """Bring the version into traffic, and return how it ended."""
        from credit_risk.rollout import CanaryDeployer, deployment  # noqa: PLC0415  (late, as in every command)

        if self.strategy == "canary":
            deployer = CanaryDeployer(site, self.duration, say)
            return deployer.deploy(self.version, by=who, reason=why, percent=self.percent, current=self.current)
        request = deployment.DeploymentRequest(
            self.version, self.strategy, who, why, self.percent, self.current, self.duration
        )
        return deployment.deploy(site, request, say)


AS_PLANNED = RolloutOptions()
