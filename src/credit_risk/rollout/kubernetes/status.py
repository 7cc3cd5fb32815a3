"""What runs in a cluster: how the rollout stands, and which colour is live."""

from typing import Any

from rich.console import RenderableType

from credit_risk.rollout.kubernetes.target import connect
from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.rollout.settings import Environment


def overview(environment: Environment, folder: RolloutFolder) -> RenderableType:
    """Raises NotReached where the cluster does not answer."""
    return connect(environment, folder, "/health").overview()


def facts(environment: Environment, folder: RolloutFolder) -> dict[str, Any]:
    """The same as values."""
    return connect(environment, folder, "/health").facts()
