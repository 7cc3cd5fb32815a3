"""The commands of environments and of rollouts, whatever the target."""

import time
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option, Typer

from credit_risk.command_line import HERE, ROLLOUT, STUDIES, Json, Root, WriteDown, add, environment_file, say, show
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.rollout.options import (
    AS_PLANNED,
    ON_THIS_MACHINE,
    EnvironmentFile,
    NamedEnvironment,
    RolloutOptions,
    read_environment,
)

if TYPE_CHECKING:
    from credit_risk.rollout.deployment import Site
    from credit_risk.rollout.record.state import RolloutState

POWER_MORE = """
exit codes: 0 as the environment allows; 1 sound candidates are rolled back, or faulty ones let through, more often
"""
STATUS_MORE = """
Files, logs and the record of rollouts lie in build/delivery.

exit codes: 0 done; 2 it could not be done, and the message says why
"""
DEPLOY_MORE = """
What happens: fetch and verify, shadow on recent applications, start beside the live one, smoke decisions, steps of
traffic each of which must be proved good, 100 % with the old one warm, then the registry's champion follows. Ctrl-C or
a crash of this command leaves the rollout where it is; `deploy resume` goes on.

examples:
  credit-risk deploy --model-version challenger --by "Ada Berg" --reason "beats the champion on matured rows"
  credit-risk deploy --strategy blue-green --model-version 3 --traffic-percentage 10
  credit-risk deploy pause --by "Ada Berg" --reason "the branch asked for it"
  credit-risk rollback --by "Ada Berg" --reason "score shift after the release"

exit codes: 0 it has all traffic; 1 it was refused or rolled back, and the message says why; 2 it could not be done
"""
ENVIRONMENT_MORE = """
examples:
  credit-risk environment
  credit-risk environment --environment staging

exit codes: 0 sound; 2 not, and the message says what
"""
HEAL_MORE = """
It looks for monitoring.heal.look_s, and where errors, slow answers or missing decisions are beyond the limits of the
environment it rolls a version back that came lately, or starts the service anew: at most monitoring.heal.per_hour
times an hour, then it calls a person at monitoring.webhook. All of it stands in the audit trail (`status --audit`).

examples:
  credit-risk heal --by "Ada Berg"
  credit-risk heal --every 300 --by "Ada Berg" --environment production

exit codes: 0 sound, or mended; 1 a person is needed, and was called; 2 it could not be done
"""
WATCHED_EVERY = 0.5  # seconds

By = Annotated[str | None, Option("--by", help="Who does it (default: whose identity this is, or git's user.name).")]
Reason = Annotated[
    str | None,
    Option("--reason", help="Why, as a sentence (default: that it was asked for on the command line)."),
]


def add_commands(app: Typer) -> None:
    """Add the commands of environments and rollouts."""
    add(app, "environment", _environment, group=ROLLOUT, more=ENVIRONMENT_MORE)
    add(app, "status", _status, group=ROLLOUT, more=STATUS_MORE)
    add(app, "deploy", _deploy, group=ROLLOUT, more=DEPLOY_MORE)
    add(app, "rollback", _roll_back, group=ROLLOUT, more=DEPLOY_MORE)
    add(app, "heal", _heal, group=ROLLOUT, more=HEAL_MORE)
    add(app, "rollout-power", _rollout_power, group=STUDIES, more=POWER_MORE)


def _environment(
    root: Root = HERE,
    environment: Annotated[
        str | None,
        Option("--environment", metavar="NAME|FILE", help="One alone, by its name or file (default: all)."),
    ] = None,
    config_file: EnvironmentFile = None,
    json: Json = False,
) -> None:
    """Check the environments in configs/deploy: every problem at once, each with its line."""
    from credit_risk.data.writing import json_text
    from credit_risk.rollout.settings import NAMES, services_alone

    alone = [] if environment or config_file else services_alone(environment_file(root, NAMES[0]).parent)
    checked = [read_environment(root, name, config_file) for name in ([environment] if environment else NAMES)]
    if json:
        say(json_text([settings.model_dump(mode="json") for settings in checked]))
        return
    for settings in checked:
        scaling, compute = settings.scaling, settings.compute
        say(
            f"{settings.environment}: {scaling.min_replicas} to {scaling.max_replicas} replicas of {compute.cpu:g} "
            f"cores and {compute.memory_gb:g} GB, steps {', '.join(map(str, settings.rollout.steps))} %"
        )
    if alone:
        say(f"{', '.join(alone)}: a service each, without rollouts")


def _status(
    named: NamedEnvironment = ON_THIS_MACHINE,
    watch: Annotated[bool, Option("--watch", help="Stay, and show what changes, until Ctrl-C.")] = False,
    audit: Annotated[
        bool, Option("--audit", help="Verify the audit trail of all rollouts; exit 1 if altered.")
    ] = False,
    heads: Annotated[
        Path | None, Option("--heads", help="With --audit: hold it against the heads of this file.")
    ] = None,
    write_down: WriteDown = None,
    json: Json = False,
) -> None:
    """Show what runs on this machine, how the traffic is split, and what the rollout waits for."""
    if json and watch:
        raise UsageError("--json prints how it stands now: give it without --watch.")
    if audit:
        _audit(named.site(), heads, write_down)
        return
    status, settings, folder = _status_of(named)
    if json:
        from credit_risk.data.writing import json_text

        say(json_text(status.facts(settings, folder)))
        return
    if not watch:
        show(status.overview(settings, folder))
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), auto_refresh=False) as view, suppress(KeyboardInterrupt):
        while True:
            view.update(status.overview(settings, folder), refresh=True)
            time.sleep(WATCHED_EVERY)


def _audit(site: "Site", heads: Path | None, write_down: Path | None) -> None:
    from credit_risk.scoring import signed_chain

    remembered = signed_chain.written_down(heads) if heads else []
    signed_by = site.environment.registry.signed_by
    verified = site.record.audit.verify(signed_by, site.root, remembered)
    if verified.faults:
        raise CheckFailed("\n  ".join(["The audit trail does not hold:", *verified.faults]))
    if write_down:
        signed_chain.write_down(verified.head, write_down)
    for part in verified.unverified:
        say(f"Unverified before {part['before']}, entries up to {part['up_to']}: {part['why']}")
    say(f"The audit trail holds, against {len(remembered)} heads from before; it ends at {verified.head}")


def _status_of(named: NamedEnvironment) -> tuple[ModuleType, Any, Any]:
    """The target's status module and what its functions take; scorer and registry take seconds to import."""
    from credit_risk.rollout.record.folder import RolloutFolder
    from credit_risk.rollout.targets import part_of

    settings = named.settings()
    return part_of(settings, "status"), settings, RolloutFolder.of(named.root.absolute(), settings)


def _deploy(
    order: Annotated[
        Literal["pause", "resume", "approve", "abort"] | None,
        Argument(metavar="ORDER", help="What to do with the rollout under way: pause, resume, approve, abort."),
    ] = None,
    named: NamedEnvironment = ON_THIS_MACHINE,
    options: RolloutOptions = AS_PLANNED,
    health_check_endpoint: Annotated[str, Option(help="Must answer first.")] = "/health",
    by: By = None,
    reason: Reason = None,
) -> None:
    """Bring a version into traffic step by step, and back by itself if it is worse than the live one."""
    from credit_risk.rollout import deployment, engine
    from credit_risk.rollout.record.lock import is_locked

    site = named.site(health_check_endpoint)
    who, why = _signature(site, by, reason, f"{order or 'deployed'} by hand")
    if order is None:
        _say_end(options.start(site, who, why))
    elif order == "resume" and not is_locked(site.record.lock_file):
        deployment.order(site, order, who, why)
        _say_end(deployment.resume(site))
    else:
        engine.signed(who, why)
        state = deployment.order(site, order, who, why)
        if state:
            _say_end(state)
        else:
            say("The controller has the order; `credit-risk status` shows what it does.")


def _roll_back(
    named: NamedEnvironment = ON_THIS_MACHINE,
    by: By = None,
    reason: Reason = None,
) -> None:
    """Go back to the version that was live before, in seconds."""
    from credit_risk.rollout import deployment, engine

    site = named.site()
    who, why = _signature(site, by, reason, "rolled back by hand")
    engine.signed(who, why)
    state = deployment.roll_back(site, who, why)
    say(f"Version {state.candidate if state.phase == 'done' else state.live} has all traffic.")


def _heal(
    named: NamedEnvironment = ON_THIS_MACHINE,
    every: Annotated[
        float | None, Option(min=0, help="Seconds from one look to the next, until Ctrl-C (default: one look).")
    ] = None,
    by: Annotated[str | None, Option("--by", help="On whose behalf (default: as for deploy).")] = None,
) -> None:
    """Look whether what is live does its work; else roll it back, start it anew, or call a person."""
    from credit_risk.rollout import HealthMonitor
    from credit_risk.rollout.engine import NotReached
    from credit_risk.rollout.health import PersonNeeded

    site = named.site()
    who, _ = _signature(site, by, None, "healed")
    monitor = HealthMonitor(site, who)
    site.target.require_running()
    if every is None:
        say(monitor.watch())
        return
    with suppress(KeyboardInterrupt):
        while True:
            try:
                say(monitor.watch())
            except (NotReached, PersonNeeded) as error:  # the next look may find it mended
                say(str(error))
            time.sleep(every)


def _rollout_power(
    named: NamedEnvironment = ON_THIS_MACHINE,
    rollouts: Annotated[int, Option(help="Simulated rollouts of each kind.")] = 200,
    per_look: Annotated[int, Option(help="Requests between two looks.")] = 1_000,
    seed: Annotated[int, Option(help="Of the random numbers.")] = 7,
) -> None:
    """Measure how often a rollout's analysis is wrong, and how soon it is right, on simulated rollouts."""
    from credit_risk.rollout.evidence import power

    settings = named.settings().rollout
    allowed = settings.analysis.false_alarms
    steps = [step for step in settings.steps if step < 100]
    say(f"{rollouts} rollouts each; at most {allowed:.1%} of the sound may be stopped")
    wrong = []
    for kind in power.measure(settings.analysis, steps, rollouts=rollouts, per_look=per_look, seed=seed):
        say(kind.sentence)
        if sentence := kind.wrong(allowed):
            wrong.append(sentence)
    if wrong:
        raise CheckFailed("; ".join(wrong))


def _signature(site: "Site", by: str | None, reason: str | None, what: str) -> tuple[str, str]:
    from credit_risk.registry import acting

    who = acting.permitted("deploy", site.settings, site.root, by, site.environment.registry)
    return who, reason or f"{what} on the command line"


def _say_end(state: "RolloutState") -> None:
    from credit_risk.rollout.engine import RolloutRefused

    if state.phase != "done":
        raise RolloutRefused(f"Version {state.candidate} was rolled back, {state.live} has all traffic: {state.cause}")
    say(f"Version {state.candidate} has all traffic.")
