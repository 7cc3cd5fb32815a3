"""`credit-risk manifests`: the Kubernetes overlay of an environment."""

from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import HERE, ROLLOUT, Root, add, say
from credit_risk.rollout.options import LOCAL, Environment, EnvironmentFile, read_environment

MANIFESTS_MORE = """
examples:
  credit-risk manifests --environment production
  credit-risk manifests --environment production --check

exit codes: 0 written, or all as the config says; 1 stale, and the message names the files; 2 it could not be done
"""


def add_commands(app: Typer) -> None:
    """Add the command that writes an overlay."""
    add(app, "manifests", _manifests, group=ROLLOUT, more=MANIFESTS_MORE)


def _manifests(
    root: Root = HERE,
    environment: Environment = LOCAL,
    config_file: EnvironmentFile = None,
    check: Annotated[bool, Option("--check", help="Write nothing, and exit 1 if a file is stale.")] = False,
) -> None:
    """Write the Kubernetes overlay of an environment from its config: configs/kubernetes/overlays/NAME."""
    from credit_risk.rollout.kubernetes import manifests

    settings = read_environment(root, environment, config_file)
    if check:
        manifests.check(root, settings)
        say(f"The overlay of {settings.environment} is what its config says.")
    else:
        say(f"{manifests.write(root, settings)} is written.")
