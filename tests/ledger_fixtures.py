"""A ledger in a new database, of either kind: what holds for one must hold for the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from credit_risk.ledger.ledger import Ledger
from postgresql import server

__all__ = ["KEY", "file", "ledger", "server", "url"]

KEY = bytes(range(32))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "ledger.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('file')}"
    return request.getfixturevalue("server").new_database()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, key=KEY) as ledger:
        yield ledger
