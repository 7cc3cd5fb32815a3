"""A file that no config describes yet, read as texts."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
from pandas import DataFrame, Series

from credit_risk.config.columns import Data
from credit_risk.data.inputs import folded, spelled
from credit_risk.data.reading import raw
from credit_risk.data.reading.csv_rows import Progress
from credit_risk.data.reading.numerals import is_number
from credit_risk.errors import DataError

MOST_WORDS = 1_000  # beyond this a column holds no categories


def texts(path: Path, data: Data, progress: Progress, *, unread: Collection[str] = ()) -> DataFrame:
    """Every cell as the text that stands for it; nothing is taken for missing yet but what Parquet has no value for.

    unread: columns whose cells nobody wants to know; they are all missing.
    """
    names = raw.header(path, data, ())
    table = raw.whole(path, data, {name: pa.string() for name in names if name not in unread}, progress)
    columns = {}
    for name in names:
        if name in unread:
            columns[name] = Series([None] * table.num_rows, dtype="str")
            continue
        if pa.types.is_duration(table[name].type):
            raise DataError(
                f"{path}: the column {name!r} holds {table[name].type}, lengths of time: write them as numbers, as of "
                f"days, or say --ignore {name!r}."
            )
        try:
            columns[name] = _in_one_spelling(_as_text(table[name]))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and structs; bytes that are no text
            raise DataError(
                f"{path}: the column {name!r} holds {table[name].type}, no single value a row. Write one value a cell, "
                f"leave the column out of the file, or say --ignore {name!r}."
            ) from None
    return DataFrame(columns)


def _in_one_spelling(column: Series) -> Series:
    """One word for one category: words that differ in composition, blanks or capitals become the most frequent."""
    counted = column.value_counts()
    if len(counted) > MOST_WORDS:
        return column
    alike = spelled if counted.max() == 1 else folded  # where each row has another word, capitals tell keys apart
    # A number is what it says, also where what nobody sees stands beside its digits: a key is the cell as it is.
    keys = {word: word if is_number(spelled(word)) else alike(word) for word in map(str, counted.index)}
    first: dict[str, str] = {}
    for word, key in keys.items():
        first.setdefault(key, word if key == word else spelled(word))
    words = {word: first[key] for word, key in keys.items()}
    return column.map(words).astype("str") if any(word != its for word, its in words.items()) else column


def _as_text(column: pa.ChunkedArray) -> Series:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):  # 3.0 is the whole number 3, and a NaN is no value
        values: Series = column.cast(pa.float64()).to_pandas()
        whole = values.dropna().mod(1).eq(0).all()
        numerals = values.astype("Int64").astype("str") if whole else values.map(repr).astype("str")
        return numerals.where(values.notna(), None)
    words: Series = column.cast(pa.string()).to_pandas().astype("str").str.strip()
    return words
