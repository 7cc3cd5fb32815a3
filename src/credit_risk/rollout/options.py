"""The options by which the commands of rollouts, and of each target, name an environment."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from typer import Option

from credit_risk.command_line import environment_file, is_path
from credit_risk.errors import UsageError

if TYPE_CHECKING:
    from credit_risk.rollout.deployment import Site
    from credit_risk.rollout.settings import Environment as EnvironmentSettings

LOCAL: Final = "local"

Environment = Annotated[
    str, Option("--environment", metavar="NAME|FILE", help="local, staging or production; or its file.")
]
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


def read_site(root: Path, environment: str, config_file: Path | None, health: str = "/health") -> "Site":
    """The repository with that environment."""
    from credit_risk.rollout.deployment import Site  # noqa: PLC0415  (`--help` need not wait)

    settings = read_environment(root, environment, config_file)
    path = config_file or environment_file(root, environment)
    return Site(root.absolute(), settings, path.absolute(), health)
