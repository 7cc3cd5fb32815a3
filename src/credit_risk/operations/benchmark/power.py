"""How often the benchmark is right where the truth is known: a slowdown that was planted, and noise alone."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from credit_risk.data.inputs import Matrix
from credit_risk.operations.benchmark.performance import (
    QUANTITIES,
    Decides,
    PerformanceBenchmark,
    Quantity,
    Work,
    peak_bytes,
    regressions,
)

SLOWER_BY = 0.3


@dataclass(frozen=True)
class Slowed:
    """A scorer that takes `SLOWER_BY` longer: after each answer it keeps the core busy for that share of its time.

    A decision made twice would not do: the second finds its data and branches ready, and takes about half.
    extra_bytes: that a batch holds beside.
    """

    scorer: Decides
    extra_bytes: int

    def decide(self, applications: Mapping[str, Any]) -> object:
        return _slowed(partial(self.scorer.decide, applications))

    def decide_inputs(self, inputs: Matrix) -> object:
        extra = np.ones(self.extra_bytes, dtype=np.uint8)
        return _slowed(partial(self.scorer.decide_inputs, inputs)), len(extra)


def _slowed(work: Work) -> object:
    begun, begun_cpu = time.perf_counter(), time.process_time()
    answer = work()
    end = begun + (1 + SLOWER_BY) * (time.perf_counter() - begun)
    end_cpu = begun_cpu + (1 + SLOWER_BY) * (time.process_time() - begun_cpu)
    while time.perf_counter() < end or time.process_time() < end_cpu:
        pass
    return answer


def measure(benchmark: PerformanceBenchmark, times: int) -> dict[str, Any]:
    """Against a baseline: in how many of `times` runs each quantity was called a regression.

    planted: with everything 30 % dearer, where each is to be found each time; noise: with nothing changed, never.
    """
    baseline = benchmark.baseline()
    extra = round(SLOWER_BY * peak_bytes(lambda: benchmark.scorer.decide_inputs(benchmark.batch)))
    planted = replace(benchmark, scorer=Slowed(benchmark.scorer, extra))
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
