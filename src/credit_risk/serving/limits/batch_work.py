"""Batches are worked on in threads, few at a time and in small steps, each of which may be the last.

A thread of Python's cannot be ended from outside. So the work asks between two steps whether it shall go on: not when
it has used up its time, when its client has gone, or when the service ends.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from starlette.requests import Request

from credit_risk.serving.problems import Problem

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class WorkLimit:
    """The processor time that one batch may use, and whether it may go on. clock: of the thread that works."""

    seconds: float
    clock: Callable[[], float] = time.thread_time
    used: float = 0.0
    refusal: Problem | None = None
    steps: int = 0
    _begun: float = 0.0

    def step(self) -> None:
        """Called between two steps. Raises Problem if there may be no further one."""
        self.steps += 1
        if self.refusal is not None:
            raise self.refusal
        if self.used + self.clock() - self._begun > self.seconds:
            raise Problem(413, f"This batch is more than {self.seconds:g} seconds of work; send it in parts.")

    def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do a part of the work in this thread, and count its time."""
        self._begun = self.clock()
        self.step()
        try:
            return work(*args, **kwargs)
        finally:
            self.used += self.clock() - self._begun


@dataclass
class BatchWork:
    """The threads of one worker process that work on batches. seconds: of processor time for one batch."""

    threads: int
    seconds: float
    _limits: list[WorkLimit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="batch")

    def limit(self) -> WorkLimit:
        return WorkLimit(self.seconds)

    async def run(
        self, request: Request, limit: WorkLimit, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do a part of a batch in a thread, while watching that its client is there. The body must have been read.

        Returns or raises when the thread is done: whoever waits keeps its place in flight until then.
        """
        loop = asyncio.get_running_loop()
        self._limits.append(limit)
        done = loop.run_in_executor(self._executor, lambda: limit.run(work, *args, **kwargs))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
            if not done.done():
                limit.refusal = Problem(408, "The client went away before its batch was done.")
            return await asyncio.shield(done)
        except asyncio.CancelledError:  # the server's time to end is over
            limit.refusal = _ending()
            raise
        finally:
            gone.cancel()
            self._limits.remove(limit)

    def close(self) -> None:
        """End all work at its next step, and wait for that."""
        for limit in self._limits:
            limit.refusal = _ending()
        self._executor.shutdown(wait=True, cancel_futures=True)


def _ending() -> Problem:
    return Problem(503, "The service is ending; ask again.", retry_after=1)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
