"""Findings about a model, from the first word to the last: opened, answered, verified by somebody else, closed.

All of it stands on the signed record; what a finding is now is read off its entries.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias, get_args

from credit_risk.config.names import is_person, person_of, same_person
from credit_risk.governance.records import Entered, Kind, RecordRefused

Severity: TypeAlias = Literal["severe", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
State: TypeAlias = Literal["open", "answered", "verified", "closed"]
EXPECTED: Mapping[Kind, State] = {"answer": "open", "verify": "answered", "close": "verified"}


@dataclass(frozen=True)
class ModelFinding:
    """A finding as it stands. due: the day by which it must be closed. answered_by: who answered it last."""

    id: str
    severity: Severity
    owner: str
    due: date
    text: str
    opened_by: str
    state: State = "open"
    answered_by: str | None = None
    evidence: tuple[str, ...] = ()

    def is_overdue(self, today: date) -> bool:
        return self.state != "closed" and self.due < today


def register(entries: Iterable[Entered]) -> dict[str, ModelFinding]:
    """Every finding by its id, in the order in which they were opened."""
    known: dict[str, ModelFinding] = {}
    for entry in entries:
        if entry.kind == "open":
            facts = entry.facts
            due = date.fromisoformat(facts["due"])
            known[entry.about] = ModelFinding(
                entry.about, facts["severity"], facts["owner"], due, entry.reason, entry.by, evidence=_evidence(entry)
            )
        elif entry.kind in ("answer", "verify", "close"):
            known[entry.about] = after(known[entry.about], entry)
    return known


def after(finding: ModelFinding, entry: Entered) -> ModelFinding:
    """The finding after one more entry; one that was verified and does not hold is open again."""
    evidence = (*finding.evidence, *_evidence(entry))
    if entry.kind == "answer":
        return replace(finding, state="answered", answered_by=entry.by, evidence=evidence)
    if entry.kind == "verify":
        return replace(finding, state="verified" if entry.facts["holds"] else "open", evidence=evidence)
    return replace(finding, state="closed", evidence=evidence)


def next_id(known: Mapping[str, ModelFinding]) -> str:
    return f"F{len(known) + 1}"


def refuse_opening(severity: str, owner: str, due: date, today: date) -> None:
    """Raise RecordRefused for a finding without a known severity, a person who answers for it, or a day ahead."""
    if severity not in SEVERITIES:
        raise RecordRefused(f"the severity is {severity!r}; expected {', '.join(SEVERITIES)}.")
    if not is_person(owner):
        raise RecordRefused(f"the owner is {owner!r}; expected a first and a last name.")
    if due < today:
        raise RecordRefused(f"it would be due on {due}, and today is {today}.")


def refuse_step(kind: Kind, known: Mapping[str, ModelFinding], about: str, by: str) -> None:
    """Raise RecordRefused where this finding cannot be answered, verified or closed now, or not by this person."""
    finding = known.get(about)
    if finding is None:
        raise RecordRefused(f"there is no finding {about!r}; known: {', '.join(known) or 'none'}.")
    if finding.state != EXPECTED[kind]:
        raise RecordRefused(f"{about} is {finding.state}; to {kind} it, it must be {EXPECTED[kind]}.")
    if kind in ("verify", "close") and finding.answered_by and same_person(finding.answered_by, by):
        answered = person_of(finding.answered_by)
        raise RecordRefused(f"{about} was answered by {answered}: somebody else has to {kind} it (four eyes).")


def blocking(known: Mapping[str, ModelFinding], today: date) -> list[str]:
    """The severe findings that are overdue: they close the gate for promotion."""
    return [
        f"finding {finding.id} is severe, was due on {finding.due} and is {finding.state}: {finding.text}"
        for finding in known.values()
        if finding.severity == "severe" and finding.is_overdue(today)
    ]


def _evidence(entry: Entered) -> tuple[str, ...]:
    return tuple(entry.facts.get("evidence", ()))
