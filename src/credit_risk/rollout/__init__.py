"""Bringing a scorer into traffic step by step, and back: an optional part. CanaryDeployer is its public name.

It knows versions and their figures, and nothing of how a scorer is made.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_risk.rollout.canary import CanaryDeployer

__all__ = ["CanaryDeployer"]


def __getattr__(name: str) -> Any:
    """CanaryDeployer, late: with it come scorer and registry, which `status` and `environment` do without."""
    if name == "CanaryDeployer":
        from credit_risk.rollout.canary import CanaryDeployer  # noqa: PLC0415

        return CanaryDeployer
    raise AttributeError(name)
