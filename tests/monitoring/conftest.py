"""A ledger and the outcomes beside it, in SQLite or in PostgreSQL."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit_risk.config import Config, load
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcome_store import Outcomes

sys.path.insert(0, str(Path(__file__).parent))

from book import KEY

from postgresql import server

__all__ = ["server"]

LENDER = Path(__file__).parents[1] / "lender"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'ledger' / 'ledger.db'}"
    return request.getfixturevalue("server").new_database()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, key=KEY) as ledger:
        yield ledger


@pytest.fixture
def outcomes(url: str, ledger: Ledger) -> Iterator[Outcomes]:
    with Outcomes(url, busy_timeout_s=5) as outcomes:
        yield outcomes


@pytest.fixture
def config() -> Config:
    return load(LENDER / "credit.yaml")
