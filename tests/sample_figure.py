"""One figure of a sample, for tests that need no other."""

from numpy.typing import ArrayLike

from credit_risk.measures.metrics import Economics, Sample, measure


def figure(
    name: str, bad: ArrayLike, pd: ArrayLike, weights: ArrayLike | None = None, economics: Economics | None = None
) -> float:
    """A figure of `metrics.measure` by its name."""
    return float(measure(Sample.of(bad, pd, economics=economics), weights)[name])
