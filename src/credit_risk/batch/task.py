"""What is done to each batch of a file, and where: the same rows come out of it on whatever machine."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import pyarrow as pa
from pandas import DataFrame

from credit_risk.batch.additions import Additions
from credit_risk.config import Config
from credit_risk.config.columns import Column
from credit_risk.scoring.decision import batch_columns, field_schemas
from credit_risk.scoring.scorer import Scorer

SCORER_KEY = b"credit_risk.scorer"
TYPES = {"number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}


@dataclass(frozen=True)
class BatchTask:
    """What is done to each batch of a file, on whatever machine.

    identifier: the id column, None where rows are counted; exposure, points: as `score` takes them.
    """

    scorer: Scorer
    identifier: str | None
    reasons: bool = True
    exposure: str | None = None
    points: bool = False

    @cached_property
    def added(self) -> Additions:
        return Additions.of(self.scorer, self.exposure, points=self.points)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the output, and the scorer's digest."""
        kind = _id_type(self.scorer.config.columns[self.identifier]) if self.identifier else pa.int64()
        types = {self.identifier or "row": kind, **result_types(), **self.added.types}
        return pa.schema(types, metadata={SCORER_KEY: self.scorer.digest.encode()})

    def decide(self, batch: DataFrame) -> pa.Table:
        """The output's rows for these rows of the input, in their order."""
        decisions = self.scorer.decide(batch, reasons=self.reasons).table()
        columns = [pa.array(decisions[name], kind, from_pandas=True) for name, kind in result_types().items()]
        identifiers = _identifiers(batch, self.schema.names[0], self.scorer.config)
        return pa.table([identifiers, *columns, *self.added.columns(batch)], schema=self.schema)


Decide: TypeAlias = Callable[[DataFrame], pa.Table]


class BatchEngine(Protocol):
    """Where batches are decided. width: how many are handed over at a time."""

    @property
    def width(self) -> int: ...

    def deciding(self, task: BatchTask) -> AbstractContextManager[Decide]:
        """What decides a batch of this task. It is called by several threads, each of which waits for its batch."""
        ...


class ThisMachine:
    """Decides in threads of this process, one for each core."""

    width = os.cpu_count() or 1

    @contextmanager
    def deciding(self, task: BatchTask) -> Iterator[Decide]:
        yield task.decide


THIS_MACHINE = ThisMachine()


def result_types() -> dict[str, pa.DataType]:
    """The columns that are written beside the id, each with its type, as scoring.decision.Decision declares them."""
    return {name: _type_of(field_schemas().get(name, {})) for name in batch_columns()}


def _type_of(schema: Mapping[str, Any]) -> pa.DataType:
    types = schema.get("type", "string")
    return TYPES.get(types if isinstance(types, str) else types[0], pa.string())


def _id_type(column: Column) -> pa.DataType:
    return {"integer": pa.int64(), "number": pa.int64(), "date": pa.timestamp("us")}.get(column.type, pa.string())


def _identifiers(table: DataFrame, name: str, config: Config) -> pa.Array:
    """The ids as the config types them; `tables.read_table` has refused any that is no such value."""
    if name not in table:
        return pa.array(table.index.to_numpy(), pa.int64())
    values, kind = table[name], _id_type(config.columns[name])
    return pa.array(values.astype("str") if kind == pa.string() else values, kind, from_pandas=True)
