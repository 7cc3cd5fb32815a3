"""Limits on requests: a token bucket for each client, bounds on what is in flight and on bodies that arrive."""

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

    def take(self, client: str, cost: int = 1) -> None:
        """Take the cost of a request. Raises Problem 429 with the seconds to wait if this client may not have it now.

        What costs more than a whole bucket is let through by a full one, which then is in debt.
        """
        now = self.clock()
        tokens, since = self._left.get(client, (float(self.burst), now))
        tokens = min(tokens + (now - since) * self.rate, float(self.burst))
        needed = min(cost, self.burst)
        if tokens < needed:
            wait = (needed - tokens) / self.rate
            raise Problem(429, "You send more than you may; slow down.", retry_after=max(1, round(wait)))
        self._left[client] = (tokens - cost, now)
        self._left.move_to_end(client)
        if len(self._left) > CLIENTS:
            self._left.popitem(last=False)


@dataclass
class InFlightLimit:
    """At most `maximum` requests in flight: one more is refused at once, so that the others do not become slower.

    per_client: how many of them may be one client's, so that the others find room; None without a bound.
    """

    maximum: int
    per_client: int | None = None
    count: int = 0
    _of_client: dict[str, int] = field(default_factory=dict)

    @property
    def has_capacity(self) -> bool:
        return self.count < self.maximum

    def refusal(self) -> Problem:
        return Problem(503, f"{self.count} requests are in flight, as many as may be.", retry_after=1)

    @contextmanager
    def admit(self, client: str = "") -> Iterator[None]:
        """Count a request while it is worked on. Raises Problem 503 if `maximum` are in flight, 429 for a client's."""
        if not self.has_capacity:
            raise self.refusal()
        own = self._of_client.get(client, 0)
        if self.per_client is not None and own >= self.per_client:
            raise Problem(429, f"{own} of your requests are in flight, as many as may be.", retry_after=1)
        self.count += 1
        self._of_client[client] = own + 1
        try:
            yield
        finally:
            self.count -= 1
            _subtract(self._of_client, client, 1)


@dataclass
class ArrivingBodies:
    """Bytes of bodies that have begun to arrive, of all clients and of one: slow ones may not fill the memory."""

    maximum: int
    per_client: int
    total: int = 0
    _of_client: dict[str, int] = field(default_factory=dict)

    def add(self, client: str, size: int) -> None:
        """Raises Problem 429 or 503 if these bytes would be more than there may be."""
        own = self._of_client.get(client, 0) + size
        if own > self.per_client:
            raise Problem(429, "More of your bodies are arriving than may at once.", retry_after=1)
        if self.total + size > self.maximum:
            raise Problem(503, "More bodies are arriving than may at once.", retry_after=1)
        self.total += size
        self._of_client[client] = own

    def remove(self, client: str, size: int) -> None:
        self.total -= size
        _subtract(self._of_client, client, size)


def _subtract(counts: dict[str, int], client: str, number: int) -> None:
    """Clients with nothing left are forgotten: their number is theirs to choose where tokens name them."""
    left = counts[client] - number
    if left:
        counts[client] = left
    else:
        del counts[client]
