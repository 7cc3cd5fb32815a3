"""The settings under which the service accepts most within its latency: fewer measurements than a whole grid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

MORE_BY = 0.05  # another worker must bring this much, or there are enough

Measure: TypeAlias = Callable[[int, int], float]
"""Accepted requests a second with so many workers and so many in flight in each; 0 where they were too slow."""


@dataclass(frozen=True)
class ServiceSetting:
    """The best that was found. per_second: accepted within the latency; measured: how many settings were tried."""

    workers: int
    in_flight: int
    per_second: float
    measured: int


def search(measure: Measure, workers: Sequence[int], in_flight: Sequence[int]) -> ServiceSetting:
    """Narrow `in_flight` down for each number of workers, and add workers while they bring MORE_BY.

    Both ascending. With more in flight more is accepted, until the answers are too slow and nothing counts; on such a
    hill the third of it that cannot hold the top is left out at each look.
    """
    tried: dict[tuple[int, int], float] = {}

    @cache
    def at(count: int, index: int) -> float:
        tried[count, in_flight[index]] = value = measure(count, in_flight[index])
        return value

    best: tuple[float, int, int] = (0.0, workers[0], in_flight[0])
    for count in workers:
        index = _top(lambda position, count=count: at(count, position), len(in_flight))  # type: ignore[misc]
        value = at(count, index)
        if count != workers[0] and value < best[0] * (1 + MORE_BY):
            break
        best = (value, count, in_flight[index])
    return ServiceSetting(best[1], best[2], best[0], len(tried))


def _top(height: Callable[[int], float], count: int) -> int:
    """Where a hill of so many steps is highest; where nothing counts on either side, the top is before it."""
    low, high = 0, count - 1
    while high - low > 2:
        left, right = low + (high - low) // 3, high - (high - low) // 3
        if height(left) >= height(right):
            high = right - 1
        else:
            low = left + 1
    return max(range(low, high + 1), key=height)
