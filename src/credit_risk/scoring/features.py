"""The model's matrix: feature columns as they are, then the derived features, in the config's order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from credit_risk.config import Config
from credit_risk.config.formulas import Formula, extend
from credit_risk.data.inputs import Mask, Matrix

BLOCK_ROWS = 4096


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of some applications, computed once for all that read them.

    columns: inputs and derived features by name, (rows,) each. matrix: what the model reads, (rows, features).
    """

    columns: Mapping[str, Matrix]
    matrix: Matrix


@dataclass(frozen=True)
class Features:
    """What the model reads of an application; protected columns and proxies cannot be named here."""

    inputs: tuple[str, ...]
    names: tuple[str, ...]
    formulas: Mapping[str, Formula]

    @classmethod
    def of(cls, config: Config) -> "Features":
        return cls(config.inputs, config.features, config.derivations())

    def columns(self, inputs: Matrix) -> dict[str, Matrix]:
        """Inputs and derived features by name, for rules and segments as well as for the model."""
        columns = {name: inputs[:, index] for index, name in enumerate(self.inputs)}
        extend(columns, self.formulas)
        return columns

    def table(self, inputs: Matrix) -> FeatureTable:
        """Columns and matrix of applications that are numbers already, (rows, inputs)."""
        columns = self.columns(inputs)
        return FeatureTable(columns, self.matrix(columns))

    def of_inputs(self, inputs: Matrix) -> Matrix:
        """The matrix of applications that are numbers already: (rows, inputs) to (rows, features)."""
        return self.matrix(self.columns(inputs))

    def matrix(self, columns: Mapping[str, Matrix]) -> Matrix:
        """One row an application, one column a feature."""
        rows = len(next(iter(columns.values())))
        matrix = np.empty((rows, len(self.names)))
        # Some rows at a time, so that what is written stays in the processor's cache until its row is full.
        for start in range(0, rows, BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            for index, name in enumerate(self.names):
                matrix[block, index] = columns[name][block]
        return matrix


def never_seen(config: Config, seen_missing: Sequence[bool]) -> tuple[Mask, list[tuple[int, Mask]]]:
    """Which features never were missing in training, (features,); of those with special codes also which code never
    stood there: the feature's index, and by tag (0: missing) whether never.

    seen_missing: see modelling.training.
    """
    never, features = ~np.array(seen_missing, dtype=bool), len(config.features)
    by_feature: dict[int, list[bool]] = {}
    for (feature, _), of_code in zip(config.levels, never[features:], strict=True):
        by_feature.setdefault(feature, [bool(never[feature])]).append(bool(of_code))
    return never[:features], [(feature, np.array(by_tag)) for feature, by_tag in by_feature.items()]


def made_of(config: Config, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The columns of an application that each feature is made of; a column is made of itself."""
    formulas = config.derivations()

    def sources(name: str) -> Iterator[str]:
        if name not in formulas:
            yield name
            return
        for read in formulas[name].inputs:
            yield from sources(read)

    return {name: tuple(dict.fromkeys(sources(name))) for name in names}
