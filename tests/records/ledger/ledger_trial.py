"""Entries that tests record, and ways to reach below the ledger."""

import os

import pytest

from credit_risk.records.ledger import DecidedBy, Entry

KEY = bytes(range(32))

BY = DecidedBy(scorer="5c", model="30", config="c0", code="c1")
SECRET_INCOME = 41_234.56
REASONS = [{"id": "R01", "text": "payments were late", "driver": "months_late", "value": 3.0}]


def entry(applicant: str | None = "Ada", request: str | None = None, **changes: object) -> Entry:
    """A decline with one reason."""
    decided = {"decision": "decline", "pd": 0.1 + 0.2, "score": 512.3, "band": "C", "rule": None, "reasons": REASONS}
    fields = {
        "inputs": {"income": SECRET_INCOME, "months_late": 3, "purpose": "car"},
        "decided": decided,
        "by": BY,
        "client": "web",
        "body_digest": "b0",
        "applicant": applicant,
        "request_id": request,
        "latency_ms": 1.5,
    }
    return Entry(**{**fields, **changes})


def change(ledger, *statements: str) -> None:
    """What somebody does who holds the database, and takes away first what stands in the way."""
    with ledger.store.core() as connection:
        if ledger.store.sqlite:
            for verb in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS entries_no_{verb}")
        else:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS entries_only_grow ON entries")
        for statement in statements:
            connection.exec_driver_sql(statement)


def needed(there: object, what: str) -> None:
    """A tool that is not there is a listed skip here and a failure in CI."""
    if not there:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)
