"""A delivery of outcomes, CSV or Parquet, row by row: what each row claims, or why it claims nothing.

Columns: `outcome`, as the config declares it (outcome.bad, good, indeterminate); `month`, the month on book by whose
end the account was ever that bad; `observed_on`, the day on which that was looked up; and whose account it is, by
`decision_id`, or by `applicant` and `decided_on`, the day of the decision (UTC). A `correction` says why a row stands
in the place of an earlier one.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from credit_risk.config.columns import Data
from credit_risk.config.columns import Outcome as OutcomeDefinition
from credit_risk.config.section import Scalar
from credit_risk.data.reading import raw
from credit_risk.errors import DataError

NEEDED = ("outcome", "month", "observed_on")
BY_ID, BY_PERSON = ("decision_id",), ("applicant", "decided_on")
COLUMNS = (*BY_ID, *BY_PERSON, *NEEDED, "correction")
ROWS = 500  # at a time: as many decisions are looked up in one go
MOST_MONTHS = 600


class Claim(NamedTuple):
    """What a row says of one account. decision_id is empty where the person and the day say which decision it is."""

    decision_id: str
    applicant: str
    decided_on: date | None
    month: int
    outcome: str
    observed_on: date
    correction: str


class DeliveryRow(NamedTuple):
    """A row of the file, counted from 1: its claim, or the reason why it makes none. decision_id: as it is written."""

    number: int
    decision_id: str
    claim: Claim | None
    reason: str = ""


def pieces(path: Path, data: Data, definition: OutcomeDefinition) -> Iterator[list[DeliveryRow]]:
    """The file, at most ROWS rows at a time. data: how the lender's files are written (encoding, delimiter).

    Raises DataError for a file that cannot be read, lacks a column or has one that means nothing here.
    """
    names = raw.header(path, data, COLUMNS)
    _refuse_columns(path, names)
    words = _words(definition)
    number = 0
    for table in raw.batches(path, data, dict.fromkeys(names, pa.string()), ROWS, lambda _: None):
        columns = {name: _texts(table[name]) for name in names}
        rows = []
        for cells in zip(*columns.values(), strict=True):
            number += 1
            rows.append(_row(number, dict(zip(columns, cells, strict=True)), words))
        yield rows


def _refuse_columns(path: Path, names: tuple[str, ...]) -> None:
    lacking = [name for name in NEEDED if name not in names]
    if not set(BY_ID) & set(names) and not set(BY_PERSON) <= set(names):
        lacking.append("decision_id (or applicant and decided_on)")
    unknown = [name for name in names if name not in COLUMNS]
    if lacking or unknown:
        faults = [f"it lacks {', '.join(lacking)}"] * bool(lacking)
        faults += [f"it has {', '.join(unknown)}, which mean nothing here"] * bool(unknown)
        raise DataError(f"{path}: {' and '.join(faults)}. Expected of {', '.join(COLUMNS)}. Nothing was recorded.")


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Cells as text without blanks around it; a missing one is empty. Parquet has numbers and days of its own."""
    texts = pc.cast(column, pa.string()) if column.type != pa.string() else column
    return ["" if text is None else text.strip() for text in texts.to_pylist()]


def _row(number: int, cells: Mapping[str, str], words: Mapping[str, str]) -> DeliveryRow:
    decision_id = cells.get("decision_id", "")
    try:
        return DeliveryRow(number, decision_id, _claim(cells, words))
    except ValueError as error:
        return DeliveryRow(number, decision_id, None, str(error))


def _claim(cells: Mapping[str, str], words: Mapping[str, str]) -> Claim:
    outcome = words.get(_spelled(cells["outcome"]))
    if outcome is None:
        raise ValueError(f"outcome {cells['outcome']!r} is none that the config declares: {', '.join(words)}")
    decision_id, applicant = cells.get("decision_id", ""), cells.get("applicant", "")
    if not decision_id and not (applicant and cells.get("decided_on")):
        raise ValueError("it names neither a decision_id, nor an applicant with decided_on")
    decided_on = None if decision_id else _day(cells, "decided_on")
    observed_on = _day(cells, "observed_on")
    return Claim(decision_id, applicant, decided_on, _month(cells), outcome, observed_on, cells.get("correction", ""))


def _words(definition: OutcomeDefinition) -> dict[str, str]:
    """How each declared outcome is spelled in a file → which it is."""
    kinds = {"bad": definition.bad, "good": definition.good, "indeterminate": definition.indeterminate}
    return {_spelled(value): kind for kind, values in kinds.items() for value in values}


def _spelled(value: Scalar) -> str:
    """1, 1.0 and "1" are one outcome; so are True and "true"."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    with suppress(ValueError, OverflowError):
        number = float(text)
        return str(int(number)) if number == int(number) else repr(number)
    return text.lower() if text.lower() in ("true", "false") else text


def _month(cells: Mapping[str, str]) -> int:
    text = _spelled(cells["month"])
    if not text.isdecimal() or not 1 <= int(text) <= MOST_MONTHS:
        raise ValueError(f"month {cells['month']!r} is no month on book, 1 to {MOST_MONTHS}")
    return int(text)


def _day(cells: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(cells[name][:10] if cells[name][10:] in ("", " 00:00:00") else cells[name])
    except ValueError:
        raise ValueError(f"{name} {cells[name]!r} is no day as 2026-01-31") from None
