"""Reactive against predictive scaling on simulated years, where the truth is known: refused requests, replica-hours.

Reactive scaling is Kubernetes' HorizontalPodAutoscaler as its documents describe it: replicas times use over target, a
tolerance of a tenth, up at once, down by the most that was wanted within the stabilisation window. A replica takes
requests once it has been ready for `ready_s`; what is beyond the capacity of those that are ready is refused. Use is
what was served, so that an overloaded service never shows more than its capacity. Predictive scaling is the same with
a floor from the forecast of the evening before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from credit_risk.operations.capacity import forecast
from credit_risk.operations.capacity.forecast import DAY, WEEK

STEP_S = 30
STEPS = 3600 // STEP_S  # in an hour
LEARNING = 8  # weeks at the beginning of a year that are only learnt from: nobody is compared in them
TOLERANCE = 0.1
REFUSED_AIM, HOURS_AIM = 0.5, 1.1

Hours: TypeAlias = NDArray[np.float64]
Steps: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class LenderYear:
    """A simulated lender's year. online: applications a second at noon; branches: that come while branches are open.

    Days and weeks repeat; on paydays (24th to 26th of months of 30 days) there are 1.6 times as many; one campaign
    begins at ten on a Monday, with up to 2.5 times as many, and fades in weeks. Days and hours differ by chance.
    """

    online: float = 12.0
    branches: float = 18.0
    weeks: int = 53


@dataclass(frozen=True)
class Cluster:
    """What scales. per_replica: requests a second that one can answer; target: the share of it that is aimed at."""

    per_replica: float = 10.0
    target: float = 0.7
    ready_s: int = 60
    window_s: int = 300
    least: int = 2
    most: int = 20
    ahead_s: int = 120


@dataclass(frozen=True)
class PolicyResult:
    """What became of a policy over a year."""

    refused: int
    requests: int
    replica_hours: float


def applications(world: LenderYear, seed: int) -> Steps:
    """Applications that arrive in each step of a year."""
    random = np.random.default_rng(seed)
    hours = np.arange(world.weeks * WEEK)
    of_day, weekday, day = hours % DAY, hours // DAY % 7, hours // DAY
    daily = np.exp(-(((of_day - 12) / 4) ** 2)) + 0.9 * np.exp(-(((of_day - 20) / 2.2) ** 2)) + 0.05
    weekly = np.array([1.1, 1.05, 1.0, 1.0, 0.95, 0.8, 0.7])[weekday]
    payday = np.where(np.isin(day % 30, (24, 25, 26)), 1.6, 1.0)
    growth = 1 + 0.3 * hours / len(hours)
    chance = np.exp(random.normal(0, 0.08, len(hours) // DAY))[day] * np.exp(random.normal(0, 0.05, len(hours)))
    shared = payday * growth * chance
    online = world.online * daily * weekly * _campaign(random, world.weeks) * shared
    branches = np.where((of_day >= 9) & (of_day < 17) & (weekday < 5), world.branches, 0.0) * shared
    fine = np.interp(np.arange(len(hours) * STEPS) / STEPS, hours + 0.5, online) + np.repeat(branches, STEPS)
    arrivals: Steps = random.poisson(fine * np.exp(random.normal(0, 0.05, len(fine))) * STEP_S)
    return arrivals


def _campaign(random: np.random.Generator, weeks: int) -> Hours:
    """The factor of each hour: 1 but for the campaign, in a week that chance picks."""
    factor = np.ones(weeks * WEEK)
    begin = int(random.integers(15, 45)) * WEEK + 10
    lasting = 2 * WEEK
    factor[begin : begin + lasting] = 1 + 1.5 * np.exp(-np.arange(lasting) / 100)
    return factor


def floors(hourly: Hours, cluster: Cluster) -> tuple[Hours, int]:
    """Replicas that the forecast asks for in each hour of a year, and in how many weeks it was used.

    Each week the forecast is tried on the two weeks before; where it does not beat last week's same hour, no floor.
    """
    asked_for, used = np.zeros(len(hourly)), 0
    for week in range(LEARNING, len(hourly) // WEEK):
        begin = week * WEEK
        tried = forecast.trial(hourly[:begin])
        if not tried.beats_naive:
            continue
        used += 1
        smoothing = forecast.fit(hourly[:begin])
        for day in range(begin, begin + WEEK, DAY):
            expected = forecast.next_day(hourly[:day], smoothing) / 3600
            asked_for[day : day + DAY] = np.ceil(expected / (cluster.per_replica * cluster.target))
    return asked_for, used


def by_step(asked_for: Hours, cluster: Cluster) -> Hours:
    """The floor in each step: an hour's begins a little before it."""
    steps = np.repeat(asked_for, STEPS)
    ahead = np.concatenate([steps[cluster.ahead_s // STEP_S :], np.zeros(cluster.ahead_s // STEP_S)])
    floor: Hours = np.maximum(steps, ahead)
    return floor


def play(arrivals: Steps, floor: Hours, cluster: Cluster) -> list[PolicyResult]:
    """Every policy on every year at once, after the weeks of learning.

    arrivals: (years, steps). floor: (years, steps); replicas below which this policy never goes; 0 is reactive.
    """
    years = len(arrivals)
    starting = np.full((max(cluster.ready_s // STEP_S, 1), years), cluster.least)
    asked_for_lately = np.full((cluster.window_s // STEP_S, years), cluster.least)
    replicas = np.full(years, cluster.least)
    refused, replica_hours = np.zeros(years), np.zeros(years)
    each = cluster.per_replica * STEP_S
    first = LEARNING * WEEK * STEPS
    for step in range(first, arrivals.shape[1]):
        ready = np.minimum(starting.min(axis=0), replicas)
        served = np.minimum(arrivals[:, step], ready * each)
        refused += arrivals[:, step] - served
        over = served / (ready * each) / cluster.target
        asked_for = np.where(np.abs(over - 1) <= TOLERANCE, replicas, np.ceil(ready * over))
        asked_for_lately[step % len(asked_for_lately)] = asked_for
        scaled = np.maximum(asked_for, np.minimum(replicas, asked_for_lately.max(axis=0)))
        replicas = np.clip(np.maximum(scaled, floor[:, step]), cluster.least, cluster.most).astype(int)
        starting[step % len(starting)] = replicas
        replica_hours += replicas / STEPS
    requests = arrivals[:, first:].sum(axis=1)
    return [
        PolicyResult(*each)
        for each in zip(refused.astype(int).tolist(), requests.tolist(), replica_hours.tolist(), strict=True)
    ]


def compare(world: LenderYear, seeds: Sequence[int], cluster: Cluster) -> list[dict[str, float]]:
    """A row for each simulated year: both policies, and their ratios."""
    arrivals = np.array([applications(world, seed) for seed in seeds])
    hourly = arrivals.reshape(len(seeds), -1, STEPS).sum(axis=2).astype(float)
    planned = [floors(year, cluster) for year in hourly]
    predictive_floor = np.array([by_step(asked_for, cluster) for asked_for, _ in planned])
    both = np.concatenate([arrivals, arrivals]), np.concatenate([np.zeros_like(predictive_floor), predictive_floor])
    outcomes = play(*both, cluster)
    return [
        row(seed, reactive, predictive, used)
        for seed, reactive, predictive, (_, used) in zip(
            seeds, outcomes[: len(seeds)], outcomes[len(seeds) :], planned, strict=True
        )
    ]


def row(seed: int, reactive: PolicyResult, predictive: PolicyResult, weeks_used: int) -> dict[str, float]:
    """One year. Without a request that reactive scaling refused there is nothing to halve: the ratio is 1."""
    return {
        "seed": seed,
        "requests": reactive.requests,
        "weeks_used": weeks_used,
        "refused_reactive": reactive.refused,
        "refused_predictive": predictive.refused,
        "refused_ratio": predictive.refused / reactive.refused if reactive.refused else 1.0,
        "hours_ratio": predictive.replica_hours / reactive.replica_hours,
    }


def table(rows: Sequence[dict[str, float]]) -> str:
    """A line for each year."""
    lines = ["year     requests  refused reactive  refused predictive  ratio  replica-hours  weeks with a plan"]
    lines += [
        f"{its['seed']:>4} {its['requests']:>12,} {its['refused_reactive']:>17,} {its['refused_predictive']:>19,}"
        f" {its['refused_ratio']:>6.2f} {its['hours_ratio']:>14.3f} {its['weeks_used']:>18}"
        for its in rows
    ]
    return "\n".join(lines)


def verdict(rows: Sequence[dict[str, float]]) -> str:
    """Whether predictive scaling earns its place in every year, or which one speaks against it."""
    against = [each for each in rows if each["refused_ratio"] > REFUSED_AIM or each["hours_ratio"] > HOURS_AIM]
    aims = f"at most {REFUSED_AIM:g} times the refused requests at {HOURS_AIM:g} times the replica-hours"
    if not against:
        return f"Use predictive scaling: in each of {len(rows)} years {aims}."
    return f"Use reactive scaling: {len(against)} of {len(rows)} years miss {aims}."
