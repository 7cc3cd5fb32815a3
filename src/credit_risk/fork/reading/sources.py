"""A lender's files as one table of texts, and how each of them is written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pandas import DataFrame, Series

from credit_risk.config.columns import Data, Source
from credit_risk.data.reading import raw, tables
from credit_risk.data.reading.cells import LARGEST_EXACT, LOST_DIGITS
from credit_risk.data.reading.csv_rows import Progress, column_name
from credit_risk.data.reading.numerals import Numerals, is_number
from credit_risk.data.reading.tables import Joined
from credit_risk.errors import DataError
from credit_risk.fork.reading import cells, dialects, raw_texts

FEWEST_ABOVE_A_TOTAL = 10  # rows
FEWEST_HEADINGS = 2  # words above numbers alone, in the first row
WRITTEN = ("delimiter", "quote", "encoding", "decimal", "thousands", "header_line", "footer_lines")


@dataclass(frozen=True)
class LenderTable:
    """All files joined, every cell as text, and what the config has to say of the files.

    data: how they are written; a later file has in its source what it does not share with the first.
    units: what stands beside each number of a column. doubtful: whether marked numbers, as 3,375, may be read in two
    ways. keys: the columns that join files. rounded: columns of floats beyond 53 bits, whose last digits are lost.
    indexes: columns that pandas says are the index of the table, which it saved with it.
    """

    table: DataFrame
    data: Data
    units: Mapping[str, str]
    doubtful: bool
    joins: tuple[Joined, ...] = ()
    rounded: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(joined.key for joined in self.joins)


def read(
    paths: Sequence[Path],
    target: str,
    progress: Progress,
    *,
    ignored: Collection[str],
    as_written: Collection[str],
    encoding: str | None = None,
) -> LenderTable:
    """The first file with each later one joined to it by the one column name that both have.

    ignored: columns whose cells nobody wants to know. as_written: columns whose numbers are words.
    encoding: that of every file, where somebody knows it.
    Raises DataError where files share no column, or several, and where a key stands in two rows of a later file.
    """
    first, *later = (_file(path, progress, ignored, as_written, encoding) for path in paths)
    table, units, doubtful, joins = first.table, dict(first.units), first.doubtful, []
    rounded, indexes = first.rounded, first.indexes
    sources = [Source(path=f"data/{paths[0].name}")]
    for path, file in zip(paths[1:], later, strict=True):
        key = _key(paths[0], table, path, file.table, target)
        rounded, indexes = rounded | file.rounded, indexes | file.indexes
        if key in rounded:
            raise DataError(f"{path}: it is joined by {key!r}, and {LOST_DIGITS}.")
        table, joined = tables.join(_without_blanks(table, key), _without_blanks(file.table, key), key, path)
        joins.append(joined)
        units |= file.units
        doubtful |= file.doubtful
        sources.append(_source(path, key, first.data, file.data))
    data = first.data.model_copy(update={"sources": tuple(sources)})
    return LenderTable(table, data, units, doubtful, tuple(joins), rounded, indexes)


def _file(
    path: Path, progress: Progress, ignored: Collection[str], as_written: Collection[str], encoding: str | None
) -> LenderTable:
    data = dialects.dialect(path, encoding)
    table = raw_texts.texts(path, data, progress, unread=ignored)
    as_written = {*as_written, *_numbers(path)}
    numerals, units = dialects.numerals_of(table, data, as_written)
    _refuse_two_forms(path, table, numerals[0], units, as_written)
    with_points = dialects.in_plain_numerals(table, numerals[0], units, as_written)
    data = data.model_copy(update={"decimal": numerals[0].decimal, "thousands": numerals[0].thousands})
    _refuse_second_header(path, with_points)
    _refuse_total(path, with_points)
    rounded, indexes = _rounded(path), _indexes(path)
    return LenderTable(with_points, data, units, doubtful=len(numerals) > 1, rounded=rounded, indexes=indexes)


def _refuse_second_header(path: Path, table: DataFrame) -> None:
    """Raise DataError where the first row is none: it has words where all rows below it have numbers."""
    if len(table) <= FEWEST_ABOVE_A_TOTAL:
        return
    first, below = (
        {str(name): str(word or "").strip() for name, word in table.iloc[0].fillna("").items()},
        table.iloc[1:],
    )
    odd = [name for name, word in first.items() if word and not is_number(word) and _are_numbers(below[name].dropna())]
    odd = [name for name in odd if first[name] not in (*cells.GAPS, *cells.DOUBTFUL)]
    if len(odd) < FEWEST_HEADINGS:
        return
    words = " and ".join(f"{first[name]!r} under {name!r}" for name in odd[:FEWEST_HEADINGS])
    raise DataError(f"{path}: row 1 holds {words}, and all below are numbers: headings, or units? Take it out.")


def _are_numbers(words: Series) -> bool:
    return not words.empty and bool(words.map(is_number).all())


def _refuse_total(path: Path, table: DataFrame) -> None:
    """Raise DataError where the last row is none: its numbers are the sums of their columns, or it alone has blanks."""
    rows = len(table) - 1
    if rows < FEWEST_ABOVE_A_TOTAL:
        return
    last, above = table.iloc[-1].fillna("").str.strip(), table.iloc[:-1]
    sums = [name for name, word in last.items() if is_number(word) and _is_sum(float(word), above[name])]
    blank = [name for name, word in last.items() if not word and above[name].fillna("").str.strip().ne("").all()]
    if sums or len(blank) > len(table.columns) / 2:
        what = (
            f"its {sums[0]!r} is the sum of all above" if sums else f"it alone has no {blank[0]!r} and no {blank[1]!r}"
        )
        raise DataError(
            f"{path}: row {rows + 1:,}, the last, is no application: {what}. Take the line out of the file."
        )


def _is_sum(value: float, above: Series) -> bool:
    """Whether a number is what all above it add up to; none of a few, which it could be by chance."""
    numbers = cells.numbers_of(above)
    known = numbers[~np.isnan(numbers)]
    is_larger = len(known) > len(above) / 2 and abs(value) > 3 * np.abs(known).max()
    return is_larger and bool(np.isclose(known.sum(), value, rtol=1e-6, atol=0.01))


def _refuse_two_forms(
    path: Path, table: DataFrame, numerals: Numerals, units: Mapping[str, str], as_written: Collection[str]
) -> None:
    """Raise DataError where a column writes its numbers with another decimal sign than the rest of its file."""
    if others := dialects.in_other_numerals(table, numerals, units, as_written):
        name, example = next(iter(others.items()))
        signs = f"{numerals.decimal!r} for decimals" + (
            f", {numerals.thousands!r} for thousands" if numerals.thousands else ""
        )
        raise DataError(
            f"{path}: its numbers are written with {signs}, but those of the column {name!r} are not, as {example!r}. "
            f"Write the numbers of a file in one form, or leave the column out: --ignore {name!r}."
        )


def _rounded(path: Path) -> frozenset[str]:
    """The columns of a Parquet file that are floats too large to hold each whole number."""
    if not raw.is_parquet(path):
        return frozenset()
    names = {
        column_name(each.name): each.name for each in pq.read_schema(path) if each.type in (pa.float32(), pa.float64())
    }
    table = pq.read_table(path, columns=list(names.values()))
    largest = {name: pc.max(pc.abs(table[written])).as_py() for name, written in names.items()}
    return frozenset(
        name for name, value in largest.items() if value is not None and LARGEST_EXACT < value < float("inf")
    )


def _indexes(path: Path) -> frozenset[str]:
    """The columns that were the index of the table when pandas wrote the Parquet file."""
    described = (pq.read_schema(path).pandas_metadata or {}) if raw.is_parquet(path) else {}
    return frozenset(column_name(each) for each in described.get("index_columns", ()) if isinstance(each, str))


def _numbers(path: Path) -> set[str]:
    """The columns that a Parquet file itself keeps as numbers: nobody need ask how they are written."""
    if not raw.is_parquet(path):
        return set()
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return {column_name(each.name) for each in pq.read_schema(path) if any(its(each.type) for its in kinds)}


def _key(first: Path, table: DataFrame, path: Path, joined_file: DataFrame, target: str) -> str:
    """The column by which a later file meets those before it."""
    shared = [str(name) for name in joined_file if name in table]
    if target in joined_file and target not in table:
        raise DataError(f"{path}: the outcome {target!r} stands here: name this file first, as --data {path} --data …")
    if not shared:
        raise DataError(
            f"{path}: no column of {first.name} stands here, so nothing says which rows belong together. "
            f"Give the key one name in both; {first.name} has {', '.join(map(repr, table))}."
        )
    if len(shared) > 1:
        raise DataError(
            f"{path}: {', '.join(map(repr, shared))} stand in a file before it too: one of them is the key. "
            "Rename the others or leave them out of the file."
        )
    return shared[0]


def _without_blanks(table: DataFrame, key: str) -> DataFrame:
    """The table with blank keys as missing ones, which join nothing."""
    return table.assign(**{key: table[key].where(table[key].str.strip() != "")})


def _source(path: Path, key: str, first: Data, own: Data) -> Source:
    differing = {name: getattr(own, name) for name in WRITTEN if getattr(own, name) != getattr(first, name)}
    return Source(path=f"data/{path.name}", join_on=key, **differing)
