"""How often the benchmark is right where the truth is known: a slowdown that was planted, and noise alone."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from credit_risk.data.inputs import Matrix
from credit_risk.operations.benchmark.performance import (
    QUANTITIES,
    Decides,
    PerformanceBenchmark,
    Quantity,
    peak_bytes,
    regressions,
)

SLOWER_BY = 0.3


@dataclass(frozen=True)
class Slowed:
    """A scorer that takes `by` more of the processor for everything, and holds `extra_bytes` more in a batch."""

    scorer: Decides
    by: float
    extra_bytes: int

    def decide(self, applications: Mapping[str, Any]) -> object:
        return self._slowly(lambda: self.scorer.decide(applications))

    def decide_inputs(self, inputs: Matrix) -> object:
        extra = np.ones(self.extra_bytes, dtype=np.uint8)
        decisions = self._slowly(lambda: self.scorer.decide_inputs(inputs))
        return decisions, len(extra)

    def _slowly(self, work: Callable[[], object]) -> object:
        begun = time.process_time()
        done = work()
        end = begun + (1 + self.by) * (time.process_time() - begun)
        while time.process_time() < end:
            pass
        return done


def measure(benchmark: PerformanceBenchmark, times: int) -> dict[str, Any]:
    """Against a baseline of one run: in how many of `times` runs each quantity was called a regression.

    planted: with everything 30 % dearer, where each is to be found each time; noise: with nothing changed, never.
    """
    baseline = benchmark.ratios()
    extra = round(SLOWER_BY * peak_bytes(lambda: benchmark.scorer.decide_inputs(benchmark.batch)))
    planted = replace(benchmark, scorer=Slowed(benchmark.scorer, SLOWER_BY, extra))
    return {
        "times": times,
        "slower_by": SLOWER_BY,
        "baseline": baseline,
        "planted": _called(planted, baseline, times),
        "noise": _called(benchmark, baseline, times),
    }


def is_sound(figures: Mapping[str, Any]) -> bool:
    """Every planted slowdown was found, and none where nothing had changed."""
    return all(count == figures["times"] for count in figures["planted"].values()) and not any(
        figures["noise"].values()
    )


def _called(benchmark: PerformanceBenchmark, baseline: Mapping[Quantity, float], times: int) -> dict[Quantity, int]:
    called = [regressions(benchmark.ratios(), baseline) for _ in range(times)]
    return {name: sum(name in each for each in called) for name in QUANTITIES}
