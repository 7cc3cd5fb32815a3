"""Decisions of known dates in a real ledger, and deliveries of outcomes, for the tests of what happens afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch

import pandas as pd

from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger

BY = DecidedBy(scorer="5c", model="30", config="c0", code="c1")


@contextmanager
def clock(day: date) -> Iterator[None]:
    """The ledger's clock at noon (UTC) of a day."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    with patch("credit_risk.ledger.entry.time.time_ns", lambda: int(noon) * 1_000_000_000):
        yield


def entry(
    applicant: str | None,
    decision: str = "approve",
    pd_: float | None = 0.1,
    *,
    band: str = "A",
    inputs: Mapping[str, object] | None = None,
    by: DecidedBy = BY,
) -> Entry:
    score = None if pd_ is None else 600.0
    decided = {"decision": decision, "pd": pd_, "score": score, "band": band, "rule": None, "reasons": []}
    return Entry(inputs=inputs or {"income": 1.0}, decided=decided, by=by, applicant=applicant)


def decide(ledger: Ledger, day: date, entries: Sequence[Entry]) -> list[str]:
    """Record decisions of a day; their ids."""
    with clock(day):
        return [recorded.decision_id for recorded in ledger.append(entries)]


def delivery(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    table = pd.DataFrame(rows)
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return path
