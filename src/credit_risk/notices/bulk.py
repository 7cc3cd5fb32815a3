"""All notices of a span of days in one pass over the ledger: files of many, and a list of what went where.

A decline that cannot be notified is on the list with the reason, and the command ends with exit code 1; so is what a
person declined that the scorer had not: its reasons are that person's, and nobody else can write them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import select

from credit_risk.data.writing import write_json
from credit_risk.errors import CheckFailed
from credit_risk.ledger import replay
from credit_risk.ledger.chain import OVERRIDE
from credit_risk.ledger.database.schema import OTHERS, entries
from credit_risk.ledger.entry import StoredDecision, moment
from credit_risk.ledger.ledger import Ledger
from credit_risk.notices import rendering
from credit_risk.notices.notice import NoNotice, Notice, key_factors, of_decision
from credit_risk.notices.settings import Notices
from credit_risk.scoring.scorer import Scorer


@dataclass
class Written:
    """What was written: each notice with its file and last day, and each decline without one, with the reason.

    approved_since: declines that a person has approved meanwhile; nobody is declined there any more.
    """

    notices: list[dict[str, str]] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    approved_since: list[str] = field(default_factory=list)
    files: int = 0

    def late(self, today: date) -> int:
        """How many of the notices should have gone out before today."""
        return sum(date.fromisoformat(notice["send_by"]) < today for notice in self.notices)

    def raise_unless_all_were_written(self) -> None:
        if self.without:
            lines = [f"{reference}: {reason}" for reference, reason in list(self.without.items())[:5]]
            have = "decline has" if len(self.without) == 1 else "declines have"
            raise CheckFailed("\n  ".join([f"{len(self.without)} {have} no notice.", *lines]))


@dataclass(frozen=True)
class ByPerson:
    """What a person decided in the place of the scorer, the last word on it. to: approve or decline."""

    to: str
    on: date
    by: str


@dataclass(frozen=True)
class Job:
    """What is written where. together: notices in a file. scorers: those whose decisions are notified, by digest."""

    settings: Notices
    language: str
    scorers: Mapping[str, Scorer]
    folder: Path
    pdf: bool = False
    together: int = 1_000

    def write(
        self, records: Iterator[StoredDecision], by_persons: Mapping[str, ByPerson] = MappingProxyType({})
    ) -> Written:
        """Write the notices of all declines among these decisions, and list.json beside them.

        by_persons: what persons decided, by decision. Files of an earlier run in this language go.
        """
        for earlier in self.folder.glob(f"notices-{self.language}-[0-9]*.*"):
            earlier.unlink()
        written, waiting = Written(), []
        records = self._as_they_stand(records, by_persons, written)
        for page in _pages(records, self.together):
            waiting += self._notices(page, written)
            while len(waiting) >= self.together:
                self._write_file(waiting[: self.together], written)
                waiting = waiting[self.together :]
        if waiting:
            self._write_file(waiting, written)
        write_json(self.folder / "list.json", self._listed(written))
        return written

    def _as_they_stand(
        self, records: Iterator[StoredDecision], by_persons: Mapping[str, ByPerson], written: Written
    ) -> Iterator[StoredDecision]:
        """The declines that nobody has approved since; what a person declined instead of the scorer is listed."""
        for record in records:
            person = by_persons.get(record.decision_id)
            if record.decision == "decline" and person is not None and person.to == "approve":
                written.approved_since.append(record.decision_id)
            elif record.decision == "decline":
                yield record
            elif person is not None and person.to == "decline":
                why = f"declined on {person.on} by {person.by}, not by the scorer: write this notice with their reasons"
                written.without[record.decision_id] = why

    @staticmethod
    def _listed(written: Written) -> dict[str, Any]:
        return {"notices": written.notices, "without": written.without, "approved_since": written.approved_since}

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


def by_persons(ledger: Ledger) -> dict[str, ByPerson]:
    """What persons decided in the place of the scorer, by decision; the last one where there are several."""
    query = select(entries.c.at, entries.c.facts).where(OTHERS, entries.c.kind == OVERRIDE).order_by(entries.c.seq)
    with ledger.store.core() as connection:
        rows = [(moment(at).date(), orjson.loads(facts)) for at, facts in connection.execute(query)]
    return {its["of"]: ByPerson(its["to"], on, its["by"]) for on, its in rows}


def declines(
    ledger: Ledger, since: date | None, until: date | None, persons: Mapping[str, ByPerson] = MappingProxyType({})
) -> Iterator[StoredDecision]:
    """The declines of these days, both included, in the order in which they were made; erased ones too.

    persons: what persons decided: whatever else they declined in these days is among them.
    """
    for page in replay.decision_pages(ledger):
        for record in page:
            person = persons.get(record.decision_id)
            by_person = record.decision != "decline" and person is not None and person.to == "decline"
            day = person.on if by_person and person is not None else record.at.date()
            declined = record.decision == "decline" or by_person
            if declined and (since is None or since <= day) and (until is None or day <= until):
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
