"""Valid applications made from the config alone: for OpenAPI's examples, the page, warming up and the load test."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.config.columns import Column

WIDE = 1_000.0  # half-width of the values of a number without a range


def application(config: Config, reference: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One plausible application: the middle of what was seen in training, or of the declared range.

    reference: the scorer's frozen bins (reference.json), where there are any.
    """
    return next(applications(config, seed=0, reference=reference))


def applications(config: Config, *, seed: int, reference: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Endless valid applications, the same for the same seed, drawn between the bins that training rows fell into."""
    draw = np.random.default_rng(seed)
    bins = (reference or {}).get("inputs", {}).get("columns", {})
    while True:
        yield {name: _value(config.columns[name], draw, bins.get(name)) for name in config.inputs}


def of_scorer(path: Path, *, seed: int) -> Iterator[dict[str, Any]]:
    """Endless applications that a scorer directory's own config allows, drawn from what it saw in training."""
    config, reference = (
        json.loads((path / f"{name}.json").read_text(encoding="utf-8")) for name in ("config", "reference")
    )
    return applications(Config.from_dict(config), seed=seed, reference=reference)


def _value(column: Column, draw: np.random.Generator, bins: Any) -> Any:
    if column.categories:
        return str(draw.choice(column.categories))
    if column.type == "boolean":
        return bool(draw.integers(2))
    low, high = _between(column, bins)
    if column.type == "integer":
        return int(draw.integers(int(np.ceil(low)), int(np.floor(high)) + 1))
    return round(float(draw.uniform(low, high)), 2)


def _between(column: Column, bins: Any) -> tuple[float, float]:
    low, high = column.range or (-WIDE, WIDE)
    edges = [edge for edge in (bins or {}).get("edges", ()) if edge is not None and low <= edge <= high]
    return (min(edges), max(edges)) if len(edges) > 1 else (low, high)
