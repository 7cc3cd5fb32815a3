"""How many applications the ledger decided, hour by hour: counts alone, nothing is unsealed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from pandas import Series

from credit_risk.ledger.database.stored import single_row
from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.opening import open_ledger
from credit_risk.ledger.settings import LedgerSettings

HOUR_US = 3_600_000_000  # an entry's time is in microseconds since 1970
BY_HOUR = f"SELECT at / {HOUR_US}, COUNT(*) FROM entries WHERE kind = 'decision' GROUP BY 1 ORDER BY 1"  # noqa: S608
ALL = "SELECT COUNT(*) FROM entries WHERE kind = 'decision'"


@contextmanager
def ledger_if_there(root: Path, settings: LedgerSettings) -> Iterator[Ledger | None]:
    """The ledger of an environment; None where there is none yet, or its key is not here."""
    try:
        ledger = open_ledger(root, settings, os.environ, create=False)
    except (LedgerUnavailable, LedgerRefused):
        yield None
        return
    with ledger:
        yield ledger


def decisions(ledger: Ledger) -> int:
    """All decisions so far."""
    with ledger.store.reading() as cursor:
        cursor.execute(ALL)
        return int(single_row(cursor, ledger.store.address)[0])


def by_hour(ledger: Ledger, now: datetime) -> Series:
    """Decisions of each whole hour (UTC) from the first one on; 0 in an hour without any. The present hour is left out.

    Index: the hour's beginning. Empty without a decision in an hour that has ended.
    """
    with ledger.store.reading() as cursor:
        cursor.execute(BY_HOUR)
        rows = [(int(hour), int(count)) for hour, count in cursor.fetchall()]
    present = int(now.timestamp()) // 3600
    counts = {hour: count for hour, count in rows if hour < present}
    if not counts:
        return Series(dtype=int)
    hours = range(min(counts), present)
    index = pd.to_datetime([datetime.fromtimestamp(hour * 3600, UTC) for hour in hours])
    return Series([counts.get(hour, 0) for hour in hours], index=index)
