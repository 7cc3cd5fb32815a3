"""A sheet of a workbook as a table: dates as days, whatever a cell shows; numbers as numbers; all else as text."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pyarrow as pa
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from credit_risk.data.inputs import word_of
from credit_risk.errors import DataError, NotFound, UsageError
from credit_risk.extracts.freezing import column

LONGEST = 15  # digits that a spreadsheet keeps of a number


def sheet(path: Path, name: str | None) -> pa.Table:
    """The rows below the first line of a sheet that holds anything, which names the columns.

    name: of the sheet; may be left out where there is one alone. A formula counts as the value that was saved with it.
    Raises UsageError for a sheet that is not there, DataError for a formula without a saved value, or for cells beyond
    the header.
    """
    book, formulas = _workbook(path, values=True), _workbook(path, values=False)
    title = _title(path, book.sheetnames, name)
    pairs = zip(_rows(book[title]), _rows(formulas[title]), strict=True)
    lines = ((number, _saved(path, number, *pair)) for number, pair in enumerate(pairs, 1))
    rows = [(number, cells) for number, cells in lines if any(cell is not None for cell in cells)]
    if len(rows) < 2:
        raise DataError(f"{path}: the sheet {title!r} has no header with rows below it.")
    names = _header(path, *rows[0])
    table = [_cells(path, number, cells, len(names)) for number, cells in rows[1:]]
    columns = zip(*table, strict=True)
    return pa.table({name: column(_typed(path, name, its)) for name, its in zip(names, columns, strict=True)})


def _workbook(path: Path, *, values: bool) -> Any:
    if not path.is_file():
        raise NotFound(path, "Name the workbook: --workbook FILE.")
    try:
        return load_workbook(BytesIO(path.read_bytes()), read_only=True, data_only=values)
    except (BadZipFile, InvalidFileException, KeyError, OSError):
        raise DataError(f"{path}: this is no .xlsx workbook. Save it as one, or as CSV.") from None
    except (AttributeError, TypeError, ValueError):  # what the library cannot read of a workbook that is one
        raise DataError(
            f"{path}: this workbook holds something beside tables, as a sheet that is a chart. Copy the table's cells "
            "into a workbook of their own, as values, and name that."
        ) from None


def _title(path: Path, names: Sequence[str], name: str | None) -> str:
    if name is None and len(names) > 1:
        raise UsageError(f"{path} has {len(names)} sheets: name one of {', '.join(map(repr, names))} with --sheet.")
    if name is not None and name not in names:
        raise UsageError(f"{path} has no sheet {name!r}; it has {', '.join(map(repr, names))}.")
    return name or names[0]


def _rows(page: Any) -> Iterator[Sequence[Any]]:
    page.reset_dimensions()  # some programs write others than the sheet has
    yield from page.iter_rows()


def _saved(path: Path, number: int, cells: Sequence[Any], formulas: Sequence[Any]) -> list[Any]:
    """The values of a line. Raises DataError for a formula that no program has computed yet."""
    for index, (cell, formula) in enumerate(zip(cells, formulas, strict=True)):
        if cell.value is None and formula.value is not None and cell.data_type == "n":  # an empty text is of type str
            where = f"{get_column_letter(index + 1)}{number}"
            raise DataError(
                f"{path}: the cell {where} holds a formula and no value ({formula.value}). Open the workbook in a "
                "spreadsheet program, save it, and try again."
            )
    return [cell.value for cell in cells]


def _header(path: Path, number: int, cells: Sequence[Any]) -> list[str]:
    width = max(index for index, cell in enumerate(cells, 1) if cell is not None)
    names = [word_of(cell).strip() if cell is not None else "" for cell in cells[:width]]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"{path}: line {number}, the first that holds anything, should name the columns, and "
            f"{', '.join(map(repr, twice))} stands there more than once. Rename the copies, or take lines above it out."
        )
    return names


def _cells(path: Path, number: int, cells: Sequence[Any], width: int) -> list[Any]:
    if any(cell is not None for cell in cells[width:]):
        raise DataError(
            f"{path}: line {number} has cells right of the {width} columns that the header names. Name their columns, "
            "or take them out."
        )
    return [*cells[:width], *[None] * (width - len(cells))]


def _typed(path: Path, name: str, cells: Sequence[Any]) -> list[Any]:
    """The cells of a column, all of one kind: days, numbers, truth values, or else the words for them."""
    known = [cell for cell in cells if cell is not None]
    if long := next((cell for cell in known if isinstance(cell, int) and abs(cell) >= 10**LONGEST), None):
        raise DataError(
            f"{path}: {name!r} holds {long}, and a spreadsheet keeps {LONGEST} digits of a number: the rest may be "
            "lost already. Export the column as text from where it comes."
        )
    if length := next((cell for cell in known if isinstance(cell, timedelta)), None):
        raise DataError(
            f"{path}: {name!r} holds lengths of time, as {length}: write them as numbers, as of days, and leave "
            "blank what is not known."
        )
    if all(isinstance(cell, date) for cell in known):
        return [None if cell is None else _moment(cell) for cell in cells]
    if all(type(cell) is bool for cell in known) or all(type(cell) in (int, float) for cell in known):
        return list(cells)
    return [None if cell is None else _word(cell) for cell in cells]


def _moment(cell: date) -> datetime:
    return cell if isinstance(cell, datetime) else datetime.combine(cell, time())


def _word(cell: Any) -> str:
    return f"{cell:%Y-%m-%d}" if isinstance(cell, date) else word_of(cell)
