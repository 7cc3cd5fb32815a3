"""Has deciding become slower or hungrier? Ratios to a reference of the same run, against a stored baseline."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_risk.operations.benchmark.performance import PerformanceBenchmark

__all__ = ["PerformanceBenchmark"]


def __getattr__(name: str) -> Any:
    """The public class, late: with it comes LightGBM, which no help waits for."""
    if name == "PerformanceBenchmark":
        from credit_risk.operations.benchmark.performance import PerformanceBenchmark  # noqa: PLC0415

        return PerformanceBenchmark
    raise AttributeError(name)
