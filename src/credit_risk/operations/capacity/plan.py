"""Replicas ahead of the hour: what the forecast asks for, as a floor under whatever scales by use."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from credit_risk.operations.capacity import forecast
from credit_risk.operations.capacity.forecast import Counts, ForecastTrial
from credit_risk.rollout.colours import COLOURS
from credit_risk.rollout.settings import Environment

AHEAD = timedelta(minutes=2)  # before its hour, so that a replica is ready when the applications come
USE_REACTIVE = "Use reactive scaling alone"


@dataclass(frozen=True)
class PlannedHour:
    """At least this many replicas from `begin` (UTC) on, for an hour. expected: applications a second."""

    begin: datetime
    replicas: int
    expected: float


@dataclass(frozen=True)
class ReplicaPlan:
    """The next day, or none and why. trial: how the forecast did on the weeks held back, where there were enough."""

    hours: tuple[PlannedHour, ...]
    sentence: str
    trial: ForecastTrial | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "sentence": self.sentence,
            "trial": vars(self.trial) if self.trial else None,
            "hours": [
                {"begin": hour.begin.isoformat(), "replicas": hour.replicas, "expected_per_second": hour.expected}
                for hour in self.hours
            ],
        }


def of_next_day(counts: Counts, begin: datetime, environment: Environment, per_replica: float) -> ReplicaPlan:
    """The plan of the 24 hours from `begin` on, if the forecast earns it.

    No margin is added: what comes beyond the forecast is for scaling by use, which goes on above this floor.
    counts: applications by hour up to `begin`. per_replica: applications a second that one replica shall take.
    """
    if len(counts) < forecast.LEAST:
        known = f"{len(counts)} hours of applications are known, and {forecast.LEAST} are needed"
        return ReplicaPlan((), f"{USE_REACTIVE}: {known}.")
    tried = forecast.trial(counts)
    if not tried.beats_naive:
        return ReplicaPlan((), f"{USE_REACTIVE}. {tried.sentence}", tried)
    expected = forecast.next_day(counts, forecast.fit(counts)) / 3600
    limits = environment.scaling.min_replicas, environment.scaling.max_replicas
    hours = tuple(
        PlannedHour(begin + timedelta(hours=hour), replicas_for(rate, per_replica, *limits), rate)
        for hour, rate in enumerate(expected.tolist())
    )
    return ReplicaPlan(hours, tried.sentence, tried)


def replicas_for(per_second: float, per_replica: float, least: int, most: int) -> int:
    """How many replicas this rate asks for, within the environment's limits."""
    return max(least, min(math.ceil(per_second / per_replica), most))


def share_of_replica(environment: Environment) -> float:
    """Applications a second that one replica shall take: those expected, shared by the fewest replicas."""
    return environment.monitoring.expected_per_second / environment.scaling.min_replicas


def floors(hours: Sequence[PlannedHour]) -> dict[str, Any]:
    """The plan as the auto-scaler of one machine reads it: from when until when at least how many replicas."""
    return {
        "hours": [
            {
                "begin": (hour.begin - AHEAD).timestamp(),
                "end": (hour.begin + timedelta(hours=1)).timestamp(),
                "replicas": hour.replicas,
            }
            for hour in hours
        ]
    }


def keda(hours: Sequence[PlannedHour], least: int) -> dict[str, Any]:
    """The plan as a component for kustomize: a cron trigger for each stretch of hours above the fewest replicas.

    File to content. KEDA takes the most that any trigger asks for, so the trigger on requests still adds replicas.
    """
    triggers = [_trigger(stretch) for stretch in _stretches(hours) if stretch[0].replicas > least]
    patch = [{"op": "add", "path": "/spec/triggers/-", "value": trigger} for trigger in triggers]
    target = {"kind": "ScaledObject", "name": "credit-risk-(" + "|".join(COLOURS) + ")"}
    component: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "patches": [{"path": "cron.yaml", "target": target}] if patch else [],
    }
    return {"kustomization.yaml": component, "cron.yaml": patch}


def _stretches(hours: Sequence[PlannedHour]) -> list[list[PlannedHour]]:
    """Hours one after another that want as many replicas."""
    return [list(group) for _, group in groupby(hours, lambda hour: hour.replicas)]


def _trigger(stretch: Sequence[PlannedHour]) -> Mapping[str, Any]:
    begin, end = stretch[0].begin - AHEAD, stretch[-1].begin + timedelta(hours=1)
    metadata = {
        "timezone": "UTC",
        "start": _cron(begin),
        "end": _cron(end),
        "desiredReplicas": str(stretch[0].replicas),
    }
    return {"type": "cron", "metadata": metadata}


def _cron(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.minute} {at.hour} {at.day} {at.month} *"
