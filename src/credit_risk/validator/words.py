"""What a bin of a scorecard holds, in words."""

from itertools import pairwise

from credit_risk.scoring.model import Bins

MISSING = "missing"


def ranges(bins: Bins) -> list[str]:
    """Each range of a characteristic of numbers, from the lowest; a value at an edge lies above it."""
    ends = ["", *(f"{edge:g}" for edge in bins.edges), ""]
    return [_range(low, high) for low, high in pairwise(ends)]


def _range(low: str, high: str) -> str:
    if low and high:
        return f"{low} to below {high}"
    return f"{low} or more" if low else f"below {high}" if high else "any value"
