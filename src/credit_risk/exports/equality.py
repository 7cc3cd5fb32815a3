"""Whether an export decides as the card does: the same applications, decided twice.

Test rows alone hold few gaps and no nonsense, so they are drawn many times over and changed: gaps, special codes, the
edges of bins, limits and what lies beyond them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from credit_risk.config.columns import CATEGORY_TYPES, Column
from credit_risk.errors import CheckFailed
from credit_risk.exports.card import KEY, Card, result_columns
from credit_risk.exports.engines import Answer

ROWS = 100_000
CHANGED = 0.04  # of the cells: some rows stay as they were, most carry one change or two
SEED = 11


class NotEqual(CheckFailed):
    """An export that decides otherwise than the card: it is not written."""

    def __init__(self, engine: str, different: int, rows: int, example: str) -> None:
        super().__init__(
            f"{engine} decides {different:,} of {rows:,} applications otherwise than the card, so nothing was "
            f"exported. The first: {example}"
        )


@dataclass(frozen=True)
class EqualityTrial:
    """Applications, and what the card decides of each."""

    applications: pd.DataFrame
    expected: pd.DataFrame

    @classmethod
    def of(cls, card: Card, test: pd.DataFrame, rows: int = ROWS) -> "EqualityTrial":
        """The test rows, then rows drawn from them and changed, `rows` in all or as many as the test has."""
        drawn = changed(card, test, max(rows - len(test), 0), np.random.default_rng(SEED))
        applications = pd.concat([test, drawn], ignore_index=True) if len(drawn) else test.reset_index(drop=True)
        applications[KEY] = np.arange(len(applications))
        return cls(applications, card.decide(applications))

    def refuse_difference(self, engine: str, answer: Answer, ranks: int) -> None:
        """Raise NotEqual unless each row of the answer is what the card decides, with no row more or fewer."""
        columns = [KEY, *result_columns(ranks)]
        expected = list(zip(*(self.expected[name].tolist() for name in columns), strict=True))
        wrong = [(was, must) for was, must in zip(answer, expected, strict=False) if tuple(was) != must]
        different = len(wrong) + abs(len(answer) - len(expected))
        if different:
            example = f"got {wrong[0][0]}, expected {wrong[0][1]}" if wrong else f"{len(answer):,} rows came back"
            raise NotEqual(engine, different, len(expected), example)


def changed(card: Card, test: pd.DataFrame, rows: int, random: np.random.Generator) -> pd.DataFrame:
    """Applications drawn from the test rows, a few cells of each changed to what is rare or wrong."""
    drawn = test.iloc[random.integers(0, len(test), rows)].reset_index(drop=True)
    for name in card.config.inputs:
        column = card.config.columns[name]
        values = _rare(column, _edges(card, name))
        cells = drawn[name].astype(object).to_numpy(copy=True)
        hit = random.random(rows) < CHANGED
        picked = random.integers(0, len(values), int(hit.sum()))
        cells[hit] = [values[index] for index in picked]
        drawn[name] = _typed(cells, column)
    return drawn


def _rare(column: Column, edges: Sequence[float]) -> list[object]:
    """Values that seldom stand in a column, or must not: a gap always is one of them."""
    if column.type in CATEGORY_TYPES:
        return [None, None, *(column.categories or ()), "no such word"]
    if column.type == "boolean":
        return [None, True, False, *column.tag_of_code]
    low, high = column.range or (-1e6, 1e6)
    at_edges = [value for edge in edges for value in (np.nextafter(edge, -np.inf), edge, np.nextafter(edge, np.inf))]
    if column.type == "integer":
        at_edges = [float(np.floor(edge) + step) for edge in edges for step in (-1, 0, 1)]
    return [None, None, *column.tag_of_code, low, high, 0.0, low - 1, high + 1, low + 0.5, -1.0, *at_edges]


def _edges(card: Card, name: str) -> Sequence[float]:
    by_feature = dict(zip(card.features, card.bins, strict=True))
    return () if name not in by_feature or by_feature[name].by_code else by_feature[name].edges


def _typed(cells: np.ndarray, column: Column) -> pd.Series:
    if column.type in CATEGORY_TYPES:
        return pd.Series(cells, dtype="str")
    if column.type == "boolean" and not column.special:
        return pd.Series(cells, dtype="boolean")
    return pd.Series([np.nan if cell is None else float(cell) for cell in cells])
