"""Approving some of the declined at random, within a budget: each draw is an override, and each day drawn is on record.

Whom the scorer declines by their PD, not a rule, and up to a limit, has the same chance. A draw follows from the
decision's id and the ledger's key: it can be made again, and nobody can foresee it. A day on which the budget would not
hold approves nobody, so that no order of arrival decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import bindparam, select

from credit_risk.errors import UsageError
from credit_risk.ledger.chain import DECISION, OVERRIDE
from credit_risk.ledger.database.schema import entries
from credit_risk.ledger.entry import StoredDecision
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes import overrides
from credit_risk.monitoring.outcomes.outcome_store import first_id
from credit_risk.monitoring.records.frozen_store import Record, SignedRecords, table_of_records
from credit_risk.monitoring.records.ledger_reading import by_ids
from credit_risk.monitoring.settings import AT_RANDOM, RandomApprovals

PURPOSE = b"random approval"
TABLE = table_of_records("random_approvals_1")
BITS = 128  # of a keyed digest


class DrawnDays(SignedRecords):
    """The chain of days whose declined were drawn from: how many there were, and how many were approved."""

    def __init__(self, ledger: Ledger, *, busy_timeout_s: float) -> None:
        purpose = b"credit-risk random approvals, head 1"
        super().__init__(ledger, TABLE, subject="random approvals", purpose=purpose, busy_timeout_s=busy_timeout_s)


@dataclass(frozen=True)
class Draw:
    """What a draw of one day came to. exposure: of those drawn; within: whether the month's budget held for it."""

    eligible: list[StoredDecision]
    drawn: list[StoredDecision]
    exposure: float
    within: bool


def draw_day(ledger: Ledger, rules: RandomApprovals, day: date, *, busy_timeout_s: float, now: datetime) -> Record:
    """Draw from the declined of a day that has ended, once: the record of it, new or from before.

    Raises UsageError for a day that still runs. A run that was killed is repeated whole: the draws are the same.
    """
    if day >= now.astimezone(UTC).date():
        raise UsageError(f"{day} has not ended yet (UTC): some of its applicants have not asked.")
    with DrawnDays(ledger, busy_timeout_s=busy_timeout_s) as days:
        known, end = days.read()
        if before := next((record for record in known if record["day"] == day.isoformat()), None):
            return before
        spent = sum(each["exposure"] for each in known if each["within"] and each["day"][:7] == f"{day:%Y-%m}")
        draw = drawn(ledger, rules, decisions_of(ledger, day), spent)
        approved = _approve(ledger, draw.drawn, rules) if draw.within else 0
        record = {
            "day": day.isoformat(),
            "share": rules.share,
            "eligible": len(draw.eligible),
            "approved": approved,
            "exposure": draw.exposure if draw.within else 0.0,
            "within": draw.within,
        }
        days.add([record], end)
    return record


def drawn(ledger: Ledger, rules: RandomApprovals, decisions: Iterable[StoredDecision], spent: float) -> Draw:
    """Whom the day's draw meets. spent: of the month's exposure so far."""
    eligible = [decision for decision in decisions if is_eligible(decision, rules)]
    met = [decision for decision in eligible if chance(ledger, decision.decision_id) < rules.share]
    exposure = sum(exposure_of(decision.inputs or {}, rules) or 0.0 for decision in met)
    return Draw(eligible, met, exposure, spent + exposure <= rules.exposure_a_month)


def is_eligible(decision: StoredDecision, rules: RandomApprovals) -> bool:
    """Declined by a PD up to the limit, readable, and of an exposure that the budget allows for one account."""
    if decision.decision != "decline" or decision.rule is not None or decision.inputs is None:
        return False
    pd: Any = (decision.decided or {}).get("pd")
    exposure = exposure_of(decision.inputs, rules)
    return pd is not None and pd <= rules.most_pd and exposure is not None and exposure <= rules.most_exposure


def exposure_of(inputs: Mapping[str, Any], rules: RandomApprovals) -> float | None:
    value = inputs.get(rules.exposure)
    return float(value) if isinstance(value, int | float) else None


def chance(ledger: Ledger, decision_id: str) -> float:
    """Where a decision falls between 0 and 1: even, and nobody's choice."""
    drawn = int.from_bytes(ledger.secret.digest(PURPOSE, decision_id))
    return float(drawn / 2**BITS)


def decisions_of(ledger: Ledger, day: date) -> list[StoredDecision]:
    """The decisions of a day (UTC), each held to what was sealed."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ids = entries.c.decision_id
    between = (ids >= bindparam("first"), ids < bindparam("after"), entries.c.kind == bindparam("kind"))
    query = select(ids).where(*between).order_by(ids)
    values = {"first": first_id(begin.timestamp()), "after": first_id(begin.timestamp() + 86_400), "kind": DECISION}
    compiled = query.compile(dialect=ledger.store.dialect)
    order = compiled.positiontup or list(values)
    with ledger.store.reading() as cursor:
        cursor.execute(str(compiled), tuple(values[name] for name in order))
        ids_there = [row[0] for row in cursor.fetchall()]
    return list(by_ids(ledger, ids_there))


def _approve(ledger: Ledger, met: Iterable[StoredDecision], rules: RandomApprovals) -> int:
    """An override for each, but for whom a person has overridden already; how many stand as random ones."""
    standing = overrides.read(ledger)
    count = 0
    for decision in met:
        before = standing.get(decision.decision_id)
        if before is None:
            ledger.note(OVERRIDE, decision.decision_id, by=rules.approved_by, reason=AT_RANDOM, to="approve")
        count += before is None or before.reason == AT_RANDOM
    return count
