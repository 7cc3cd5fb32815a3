"""A sound environment, and counts of a colour that behaves."""

from pathlib import Path

import pytest

from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.settings import Environment, validate_environment_config

ENVIRONMENTS = Path(__file__).parent / "environments"


@pytest.fixture(scope="session")
def environment() -> Environment:
    return validate_environment_config(ENVIRONMENTS / "local.yaml")


@pytest.fixture
def rollout(environment):
    return environment.rollout


@pytest.fixture
def analysis(rollout):
    return rollout.analysis


@pytest.fixture
def good():
    """A function: the counts of so many requests, seven of ten approved, no fault."""

    def count(requests: int, **other) -> Counts:
        whole = {"requests": requests, "decisions": requests, "approved": requests * 7 // 10}
        return Counts(**(whole | {"scores": (requests // 4,) * 4} | other))

    return count
