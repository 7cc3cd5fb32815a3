"""The services of this machine: `credit-risk up`, `down`, `supervise` and `scale`."""

import time
from typing import Annotated, Literal

from typer import BadParameter, Option, Typer

from credit_risk.command_line import HERE, ROLLOUT, Root, add, say
from credit_risk.errors import UsageError
from credit_risk.rollout.options import ON_THIS_MACHINE, NamedEnvironment

LOCAL_MORE = """
Files, logs and the record of rollouts lie in build/delivery. `up` begins with the release of this repository as the
blue colour; `credit-risk deploy` brings another version into traffic.

exit codes: 0 done; 2 it could not be done, and the message says why
"""
SCALE_MORE = """
The router keeps a slot for every replica up to scaling.max_replicas, so nothing is reloaded and no request is lost.
Between two changes lies scaling.cool_down_s. On a cluster its HorizontalPodAutoscaler does this. Without --action there
will be as many replicas as bring each to the threshold.

examples:
  credit-risk scale --every 15
  credit-risk scale --metric cpu_utilization --threshold 80 --action scale_out --increment 2
  credit-risk scale --metric requests_per_second --threshold 20 --action scale_in

exit codes: 0 looked, and changed what was to be changed; 2 it could not be done
"""

Alarms = Annotated[bool, Option("--alarms/--no-alarms", help="Start Prometheus and Alertmanager beside them.")]
Metric = Literal["cpu_utilization", "memory_utilization", "requests_per_second"]


def add_commands(app: Typer) -> None:
    """Add the commands of the services on this machine."""
    add(app, "up", _up, group=ROLLOUT, more=LOCAL_MORE)
    add(app, "down", _down, group=ROLLOUT, more=LOCAL_MORE)
    add(app, "supervise", _supervise, group=ROLLOUT)
    add(app, "scale", _scale, group=ROLLOUT, more=SCALE_MORE)


def _above_zero(value: float | None) -> float | None:
    if value is not None and not value > 0:
        raise BadParameter(f"{value:g} is not more than 0")
    return value


def _up(
    named: NamedEnvironment = ON_THIS_MACHINE,
    model_version: Annotated[
        str,
        Option(help="What serves where nothing was up before: `champion`, a number of the registry, or `here`."),
    ] = "here",
    alarms: Alarms = True,
) -> None:
    """Start router and service on this machine, kept running: crashed or hung, they are started again."""
    from credit_risk.rollout.local import machine

    site = named.site()
    machine.up(site, model_version, alarmed=alarms)
    router, watched = site.environment.router, site.environment.monitoring
    say(f"http://{router.host}:{router.port} answers; `credit-risk status` shows what runs.")
    if alarms:
        say(f"Alerts: http://127.0.0.1:{watched.prometheus_port} and http://127.0.0.1:{watched.alertmanager_port}.")


def _down(root: Root = HERE) -> None:
    """End router and services of this machine."""
    from credit_risk.rollout.local import supervisor
    from credit_risk.rollout.local.folder import LocalFolder

    say("Router and services have ended." if supervisor.down(LocalFolder(root.absolute())) else "Nothing ran.")


def _supervise(named: NamedEnvironment = ON_THIS_MACHINE, alarms: Alarms = True) -> None:
    """Do in the foreground what `up` starts in the background: for systemd or a container."""
    from credit_risk.rollout.local import machine

    machine.supervise(named.site(), alarmed=alarms)


def _scale(
    named: NamedEnvironment = ON_THIS_MACHINE,
    metric: Annotated[Metric, Option(help="Of a replica.")] = "cpu_utilization",
    threshold: Annotated[
        float | None,
        Option(
            callback=_above_zero,
            help="Percent of compute.cpu or compute.memory_gb, or requests a second "
            "(default: scaling.target_cpu_percent).",
        ),
    ] = None,
    action: Annotated[Literal["scale_out", "scale_in"] | None, Option(help="Only this, beyond the threshold.")] = None,
    increment: Annotated[int | None, Option(min=1, help="Replicas at a time, with --action (default: 1).")] = None,
    seconds: Annotated[float, Option(callback=_above_zero, help="To measure over.")] = 5.0,
    every: Annotated[
        float | None, Option(callback=_above_zero, help="Seconds from one look to the next (default: one look).")
    ] = None,
) -> None:
    """Look once at what the replicas use, and add or remove some within the environment's limits."""
    from credit_risk.rollout.local import machine, scaling

    site = named.site()
    folder = machine.folder_of(site)
    if threshold is None and metric != "cpu_utilization":
        raise UsageError(f"the environment has a target for CPU alone: give --threshold for {metric}.")
    if increment is not None and action is None:
        raise UsageError("--increment is by how many an --action changes: give scale_out or scale_in.")
    target = site.environment.scaling.target_cpu_percent if threshold is None else threshold
    rule = scaling.ScalingRule(metric, target, action, increment or 1)
    while True:
        say(scaling.look(folder, site.environment, rule, seconds))
        if every is None:
            return
        time.sleep(every)
