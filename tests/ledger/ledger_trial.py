"""Entries that tests record, and ways to reach below the ledger."""

from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger

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


def submit_all(url: str, process: int) -> list[tuple[str, str, int]]:
    """From another process: ten requests that everybody sends, ten that only this one does."""
    with Ledger.open(url, key=KEY, busy_timeout_s=30) as ledger:
        said = []
        for number in range(10):
            mine = entry(f"p{process}", f"mine-{process}-{number}")
            for outcome, name in zip(
                ledger.append([entry("all", f"all-{number}"), mine]), (f"all-{number}", mine.request_id), strict=True
            ):
                said.append((name, outcome.decision_id, outcome.seq))
        return said
