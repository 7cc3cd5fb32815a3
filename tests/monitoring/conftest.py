"""A ledger and the outcomes beside it, in SQLite or in PostgreSQL."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit_risk.config import Config, load
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from ledger_fixtures import file, ledger, server, url

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "ledger")]

__all__ = ["file", "ledger", "server", "url"]

LENDER = Path(__file__).parents[1] / "lender"


@pytest.fixture
def outcomes(url: str, ledger: Ledger) -> Iterator[Outcomes]:
    with Outcomes(url, busy_timeout_s=5) as outcomes:
        yield outcomes


@pytest.fixture
def config() -> Config:
    return load(LENDER / "credit.yaml")
