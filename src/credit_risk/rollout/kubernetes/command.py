"""`credit-risk manifests`: the Kubernetes overlay of an environment."""

from typer import Typer

from credit_risk.command_line import ROLLOUT, add, say
from credit_risk.rollout.options import ON_THIS_MACHINE, Check, NamedEnvironment

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
    named: NamedEnvironment = ON_THIS_MACHINE,
    check: Check = False,
) -> None:
    """Write the Kubernetes overlay of an environment from its config: configs/kubernetes/overlays/NAME."""
    from credit_risk.rollout.kubernetes import manifests

    settings = named.settings()
    if check:
        manifests.check(named.root, settings)
        say(f"The overlay of {settings.environment} is what its config says.")
    else:
        say(f"{manifests.write(named.root, settings)} is written.")
