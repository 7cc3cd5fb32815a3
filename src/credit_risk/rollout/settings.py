"""What one environment is: configs/deploy/NAME.yaml, every section of it typed and checked before anything is moved."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from credit_risk.config import environment
from credit_risk.config.section import Count, Positive, Section, Share, Text
from credit_risk.config.yaml_positions import Loc
from credit_risk.registry.settings import RegistrySettings, developers_alone
from credit_risk.serving.open_doors import open_doors
from credit_risk.serving.prometheus import LATENCIES
from credit_risk.serving.settings import Serving

Name = Literal["local", "staging", "production"]
NAMES: tuple[Name, ...] = ("local", "staging", "production")
MEMORY_QUOTA_GB = 32
Percent = Annotated[int, Field(ge=1, le=100)]
Steps = Annotated[tuple[Percent, ...], Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$")]
Label = Annotated[str, Field(pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
# Keys that one target alone reads. They stay readable where that target was taken out, so that an environment's file
# is the same whatever it runs on; until the target is back nothing reads them.
OF_TARGETS: Mapping[str, tuple[str, ...]] = {
    "local": (
        *("router.host", "router.port", "router.blue_port", "router.green_port", "security.trusted_networks"),
        *("monitoring.prometheus_port", "monitoring.alertmanager_port"),
    ),
    "kubernetes": (
        *("kubernetes.context", "kubernetes.namespace", "kubernetes.image", "kubernetes.route"),
        *("security.run_as_non_root", "security.read_only_files"),
    ),
}
RESERVED = tuple(
    key for target, keys in OF_TARGETS.items() if find_spec(f"{__package__}.{target}") is None for key in keys
)


class Compute(Section):
    """What one replica of the service gets. cpu: cores. memory_gb: the quota of 32 GB is for everybody."""

    cpu: Positive
    memory_gb: Annotated[float, Field(gt=0, le=MEMORY_QUOTA_GB)]


class Scaling(Section):
    """How many replicas. target_cpu_percent: of compute.cpu; cool_down_s: between two changes."""

    min_replicas: Count
    max_replicas: Count
    target_cpu_percent: Percent
    cool_down_s: Positive


class Healing(Section):
    """What the health monitor may do by itself (see health).

    look_s: how long a look lasts. per_hour: restarts and rollbacks together, beyond which a person is called.
    undo_within_s: a version that came so lately is rolled back, an older one is restarted.
    """

    look_s: Positive = 60.0
    per_hour: Count = 2
    undo_within_s: Positive = 86_400.0


class Monitoring(Section):
    """When somebody is called (see alarms). owner: who, a label that Alertmanager routes by.

    throughput_below: as a share of expected_per_second. p95_above_ms: one of the bounds at which answers are counted.
    score_gap_above, approval_shift_above: the last day against the week before. disk_free_below: a share.
    webhook: where alerts are posted. heartbeat: where a sign of life is, so that its absence is seen.
    prometheus_port, alertmanager_port: where they listen on one machine.
    """

    scrape_s: Positive
    error_rate_above: Share
    p95_above_ms: Positive
    expected_per_second: Positive
    throughput_below: Share
    score_gap_above: Share = 0.1
    approval_shift_above: Share = 0.1
    disk_free_below: Share = 0.1
    expires_within_days: Count = 14
    owner: Label = "on-call"
    webhook: Url | None = None
    heartbeat: Url | None = None
    prometheus_port: Port = 9390
    alertmanager_port: Port = 9393
    heal: Healing = Healing()


class Security(Section):
    """trusted_networks: whose X-Canary header picks a colour; from elsewhere it is taken off."""

    run_as_non_root: bool
    read_only_files: bool
    trusted_networks: tuple[Text, ...]


class RouterSettings(Section):
    """Where applications come in on one machine, and the port of each colour's first replica; the next has the next."""

    host: Text
    port: Port
    blue_port: Port
    green_port: Port


class KubernetesSettings(Section):
    """The cluster whose API server a rollout talks to. context: of the kubeconfig; left out inside the cluster.

    image: without a tag, which is the version. digests: of a version's image, for those that a tag shall not name.
    route: the HTTPRoute that splits the traffic.
    """

    context: Text | None = None
    namespace: Label
    image: Annotated[str, Field(pattern=r"^([a-z0-9.-]+(:\d+)?/)?[a-z0-9._/-]+$")]
    digests: Mapping[str, Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]] = {}
    route: Label = "credit-risk"


# of the part: operations
class Costs(Section):
    """What a unit costs, in one currency, and what a month may cost. alert_above: as a share of the budget.

    core_hour: an hour of one core. gb_hour: an hour of one GB of memory. runner_minute: a minute of a hosted runner.
    storage_gb_month: a month of one GB on disk; None where that is not billed apart.
    """

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    core_hour: Annotated[float, Field(ge=0)]
    gb_hour: Annotated[float, Field(ge=0)]
    runner_minute: Annotated[float, Field(ge=0)]
    monthly_budget: Positive
    alert_above: Share
    storage_gb_month: Annotated[float, Field(ge=0)] | None = None


# end of part


class Tolerances(Section):
    """By how much the candidate may differ from the live scorer at the same time; each a share, the PSI an index.

    error_rate, slow_answers, refused_inputs and missing_inputs may be higher by this; approval_rate may differ either
    way.
    """

    error_rate: Share
    slow_answers: Share
    refused_inputs: Share
    missing_inputs: Share
    approval_rate: Share
    score_psi: Positive


class Analysis(Section):
    """When a step is good, bad or not known yet.

    false_alarms: the most of all sound rollouts that may be rolled back, whole rollouts with all their looks.
    least: decisions of each colour in a step before anything is said of it.
    slow_above_ms: an answer slower than this is slow; one of the bounds at which the service counts its answers.
    """

    interval_s: Positive
    false_alarms: Annotated[float, Field(gt=0, lt=0.5)]
    least: Count
    slow_above_ms: Positive
    tolerances: Tolerances


class LowVolume(Section):
    """The plan of a lender with few applications: a step of 1 % would see one in days."""

    below_per_day: Count
    steps: Steps


class Rollout(Section):
    """How a candidate comes into traffic.

    step_s: the least time of a step. approvals: steps that wait until a person approves them. bake_s: after
    100 %, with the old colour warm. ready_s: until a new colour must answer. shadow_decisions: recent applications that
    it decides first.
    """

    steps: Steps
    low_volume: LowVolume
    step_s: Positive
    approvals: tuple[Percent, ...] = ()
    bake_s: Positive
    ready_s: Positive
    shadow_decisions: Count
    analysis: Analysis


class Environment(Section):
    """A whole environment. environment: its name, which the file has too. kubernetes: where it runs, if not here."""

    environment: Name
    serving: Serving
    registry: RegistrySettings
    compute: Compute
    scaling: Scaling
    monitoring: Monitoring
    security: Security
    router: RouterSettings
    rollout: Rollout
    costs: Costs  # part: operations
    kubernetes: KubernetesSettings | None = None


class ServiceAlone(Section):
    """An environment without rollouts, as a trial's or a container's: how a service runs, and nothing else."""

    serving: Serving


def services_alone(folder: Path) -> list[str]:
    """The names of the other environments of a folder, each read and checked. Raises ConfigError with every problem."""
    others = [path for path in sorted(folder.glob("*.yaml")) if path.stem not in NAMES]
    for path in others:
        read_any(path)
    return [path.stem for path in others]


def read_any(path: Path) -> None:
    """Read and check an environment, with rollouts or without. Raises ConfigError with every problem; NotFound."""
    if path.stem in NAMES:
        validate_environment_config(path)
    else:
        environment.whole(path, ServiceAlone)


def validate_environment_config(path: Path, name: str | None = None) -> Environment:
    """Read and check an environment. Raises ConfigError with every problem and its line; NotFound without the file.

    name: which environment is meant (default: as the file is called).
    """
    settings = environment.whole(path, Environment)
    environment.refuse(path, [*_of_another(settings, name or path.stem), *inconsistencies(settings)])
    return settings


def _of_another(settings: Environment, meant: str) -> Iterator[tuple[Loc, str]]:
    if settings.environment != meant:
        yield ("environment",), f"{meant} is meant, and the file says it is {settings.environment!r}"


def inconsistencies(settings: Environment) -> Iterator[tuple[Loc, str]]:
    """Values that are sound alone and not together, each with its section and key."""
    yield from _of_scaling(settings)
    yield from _of_rollout(settings.rollout)
    yield from _of_bounds(settings)
    if settings.environment != "local":
        yield from _of_an_open_door(settings)


def _of_scaling(settings: Environment) -> Iterator[tuple[Loc, str]]:
    scaling = settings.scaling
    if scaling.min_replicas > scaling.max_replicas:
        yield ("scaling", "min_replicas"), f"{scaling.min_replicas} is more than max_replicas, {scaling.max_replicas}"
    if settings.environment == "production" and scaling.min_replicas < 2:
        yield ("scaling", "min_replicas"), "production needs 2 or more: one that is replaced leaves nobody to answer"
    yield from _of_ports(settings.router, settings.monitoring, scaling.max_replicas)


def _of_ports(router: RouterSettings, watched: Monitoring, most: int) -> Iterator[tuple[Loc, str]]:
    replicas = {port + number for port in (router.blue_port, router.green_port) for number in range(most)}
    if len(replicas | {router.port}) < 2 * most + 1:
        needed = f"blue_port and green_port need {most} ports each, apart from one another and from port"
        yield ("router",), f"{needed}; got {router.blue_port}, {router.green_port} and {router.port}"
    taken = {*replicas, router.port}
    for key, port in (("prometheus_port", watched.prometheus_port), ("alertmanager_port", watched.alertmanager_port)):
        if port in taken:
            yield ("monitoring", key), f"{port} is taken by the router, a replica or Prometheus: choose another"
        taken.add(port)


def _of_rollout(rollout: Rollout) -> Iterator[tuple[Loc, str]]:
    for loc, steps in ((("steps",), rollout.steps), (("low_volume", "steps"), rollout.low_volume.steps)):
        if list(steps) != sorted(set(steps)) or steps[-1] != 100:
            yield ("rollout", *loc), f"steps must grow and end with 100; got {list(steps)}"
    known = {*rollout.steps, *rollout.low_volume.steps}
    if unknown := [step for step in rollout.approvals if step not in known]:
        yield ("rollout", "approvals"), f"{unknown} is no step of the plans; steps are {sorted(known)}"


def _of_bounds(settings: Environment) -> Iterator[tuple[Loc, str]]:
    """Limits of latency are bounds at which the service counts: between two of them nobody knows."""
    bounds = [1e3 * bound for bound in LATENCIES]
    shown = ", ".join(f"{bound:g}" for bound in bounds)
    limits = {
        ("rollout", "analysis", "slow_above_ms"): settings.rollout.analysis.slow_above_ms,
        ("monitoring", "p95_above_ms"): settings.monitoring.p95_above_ms,
    }
    for loc, limit in limits.items():
        if limit not in bounds:
            yield loc, f"answers are counted at {shown}: pick one of these"


def _of_an_open_door(settings: Environment) -> Iterator[tuple[Loc, str]]:
    """What a developer's machine may do, and nobody else; the service refuses the same where it starts."""
    yield from ((("serving", *loc), fault) for loc, fault in open_doors(settings.serving, settings.environment))
    registry = developers_alone(settings.registry, settings.environment)
    yield from ((("registry", *loc), fault) for loc, fault in registry)
    if not settings.security.run_as_non_root:
        yield ("security", "run_as_non_root"), f"nothing runs as root in {settings.environment}: expected true"
