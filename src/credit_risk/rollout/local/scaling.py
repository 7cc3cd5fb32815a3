"""How many replicas each colour has on this machine: by what they use, within limits and cool-down of the environment.

The router has a place for each, so that none is reloaded; the supervisor starts and ends them.
"""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

import psutil

from credit_risk.data.writing import read_json, write_json
from credit_risk.rollout.folder import Place
from credit_risk.rollout.local.processes import family
from credit_risk.rollout.local.supervisor import NotUp, is_locked, known, lock
from credit_risk.rollout.settings import Environment, Scaling
from credit_risk.rollout.state import Record

Metric = Literal["cpu_utilization", "memory_utilization", "requests_per_second"]
Action = Literal["scale_out", "scale_in"]
Used: TypeAlias = Mapping[str, float]

NEAR = 0.1  # a tenth off the target changes nothing, as Kubernetes' HorizontalPodAutoscaler has it
BY = "the auto-scaler"


@dataclass(frozen=True)
class Rule:
    """When to change, and by how much.

    threshold: percent of what a replica may use, or requests a second of one replica. action: what to do beyond it,
    by `increment` replicas; None for as many replicas as bring each back to the threshold.
    """

    metric: Metric
    threshold: float
    action: Action | None = None
    increment: int = 1

    def wanted(self, replicas: int, measured: float) -> int:
        """Replicas after one look, before limits and cool-down."""
        if self.action == "scale_out":
            return replicas + self.increment if measured > self.threshold else replicas
        if self.action == "scale_in":
            return replicas - self.increment if measured < self.threshold else replicas
        ratio = measured / self.threshold
        return replicas if abs(ratio - 1) <= NEAR else math.ceil(replicas * ratio)


def look(place: Place, environment: Environment, rule: Rule, seconds: float) -> str:
    """Measure for a while, scale if the rule says so, and say what was found. Raises NotUp."""
    if not is_locked(place.run / "supervisor.lock"):
        raise NotUp("nothing runs here that could be scaled: `credit-risk up` first.")
    with lock(place.run / "scale.lock", "another auto-scaler is at work here."):
        measured = busiest(place, environment, rule.metric, seconds)
        return _scaled(place, environment.scaling, rule, measured, time.time())


def _scaled(place: Place, scaling: Scaling, rule: Rule, measured: float, now: float) -> str:
    replicas = place.scale(scaling)
    asked = rule.wanted(replicas, measured)
    wanted = max(scaling.min_replicas, min(asked, scaling.max_replicas))
    told = f"{rule.metric} {measured:.1f}, threshold {rule.threshold:g}: {replicas} replicas of each colour"
    if wanted == replicas:
        limits = f"{scaling.min_replicas} to {scaling.max_replicas}"
        return f"{told}, unchanged" if asked == replicas else f"{told}, unchanged: the limits are {limits}"
    if (wait := _changed(place) + scaling.cool_down_s - now) > 0:
        return f"{told}, unchanged: {wanted} in {wait:.0f} s, after the cool-down"
    write_json(place.scale_file, {"replicas": wanted, "at": now})
    Record(place.run).event("scaling", f"{replicas} to {wanted} replicas", BY, told)
    return f"{told}, now {wanted}"


def _changed(place: Place) -> float:
    return float(read_json(place.scale_file)["at"]) if place.scale_file.is_file() else -math.inf


def busiest(place: Place, environment: Environment, metric: Metric, seconds: float) -> float:
    """What a replica of the busier colour uses in the mean, over some seconds. Raises RouterUnavailable."""
    read = _READERS[metric]
    before, begun = read(place), time.monotonic()
    time.sleep(seconds)
    after, passed = read(place), time.monotonic() - begun
    if metric == "memory_utilization":
        each = {name: 100 * used / (environment.compute.memory_gb * 2**30) for name, used in after.items()}
    else:
        unit = 100 / environment.compute.cpu if metric == "cpu_utilization" else 1.0
        # A process that was started anew counts from 0.
        grown = {name: used - min(before[name], used) for name, used in after.items() if name in before}
        each = {name: unit * used / passed for name, used in grown.items()}
    colours: dict[str, list[float]] = {}
    for name, used in each.items():
        colours.setdefault(name.split("-")[0], []).append(used)
    return max((sum(used) / len(used) for used in colours.values()), default=0.0)


def _seconds_of_cpu(place: Place) -> Used:
    return _of_processes(place, lambda one: sum(one.cpu_times()[:2]))


def _bytes_of_memory(place: Place) -> Used:
    return _of_processes(place, lambda one: float(one.memory_info().rss))


def _of_processes(place: Place, use: Callable[[psutil.Process], float]) -> Used:
    """Something that processes use, summed over each replica with all that it started."""
    found = {}
    running = known(place)
    for one in place.router.servers():
        if pid := running.get(one, {}).get("pid"):
            with suppress(psutil.NoSuchProcess):
                found[one] = sum(_use(each, use) for each in family(psutil.Process(pid)))
    return found


def _use(one: psutil.Process, use: Callable[[psutil.Process], float]) -> float:
    with suppress(psutil.NoSuchProcess):
        return use(one)
    return 0.0


def _requests(place: Place) -> Used:
    return {name: float(one.requests) for name, one in place.router.servers().items() if one.up}


_READERS: Mapping[Metric, Callable[[Place], Used]] = {
    "cpu_utilization": _seconds_of_cpu,
    "memory_utilization": _bytes_of_memory,
    "requests_per_second": _requests,
}
