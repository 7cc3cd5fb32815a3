"""What was trained, for which reason, and what came of it: a chain of signed records beside the ledger.

A training stands there before it begins and again when it has ended, so that the same evidence never trains twice,
whoever asks and however often. A run that was killed between the two may be taken up again: it gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.calendar import months_after
from credit_risk.monitoring.records.frozen_store import Record, SignedRecords, table_of_records

records = table_of_records("retraining_records_1")
BEGUN, ENDED = "begun", "ended"


class RetrainingRecords(SignedRecords):
    """The trainings of one ledger's models."""

    def __init__(self, ledger: Ledger, *, busy_timeout_s: float) -> None:
        purpose = b"credit-risk retraining, head 1"
        super().__init__(ledger, records, subject="retraining", purpose=purpose, busy_timeout_s=busy_timeout_s)


@dataclass(frozen=True)
class Past:
    """The records as decisions read them, the oldest first."""

    entries: Sequence[Record]

    @property
    def begun(self) -> list[Record]:
        """Each training once, as it began; one that was taken up again counts as one."""
        first: dict[str, Record] = {}
        for entry in self.entries:
            if entry["kind"] == BEGUN:
                first.setdefault(entry["evidence"], entry)
        return list(first.values())

    @property
    def ended(self) -> dict[str, Record]:
        """The end of each training, by the evidence that it was made from."""
        return {entry["evidence"]: entry for entry in self.entries if entry["kind"] == ENDED}

    @property
    def last_training(self) -> date | None:
        """The day of the last training that ended; None before the first."""
        return max(
            (date.fromisoformat(each["as_of"]) for each in self.begun if each["evidence"] in self.ended), default=None
        )

    def running(self, evidence: str) -> datetime | None:
        """When the last training from this evidence began that has not ended; None where none runs or was killed."""
        at = [entry["at"] for entry in self.entries if entry["kind"] == BEGUN and entry["evidence"] == evidence]
        return datetime.fromisoformat(at[-1]) if at and evidence not in self.ended else None

    def since(self, day: date) -> list[Record]:
        return [entry for entry in self.begun if date.fromisoformat(entry["as_of"]) > day]

    def of_year(self, as_of: date) -> list[Record]:
        """Trainings of the twelve months up to a day."""
        return self.since(months_after(as_of, -12))

    def cpu_hours(self, as_of: date) -> float:
        """What the trainings of the twelve months up to a day have used; one that never ended is not known to cost."""
        ended = (self.ended.get(entry["evidence"]) for entry in self.of_year(as_of))
        return sum(float(entry["cpu_seconds"]) for entry in ended if entry) / 3600

    def trained_until(self, scorer: str) -> date | None:
        """The last day of decision among the rows that a scorer learned from; None for one that was not made here."""
        made = [entry for entry in self.ended.values() if entry["candidate"] == scorer]
        return date.fromisoformat(made[-1]["trained_until"]) if made else None


def begun(evidence: str, as_of: date, clock: datetime, facts: dict[str, Any]) -> Record:
    at = clock.isoformat(timespec="seconds")
    return {"kind": BEGUN, "evidence": evidence, "as_of": as_of.isoformat(), "at": at, **facts}


def ended(evidence: str, facts: dict[str, Any]) -> Record:
    return {"kind": ENDED, "evidence": evidence, **facts}
