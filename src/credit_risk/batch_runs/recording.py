"""Decisions of a run in the ledger, where configs/batch.yaml says so: as the service records them, each once."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from pandas import DataFrame

from credit_risk.batch_runs.runs import BatchRun
from credit_risk.data.reading import raw, tables
from credit_risk.errors import CheckFailed
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger
from credit_risk.scoring.decision import REFUSED
from credit_risk.scoring.scorer import Scorer

CLIENT = "batch"
ROWS = 1_000  # of one transaction


def record(ledger: Ledger, scorer: Scorer, by: DecidedBy, applications: Path, run: BatchRun) -> int:
    """Record every decision of a file that was not refused, as the service would; returns how many.

    Run and row are the idempotency key: whoever is killed and runs it again records none twice. Raises CheckFailed
    where the ledger has another application under such a key.
    """
    config, recorded = scorer.config, 0
    applicant = config.only("applicant")
    has_applicant = applicant in raw.header(applications, config.data, tuple(config.columns))
    columns = [*config.inputs, *([applicant] if applicant and has_applicant else [])]
    for table in tables.read_table(applications, config, columns, rows=ROWS):
        entries = list(_entries(scorer, table, by, run, applicant if has_applicant else None))
        conflicts = [outcome for outcome in ledger.append(entries) if isinstance(outcome, Exception)]
        if conflicts:
            raise CheckFailed(f"run {run.name}: {len(conflicts)} decisions were not recorded: {conflicts[0]}")
        recorded += len(entries)
    return recorded


def _entries(scorer: Scorer, table: DataFrame, by: DecidedBy, run: BatchRun, applicant: str | None) -> Iterator[Entry]:
    decisions, inputs = scorer.decide(table), _inputs(table, scorer.config.inputs)
    persons = table[applicant].tolist() if applicant else [None] * len(table)
    for row, (application, person) in enumerate(zip(inputs, persons, strict=True)):
        if decisions.outcome[row] == REFUSED:
            continue
        yield Entry(
            application,
            decisions.record(row),
            by,
            client=CLIENT,
            body_digest=hashlib.sha256(orjson.dumps(application, option=orjson.OPT_SORT_KEYS)).hexdigest(),
            applicant=None if person is None or person != person else str(person),  # noqa: PLR0124  (NaN)
            request_id=f"{run.name}:{table.index[row]}",
        )


def _inputs(table: DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each application as field → value, as JSON has it; what it lacks is null."""
    cells = {name: table[name].astype(object).where(table[name].notna(), None).tolist() for name in names}
    return [dict(zip(names, row, strict=True)) for row in zip(*cells.values(), strict=True)]
