"""Whether a decision could be recorded now: tried, not guessed, and never by more than one thread at a time."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.serving.engine import DecisionEngine

WITHIN = 3.0  # seconds after which a ledger that does not answer counts as one that cannot be had


@dataclass
class Readiness:
    """Reads the ledger for whoever asks, and writes to it once in `every` seconds; who asks meanwhile shares a look."""

    engine: DecisionEngine
    every: float
    clock: Callable[[], float] = time.monotonic
    _look: "asyncio.Future[None] | None" = None
    _wrote_at: float | None = None

    def __post_init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="readiness")

    async def check(self) -> None:
        """Raises LedgerUnavailable if nothing can be recorded, or if that does not show in time."""
        if self._look is None or self._look.done():
            self._look = asyncio.get_running_loop().run_in_executor(self._executor, self.look)
        look = self._look  # when this one wakes up, somebody who asked later may have begun the next
        done, _ = await asyncio.wait((look,), timeout=WITHIN)
        if not done:
            raise LedgerUnavailable(f"the ledger does not answer within {WITHIN:g} seconds.")
        look.result()

    def look(self) -> None:
        """Read the ledger, and write where it is time to. Raises LedgerUnavailable."""
        self.engine.ledger.ready()
        if self._wrote_at is None or self.clock() - self._wrote_at >= self.every:
            self.engine.probe()
            self._wrote_at = self.clock()

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
