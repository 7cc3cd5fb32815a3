"""The sub-commands of this room: environments, the local target, rollouts."""

import argparse
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from credit_risk.command_line import Commands, Run, command
from credit_risk.errors import CheckFailed, UsageError

POWER = "measure how often a rollout's analysis is wrong, and how soon it is right, on simulated rollouts"
POWERS = """
exit codes: 0 as the environment allows; 1 sound candidates are rolled back, or faulty ones let through, more often
"""
UP = "start router and service on this machine, kept running: crashed or hung, they are started again"
DOWN = "end router and services of this machine"
STATUS = "what runs on this machine, how the traffic is split, and what the rollout waits for"
SUPERVISE = "what `up` starts in the background, in the foreground: for systemd or a container"
LOCAL = """
Files, logs and the record of rollouts lie in build/delivery. `up` begins with the release of this repository as the
blue colour; `credit-risk deploy` brings another version into traffic.

exit codes: 0 done; 2 it could not be done, and the message says why
"""
DEPLOY = "bring a version into traffic step by step, and back by itself if it is worse than the live one"
ROLLBACK = "go back to the version that was live before, in seconds"
WATCHED_EVERY = 0.5  # seconds
VERBS = ("pause", "resume", "approve", "abort")
DEPLOYS = """
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
SCALE = "look once at what the replicas use, and add or remove some within the environment's limits"
SCALES = """
The router has a place for every replica up to scaling.max_replicas, so nothing is reloaded and no request is lost.
Between two changes lies scaling.cool_down_s. On a cluster its HorizontalPodAutoscaler does this. Without --action there
will be as many replicas as bring each to the threshold.

examples:
  credit-risk scale --every 15
  credit-risk scale --metric cpu_utilization --threshold 80 --action scale_out --increment 2
  credit-risk scale --metric requests_per_second --threshold 20 --action scale_in

exit codes: 0 looked, and changed what was to be changed; 2 it could not be done
"""
ENVIRONMENT = "check the environments in configs/deploy: every problem at once, each with its line"
MANIFESTS = "write the Kubernetes overlay of an environment from its config: configs/kubernetes/overlays/NAME"
OVERLAYS = """
examples:
  credit-risk manifests --environment production
  credit-risk manifests --environment production --check

exit codes: 0 written, or all as the config says; 1 stale, and the message names the files; 2 it could not be done
"""
EXAMPLES = """
examples:
  credit-risk environment
  credit-risk environment --environment staging

exit codes: 0 sound; 2 not, and the message says what
"""


def register(commands: Commands) -> None:
    """Add the sub-commands to the one command line."""
    environment = _parser(commands, "environment", ENVIRONMENT, _environment, EXAMPLES)
    environment.set_defaults(environment=None)
    manifests = _parser(commands, "manifests", MANIFESTS, _manifests, OVERLAYS)
    manifests.add_argument("--check", action="store_true", help="write nothing, and exit 1 if a file is stale")
    _power(commands)
    _local(commands)
    _deploy(commands)


def _power(commands: Commands) -> None:
    power = _parser(commands, "rollout-power", POWER, _measure_power, POWERS)
    power.add_argument("--rollouts", type=int, default=200, help="simulated rollouts of each kind (default: 200)")
    power.add_argument("--per-look", type=int, default=1_000, help="requests between two looks (default: 1000)")
    power.add_argument("--seed", type=int, default=7, help="of the random numbers (default: 7)")


def _local(commands: Commands) -> None:
    begin = _parser(commands, "up", UP, _up, epilog=LOCAL)
    begin.add_argument(
        "--model-version",
        dest="version",
        default="here",
        help="what serves where nothing was up before: `champion`, a number of the registry, or `here` (default)",
    )
    _parser(commands, "down", DOWN, _down, epilog=LOCAL)
    status = _parser(commands, "status", STATUS, _status, epilog=LOCAL)
    status.add_argument("--watch", action="store_true", help="stay, and show what changes, until Ctrl-C")
    _parser(commands, "supervise", SUPERVISE, _supervise)
    scale = _parser(commands, "scale", SCALE, _scale, SCALES)
    metrics = ("cpu_utilization", "memory_utilization", "requests_per_second")
    scale.add_argument("--metric", choices=metrics, default="cpu_utilization", help="of a replica (default: cpu)")
    scale.add_argument(
        "--threshold",
        type=_above_zero,
        help="percent of compute.cpu or compute.memory_gb, or requests a second (default: scaling.target_cpu_percent)",
    )
    scale.add_argument("--action", choices=("scale_out", "scale_in"), help="only this, beyond the threshold")
    scale.add_argument("--increment", type=_positive, help="replicas at a time, with --action (default: 1)")
    scale.add_argument("--seconds", type=_above_zero, default=5.0, help="to measure over (default: 5)")
    scale.add_argument("--every", type=_above_zero, help="seconds from one look to the next (default: one look)")


def _parser(commands: Commands, name: str, what: str, run: Run, epilog: str = "") -> argparse.ArgumentParser:
    parser = command(commands, name, what, run, epilog=epilog)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    parser.add_argument("--environment", default="local", help="local, staging or production (default: local)")
    parser.add_argument(
        "--config-file",
        "--config",
        dest="config_file",
        type=Path,
        help="the environment's file (default: configs/deploy/NAME.yaml)",
    )
    return parser


def _up(options: argparse.Namespace) -> None:
    _, site = _site(options)
    environment = site.environment
    import_module("credit_risk.rollout.local.machine").up(site, options.version)
    _say(f"http://{environment.router.host}:{environment.router.port} answers; `credit-risk status` shows what runs.")


def _down(options: argparse.Namespace) -> None:
    ended = import_module("credit_risk.rollout.local.supervisor").down(_folder(options))
    _say("Router and services have ended." if ended else "Nothing ran.")


def _supervise(options: argparse.Namespace) -> None:
    import_module("credit_risk.rollout.local.machine").supervise(_site(options)[1])


def _scale(options: argparse.Namespace) -> None:
    scaling = import_module("credit_risk.rollout.local.scaling")
    _, site = _site(options)
    folder = import_module("credit_risk.rollout.local.machine").folder_of(site)
    if options.threshold is None and options.metric != "cpu_utilization":
        raise UsageError(f"the environment has a target for CPU alone: give --threshold for {options.metric}.")
    if options.increment is not None and options.action is None:
        raise UsageError("--increment is by how many an --action changes: give scale_out or scale_in.")
    threshold = site.environment.scaling.target_cpu_percent if options.threshold is None else options.threshold
    rule = scaling.ScalingRule(options.metric, threshold, options.action, options.increment or 1)
    while True:
        _say(scaling.look(folder, site.environment, rule, options.seconds))
        if options.every is None:
            return
        time.sleep(options.every)


def _positive(word: str) -> int:
    if (number := int(word)) < 1:
        raise argparse.ArgumentTypeError(f"{word} is no number of replicas; expected 1 or more")
    return number


def _above_zero(word: str) -> float:
    if not (number := float(word)) > 0:
        raise argparse.ArgumentTypeError(f"{word} is not more than 0")
    return number


def _status(options: argparse.Namespace) -> None:
    shown = _shown(options)
    console = Console(highlight=False)
    if not options.watch:
        console.print(shown())
        return
    with Live(console=console, auto_refresh=False) as view, suppress(KeyboardInterrupt):
        while True:
            view.update(shown(), refresh=True)
            time.sleep(WATCHED_EVERY)


def _shown(options: argparse.Namespace) -> Callable[[], Any]:
    """What `status` shows of this machine, without the scorer and the registry, which take seconds to import."""
    targets = import_module("credit_risk.rollout.targets")
    settings = _settings(options, options.environment)
    if settings.kubernetes is None:
        return partial(targets.part_of(settings, "status").overview, _folder(options))
    return partial(_site(options)[1].target.overview)


def _folder(options: argparse.Namespace) -> Any:
    return import_module("credit_risk.rollout.local.folder").LocalFolder(options.root.absolute())


def _deploy(commands: Commands) -> None:
    deploy = _parser(commands, "deploy", DEPLOY, _deployed, DEPLOYS)
    deploy.add_argument("verb", nargs="?", choices=VERBS, help="what to do with the rollout that is under way")
    deploy.add_argument(
        "--model-version",
        "--new-version",
        dest="version",
        help="a number of the registry, `challenger` (default), or `here` for the release of this repository",
    )
    deploy.add_argument("--strategy", choices=["canary", "blue-green", "direct"], default="canary", help="how")
    deploy.add_argument(
        "--traffic-percentage",
        "--traffic-shift",
        dest="percent",
        type=int,
        help="the first share of traffic (default: as planned)",
    )
    deploy.add_argument("--current-version", help="refuse unless this version is live now")
    deploy.add_argument("--health-check-endpoint", default="/health", help="must answer first (default: /health)")
    _who(deploy)
    back = _parser(commands, "rollback", ROLLBACK, _rolled_back, DEPLOYS)
    _who(back)


def _who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", help="who does it: first and last name (default: git's user.name)")
    parser.add_argument("--reason", help="why, as a sentence (default: that it was asked for on the command line)")


def _site(options: argparse.Namespace) -> Any:
    deploying = import_module("credit_risk.rollout.deployment")
    settings = import_module("credit_risk.rollout.settings")
    path = _path(options, options.environment)
    environment = settings.validate_environment_config(path, options.environment)
    health = getattr(options, "health_check_endpoint", "/health")
    return deploying, deploying.Site(options.root.absolute(), environment, path.absolute(), health)


def _signed(options: argparse.Namespace, what: str) -> tuple[str, str]:
    by = options.by or import_module("credit_risk.data.provenance").author(options.root) or ""
    return by, options.reason or f"{what} on the command line"


def _deployed(options: argparse.Namespace) -> None:
    deploying, site = _site(options)
    by, reason = _signed(options, f"{options.verb or 'deployed'} by hand")
    if options.verb is None:
        wish = deploying.DeploymentRequest(
            options.version or "challenger",
            options.strategy,
            by,
            reason,
            percent=options.percent,
            current=options.current_version,
        )
        _ended(deploying.deploy(site, wish, _say))
    elif options.verb == "resume" and not import_module("credit_risk.rollout.lock").is_locked(site.record.lock_file):
        deploying.order(site, "resume", by, reason)
        _ended(deploying.resume(site))
    else:
        import_module("credit_risk.rollout.engine").signed(by, reason)
        state = deploying.order(site, options.verb, by, reason)
        _ended(state) if state else _say("The controller is told; `credit-risk status` shows what it does.")


def _rolled_back(options: argparse.Namespace) -> None:
    deploying, site = _site(options)
    by, reason = _signed(options, "rolled back by hand")
    import_module("credit_risk.rollout.engine").signed(by, reason)
    state = deploying.roll_back(site, by, reason)
    _say(f"Version {state.candidate if state.phase == 'done' else state.live} has all traffic.")


def _ended(state: Any) -> None:
    if state.phase == "done":
        _say(f"Version {state.candidate} has all traffic.")
        return
    refused = import_module("credit_risk.rollout.engine").RolloutRefused
    raise refused(f"Version {state.candidate} was rolled back, {state.live} has all traffic: {state.cause}")


def _measure_power(options: argparse.Namespace) -> None:
    simulate = import_module("credit_risk.rollout.power")
    rollout = _settings(options, options.environment).rollout
    steps = [step for step in rollout.steps if step < 100]
    _say(f"{options.rollouts} rollouts each; at most {rollout.analysis.false_alarms:.1%} of the sound may be stopped")
    wrong = []
    for kind in simulate.measure(
        rollout.analysis, steps, rollouts=options.rollouts, per_look=options.per_look, seed=options.seed
    ):
        _say(kind.sentence)
        wrong.append(kind.wrong(rollout.analysis.false_alarms))
    if told := list(filter(None, wrong)):
        raise CheckFailed("; ".join(told))


def _settings(options: argparse.Namespace, name: str) -> Any:
    settings = import_module("credit_risk.rollout.settings")
    return settings.validate_environment_config(_path(options, name), name)


def _path(options: argparse.Namespace, name: str) -> Path:
    found: Path = options.config_file or options.root / "configs" / "deploy" / f"{name}.yaml"
    return found


def _environment(options: argparse.Namespace) -> None:
    settings = import_module("credit_risk.rollout.settings")
    for name in [options.environment] if options.environment else settings.NAMES:
        found = _settings(options, name)
        scaling, compute = found.scaling, found.compute
        _say(
            f"{name}: {scaling.min_replicas} to {scaling.max_replicas} replicas of {compute.cpu:g} cores and "
            f"{compute.memory_gb:g} GB, steps {', '.join(map(str, found.rollout.steps))} %"
        )


def _manifests(options: argparse.Namespace) -> None:
    manifests = import_module("credit_risk.rollout.kubernetes.manifests")
    environment = _settings(options, options.environment)
    if options.check:
        manifests.check(options.root, environment)
        _say(f"The overlay of {environment.environment} is what its config says.")
    else:
        _say(f"{manifests.write(options.root, environment)} is written.")


def _say(text: str) -> None:
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(text)
