"""A file that no config describes yet, read as texts: how it is written is found out by trying."""

import csv
from pathlib import Path

import pyarrow as pa
from pandas import DataFrame, Series

from credit_risk.config.schema import Data, Source
from credit_risk.data import raw
from credit_risk.data.cells import is_number
from credit_risk.data.inputs import folded, spelled
from credit_risk.data.raw import Progress
from credit_risk.errors import DataError

ENCODINGS = ("utf-8", "utf-16", "cp1252")
HEAD = 1 << 16
MOST_WORDS = 1_000  # beyond this a column holds no categories
LARGEST = 10_000_000_000


def file_format(path: Path) -> Data:
    """Delimiter and encoding of a file, as the config will declare them. Raises DataError where it has none."""
    described = Data(sources=(Source(path=path.name),), missing=(), max_bytes=max(4 * path.stat().st_size, LARGEST))
    if raw.is_parquet(path):
        return described
    encoding = next((candidate for candidate in ENCODINGS if _decodes(path, candidate)), None)
    if encoding is None:
        raise DataError(f"{path}: its bytes are neither {', '.join(ENCODINGS)}. Export it as UTF-8.")
    with path.open(encoding=encoding, newline="") as stream:
        lines = stream.read(HEAD).splitlines()[:100]
    return described.model_copy(update={"delimiter": _delimiter(lines), "encoding": encoding})


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding) as stream:
            while stream.read(1 << 20):
                pass
    except UnicodeError:
        return False
    return True


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts most lines into as many cells as the header, and the header into most."""

    def fit(delimiter: str) -> tuple[bool, float, int]:
        cut = [len(row) for row in csv.reader(lines, delimiter=delimiter)] or [0]
        return cut[0] > 1, sum(count == cut[0] for count in cut) / len(cut), cut[0]

    return max(raw.DELIMITERS, key=fit)


def texts(path: Path, data: Data, progress: Progress) -> DataFrame:
    """Every cell as the text that stands for it; nothing is taken for missing yet but what Parquet has no value for."""
    names = raw.header(path, data, ())
    table = raw.whole(path, data, dict.fromkeys(names, pa.string()), progress)
    columns = {}
    for name in names:
        try:
            columns[name] = _in_one_spelling(_as_text(table[name]))
        except pa.ArrowNotImplementedError:
            raise DataError(
                f"{path}: the column {name!r} holds {table[name].type}, no single value a row. Write one value a cell, "
                "or leave the column out of the file."
            ) from None
    return DataFrame(columns)


def _in_one_spelling(column: Series) -> Series:
    """One word for one category: words that differ in composition, blanks or capitals become the most frequent."""
    counted = column.value_counts()
    if len(counted) > MOST_WORDS:
        return column
    first: dict[str, str] = {}
    for word in counted.index:
        first.setdefault(folded(str(word)) if not is_number(str(word)) else str(word), spelled(str(word)))
    words = {word: first[folded(word) if not is_number(word) else word] for word in map(str, counted.index)}
    return column.map(words).astype("str") if any(word != its for word, its in words.items()) else column


def _as_text(column: pa.ChunkedArray) -> Series:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):  # 3.0 is the whole number 3, and a NaN is no value
        values: Series = column.to_pandas()
        whole = values.dropna().mod(1).eq(0).all()
        numerals = values.astype("Int64").astype("str") if whole else values.map(repr).astype("str")
        return numerals.where(values.notna(), None)
    words: Series = column.cast(pa.string()).to_pandas().astype("str").str.strip()
    return words
