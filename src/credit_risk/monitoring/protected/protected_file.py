"""A file of protected attributes: whose, and what they said of themselves; each row recorded, or rejected with why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from credit_risk.config import Config
from credit_risk.config.fairness import Attribute
from credit_risk.data.inputs import word_of
from credit_risk.data.reading import raw
from credit_risk.data.writing import write_csv
from credit_risk.errors import DataError
from credit_risk.ledger.errors import EntryError
from credit_risk.ledger.reference import canonical
from credit_risk.measures import fairness
from credit_risk.monitoring.protected.protected_store import Attributes, ProtectedAttributes

WHO = "applicant"
ROWS = 500
UNKNOWN = "the ledger holds no decision about this applicant that can be read"


@dataclass
class AttributeTotals:
    """What became of a file's rows. counts: read, added, changed, known and rejected; the last four add up to read.

    rejects: number of the row, counted from 1, and why; the person is not named.
    """

    counts: Counter[str] = field(default_factory=Counter)
    rejects: list[tuple[int, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, int]:
        return {name: self.counts[name] for name in ("read", "added", "changed", "known", "rejected")}


def add(store: ProtectedAttributes, path: Path, config: Config) -> AttributeTotals:
    """Record the attributes of a file, 500 rows a transaction; the same file again changes nothing.

    Columns: applicant, and one for each of fairness.attributes that was asked for; an empty cell says that nothing was
    answered. Raises DataError for a file that cannot be read or has another column.
    """
    names = raw.header(path, config.data, (WHO, *config.fairness.attributes))
    _refuse_columns(path, names, config.fairness.attributes)
    recorded, rows = AttributeTotals(), dict[str, int]()
    for table in raw.batches(path, config.data, dict.fromkeys(names, pa.string()), ROWS, lambda _: None):
        given: dict[str, Attributes] = {}
        for cells in table.to_pylist():
            recorded.counts["read"] += 1
            number = recorded.counts["read"]
            try:
                applicant, attributes = _row(cells, config.fairness.attributes, rows)
            except (EntryError, DataError) as error:
                recorded.rejects.append((number, str(error)))
                continue
            given[applicant], rows[applicant] = attributes, number
        for applicant, became in store.record(given).items():
            if became == "unknown":
                recorded.rejects.append((rows[applicant], UNKNOWN))
            else:
                recorded.counts[became] += 1
    recorded.counts["rejected"] = len(recorded.rejects)
    recorded.rejects.sort()
    return recorded


def write_rejects(path: Path, recorded: AttributeTotals) -> None:
    """The rejected rows as CSV: number and reason."""
    write_csv(path, pd.DataFrame(recorded.rejects, columns=["row", "reason"]))


def _refuse_columns(path: Path, names: tuple[str, ...], attributes: Mapping[str, Attribute]) -> None:
    unknown = [name for name in names if name != WHO and name not in attributes]
    if WHO not in names or len(names) < 2 or unknown:
        raise DataError(
            f"{path}: got the columns {', '.join(names)}; expected {WHO}, and of fairness.attributes in "
            f"configs/credit.yaml what was asked: {', '.join(attributes) or 'none is declared'}. Nothing was recorded."
        )


def _row(
    cells: Mapping[str, object], attributes: Mapping[str, Attribute], rows: Mapping[str, int]
) -> tuple[str, Attributes]:
    """Whose, in the canonical form, and the answers. rows: applicants so far. Raises EntryError, DataError."""
    texts = {name: "" if cell is None else word_of(str(cell).strip()) for name, cell in cells.items()}
    applicant = canonical(texts.pop(WHO))
    if applicant in rows:
        raise DataError(f"the applicant stands in row {rows[applicant]} too: which answer counts?")
    answers = {name: text for name, text in texts.items() if text}
    for name, text in answers.items():
        fairness.grouped(name, pd.Series([text]), attributes[name])
    return applicant, answers
