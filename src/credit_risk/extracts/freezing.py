"""Extracts as Parquet files that say where they come from, equal byte for byte where the answer was equal."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from credit_risk.data.inputs import word_of
from credit_risk.data.writing import replacing

ORIGIN = b"credit_risk.extract"


def column(values: Sequence[Any]) -> pa.Array:
    """Values of one kind as a column of it; of several kinds, as where a database has no types, as words."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else word_of(value) for value in values], pa.string())


def freeze(table: pa.Table, path: Path, origin: Mapping[str, str]) -> None:
    """Write an extract with where it comes from; no time of day, so that an equal extract is an equal file."""
    described = table.replace_schema_metadata({ORIGIN: json.dumps(origin, sort_keys=True)})
    with replacing(path) as unfinished:
        pq.write_table(described, unfinished)


def origin(path: Path) -> Mapping[str, str] | None:
    """Where a Parquet file was frozen from; None for one that was not."""
    metadata = pq.read_schema(path).metadata or {}
    return json.loads(metadata[ORIGIN]) if ORIGIN in metadata else None
