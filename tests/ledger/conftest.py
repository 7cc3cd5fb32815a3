"""A ledger for tests, in SQLite or in PostgreSQL."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit_risk.ledger.ledger import Ledger
from ledger_fixtures import KEY, file, ledger, run, server, url

sys.path.insert(0, str(Path(__file__).parent))

__all__ = ["file", "ledger", "run", "server", "url"]


@pytest.fixture
def local(file: Path) -> Iterator[Ledger]:
    """A ledger in SQLite, where the test is about its file."""
    with Ledger.open(f"sqlite:///{file}", key=KEY, busy_timeout_s=0.2) as ledger:
        yield ledger
