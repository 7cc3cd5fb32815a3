"""What measured work costs at the unit prices of an environment. Pure: the same record and prices give the same sum."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean
from typing import Any

from credit_risk.operations.use_record import Use, of_month, pipeline_runs
from credit_risk.rollout.settings import Costs

HOURS_OF_MONTH = 730.0  # a year's hours over twelve, as providers bill storage
NO_RECORD = "no record"


@dataclass(frozen=True)
class Amount:
    """An amount in the environment's currency. unknown: what it leaves out, each with its reason; empty if whole."""

    amount: float
    unknown: tuple[str, ...] = ()


def of_use(use: Use, prices: Costs) -> Amount:
    """What one piece of work costs: its minutes where a machine is billed by the minute, else its cores and memory.

    Storage is billed elsewhere (`of_storage`), because it costs by how long it lies there.
    """
    if use.runner_minutes is not None:
        return Amount(use.runner_minutes * prices.runner_minute)
    parts = {
        "cpu_seconds": (use.cpu_seconds, prices.core_hour / 3600),
        "memory_gb_hours": (use.memory_gb_hours, prices.gb_hour),
    }
    amount = sum(taken * price for taken, price in parts.values() if taken is not None)
    return Amount(
        amount, tuple(f"{use.kind} {use.name}: {name}" for name, (taken, _) in parts.items() if taken is None)
    )


def total(uses: Iterable[Use], prices: Costs) -> Amount:
    """The sum; what is unknown of any part is unknown of the sum."""
    costs = [of_use(use, prices) for use in uses if use.kind != "storage"]
    unknown = dict.fromkeys(reason for cost in costs for reason in cost.unknown)
    return Amount(sum(cost.amount for cost in costs), tuple(unknown))


def of_storage(uses: Sequence[Use], prices: Costs, begin: datetime, now: datetime) -> Amount:
    """What storage costs from `begin` to `now`: each measured size holds until the next one.

    Before the first measurement nothing is known, and nothing is counted.
    """
    sizes = [(max(use.when, begin), use.storage_gb) for use in uses if use.kind == "storage" and use.when <= now]
    if not sizes:
        return Amount(0.0, (f"storage: {NO_RECORD}",))
    if prices.storage_gb_month is None:
        return Amount(0.0, ("storage: configs/deploy has no costs.storage_gb_month",))
    ends = [*(at for at, _ in sizes[1:]), now]
    gb_hours = sum((gb or 0.0) * (end - at).total_seconds() / 3600 for (at, gb), end in zip(sizes, ends, strict=True))
    return Amount(gb_hours * prices.storage_gb_month / HOURS_OF_MONTH)


def month_to_date(uses: Sequence[Use], prices: Costs, now: datetime) -> dict[str, Any]:
    """What this calendar month (UTC) has cost, by kind of work, and what it will have cost if it goes on as it went."""
    begin, end = bounds_of_month(now)
    storage = of_storage(uses, prices, begin, now)
    by_kind = {kind: total(group, prices) for kind, group in _by_kind(of_month(uses, now)).items()}
    costs = {**by_kind, "storage": storage}
    spent = sum(cost.amount for cost in costs.values())
    share_of_month = (now - begin) / (end - begin)
    return {
        "month": f"{now:%Y-%m}",
        "currency": prices.currency,
        "records": len(list(of_month(uses, now))),
        "by_kind": {kind: cost.amount for kind, cost in costs.items()},
        "spent": spent,
        "forecast": spent / share_of_month if share_of_month else None,
        "budget": prices.monthly_budget,
        "share_of_budget": spent / prices.monthly_budget,
        "unknown": [reason for cost in costs.values() for reason in cost.unknown],
    }


def unit_costs(uses: Sequence[Use], prices: Costs) -> dict[str, Any]:
    """Mean costs: of a run, each stage that ran, a retraining, 1,000 decisions. None where nothing is recorded."""
    stages = _by_name(use for use in uses if use.kind == "stage" and not use.cached)
    decided = [use for use in uses if use.kind == "serving" and use.decisions]
    decisions = sum(use.decisions or 0 for use in decided)
    return {
        "run": _mean((use for use in pipeline_runs(uses) if use.kind == "run"), prices),
        "retraining": _mean((use for use in uses if use.kind == "retraining"), prices),
        "runner_job": _mean((use for use in uses if use.kind == "runner"), prices),
        "stages": {name: mean(of_use(use, prices).amount for use in group) for name, group in stages.items()},
        "thousand_decisions": 1_000 * total(decided, prices).amount / decisions if decisions else None,
        "decisions": decisions,
    }


def bounds_of_month(now: datetime) -> tuple[datetime, datetime]:
    """When the calendar month began, and when the next one does."""
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return begin, begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)


def _mean(uses: Iterable[Use], prices: Costs) -> float | None:
    amounts = [of_use(use, prices).amount for use in uses]
    return mean(amounts) if amounts else None


def _by_kind(uses: Iterable[Use]) -> Mapping[str, list[Use]]:
    groups: dict[str, list[Use]] = {}
    for use in uses:
        if use.kind != "storage":
            groups.setdefault(use.kind, []).append(use)
    return groups


def _by_name(uses: Iterable[Use]) -> Mapping[str, list[Use]]:
    groups: dict[str, list[Use]] = {}
    for use in uses:
        groups.setdefault(use.name, []).append(use)
    return groups
