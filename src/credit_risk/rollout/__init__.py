"""Bringing a scorer into traffic step by step, and back: an optional part. Public: CanaryDeployer, HealthMonitor.

It knows versions and their figures, and nothing of how a scorer is made.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_risk.rollout.canary import CanaryDeployer
    from credit_risk.rollout.health import HealthMonitor

__all__ = ["CanaryDeployer", "HealthMonitor"]


def __getattr__(name: str) -> Any:
    """The public classes, late: with them come scorer and registry, which `status` and `environment` do without."""
    if name == "CanaryDeployer":
        from credit_risk.rollout.canary import CanaryDeployer  # noqa: PLC0415

        return CanaryDeployer
    if name == "HealthMonitor":
        from credit_risk.rollout.health import HealthMonitor  # noqa: PLC0415

        return HealthMonitor
    raise AttributeError(name)
