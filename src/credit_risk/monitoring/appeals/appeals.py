"""Decisions that a person must decide again: contested by the applicant, or referred; who answered, why and how late.

What was asked and what was answered are entries of the ledger's chain. An answer that differs from what stands is an
override and counts as one; one that upholds it is an entry of its own. GDPR, Article 22(3) and Article 12(3), and
Regulation B's notices, which name a day until which an applicant may ask.
"""

from collections.abc import Container, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from credit_risk.errors import UsageError
from credit_risk.ledger import replay
from credit_risk.ledger.chain import OVERRIDE
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes import overrides
from credit_risk.monitoring.outcomes.overrides import To
from credit_risk.monitoring.records.ledger_reading import Note, by_ids, notes
from credit_risk.monitoring.settings import Appeals

APPEAL, UPHELD = "appeal", "upheld"
CONTESTED, REFERRED = "contested", "referred"
BY_APPLICANT = "asked by the applicant"  # no free text: it stands in clear, and for ever
ANSWERS: Final = (OVERRIDE, UPHELD)


class Waiting(NamedTuple):
    """A decision that nobody has decided again. since: the day it was asked, or referred; due: the last day."""

    decision_id: str
    kind: str
    decision: str
    since: date
    due: date

    def is_overdue(self, on: date) -> bool:
        """Whether its last day had passed by the end of this day."""
        return on > self.due

    def as_json(self, on: date) -> dict[str, Any]:
        days = {"since": self.since.isoformat(), "due": self.due.isoformat(), "overdue": self.is_overdue(on)}
        return self._asdict() | days


def ask(ledger: Ledger, decision_id: str, on: date, *, by: str, today: date | None = None) -> bool:
    """Put on record that an applicant contests a decision. by: who wrote it down. False: no such decision.

    on: the day of asking. Raises UsageError for one before the decision or after today, and for an open appeal.
    """
    decision = ledger.get(decision_id)
    if decision is None:
        return False
    if on < decision.at.date():
        raise UsageError(f"it was decided on {decision.at.date()}, and cannot have been contested on {on}.")
    if on > (today or datetime.now(UTC).date()):
        raise UsageError(f"{on} is still to come: name the day on which they asked.")
    last = [note for note in notes(ledger, (APPEAL, *ANSWERS)) if note.decision_id == decision_id][-1:]
    if last and last[0].kind == APPEAL:
        raise UsageError(f"decision {decision_id} is contested already, since {last[0].facts['on']}, and not answered.")
    return ledger.note(APPEAL, decision_id, by=by, reason=BY_APPLICANT, on=on.isoformat())


def answer(ledger: Ledger, decision_id: str, to: To, *, by: str, reason: str, reasons: Sequence[str]) -> str | None:
    """Decide again as a person: an override where that differs from what stands, else upheld. None: no such decision.

    Returns which of the two. Raises UsageError for a reason that is not declared, a decision that nobody contested or
    referred, and one that was answered already.
    """
    decision = ledger.get(decision_id)
    if decision is None:
        return None
    history = [note for note in notes(ledger, (APPEAL, *ANSWERS)) if note.decision_id == decision_id]
    open_appeal = bool(history) and history[-1].kind == APPEAL
    if not open_appeal and (decision.decision != "refer" or history):
        state = "answered already" if history else "neither contested nor referred"
        raise UsageError(
            f"decision {decision_id} is {state}; an override needs no appeal: `credit-risk overrides add`."
        )
    changed = [note for note in history if note.kind == OVERRIDE]
    stands = changed[-1].facts["to"] if changed else decision.decision
    if stands != to:
        overrides.record(ledger, decision_id, to, by=by, reason=reason, reasons=reasons)
        return OVERRIDE
    overrides.refuse_undeclared(reason, reasons)
    ledger.note(UPHELD, decision_id, by=by, reason=reason)
    return UPHELD


def waiting(ledger: Ledger, rules: Appeals) -> list[Waiting]:
    """All that wait for a person, the first due first: contested ones, and referrals that nobody has decided."""
    noted = notes(ledger, (APPEAL, *ANSWERS))
    last = {note.decision_id: note for note in noted}
    answered = {note.decision_id for note in noted if note.kind in ANSWERS}
    contested = {decision_id: note for decision_id, note in last.items() if note.kind == APPEAL}
    both = [*_contested(ledger, contested, answered, rules), *_referred(ledger, last.keys(), rules)]
    return sorted(both, key=lambda each: (each.due, each.decision_id))


def _contested(ledger: Ledger, appeals: dict[str, Note], answered: Container[str], rules: Appeals) -> Iterator[Waiting]:
    for decision in by_ids(ledger, list(appeals)):
        since = date.fromisoformat(appeals[decision.decision_id].facts["on"])
        due = since + timedelta(days=rules.answer_days)
        if decision.decision == "refer" and decision.decision_id not in answered:  # contesting it wins nobody time
            due = min(due, decision.at.date() + timedelta(days=rules.referral_days))
        yield Waiting(decision.decision_id, CONTESTED, decision.decision, since, due)


def _referred(ledger: Ledger, answered: Container[str], rules: Appeals) -> Iterator[Waiting]:
    for page in replay.decision_pages(ledger):
        for decision in page:
            if decision.decision == "refer" and decision.decision_id not in answered:
                since = decision.at.date()
                due = since + timedelta(days=rules.referral_days)
                yield Waiting(decision.decision_id, REFERRED, decision.decision, since, due)
