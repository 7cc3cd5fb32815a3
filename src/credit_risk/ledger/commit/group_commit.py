"""Group commit: while one transaction becomes durable the next gathers, so that one fdatasync answers many."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from queue import SimpleQueue
from typing import NamedTuple

from credit_risk.ledger.commit.batch import EntryOutcome
from credit_risk.ledger.entry import Entry, Prepared, RecordedDecision
from credit_risk.ledger.errors import LedgerUnavailable, Overloaded
from credit_risk.ledger.ledger import Ledger

CLOSED = "the ledger's writer was closed; this process takes no more decisions."


class QueuedEntry(NamedTuple):
    prepared: Prepared
    future: "asyncio.Future[RecordedDecision]"


class GroupCommit:
    """A thread that records all entries that wait, in one transaction; make one a process.

    most_waiting: entries not yet durable, beyond which new ones are Overloaded. most_together: entries of one
    transaction, so that the first of them does not wait for all that an overload brings.
    """

    def __init__(self, ledger: Ledger, *, most_waiting: int = 1024, most_together: int = 64) -> None:
        self._ledger = ledger
        self._most_waiting = most_waiting
        self._most_together = most_together
        self._queue: SimpleQueue[QueuedEntry | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._writing = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """Entries that are not durable yet."""
        return self._queue.qsize() + self._writing

    async def record(self, entry: Entry) -> RecordedDecision:
        """Record an entry; returns when it is durable. Raises Conflict, EntryError, LedgerUnavailable, Overloaded."""
        if self.depth >= self._most_waiting:
            raise Overloaded(self.depth)
        waiting = QueuedEntry(self._ledger.prepare(entry), asyncio.get_running_loop().create_future())
        with self._lock:  # nothing may be put behind the end that `close` puts
            if self._closed:
                raise LedgerUnavailable(CLOSED)
            self._queue.put(waiting)
        return await waiting.future

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._gathered():
            self._writing = len(batch)
            try:
                answers: Sequence[EntryOutcome] = self._ledger.write([entry.prepared for entry in batch])
            except LedgerUnavailable as error:
                answers = [error] * len(batch)
            except BaseException as error:
                self._stop(batch, error)
                raise
            # Before the answers, so that whoever has one does not find it among those that wait.
            self._writing = 0
            _deliver(batch, answers)

    def _gathered(self) -> list[QueuedEntry]:
        """All that waits, at least one; nothing after `close`."""
        first = self._queue.get()
        batch = [] if first is None else [first]
        while batch and len(batch) < self._most_together and not self._queue.empty():
            entry = self._queue.get()
            if entry is None:
                self._queue.put(None)  # for the next round
                break
            batch.append(entry)
        return batch

    def _stop(self, batch: Sequence[QueuedEntry], error: BaseException) -> None:
        """A fault of ours: answer nobody as if recorded, and take nothing more."""
        with self._lock:
            self._closed = True
        left = list(batch)
        while not self._queue.empty():
            entry = self._queue.get()
            left += [entry] if entry else []
        _deliver(left, [stopped(error)] * len(left))


def stopped(error: BaseException) -> LedgerUnavailable:
    """The answer to all that wait when a fault of our own ends the writing."""
    return LedgerUnavailable(f"the ledger's writer stopped: {error!r}.")


def _deliver(batch: Iterable[QueuedEntry], answers: Iterable[EntryOutcome]) -> None:
    of_loop = defaultdict(list)
    for entry, answer in zip(batch, answers, strict=True):
        of_loop[entry.future.get_loop()].append((entry.future, answer))
    for loop, resolved in of_loop.items():
        try:
            loop.call_soon_threadsafe(resolve_all, resolved)
        except RuntimeError:  # the loop was closed: nobody waits there any more, and what was recorded stays recorded
            if not loop.is_closed():
                raise


def resolve_all(resolved: "Iterable[tuple[asyncio.Future[RecordedDecision], EntryOutcome]]") -> None:
    """Answer coroutines, in the thread of their loop."""
    for future, answer in resolved:
        if future.done():  # its request was given up meanwhile
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
