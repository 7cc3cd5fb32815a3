"""A policy that was looked at, as values of the config: a cut-off is taken by the economics that it follows from."""

from typing import Literal

from credit_risk.config.schema import Policy
from credit_risk.errors import UsageError

DECIMALS = 12
By = Literal["margin", "lgd"]


def values(
    policy: Policy, *, cut_off: float, refer_within: float | None = None, lgd: float | None = None, by: By = "margin"
) -> dict[str, float]:
    """The values under `policy:` that put the cut-off there, by their dotted names; only those that change.

    by: which of margin and LGD is stated anew; the other, and the cost, stay. Raises UsageError where neither can.
    """
    if not 0 < cut_off < 1:
        raise UsageError(f"a cut-off is a PD between 0 and 1, got {cut_off}.")
    if by == "lgd" and lgd is not None:
        raise UsageError("give either --lgd, or --by lgd, which finds it.")
    loss = policy.lgd if lgd is None else lgd
    new = {
        "margin": (cut_off * loss + policy.cost) / (1 - cut_off) if by == "margin" else policy.margin,
        "lgd": loss if by == "margin" else (policy.margin * (1 - cut_off) - policy.cost) / cut_off,
        "refer_within": policy.refer_within if refer_within is None else refer_within,
    }
    if new["lgd"] <= 0:
        raise UsageError(
            f"no LGD puts the cut-off at {cut_off}: the margin of {policy.margin} does not cover the cost."
        )
    rounded = {name: round(value, DECIMALS) for name, value in new.items()}
    return {
        f"policy.{name}": value for name, value in rounded.items() if value != round(getattr(policy, name), DECIMALS)
    }
