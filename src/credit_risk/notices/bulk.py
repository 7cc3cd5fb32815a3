"""All notices of a span of days in one pass over the ledger: files of many, and a list of what went where.

A decline that cannot be notified is on the list with the reason, and the command ends with exit code 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from credit_risk.data.writing import write_json
from credit_risk.errors import CheckFailed
from credit_risk.ledger import replay
from credit_risk.ledger.entry import StoredDecision
from credit_risk.ledger.ledger import Ledger
from credit_risk.notices import rendering
from credit_risk.notices.notice import NoNotice, Notice, key_factors, of_decision
from credit_risk.notices.settings import Notices
from credit_risk.scoring.scorer import Scorer


@dataclass
class Written:
    """What was written: each notice with its file and last day, and each decline without one, with the reason."""

    notices: list[dict[str, str]] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    files: int = 0

    def late(self, today: date) -> int:
        """How many of the notices should have gone out before today."""
        return sum(date.fromisoformat(notice["send_by"]) < today for notice in self.notices)

    def raise_unless_all_were_written(self) -> None:
        if self.without:
            lines = [f"{reference}: {reason}" for reference, reason in list(self.without.items())[:5]]
            raise CheckFailed("\n  ".join([f"{len(self.without)} declines have no notice.", *lines]))


@dataclass(frozen=True)
class Job:
    """What is written where. together: notices in a file. scorers: those whose decisions are notified, by digest."""

    settings: Notices
    language: str
    scorers: Mapping[str, Scorer]
    folder: Path
    pdf: bool = False
    together: int = 1_000

    def write(self, records: Iterator[StoredDecision]) -> Written:
        """Write the notices of all declines among these decisions, and list.json beside them."""
        written, waiting = Written(), []
        for page in _pages(records, self.together):
            waiting += self._notices(page, written)
            while len(waiting) >= self.together:
                self._write_file(waiting[: self.together], written)
                waiting = waiting[self.together :]
        if waiting:
            self._write_file(waiting, written)
        write_json(self.folder / "list.json", {"notices": written.notices, "without": written.without})
        return written

    def _notices(self, records: Sequence[StoredDecision], written: Written) -> list[Notice]:
        factors, notices = self._factors(records), []
        for record in records:
            try:
                notices.append(of_decision(record, self.settings, self.language, factors.get(record.decision_id)))
            except NoNotice as reason:
                written.without[record.decision_id] = str(reason)
        return notices

    def _factors(self, records: Sequence[StoredDecision]) -> dict[str, tuple[str, ...]]:
        """The score's key factors of each decision whose scorer is here; none for one without a score."""
        factors: dict[str, tuple[str, ...]] = {}
        for digest, scorer in self.scorers.items():
            mine = [record for record in records if record.by.scorer == digest and record.inputs is not None]
            scored = [record for record in mine if (record.decided or {}).get("score") is not None]
            factors |= dict.fromkeys((record.decision_id for record in mine), ())
            if scored and self.settings.score.enabled:
                inputs: list[Mapping[str, Any]] = [record.inputs or {} for record in scored]
                texts = key_factors(scorer, inputs, self.settings.score.factors)
                factors |= {record.decision_id: its for record, its in zip(scored, texts, strict=True)}
        return factors

    def _write_file(self, notices: Sequence[Notice], written: Written) -> None:
        written.files += 1
        name = f"notices-{self.language}-{written.files:04d}.{'pdf' if self.pdf else 'html'}"
        (rendering.write_pdf if self.pdf else rendering.write_html)(self.folder / name, notices)
        written.notices += [
            {
                "reference": notice.reference,
                "file": name,
                "page": str(page),
                "send_by": notice.send_by.isoformat(),
                "appeal_by": notice.appeal_by.isoformat(),
            }
            for page, notice in enumerate(notices, 1)
        ]


def declines(ledger: Ledger, since: date | None, until: date | None) -> Iterator[StoredDecision]:
    """The declines of these days, both included, in the order in which they were made; erased ones too."""
    for page in replay.decision_pages(ledger):
        for record in page:
            day = record.at.date()
            if record.decision == "decline" and (since is None or since <= day) and (until is None or day <= until):
                yield record


def _pages(records: Iterator[StoredDecision], size: int) -> Iterator[list[StoredDecision]]:
    page: list[StoredDecision] = []
    for record in records:
        page.append(record)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
