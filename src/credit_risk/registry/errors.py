"""What can go wrong with the registry, each for what a caller can do about it."""

from credit_risk.errors import CheckFailed, CreditRiskError


class RegistryUnavailable(CreditRiskError, ConnectionError):
    """MLflow or the history cannot be reached, is locked or full. Nothing counts as done; it may be tried again."""


class RegistryMoved(CheckFailed, RuntimeError):
    """Somebody else moved a scorer meanwhile: look at the history, and decide again."""


class RegistryBroken(CheckFailed, ValueError):
    """The history, or a version's files, are not what was once recorded."""
