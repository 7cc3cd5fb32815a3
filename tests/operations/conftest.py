"""Prices that can be counted in one's head, and pieces of work at a time of one's choice."""

from datetime import UTC, datetime

import pytest

from credit_risk.operations.use_record import Use
from credit_risk.rollout.settings import Costs

NOON = datetime(2026, 6, 11, tzinfo=UTC)  # ten of June's thirty days have passed


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture
def prices() -> Costs:
    """A core hour costs 2, a GB hour 1, a runner minute 0.5, a GB month of storage 73; a month may cost 100."""
    return Costs(
        currency="EUR",
        core_hour=2.0,
        gb_hour=1.0,
        runner_minute=0.5,
        storage_gb_month=73.0,
        monthly_budget=100.0,
        alert_above=0.8,
    )


@pytest.fixture
def use():
    """A function: one piece of work on a day of June 2026, which took what is named and nothing else."""

    def make(kind="run", name="dvc", day=5, **taken) -> Use:
        at = datetime(2026, 6, day, tzinfo=UTC).isoformat()
        return Use(at, kind, name, **({"cpu_seconds": 0.0, "memory_gb_hours": 0.0} | taken))

    return make
