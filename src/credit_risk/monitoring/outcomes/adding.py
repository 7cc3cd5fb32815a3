"""Adding a delivery of outcomes: each row becomes a fact, is known, corrects one, or is rejected with its reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from pathlib import Path
from typing import Literal

import pandas as pd

from credit_risk.config import Config
from credit_risk.data import digest
from credit_risk.data.writing import write_csv
from credit_risk.errors import CheckFailed
from credit_risk.ledger.entry import StoredDecision
from credit_risk.ledger.errors import EntryError
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.calendar import months_after
from credit_risk.monitoring.outcomes.deliveries import Deliveries
from credit_risk.monitoring.outcomes.outcome_file import Claim, DeliveryRow, pieces
from credit_risk.monitoring.outcomes.outcome_store import WORSE, Fact, History, Outcomes, Transaction, by_month
from credit_risk.monitoring.records.ledger_reading import some_of

Verdict = Literal["added", "known", "corrected"]


class RowRejected(ValueError):
    """A row that cannot be recorded; the message is the reason that the lender reads beside its number."""


class TotalsBroken(CheckFailed, ArithmeticError):
    """The rows that were read are not the rows that something became of. Nothing was recorded."""


@dataclass(frozen=True)
class Totals:
    """How many rows a delivery has, and what became of them; the last four add up to the first.

    known: recorded before, so that the same file twice adds nothing. rejected: each with its row and its reason.
    """

    read: int = 0
    added: int = 0
    known: int = 0
    corrected: int = 0
    rejected: int = 0
    rejects: tuple[tuple[int, str, str], ...] = field(default=(), repr=False)

    def raise_unless_they_add_up(self, recorded: int) -> None:
        """recorded: by how many facts the store has grown. Raises TotalsBroken."""
        became = self.added + self.known + self.corrected + self.rejected
        if self.read != became or recorded != self.added + self.corrected or self.rejected != len(self.rejects):
            raise TotalsBroken(
                f"{self.read} rows were read, {became} are accounted for ({self.added} added, {self.known} known, "
                f"{self.corrected} corrected, {self.rejected} rejected), and {recorded} facts are new. "
                "Nothing was recorded: report this as a fault."
            )

    def plus(self, counts: Mapping[str, int], rejects: Sequence[tuple[int, str, str]]) -> "Totals":
        """With what became of some more rows. counts: by field."""
        more = {name: count + counts.get(name, 0) for name, count in self.as_dict().items()}
        return replace(self, **{**more, "rejected": self.rejected + len(rejects)}, rejects=(*self.rejects, *rejects))

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("read", "added", "known", "corrected", "rejected")}


def add(ledger: Ledger, outcomes: Outcomes, path: Path, config: Config, *, today: date) -> Totals:
    """Record what a file says became of decided applications: all of it in one transaction, or nothing.

    today: no outcome can have been looked up after it. Raises DataError for a file that cannot be read, LedgerBroken
    for a decision that is not as it was recorded, TotalsBroken where the control totals do not add up.
    """
    totals, file = Totals(), digest.of_file(path)
    busy_timeout_s = outcomes.store.busy_timeout_s
    with Deliveries(ledger, busy_timeout_s=busy_timeout_s) as deliveries, outcomes.adding() as transaction:
        deliveries.refuse_undelivered(transaction.connection)
        delivery, before = Delivery(ledger, transaction, file, today), transaction.count()
        for rows in pieces(path, config.data, config.outcome):
            totals = delivery.add(rows, totals)
        totals.raise_unless_they_add_up(transaction.count() - before)
        deliveries.sign(transaction.connection, file)
    return totals


def write_rejects(path: Path, totals: Totals) -> None:
    """The rejected rows as CSV: number, the decision as the file names it, and the reason."""
    write_csv(path, pd.DataFrame(totals.rejects, columns=["row", "decision_id", "reason"]))


def summary(histories: dict[str, History]) -> dict[str, object]:
    """Counts of what is recorded: facts, corrections, decisions by their latest outcome, and facts by month on book."""
    facts = [fact for history in histories.values() for fact in history]
    latest = [by_month(history)[max(by_month(history))] for history in histories.values()]
    months = sorted({fact.month for fact in facts})
    return {
        "facts": len(facts),
        "corrections": sum(bool(fact.correction) for fact in facts),
        "deliveries": len({fact.file for fact in facts}),
        "decisions": len(histories),
        "latest_outcome": {kind: latest.count(kind) for kind in WORSE},
        "by_month": {str(month): sum(fact.month == month for fact in facts) for month in months},
    }


def judged(claim: Claim, decision: StoredDecision, history: History, today: date) -> Verdict:
    """What a claim is in the light of the decision and of what is recorded of it. Raises RowRejected."""
    _refuse_impossible(claim, decision, today)
    same_month = [fact for fact in history if fact.month == claim.month]
    if same_month and same_month[-1].outcome == claim.outcome:
        return "known"
    if any((fact.outcome, fact.correction) == (claim.outcome, claim.correction) for fact in same_month):
        return "known"  # delivered again after it was corrected
    if same_month and not claim.correction:
        raise RowRejected(
            f"{claim.outcome} by month {claim.month}, and {same_month[-1].outcome} by that month is recorded: "
            "say why in the column correction"
        )
    if claim.correction and not same_month:
        raise RowRejected(f"a correction, and no outcome by month {claim.month} is recorded")
    _refuse_contradiction(claim, by_month(history))
    return "corrected" if same_month else "added"


@dataclass(frozen=True)
class Delivery:
    """A file that is being added. file: its SHA-256; today: no outcome can have been looked up after it."""

    ledger: Ledger
    transaction: Transaction
    file: str
    today: date

    def add(self, rows: Sequence[DeliveryRow], totals: Totals) -> Totals:
        """Record some rows of the file; the totals with them."""
        named = some_of(self.ledger, [row.claim.decision_id for row in rows if row.claim])
        decisions = [_decision_or_reason(self.ledger, row, named) for row in rows]
        ids = {each.decision_id for each in decisions if isinstance(each, StoredDecision)}
        histories = self.transaction.histories(sorted(ids))
        counts: Counter[str] = Counter(read=len(rows))
        rejects, new = [], []
        for row, decision in zip(rows, decisions, strict=True):
            try:
                verdict, fact = self._judged(row, decision, histories)
            except RowRejected as error:
                rejects.append((row.number, row.decision_id, str(error)))
                continue
            counts[verdict] += 1
            if verdict != "known":
                histories[fact.decision_id].append(fact)
                new.append(fact)
        self.transaction.add(new)
        return totals.plus(counts, rejects)

    def _judged(
        self, row: DeliveryRow, decision: StoredDecision | str, histories: Mapping[str, History]
    ) -> tuple[Verdict, Fact]:
        if row.claim is None or isinstance(decision, str):
            raise RowRejected(decision)
        claim, decision_id = row.claim, decision.decision_id
        verdict = judged(claim, decision, histories[decision_id], self.today)
        observed_on = claim.observed_on.isoformat()
        return verdict, Fact(decision_id, claim.month, claim.outcome, observed_on, claim.correction, self.file)


def _decision_or_reason(ledger: Ledger, row: DeliveryRow, named: Mapping[str, StoredDecision]) -> StoredDecision | str:
    """The decision of a row, or why there is none that the row could be about. named: those that rows name, by id."""
    if row.claim is None:
        return row.reason
    if row.claim.decision_id:
        return named.get(row.claim.decision_id) or "the ledger holds no such decision"
    try:
        decisions = [
            decision
            for decision in ledger.decisions_about(row.claim.applicant)
            if decided_on(decision) == row.claim.decided_on
        ]
    except EntryError as error:
        return str(error)
    if len(decisions) == 1:
        return decisions[0]
    if not decisions:
        return f"the ledger holds no decision about this applicant of {row.claim.decided_on}"
    return f"the ledger holds {len(decisions)} decisions about this applicant of that day: name the decision_id"


def decided_on(decision: StoredDecision) -> date:
    """The day of the decision, in UTC."""
    return decision.at.astimezone(UTC).date()


def _refuse_impossible(claim: Claim, decision: StoredDecision, today: date) -> None:
    day = decided_on(decision)
    due = months_after(day, claim.month)
    if decision.erased:
        raise RowRejected("the person was erased from the ledger: nothing more is recorded of them")
    if decision.decision == "refused":
        raise RowRejected("the application was refused, so no account can have come of it")
    if claim.observed_on < day:
        raise RowRejected(f"looked up on {claim.observed_on}, before the decision of {day}")
    if claim.observed_on > today:
        raise RowRejected(f"looked up on {claim.observed_on}, a day still to come")
    if claim.outcome != "bad" and claim.observed_on < due:
        raise RowRejected(
            f"{claim.outcome} by month {claim.month} cannot be known on {claim.observed_on}: that month ends on {due}"
        )


def _refuse_contradiction(claim: Claim, known: dict[int, str]) -> None:
    """Outcomes are cumulative: no account is better by a later month than it was by an earlier one."""
    for month, outcome in known.items():
        earlier, later = (outcome, claim.outcome) if month < claim.month else (claim.outcome, outcome)
        if month != claim.month and WORSE[earlier] > WORSE[later]:
            raise RowRejected(
                f"{claim.outcome} by month {claim.month} contradicts {outcome} by month {month}: an outcome is the "
                "worst state so far (ever bad), not the state of that month"
            )
