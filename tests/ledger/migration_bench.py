"""`make bench-migration`: how long a large ledger takes to come to this schema, killed once on the way and run on."""

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from ledger_trial import KEY, older

from credit_risk.ledger.database import schema
from credit_risk.ledger.database.store import Store
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify

PATIENCE_S = 60.0


def migrate(url: str) -> None:
    store = Store(url, busy_timeout_s=PATIENCE_S)
    schema.migrate(store)
    store.close()


def version(url: str) -> str | None:
    store = Store(url, busy_timeout_s=PATIENCE_S)
    with store.core() as connection:
        there = schema.version(connection)
    store.close()
    return there


def main(decisions: int, killed_after_s: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ledger-migration-") as folder:
        url = f"sqlite:///{folder}/ledger.db"
        head = older(url, [f"p{number}" for number in range(decisions)])
        megabytes = (Path(folder) / "ledger.db").stat().st_size / 1e6
        child = multiprocessing.get_context("fork").Process(target=migrate, args=(url,))
        child.start()
        child.join(killed_after_s)
        if child.is_alive():
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join()
        then, begun, cpu = version(url), time.monotonic(), time.process_time()
        migrate(url)
        seconds, cpu_seconds = time.monotonic() - begun, time.process_time() - cpu
        with Ledger.open(url, key=KEY) as ledger:
            verified = verify(ledger, [head])
        if not verified.holds or verified.entries != decisions:
            sys.exit(f"{verified.entries} of {decisions} entries after the migration: {verified.faults}")
        print(
            f"{decisions:,} decisions ({megabytes:,.0f} MB): killed after {killed_after_s:g} s at schema {then}, then "
            f"migrated in {seconds:.1f} s ({cpu_seconds:.1f} s of the processor); chain, heads and entries hold"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
