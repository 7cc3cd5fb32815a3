"""Reading a report by dotted names: `test.auc` is what stands under `auc` in what stands under `test`."""

import math
from collections.abc import Iterator, Mapping
from typing import Any


def value_at(report: Mapping[str, Any], name: str) -> Any:
    """What stands under a dotted name; None if nothing does."""
    node: Any = report
    for part in name.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def lookup(report: Mapping[str, Any], name: str) -> float | None:
    """A number by its dotted name; None if it is absent, null or no finite number."""
    value = value_at(report, name)
    return float(value) if _is_number(value) and math.isfinite(value) else None


def numbers(report: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a report with its dotted name; lists are passed over."""
    for name, value in report.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{above}{name}.")
        elif _is_number(value):
            yield f"{above}{name}", float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
