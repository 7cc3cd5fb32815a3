"""Limits on requests: a token bucket for each client, and a bound on how many requests are in flight."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from credit_risk.serving.problems import Problem

CLIENTS = 10_000  # whose buckets are kept; the one that was silent longest is forgotten, and starts with a full bucket


@dataclass
class TokenBuckets:
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
class InFlightLimit:
    """At most `maximum` requests in flight: one more is refused at once, so that the others do not become slower."""

    maximum: int
    count: int = 0

    @property
    def has_capacity(self) -> bool:
        return self.count < self.maximum

    def refusal(self) -> Problem:
        return Problem(503, f"{self.count} requests are in flight, as many as may be.", retry_after=1)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Count a request while it is worked on. Raises Problem 503 if `maximum` are in flight."""
        if not self.has_capacity:
            raise self.refusal()
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
