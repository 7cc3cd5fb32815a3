"""Reading a config or a report by dotted names: `test.auc` is what stands under `auc` in what stands under `test`."""

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


def leaves(tree: Any, *, into_lists: bool = True, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a tree by its dotted name, from the top down.

    into_lists: whether the entries of a list count, each by its `name`, `id` or `check` as in `gates[psi].at_most`;
    a list of plain values is one value either way. An empty mapping or list is one value too.
    """
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, into_lists=into_lists, above=f"{above}.{key}" if above else str(key))
    elif into_lists and isinstance(tree, list) and tree and all(isinstance(entry, Mapping) for entry in tree):
        for index, entry in enumerate(tree):
            title = next((entry[key] for key in ("name", "id", "check") if key in entry), index)
            yield from leaves(entry, above=f"{above}[{title}]")
    else:
        yield above, tree


def numbers(report: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Every number of a report with its dotted name; lists are passed over."""
    values = leaves(report, into_lists=False)
    return ((name, float(value)) for name, value in values if _is_number(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
