"""What the work costs at the environment's prices, held against the month's budget. Knows no invoice: it estimates."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_risk.operations.costs.budget import BudgetEnforcer

__all__ = ["BudgetEnforcer"]


def __getattr__(name: str) -> Any:
    """The public class, late: with it come the gates, which no help waits for."""
    if name == "BudgetEnforcer":
        from credit_risk.operations.costs.budget import BudgetEnforcer  # noqa: PLC0415

        return BudgetEnforcer
    raise AttributeError(name)
