"""How often the benchmark is right where the truth is known: a slowdown that was planted, and noise alone."""

from collections.abc import Mapping
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


@dataclass
class Slowed:
    """A scorer that works `SLOWER_BY` more: 3 of 10 decisions and of 10 rows are decided twice.

    extra_bytes: that a batch holds beside. The work is real, and takes what such work takes on a busy machine too.
    """

    scorer: Decides
    extra_bytes: int
    calls: int = 0

    def decide(self, applications: Mapping[str, Any]) -> object:
        self.calls += 1
        if self.calls % 10 < 10 * SLOWER_BY:
            self.scorer.decide(applications)
        return self.scorer.decide(applications)

    def decide_inputs(self, inputs: Matrix) -> object:
        extra = np.ones(self.extra_bytes, dtype=np.uint8)
        self.scorer.decide_inputs(inputs[: round(SLOWER_BY * len(inputs))])
        return self.scorer.decide_inputs(inputs), len(extra)


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
