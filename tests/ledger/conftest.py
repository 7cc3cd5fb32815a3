"""A ledger for tests, in SQLite or in PostgreSQL."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit_risk.ledger.ledger import Ledger

sys.path.insert(0, str(Path(__file__).parent))

from ledger_trial import KEY

from postgresql import server

__all__ = ["server"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "ledger.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A new database, of either kind: what holds for one must hold for the other."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('file')}"
    return request.getfixturevalue("server").new_database()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, key=KEY) as ledger:
        yield ledger


@pytest.fixture
def local(file: Path) -> Iterator[Ledger]:
    """A ledger in SQLite, where the test is about its file."""
    with Ledger.open(f"sqlite:///{file}", key=KEY, busy_timeout_s=0.2) as ledger:
        yield ledger
