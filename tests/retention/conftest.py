"""Ledgers whose decisions are of known months, in SQLite or in PostgreSQL."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "ledger"), str(TESTS / "retention")]

from ledger_fixtures import run, server  # noqa: E402

__all__ = ["run", "server"]
