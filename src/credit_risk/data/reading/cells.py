"""Cells as the config types them: what a column holds, or where it does not hold it.

A cell that cannot be what its column holds keeps being seen: an unreadable number is infinite, an unknown
category stays a category of its own, and each is counted. None of them becomes a missing cell in silence; an
unreadable date, for which there is no such value, is missing in the table and counted as unreadable.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas import Series

from credit_risk.config import Column
from credit_risk.config.columns import CATEGORY_TYPES
from credit_risk.data.inputs import cell_numbers, folded, folded_codes, spelled, word_of
from credit_risk.data.reading.gaps import cast
from credit_risk.data.reading.numerals import Numerals

SAMPLE = 5
EXCEL = "excel"  # days since 1899-12-30, as a spreadsheet keeps a date
FIXED_LENGTH = {"%Y%m%d": 8, "%Y%m": 6}
LOST_DIGITS = "numbers this long lose digits in a float: write the file again with this column as text or int64"
LARGEST_EXACT = 2**53 - 1  # beyond this two whole numbers can be one float

_WORDS = pa.dictionary(pa.int32(), pa.string())
_TYPES = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "category": _WORDS,
    "ordered": _WORDS,
    "date": pa.timestamp("us"),
    "text": pa.string(),
}
_OFFSET = re.compile(r"(?<=\d)(?:Z|[+-]\d\d:?\d\d)$")


@dataclass(frozen=True)
class Unreadable:
    """The cells of a column that hold something else: how many, the first few by their index (0 is the first row)."""

    column: str
    count: int
    rows: tuple[int, ...]
    texts: tuple[str, ...]
    mend: str = ""


def arrow_type(column: Column, numerals: Numerals, *, key: bool = False) -> pa.DataType:
    """The type by which a CSV reader should try to read a column; a key is never tried as a float."""
    if column.role == "target":
        return _WORDS
    if not numerals.are_plain:
        return pa.string()
    return pa.string() if (key and column.type == "number") or column.format else _TYPES[column.type]


def typed(
    name: str, cells: pa.ChunkedArray, column: Column, numerals: Numerals, *, key: bool = False
) -> tuple[Series, Unreadable | None]:
    """A column as the config declares it, and its unreadable cells, if there are any.

    key: whether it distinguishes, groups or joins rows: then no cell of it passes through a float, and a blank
    one is missing. An integer key with missing cells is Int64, and one that does not fit is missing and unreadable.

    number: float64. integer: int64, or float64 where cells are missing or no whole numbers.
    boolean: bool, or float64 where cells are missing. category, ordered: Categorical, declared categories first.
    date: datetime64. text: str. The target, whatever its type: the word by which the config names an outcome.
    """
    if column.role == "target":
        return _target(name, cells, column), None
    if key and column.type in ("integer", "number", "text"):
        return _key(name, cells, column)
    if column.type in CATEGORY_TYPES:
        return _category(name, _exact_words(cells)[0] if key else cells, column), None
    if column.type == "date":
        formatted = column.format and not pa.types.is_temporal(cells.type)
        return _formatted_date(name, cells, str(column.format)) if formatted else _date(name, cells)
    if column.type == "text":
        return Series(cells.cast(pa.string()).to_pandas(), name=name, dtype="str"), None
    return _number(name, cells, column, numerals)


def _key(name: str, cells: pa.ChunkedArray, column: Column) -> tuple[Series, Unreadable | None]:
    if pa.types.is_integer(cells.type) and column.type == "integer" and (quick := cast(cells, pa.int64())) is not None:
        return _whole_numbers(name, quick), None
    words, rounded = _exact_words(cells)
    if column.type == "text":
        kept = pc.if_else(pa.array(rounded), pa.scalar(None, pa.string()), words)
        return Series(kept.to_pandas(), name=name, dtype="str"), _unreadable(name, cells, rounded, LOST_DIGITS)
    whole = pc.replace_substring_regex(words, r"\.0*$", "")
    fits, long = (_holds(whole, rf"^[-+]?0*\d{{{digits}}}$") for digits in ("1,18", "19"))
    for row in np.flatnonzero(long):  # nineteen digits fit up to 9223372036854775807
        fits[row] = abs(int(whole[int(row)].as_py())) <= np.iinfo(np.int64).max
    wrong = rounded | (pc.is_valid(words).to_numpy() & ~fits)
    numbers_alone = pc.if_else(pa.array(wrong), pa.scalar(None, pa.string()), pc.utf8_ltrim(whole, characters="+"))
    too_long = f"it is no whole number of at most 19 digits: declare `{name}: {{role: {column.role}, type: text}}`"
    mend = LOST_DIGITS if rounded.any() else too_long
    values = _whole_numbers(name, numbers_alone.cast(pa.int64()))
    return values, _unreadable(name, cells, wrong, mend)


def _holds(words: pa.ChunkedArray, pattern: str) -> NDArray[np.bool_]:
    return np.array(pc.fill_null(pc.match_substring_regex(words, pattern), False))


def _exact_words(cells: pa.ChunkedArray) -> tuple[pa.ChunkedArray, NDArray[np.bool_]]:
    """Keys as the texts they are, and which of them a float has rounded already, or could have."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    rounded = np.zeros(len(cells), dtype=np.bool_)
    if pa.types.is_floating(cells.type):
        values = cells.cast(pa.float64()).to_numpy()
        known = ~np.isnan(values)
        rounded = known & ~((np.abs(values) <= LARGEST_EXACT) & (values % 1 == 0))
        whole = np.where(known & ~rounded, values, 0).astype(np.int64)
        return pa.chunked_array([pa.array(whole, mask=~known | rounded).cast(pa.string())]), rounded
    if pa.types.is_decimal(cells.type):
        return pc.replace_substring_regex(cells.cast(pa.string()), r"\.0*$", ""), rounded
    words = pc.utf8_trim_whitespace(cells.cast(pa.string()))
    return pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words), rounded


def _whole_numbers(name: str, cells: pa.ChunkedArray) -> Series:
    """int64, or pandas' Int64 where cells are missing: numpy would make floats of them."""
    if not cells.null_count:
        return Series(cells.to_numpy(), name=name, copy=False)
    missing = pc.is_null(cells).to_numpy()
    return Series(pd.arrays.IntegerArray(pc.fill_null(cells, 0).to_numpy().copy(), missing), name=name)


def _number(name: str, cells: pa.ChunkedArray, column: Column, numerals: Numerals) -> tuple[Series, Unreadable | None]:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    unreadable = None
    if _is_text(cells) and not numerals.are_plain:
        values, wrong = _written(cells, numerals)
        return Series(_narrow(values, column), name=name, copy=False), _unreadable(name, cells, wrong)
    if not _is_text(cells):
        values = _plain_number(cells)
    elif (quick := cast(cells, pa.float64())) is not None and not pc.any(pc.is_nan(quick)).as_py():
        # Whole numbers of more than 53 bits are exact as int64 alone.
        exact = cast(cells, pa.int64()) if column.type == "integer" else None
        values = (quick if exact is None else exact).to_numpy()
    else:
        values = cell_numbers(cells.to_pandas(), column)
        unreadable = _unreadable(name, cells, np.isinf(values))
    return Series(_narrow(values, column), name=name, copy=False), unreadable


def _written(cells: pa.ChunkedArray, numerals: Numerals) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers as a file writes them, infinite where a cell is none, and which cells are none."""
    codes, words = _words(cells)
    plain_words = [numerals.with_point(word) for word in words]
    of_code = np.array([*(np.inf if word is None else float(word) for word in plain_words), np.nan])
    values = of_code[codes]
    return values, np.isinf(values)


def _plain_number(cells: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type) or pa.types.is_boolean(cells.type):
        if pa.types.is_boolean(cells.type) and cells.null_count:
            cells = cells.cast(pa.int8())
        values: NDArray[Any] = cells.to_numpy()
        return values
    # A decimal through its digits: arrow's own way to a float is off by the last bit.
    digits = cells.cast(pa.string()) if pa.types.is_decimal(cells.type) else cells
    number = cast(digits, pa.float64())
    if number is None:
        return np.full(len(cells), np.inf)  # dates or lists where numbers should be: the whole column is unreadable
    decimals: NDArray[Any] = number.to_numpy()
    return decimals


def _narrow(values: NDArray[Any], column: Column) -> NDArray[Any]:
    """The narrowest type that holds the column: an integer as int64, a boolean as bool, if every cell is one."""
    if column.type == "number":
        return values.astype(np.float64, copy=False)
    if column.type == "integer" and values.dtype.kind in "iub":
        return values.astype(np.int64, copy=False)
    if values.dtype.kind == "b":
        return values
    values = values.astype(np.float64, copy=False)
    if column.type == "boolean":
        return values.astype(np.bool_) if np.isin(values, (0, 1)).all() else values
    whole = np.isfinite(values) & (values % 1 == 0) if np.isfinite(values).all() else np.zeros(1, dtype=np.bool_)
    return values.astype(np.int64) if whole.all() else values


def _category(name: str, cells: pa.ChunkedArray, column: Column) -> Series:
    codes, words = _words(cells)
    declared = column.categories or ()
    known, by_folded = {category: code for code, category in enumerate(declared)}, folded_codes(declared)
    code_of_word = {word: known.get(word, known.get(spelled(word), by_folded.get(folded(word)))) for word in words}
    unknown = sorted({spelled(word) for word, code in code_of_word.items() if code is None})
    codes_of_unknown = {word: len(declared) + code for code, word in enumerate(unknown)}
    of_word = [code if (code := code_of_word[word]) is not None else codes_of_unknown[spelled(word)] for word in words]
    of_code = np.array([*of_word, -1], dtype=np.int32)  # the last answers for code -1
    categories = pd.Index([*declared, *unknown], dtype="str")
    values = pd.Categorical.from_codes(of_code[codes], categories=categories, ordered=column.type == "ordered")
    return Series(values, name=name)


def _target(name: str, cells: pa.ChunkedArray, column: Column) -> Series:
    codes, words = _words(cells)
    words = [unicodedata.normalize("NFC", word.strip()) for word in words]
    if column.type in ("number", "integer"):
        words = [_number_word(word) for word in words]
    values = pd.array([*words, None], dtype="str").take(codes)
    return Series(values, name=name)


def _number_word(word: str) -> str:
    """1.0 in a file is the outcome that the config calls 1."""
    try:
        return word_of(float(word)) if "." in word else word
    except ValueError:
        return word


def _words(cells: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    """A code a row (-1 where missing) and the word that each code stands for."""
    if not pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_encode()
    array = cells.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # no chunk at all, or several that arrow will not join
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    codes = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    values = array.dictionary.to_pylist()
    gaps = [code for code, value in enumerate(values) if pd.isna(value)]  # a NaN, as in a Parquet file
    if gaps:
        codes = np.where(np.isin(codes, gaps), np.int32(-1), codes)
    return codes, [word_of(value) for value in values]


def _date(name: str, cells: pa.ChunkedArray) -> tuple[Series, Unreadable | None]:
    if not _is_text(cells):
        is_moment = pa.types.is_timestamp(cells.type)
        # The day is that of the clock where it was written; nanoseconds below a microsecond are no matter of it.
        cells = pc.local_timestamp(cells) if is_moment and cells.type.tz else cells
        has_days = is_moment or pa.types.is_date(cells.type)
        dates = cells.cast(pa.timestamp("us"), safe=False) if has_days else None
        if dates is None:
            return Series(np.full(len(cells), np.datetime64("NaT", "us")), name=name), _unreadable(
                name, cells, pc.is_valid(cells).to_numpy()
            )
        return Series(dates.to_numpy(), name=name, copy=False), None
    if (quick := cast(cells, pa.timestamp("us"))) is not None:
        return Series(quick.to_numpy(), name=name, copy=False), None
    text = cells.to_pandas()
    local = text.str.strip().str.replace(_OFFSET, "", regex=True)
    parsed = pd.to_datetime(local, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    wrong = (parsed.isna() & text.notna()).to_numpy()
    return parsed.astype("datetime64[us]").rename(name), _unreadable(name, cells, wrong)


def _formatted_date(name: str, cells: pa.ChunkedArray, form: str) -> tuple[Series, Unreadable | None]:
    """Days written as the config says; every part must be there, so that 2024131 is no day."""
    words, _ = _exact_words(cells)
    whole = pc.replace_substring_regex(words, r"^(\d+)\.0+$", r"\1")
    text = whole.to_pandas()
    if form == EXCEL:
        days = pd.to_numeric(text, errors="coerce")
        parsed = pd.to_datetime(days.where((days > 60) & (days < 1e5)), unit="D", origin="1899-12-30", errors="coerce")
    else:
        parsed = pd.to_datetime(text, format=form, errors="coerce")
        if form in FIXED_LENGTH:
            parsed = parsed.where(text.str.len() == FIXED_LENGTH[form])
    wrong = (parsed.isna() & text.notna()).to_numpy()
    days_alone = parsed.astype("datetime64[us]").rename(name)
    mend = f"it is not written {form}, as `columns.{name}.format` says" if wrong.any() else ""
    return days_alone, _unreadable(name, cells, wrong, mend)


def _is_text(cells: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type) or pa.types.is_null(cells.type))


def _unreadable(name: str, cells: pa.ChunkedArray, wrong: NDArray[np.bool_], mend: str = "") -> Unreadable | None:
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return None
    texts = cells.take(pa.array(rows[:SAMPLE])).to_pylist()
    return Unreadable(name, len(rows), tuple(map(int, rows[:SAMPLE])), tuple(str(text) for text in texts), mend)
