"""`credit-risk alarms` and `dashboard`: what watches an environment, as files."""

from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import ROLLOUT, add, say
from credit_risk.rollout.options import ON_THIS_MACHINE, Check, NamedEnvironment

ALARMS_MORE = """
NAME.rules.yaml is for Prometheus, NAME.alertmanager.yaml for Alertmanager. What each alert means, and what to do first,
is in docs/operations.md, Runbooks.

examples:
  credit-risk alarms --environment production
  credit-risk alarms --environment production --check

exit codes: 0 written, or as the config says; 1 stale, and the message names the files; 2 it could not be done
"""
DASHBOARD_MORE = """
Import the file in Grafana (Dashboards, New, Import), or mount it where Grafana's provisioning looks. Panels show what
the alerts look at, with the environment's limits as lines.

examples:
  credit-risk dashboard --environment production
  credit-risk dashboard --environment staging --output staging.json

exit codes: 0 written; 2 it could not be done, and the message says why
"""


def add_commands(app: Typer) -> None:
    """Add the commands of alerts and dashboards."""
    add(app, "alarms", _alarms, group=ROLLOUT, more=ALARMS_MORE)
    add(app, "dashboard", _dashboard, group=ROLLOUT, more=DASHBOARD_MORE)


def _alarms(
    named: NamedEnvironment = ON_THIS_MACHINE,
    check: Check = False,
) -> None:
    """Write the alerts of an environment for Prometheus and Alertmanager from its config, into configs/alarms."""
    from credit_risk.rollout.alarms import files

    settings = named.settings()
    if check:
        files.check(named.root, settings)
        say(f"The alerts of {settings.environment} are what its config says.")
        return
    for path in files.write(named.root, settings):
        say(f"{path} is written.")
    for key in ("webhook", "heartbeat"):
        if getattr(settings.monitoring, key) is None:
            say(f"monitoring.{key} names no address: nobody is called by it.")


def _dashboard(
    named: NamedEnvironment = ON_THIS_MACHINE,
    output: Annotated[
        Path | None, Option("--output", help="The file (default: build/dashboards/NAME.json below the root).")
    ] = None,
) -> None:
    """Write the dashboard of an environment for Grafana, from its config."""
    from credit_risk.data.writing import write_text
    from credit_risk.rollout.alarms import dashboards

    settings = named.settings()
    path = output or named.root / "build" / "dashboards" / f"{settings.environment}.json"
    write_text(path, dashboards.text(settings))
    say(f"{path} is written.")
