"""Has deciding become slower or hungrier? Ratios to a reference of the same run, against a stored baseline."""

from credit_risk.operations.benchmark.performance import PerformanceBenchmark

__all__ = ["PerformanceBenchmark"]
