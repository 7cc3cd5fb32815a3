"""The lender's tables: files read, joined and typed as the config says, whole or in batches."""

import difflib
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame, Series

from credit_risk.config import Column, Config
from credit_risk.config.columns import KEY_ROLES, Data, Source
from credit_risk.data.inputs import folded, folded_codes, word_of
from credit_risk.data.reading import raw
from credit_risk.data.reading.cells import Unreadable, arrow_type, typed
from credit_risk.data.reading.csv_rows import Progress
from credit_risk.data.reading.gaps import without_gaps
from credit_risk.data.reading.numerals import Numerals
from credit_risk.data.writing import write_parquet
from credit_risk.errors import DataError, NotFound


@dataclass(frozen=True)
class Joined:
    """How a later file met the first: rows of the first it says nothing about, its own rows that nobody asked for."""

    path: str
    key: str
    unmatched: int
    unused: int


@dataclass(frozen=True)
class Reading:
    """A data set as it was read, with everything about it that the table alone does not show.

    unmet_words: words for "not known" and special codes that no cell says, each with where the config declares it.
    """

    table: DataFrame
    unreadable: tuple[Unreadable, ...]
    joins: tuple[Joined, ...]
    unmet_words: tuple[str, ...] = ()


def no_progress(_: int) -> None:
    """Nobody is watching."""


def source_paths(config: Config, root: Path) -> tuple[Path, ...]:
    return tuple(root / source.path for source in config.data.sources)


def read_sources(config: Config, root: Path, *, progress: Progress = no_progress) -> DataFrame:
    """The data set: every declared column but the ignored ones, in the config's order, typed as declared.

    progress: called with how many bytes were read since its last call; `source_paths` gives the files and so the total.
    Raises DataError with all that is wrong with the files, unreadable cells included.
    """
    return _readable(inspect_sources(config, root, progress=progress))


def _readable(reading: Reading) -> DataFrame:
    if reading.unreadable:
        lines = [
            f"  {cells.column}: {cells.count} unreadable, as in row {cells.rows[0] + 1}: {cells.texts[0]!r}"
            + (f" ({cells.mend})" if cells.mend else "")
            for cells in reading.unreadable
        ]
        count = sum(cells.count for cells in reading.unreadable)
        what = "1 cell is" if count == 1 else f"{count} cells are"
        raise DataError(
            "\n".join([f"{what} not what the config says; `credit-risk validate-data` reports them:", *lines])
        )
    return reading.table


def inspect_sources(config: Config, root: Path, *, progress: Progress = no_progress) -> Reading:
    """The same, but unreadable cells are counted instead of refused, so that a report can hold all failures at once."""
    paths = source_paths(config, root)
    declared = tuple(config.columns)
    dialects = [config.data.of(source) for source in config.data.sources]
    headers = [raw.header(path, dialect, declared) for path, dialect in zip(paths, dialects, strict=True)]
    keys = [source.join_on or "" for source in config.data.sources]
    columns_of_files = _columns_to_read(config, paths, headers, keys)
    table, unreadable, met = _read(paths[0], config, dialects[0], columns_of_files[0], progress)
    joins = []
    for path, dialect, key, names in zip(paths[1:], dialects[1:], keys[1:], columns_of_files[1:], strict=True):
        table_of_file, more, met_here = _read(path, config, dialect, names, progress)
        table, joined = join(table, table_of_file, key, path)
        joins.append(joined)
        unreadable += more
        met |= met_here
    order = [name for name, column in config.columns.items() if column.role != "ignore"]
    unmet = (*_unmet(config, met), *_unmet_codes(config, table))
    return Reading(table[order], unreadable, tuple(joins), unmet)


def _unmet_codes(config: Config, table: DataFrame) -> Iterator[str]:
    """The special codes that no cell holds."""
    for name, column in config.columns.items():
        for code in column.special:
            if not (table[name] == float(code)).any():
                yield f"columns.{name}.special: {code}"


def _unmet(config: Config, met: Collection[tuple[str, str]]) -> Iterator[str]:
    """The words for "not known" that no cell says; the empty one says itself."""
    shared = {word for name, word in met if config.columns[name].missing_words is None}
    yield from (f"data.missing: {word!r}" for word in config.data.missing if word and word not in shared)
    for name, column in config.columns.items():
        if column.role != "ignore":
            yield from (
                f"columns.{name}.missing_words: {word!r}"
                for word in column.missing_words or ()
                if word and (name, word) not in met
            )


def missing_words(column: Column, data: Data) -> tuple[str, ...]:
    """The cell texts that mean "not known" in a column."""
    return data.missing if column.missing_words is None else column.missing_words


def write_passed(path: Path, reading: Reading) -> None:
    """Hand a table on, so that the raw files are parsed once. Raises DataError if a cell of it is unreadable."""
    write_parquet(path, _readable(reading))


def read_passed(path: Path, config: Config) -> DataFrame:
    """What `write_passed` wrote: the table of `read_sources`, cell for cell, without parsing the raw files again.

    The config types it once more, so a config that has changed since is followed or refused, never ignored.
    Raises NotFound where no data have passed.
    """
    if not path.is_file():
        raise NotFound(path, "`credit-risk validate-data` writes it when the data pass: run that first.")
    data = config.data.model_copy(
        update={"sources": (Source(path=str(path.resolve())),), "missing": (), "max_bytes": sys.maxsize}
    )
    columns = {name: column.model_copy(update={"missing_words": ()}) for name, column in config.columns.items()}
    return read_sources(config.model_copy(update={"data": data, "columns": columns}), path.parent)


def read_table(
    path: Path, config: Config, columns: Sequence[str], *, rows: int = 100_000, progress: Progress = no_progress
) -> Iterator[DataFrame]:
    """A file in batches of at most `rows` rows, in bounded memory: the columns named, typed as the config declares.

    The index counts the rows of the file from 0. Columns that are not named are not read. A cell that cannot be
    what its column holds does not fail the file: `data.inputs` encodes it as infinite, so its row is refused or
    referred. A second reading gives the same batches.
    """
    names = raw.header(path, config.data, tuple(config.columns))
    lacking = [name for name in columns if name not in names]
    if lacking:
        raise _problems(path.name, [lacks(lacking, names), *_to_join(config)])
    declared = {name: config.columns[name] for name in columns}
    numerals = {name: Numerals.of(config.data, column) for name, column in declared.items()}
    types = {
        name: arrow_type(column, numerals[name], key=column.role in KEY_ROLES) for name, column in declared.items()
    }
    start = 0
    for piece in raw.batches(path, _blank_or_not(config, config.data, columns), types, rows, progress):
        index = pd.RangeIndex(start, start + piece.num_rows)
        of_piece = {}
        for name, column in declared.items():
            cells, _ = without_gaps(piece[name], missing_words(column, config.data), column, numerals[name])
            of_piece[name] = typed(name, cells, column, numerals[name], key=column.role in KEY_ROLES)
        for wrong in (
            wrong for _, wrong in of_piece.values() if wrong is not None and declared[wrong.column].role in KEY_ROLES
        ):
            raise _unfit_key(path, declared[wrong.column], wrong, start)
        yield DataFrame({name: cells for name, (cells, _) in of_piece.items()}, copy=False).set_axis(index)
        start += piece.num_rows


def _to_join(config: Config) -> Iterator[str]:
    """What one file needs of those that the training data were joined from."""
    for source in config.data.sources:
        if source.join_on:
            yield f"of the training data, {source.path} was joined by {source.join_on}: join it to this file likewise"


def _unfit_key(path: Path, column: Column, wrong: Unreadable, rows_before: int) -> DataError:
    """The sentence about the first key that is no value of its column: its row could not be found again."""
    row = rows_before + wrong.rows[0] + 1
    line = "" if raw.is_parquet(path) else f" (line {row + 1}, if no cell before it has line breaks)"
    return DataError(
        f"{path}: {wrong.column}: in row {row}{line} stands an id that is no {column.type}: {wrong.texts[0]!r}; "
        f"{wrong.mend}, and assemble the scorer again. Nothing was written."
    )


def _read(
    path: Path, config: Config, data: Data, names: Sequence[str], progress: Progress
) -> tuple[DataFrame, tuple[Unreadable, ...], set[tuple[str, str]]]:
    keys = {source.join_on for source in config.data.sources} | set(config.named(*KEY_ROLES))
    numerals = {name: Numerals.of(data, config.columns[name]) for name in names}
    types = {name: arrow_type(config.columns[name], numerals[name], key=name in keys) for name in names}
    cells = raw.whole(path, _blank_or_not(config, data, names), types, progress)
    columns: dict[str, Series] = {}
    unreadable = []
    met: set[tuple[str, str]] = set()
    for name in names:
        column = config.columns[name]
        known, words = without_gaps(cells[name], missing_words(column, data), column, numerals[name])
        columns[name], wrong = typed(name, known, column, numerals[name], key=name in keys)
        if column.role == "target":
            columns[name] = _as_declared(columns[name], config)
        met |= {(name, word) for word in words}
        cells = cells.drop_columns(name)  # so that the file is in memory once, not twice
        if wrong is not None:
            unreadable.append(wrong)
    return DataFrame(columns, copy=False), tuple(unreadable), met


def _as_declared(outcomes: Series, config: Config) -> Series:
    """Outcomes by the words of the config: one that differs in capitals or blanks alone is the declared one."""
    outcome = config.outcome
    declared = [word_of(word) for word in (*outcome.bad, *outcome.good, *outcome.indeterminate)]
    codes = folded_codes(declared)
    words = {
        word: declared[codes[folded(word)]] if word not in declared and folded(word) in codes else word
        for word in outcomes.dropna().unique()
    }
    changed = any(word != its for word, its in words.items())
    return outcomes.map(words).astype(outcomes.dtype) if changed else outcomes


def _blank_or_not(config: Config, data: Data, names: Sequence[str]) -> Data:
    """The data's format; an empty cell is missing as soon as the file is parsed if it is in each of these columns."""
    blank = all("" in missing_words(config.columns[name], data) for name in names)
    return data.model_copy(update={"missing": ("",) if blank else ()})


def _columns_to_read(
    config: Config, paths: Sequence[Path], headers: Sequence[Sequence[str]], keys: Sequence[str]
) -> list[list[str]]:
    """Which columns to read from which file; every problem of the headers at once."""
    if problems := [*_key_problems(paths, headers, keys), *_declaration_problems(config, headers)]:
        raise _problems(", ".join(path.name for path in paths), problems)
    used = {key for key in keys if key}
    to_read = [name for name, column in config.columns.items() if column.role != "ignore" or name in used]
    return [[name for name in to_read if name in names] for names in headers]


def _declaration_problems(config: Config, headers: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns that the config declares and no file has, and those that a file has and the config does not declare."""
    in_files = {name for names in headers for name in names}
    lacking = [name for name, column in config.columns.items() if column.role != "ignore" and name not in in_files]
    if lacking:
        yield lacks(lacking, sorted(in_files))
    undeclared = [name for names in headers for name in names if name not in config.columns]
    if undeclared:
        yield (
            f"the config does not declare {raw.listed(undeclared)}. Only declared data are read: declare each under "
            f"`columns:` (if it is not needed: `role: ignore`, the reason under `why:`) or leave it out of the file"
        )


def _key_problems(paths: Sequence[Path], headers: Sequence[Sequence[str]], keys: Sequence[str]) -> Iterator[str]:
    seen = set(headers[0])
    for path, names, key in zip(paths[1:], headers[1:], keys[1:], strict=True):
        if not key:
            yield f"{path.name} says nothing about how it joins the first file; name its key under `join_on:`"
        for file, its in ((paths[0], headers[0]), (path, names)):
            if key and key not in its:
                yield f"{file.name} has no column {key!r} to join {path.name} on"
        if both := sorted((seen & set(names)) - {key}):
            yield f"{raw.listed(both)} stands in {path.name} and in a file before it; remove or rename one"
        seen |= set(names)


def join(table: DataFrame, joined_file: DataFrame, key: str, path: Path) -> tuple[DataFrame, Joined]:
    """Each row of the first file with the one row of the other that has its key, or with missing cells."""
    if (gaps := int(joined_file[key].isna().sum())) > 0:
        raise DataError(f"{path}: {gaps} rows have no {key}. Every row of a joined file needs its key.")
    twice = joined_file[key].duplicated(keep=False)
    if twice.any():
        examples = ", ".join(map(str, joined_file.loc[twice, key].unique()[:5]))
        raise DataError(
            f"{path}: {int(twice.sum())} rows share their {key} with another row, as {examples}. A joined file needs "
            f"one row for each {key}: aggregate it first."
        )
    known = table[key].notna().to_numpy()
    rows_of_joined = np.full(len(table), -1, dtype=np.intp)
    rows_of_joined[known] = pd.Index(_comparable(joined_file[key])).get_indexer(
        pd.Index(_comparable(table.loc[known, key]))
    )
    unmatched = int((rows_of_joined < 0).sum())
    if unmatched == len(table):
        raise DataError(
            f"{path}: no {key} of the first file stands in it. The first begins with {_first_known(table[key])}, "
            f"this one with {_first_known(joined_file[key])}. Check the type and spelling of {key} in both files."
        )
    columns = {name: table[name] for name in table}
    columns |= {name: _taken(joined_file[name], rows_of_joined, unmatched > 0) for name in joined_file if name != key}
    unused = len(joined_file) - len(np.unique(rows_of_joined[rows_of_joined >= 0]))
    return DataFrame(columns, copy=False), Joined(path.name, key, unmatched, unused)


def _first_known(keys: Series) -> str:
    return next(map(str, keys.dropna()), "a blank")


def _comparable(keys: Series) -> Series:
    """Known keys of one type whatever else stands in the column, so that pandas compares none of them as floats."""
    if isinstance(keys.dtype, pd.CategoricalDtype):
        return keys.astype("str")
    return keys.astype(np.int64) if keys.dtype.kind in "iu" else keys


def _taken(column: Series, rows: NDArray[np.intp], gaps: bool) -> Series:
    if gaps and column.dtype == np.bool_:
        column = column.astype(np.float64)  # a boolean with missing cells is 0, 1 or NaN
    # Without gaps by the array itself: pandas' own function knows no texts kept by Arrow there.
    cells = pd.api.extensions.take(column.array, rows, allow_fill=True) if gaps else column.array.take(rows)
    return Series(cells, name=column.name, copy=False)


def lacks(lacking: Sequence[str], names: Sequence[str]) -> str:
    """The sentence about columns that are not there, with the nearest names that are."""
    hints = []
    for name in lacking:
        near = difflib.get_close_matches(name, names, 1, cutoff=0.7)
        hints.append(f"{name!r}" + (f" (is it {near[0]!r}?)" if near else ""))
    return f"there is no column {', '.join(hints)}; the header has {raw.listed(list(names)[:30])}"


def _problems(where: str, problems: Sequence[str]) -> DataError:
    return DataError(f"{where}: " + "; ".join(problems) + ".")
