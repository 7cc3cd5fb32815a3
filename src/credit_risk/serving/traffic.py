"""How much one client and all of them together may ask: a token bucket each, and a bound on what is in flight."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from credit_risk.serving.problems import Problem

CLIENTS = 10_000  # whose buckets are kept; the one that was silent longest is forgotten, and starts with a full bucket


@dataclass
class Buckets:
    """A client may send `burst` requests at once and `rate` a second on the whole (a token bucket each)."""

    rate: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, client: str) -> None:
        """Raises Problem 429 with the seconds to wait if this client has nothing left."""
        now = self.clock()
        tokens, since = self._left.get(client, (float(self.burst), now))
        tokens = min(tokens + (now - since) * self.rate, float(self.burst))
        if tokens < 1:
            wait = (1 - tokens) / self.rate
            raise Problem(429, "You send more than you may; slow down.", retry_after=max(1, round(wait)))
        self._left[client] = (tokens - 1, now)
        self._left.move_to_end(client)
        if len(self._left) > CLIENTS:
            self._left.popitem(last=False)


@dataclass
class Room:
    """At most `most` requests in flight: one more is sent away at once, and those inside keep their time."""

    most: int
    inside: int = 0

    @property
    def is_free(self) -> bool:
        return self.inside < self.most

    def full(self) -> Problem:
        return Problem(503, f"{self.inside} requests are in flight, as many as may be.", retry_after=1)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place while a request is worked on. Raises Problem 503 if there is none."""
        if not self.is_free:
            raise self.full()
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
