"""How many replicas each colour has on this machine: by what they use, within limits and cool-down of the environment.

The router lists each, so that none is reloaded; the supervisor starts and ends them.
"""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

import psutil

from credit_risk.data.writing import read_json, write_json
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.processes import family
from credit_risk.rollout.local.supervisor import NotUp, known
from credit_risk.rollout.record.lock import is_locked, lock
from credit_risk.rollout.record.state import RolloutRecord
from credit_risk.rollout.settings import Environment

Metric = Literal["cpu_utilization", "memory_utilization", "requests_per_second"]
Action = Literal["scale_out", "scale_in"]
Used: TypeAlias = Mapping[str, float]

NEAR = 0.1  # a tenth off the target changes nothing, as Kubernetes' HorizontalPodAutoscaler has it
BY = "the auto-scaler"


@dataclass(frozen=True)
class ScalingRule:
    """When to change, and by how much.

    threshold: percent of what a replica may use, or requests a second of one replica. action: what to do beyond it,
    by `increment` replicas; None for as many replicas as bring each back to the threshold.
    """

    metric: Metric
    threshold: float
    action: Action | None = None
    increment: int = 1

    def replicas_after(self, replicas: int, measured: float) -> int:
        """Replicas after one look, before limits and cool-down."""
        if self.action == "scale_out":
            return replicas + self.increment if measured > self.threshold else replicas
        if self.action == "scale_in":
            return replicas - self.increment if measured < self.threshold else replicas
        ratio = measured / self.threshold
        return replicas if abs(ratio - 1) <= NEAR else math.ceil(replicas * ratio)


def look(folder: LocalFolder, environment: Environment, rule: ScalingRule, seconds: float) -> str:
    """Measure for a while, scale if the rule says so, and say what was measured. Raises NotUp."""
    if not is_locked(folder.supervisor_lock):
        raise NotUp("nothing runs here that could be scaled: `credit-risk up` first.")
    with lock(folder.run / "scale.lock", "another auto-scaler is at work here."):
        measured = busiest(folder, environment, rule.metric, seconds)
        return _scaled(folder, environment, rule, measured, time.time())


def _scaled(folder: LocalFolder, environment: Environment, rule: ScalingRule, measured: float, now: float) -> str:
    scaling = environment.scaling
    replicas = folder.scale(scaling)
    unlimited = rule.replicas_after(replicas, measured)
    least = min(max(scaling.min_replicas, planned(folder, now)), scaling.max_replicas)
    target = max(least, min(unlimited, scaling.max_replicas))
    state = f"{rule.metric} {measured:.1f}, threshold {rule.threshold:g}: {replicas} replicas of each colour"
    if target == replicas:
        limits = f"{least} to {scaling.max_replicas}"
        return f"{state}, unchanged" if unlimited == replicas else f"{state}, unchanged: the limits are {limits}"
    if (wait := _changed(folder) + scaling.cool_down_s - now) > 0:
        return f"{state}, unchanged: {target} in {wait:.0f} s, after the cool-down"
    write_json(folder.scale_file, {"replicas": target, "at": now})
    sign = environment.registry.signed_by, folder.root
    RolloutRecord(folder.run, sign).event("scaling", f"{replicas} to {target} replicas", BY, state)
    return f"{state}, now {target}"


def planned(folder: LocalFolder, now: float) -> int:
    """Replicas that the plan for this moment asks for at least; 0 without a plan, and after its end."""
    if not folder.replica_plan.is_file():
        return 0
    hours = read_json(folder.replica_plan)["hours"]
    return max((int(hour["replicas"]) for hour in hours if hour["begin"] <= now < hour["end"]), default=0)


def _changed(folder: LocalFolder) -> float:
    return float(read_json(folder.scale_file)["at"]) if folder.scale_file.is_file() else -math.inf


def busiest(folder: LocalFolder, environment: Environment, metric: Metric, seconds: float) -> float:
    """What a replica of the busier colour uses in the mean, over some seconds. Raises RouterUnavailable."""
    read = _READERS[metric]
    before, begun = read(folder), time.monotonic()
    time.sleep(seconds)
    after, passed = read(folder), time.monotonic() - begun
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


def _seconds_of_cpu(folder: LocalFolder) -> Used:
    return _of_processes(folder, lambda process: sum(process.cpu_times()[:2]))


def _bytes_of_memory(folder: LocalFolder) -> Used:
    return _of_processes(folder, lambda process: float(process.memory_info().rss))


def _of_processes(folder: LocalFolder, use: Callable[[psutil.Process], float]) -> Used:
    """Something that processes use, summed over each replica with all that it started."""
    used = {}
    running = known(folder)
    for name in folder.router.servers():
        if pid := running.get(name, {}).get("pid"):
            with suppress(psutil.NoSuchProcess):
                used[name] = sum(_use(process, use) for process in family(psutil.Process(pid)))
    return used


def _use(process: psutil.Process, use: Callable[[psutil.Process], float]) -> float:
    with suppress(psutil.NoSuchProcess):
        return use(process)
    return 0.0


def _requests(folder: LocalFolder) -> Used:
    return {name: float(server.requests) for name, server in folder.router.servers().items() if server.up}


_READERS: Mapping[Metric, Callable[[LocalFolder], Used]] = {
    "cpu_utilization": _seconds_of_cpu,
    "memory_utilization": _bytes_of_memory,
    "requests_per_second": _requests,
}
