"""Applications as numbers: one column of float64 for each input, and what is wrong with each cell.

A number stands as itself, a boolean as 0 or 1, a category as its index in the config's list.
Missing is NaN, a special code ("no record") a NaN that carries the code's tag (see config.tags). A cell that cannot be
what its column holds (text among numbers, an unknown category) is infinite, so that no later step can take it for a
value.
"""

import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_risk.config import Config
from credit_risk.config.columns import CATEGORY_TYPES, Column
from credit_risk.config.names import BLANK
from credit_risk.config.tags import tag_of, tagged, tags
from credit_risk.errors import DataError

Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

TRUE_WORDS = ("true", "yes", "y", "1")
_POINT = re.compile(r"(?<=^\d)\.0+$|(?<=\d\d)\.0+$")
_BLANKS = re.compile(r"[^\S\t\n\r]+")
_UNSEEN = dict.fromkeys(map(ord, "\0\u00ad\u200b\u200e\u200f\u2060\ufeff"))
FALSE_WORDS = ("false", "no", "n", "0")


@dataclass(frozen=True)
class Faults:
    """What keeps applications from being decided by the model: row masks, and the cells behind them."""

    refused: Mask
    referred: Mask
    missing: NDArray[np.bool_]
    invalid: NDArray[np.bool_]

    @property
    def any(self) -> Mask:
        """Rows that no model may score."""
        return self.refused | self.referred


@dataclass(frozen=True)
class Inputs:
    """The input columns of an application as the config declares them."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    max_missing: float
    refuse_invalid: bool
    low: Matrix = field(init=False)
    high: Matrix = field(init=False)
    lowest: Matrix = field(init=False)
    highest: Matrix = field(init=False)
    may_be_broken: Mask = field(init=False)
    refuse_missing: Mask = field(init=False)
    refer_missing: Mask = field(init=False)
    codes: tuple[dict[Any, float] | None, ...] = field(init=False)
    special: tuple[tuple[int, dict[float, float]], ...] = field(init=False)

    @classmethod
    def of(cls, config: Config) -> "Inputs":
        columns = tuple(config.columns[name] for name in config.inputs)
        return cls(config.inputs, columns, config.policy.max_missing, config.policy.invalid == "refuse")

    def __post_init__(self) -> None:
        bounds = [_bounds(column) for column in self.columns]
        largest = np.finfo(np.float64).max
        derived: dict[str, Any] = {
            "low": np.array([low for low, _ in bounds]),
            "high": np.array([high for _, high in bounds]),
            "lowest": np.array([max(low, -largest) for low, _ in bounds]),
            "highest": np.array([min(high, largest) for _, high in bounds]),
            "may_be_broken": np.array([column.type == "number" for column in self.columns]),
            "refuse_missing": np.array([column.missing == "refuse" for column in self.columns]),
            "refer_missing": np.array([column.missing == "refer" for column in self.columns]),
            "codes": tuple(_codes(column) for column in self.columns),
            "special": tuple(
                (index, {code: tagged(tag) for code, tag in column.tag_of_code.items()})
                for index, column in enumerate(self.columns)
                if column.special
            ),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def table(self, table: pd.DataFrame) -> Matrix:
        """One row an application, one column an input; columns are found by name, in any order.

        Raises DataError naming every input that the table lacks.
        """
        lacking = [name for name in self.names if name not in table]
        if lacking:
            raise DataError(f"the table lacks {', '.join(lacking)}; it has {', '.join(map(str, table.columns))}.")
        matrix = np.empty((len(table), len(self.names)), order="F")
        for index, (name, column) in enumerate(zip(self.names, self.columns, strict=True)):
            matrix[:, index] = numbers(table[name], column)
        return matrix

    def single_row(self, application: Mapping[str, Any]) -> Matrix:
        """One application as a matrix of one row; a field it lacks is missing, a value of a wrong type infinite."""
        row = [
            _number(application.get(name), codes, column.type == "boolean")
            for name, codes, column in zip(self.names, self.codes, self.columns, strict=True)
        ]
        for index, of_code in self.special:
            value = application.get(self.names[index])
            if isinstance(value, int | float) and not isinstance(value, bool):
                row[index] = of_code.get(value, row[index])
        return np.array([row])

    def missing(self, matrix: Matrix) -> Mask:
        """Which cells an application lacks; a special code is an answer. (rows, inputs)."""
        missing = np.isnan(matrix)
        for index, _ in self.special:
            missing[:, index] &= tags(matrix[:, index]) == 0
        return missing

    def codes_of(self, cells: Matrix) -> dict[str, str]:
        """What the special codes of one application mean, by column. cells: (inputs,)."""
        by_index = {index: tag_of(cells[index]) for index, _ in self.special}
        return {self.names[index]: self.columns[index].meanings[tag - 1] for index, tag in by_index.items() if tag}

    def faults(self, matrix: Matrix) -> Faults:
        """Which rows cannot be scored, and by which cells."""
        missing = self.missing(matrix)
        # The limits are finite, so that an infinite cell lies outside them.
        valid = (matrix >= self.lowest) & (matrix <= self.highest)
        valid &= (np.rint(matrix) == matrix) | self.may_be_broken
        invalid = ~(valid | np.isnan(matrix))
        if not (missing.any() or invalid.any()):
            return Faults(np.zeros(len(matrix), dtype=bool), np.zeros(len(matrix), dtype=bool), missing, invalid)
        bad_cells = _any(invalid)
        refused = _any(missing & self.refuse_missing)
        referred = _any(missing & self.refer_missing) | (missing.mean(axis=1) > self.max_missing)
        if self.refuse_invalid:
            refused |= bad_cells
        else:
            referred |= bad_cells
        return Faults(refused, referred & ~refused, missing, invalid)

    def sentences(self, matrix: Matrix, faults: Faults, row: int) -> list[str]:
        """Every fault of one application: field, what was got, what is expected."""
        return list(self._sentences(matrix[row], faults.missing[row], faults.invalid[row]))

    def _sentences(self, cells: Matrix, missing: Mask, invalid: Mask) -> Iterator[str]:
        for index, (name, column) in enumerate(zip(self.names, self.columns, strict=True)):
            if missing[index] and column.missing != "allow":
                yield f"{name}: missing, expected {expected(column)}"
            elif invalid[index]:
                got = f"{cells[index]:g}" if math.isfinite(cells[index]) else "something else"
                yield f"{name}: got {got}, expected {expected(column)}"
        if missing.mean() > self.max_missing:
            yield f"{missing.sum()} of {len(missing)} inputs are missing, at most {self.max_missing:.0%} may be"


def numbers(values: pd.Series, column: Column) -> Matrix:
    """A column of a table as numbers (see the module's first lines)."""
    return _coded(cell_numbers(values, column), column) if column.special else cell_numbers(values, column)


def _coded(values: Matrix, column: Column) -> Matrix:
    """The same with special codes as tagged missing values."""
    coded = np.where(np.isnan(values), np.nan, values)
    for code, tag in column.tag_of_code.items():
        coded[values == code] = tagged(tag)
    return coded


def cell_numbers(values: pd.Series, column: Column) -> Matrix:
    """The same with a special code as the number it is, as tables hold it."""
    if column.type in CATEGORY_TYPES:
        return _category_numbers(values, column.categories or ())
    if isinstance(values.dtype, pd.CategoricalDtype):
        # Through the categories: a column of whole numbers has no missing value.
        of_category = cell_numbers(pd.Series(values.cat.categories), column)
        return np.append(of_category, np.nan)[values.cat.codes.to_numpy()]
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    text = values.astype("str").str.strip()
    if column.type == "boolean":
        words = dict.fromkeys(TRUE_WORDS, 1.0) | dict.fromkeys(FALSE_WORDS, 0.0)
        words |= {word_of(code): code for code in column.tag_of_code}
        parsed = text.str.lower().map(words)
    else:
        parsed = pd.to_numeric(text, errors="coerce")
    return np.where(parsed.isna() & values.notna(), np.inf, parsed.to_numpy(dtype=np.float64, na_value=np.nan))


def _category_numbers(values: pd.Series, categories: Sequence[str]) -> Matrix:
    if isinstance(values.dtype, pd.CategoricalDtype):
        words, codes = values.cat.categories, values.cat.codes.to_numpy()
    else:
        factors, words = pd.factorize(values)
        codes = factors
    known = _exact_codes(categories)
    # The last entry answers for code -1, which pandas gives to a missing cell.
    of_word = np.array([*(_code(word_of(word), known) for word in words), np.nan])
    return of_word[codes]


def folded_codes(categories: Sequence[str]) -> dict[str, int]:
    """For a file: the code of each category by its folded word, where no other category folds alike."""
    alike = Counter(map(folded, categories))
    return {word: code for code, word in enumerate(map(folded, categories)) if alike[word] == 1}


def _exact_codes(categories: Sequence[str]) -> dict[str, float]:
    codes = {category: float(code) for code, category in enumerate(categories)}
    return {unicodedata.normalize("NFC", category): code for category, code in codes.items()} | codes


def _code(word: str, codes: Mapping[str, float]) -> float:
    """Infinite for a word that is no category; letters may be composed or not, capitals and blanks count."""
    code = codes.get(word)
    return codes.get(unicodedata.normalize("NFC", word), math.inf) if code is None else code


def folded(word: str) -> str:
    """A word without what writes it in two ways: composed or not, in capitals or not, blanks.

    A whole number is written without a point: 1.0 in a file is the category 1.
    """
    return _POINT.sub("", spelled(word).casefold())


def spelled(word: str) -> str:
    """A word composed (NFC), without what nobody sees in it, and with single plain blanks between its parts."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", word).translate(_UNSEEN)).strip()


def is_seen(cell: Any) -> bool:
    """Whether an id holds only what people see: with a byte order mark inside, one person would be two."""
    return not isinstance(cell, str) or (cell == cell.translate(_UNSEEN) and BLANK.isdisjoint(cell))


def word_of(value: Any) -> str:
    """A cell as the word that stands for it in the config: 1, 1.0 and "1" are one word, True is "true"."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def expected(column: Column) -> str:
    """What a column may hold, in words."""
    return ", or ".join([_expected(column), *(f"{code} for {meaning}" for code, meaning in column.special.items())])


def _expected(column: Column) -> str:
    if column.categories:
        return "one of " + ", ".join(map(repr, column.categories))
    if column.range:
        kind = "a whole number" if column.type == "integer" else "a number"
        low, high = map(_written_out, column.range)
        return f"{kind} from {low} to {high}"
    return {"boolean": "true or false", "integer": "a whole number"}.get(column.type, "a number")


def _written_out(number: float) -> str:
    """10,000,000 rather than 1e+07."""
    return f"{number:,.0f}" if number.is_integer() else f"{number:,}"


def _any(cells: Mask) -> Mask:
    """Whether any cell of a row is marked."""
    return np.asarray(cells.any(axis=1))


def _bounds(column: Column) -> tuple[float, float]:
    if column.categories:
        return 0.0, len(column.categories) - 1.0
    if column.type == "boolean":
        return 0.0, 1.0
    return column.range or (-np.inf, np.inf)


def _codes(column: Column) -> dict[Any, float] | None:
    return None if column.categories is None else dict(_exact_codes(column.categories))


def _number(value: Any, codes: dict[Any, float] | None, is_boolean: bool) -> float:
    """One field of a single application; JSON types are taken as they are, never coerced."""
    if value is None:
        return math.nan
    if codes is not None:
        return _code(value, codes) if isinstance(value, str) else math.inf
    if isinstance(value, bool):
        return float(value) if is_boolean else math.inf
    if isinstance(value, int | float) and not is_boolean:
        # False for NaN too, and for a whole number that is too long to hold.
        return float(value) if abs(value) <= sys.float_info.max else math.inf
    return math.inf
