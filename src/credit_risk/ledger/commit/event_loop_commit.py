"""Group commit in the event loop's own thread, for a ledger in a local file.

A transaction on a local file takes less time than two threads lose by handing Python's lock to each other. A database
over the network keeps a thread of its own (group_commit), because a loop would wait for each round trip. Here the loop
waits for the disk alone; while another process writes, it goes on and tries again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from functools import partial

from credit_risk.ledger.commit.batch import EntryOutcome
from credit_risk.ledger.commit.group_commit import CLOSED, GroupCommit, QueuedEntry, resolve_all, stopped
from credit_risk.ledger.database.store import AGAIN
from credit_risk.ledger.entry import Entry, RecordedDecision
from credit_risk.ledger.errors import LedgerBusy, LedgerUnavailable, Overloaded
from credit_risk.ledger.ledger import Ledger


class EventLoopCommit:
    """Records the entries of one turn of the event loop in one transaction; make one a process.

    most_waiting and most_together as in GroupCommit. It belongs to one loop, and no other thread may use it.
    """

    def __init__(self, ledger: Ledger, *, most_waiting: int = 1024, most_together: int = 64) -> None:
        self._ledger = ledger
        self._most_waiting = most_waiting
        self._most_together = most_together
        self._queue: deque[QueuedEntry] = deque()
        self._give_up_at = 0.0
        self._together = 0  # entries of a transaction of late
        self._closed = False

    @property
    def depth(self) -> int:
        """Entries that are not durable yet."""
        return len(self._queue)

    async def record(self, entry: Entry) -> RecordedDecision:
        """Record an entry; returns when it is durable. Raises Conflict, EntryError, LedgerUnavailable, Overloaded."""
        if self.depth >= self._most_waiting:
            raise Overloaded(self.depth)
        if self._closed:
            raise LedgerUnavailable(CLOSED)
        loop = asyncio.get_running_loop()
        waiting = QueuedEntry(self._ledger.prepare(entry), loop.create_future())
        self._queue.append(waiting)
        if len(self._queue) == 1:
            self._start(loop)
        return await waiting.future

    def close(self) -> None:
        """Write what waits, then take no more."""
        self._closed = True
        while batch := self._next():
            self._answer(batch, wait=True)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._give_up_at = time.monotonic() + self._ledger.store.busy_timeout_s
        # Behind all that is ready now, so that what arrived together is written together.
        loop.call_soon(self._gather if self._together > 1 else self._write, loop)

    def _gather(self, loop: asyncio.AbstractEventLoop, before: int = 0) -> None:
        """Write once two turns (one reads, one decides) have brought nothing more. before: how many waited by then."""
        if before < len(self._queue) < self._most_together:
            loop.call_soon(partial(loop.call_soon, self._gather, loop, len(self._queue)))
        else:
            self._write(loop)

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._answer(self._next(), wait=False)
        except LedgerBusy as error:
            if time.monotonic() < self._give_up_at:
                loop.call_later(AGAIN, self._write, loop)
                return
            self._deliver([error] * len(self._next()))
        if self._queue:
            self._start(loop)

    def _next(self) -> list[QueuedEntry]:
        return [self._queue[index] for index in range(min(len(self._queue), self._most_together))]

    def _answer(self, batch: Sequence[QueuedEntry], *, wait: bool) -> None:
        """Write a batch and answer it. Raises LedgerBusy, with all of it still waiting, if it may not wait."""
        self._together = max(len(batch), self._together // 2)
        try:
            answers: Sequence[EntryOutcome] = self._ledger.write([entry.prepared for entry in batch], wait=wait)
        except LedgerUnavailable as error:
            if isinstance(error, LedgerBusy) and not wait:
                raise
            answers = [error] * len(batch)
        except BaseException as error:  # a fault of ours: answer nobody as if recorded, and take nothing more
            self._closed = True
            self._deliver([stopped(error)] * len(self._queue))
            raise
        self._deliver(answers)

    def _deliver(self, answers: Sequence[EntryOutcome]) -> None:
        resolve_all([(self._queue.popleft().future, answer) for answer in answers])


def group_commit(ledger: Ledger, *, most_waiting: int) -> EventLoopCommit | GroupCommit:
    """The group commit for coroutines that suits the ledger's database. Make one a process and use it from one loop."""
    return (EventLoopCommit if ledger.store.sqlite else GroupCommit)(ledger, most_waiting=most_waiting)
