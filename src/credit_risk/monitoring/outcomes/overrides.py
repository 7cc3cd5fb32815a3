"""A person's decision against the scorer's, as an entry of the ledger's chain: who, why, how often, what came of it.

A reason is one of those that configs/monitoring.yaml declares, because it stands in clear for ever and is counted by.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from credit_risk.errors import UsageError
from credit_risk.ledger.chain import OVERRIDE
from credit_risk.ledger.ledger import Ledger
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import jeffreys, proportion
from credit_risk.monitoring.calendar import months_old
from credit_risk.monitoring.outcomes.adding import decided_on
from credit_risk.monitoring.outcomes.maturing import pd_of, state_by
from credit_risk.monitoring.outcomes.outcome_store import History, by_month
from credit_risk.monitoring.records.ledger_reading import by_ids, notes
from credit_risk.monitoring.records.pd_cells import odds_bin

To = Literal["approve", "decline"]
DIRECTIONS: Final = (("decline", "approve"), ("approve", "decline"), ("refer", "approve"), ("refer", "decline"))
IMMATURE = "immature"
NO_OUTCOME = "no matured account of these has a known outcome"


class Override(NamedTuple):
    """What a person decided instead. day: of the override, in UTC."""

    decision_id: str
    to: str
    by: str
    reason: str
    day: date


class Overridden(NamedTuple):
    """An overridden decision: its month, the scorer's word, the person's, and how its account stands.

    bin: of its odds, None without a PD that can be read. booked: an outcome of it was delivered. state: by the end of
    the performance window, `immature` before it has ended.
    """

    month: str
    by_model: str
    to: str
    reason: str
    bin: int | None
    booked: bool
    state: str


def record(ledger: Ledger, decision_id: str, to: To, *, by: str, reason: str, reasons: Sequence[str]) -> bool:
    """Add an override to the chain; a later one of the same decision stands in its place. False: no such decision.

    reasons: those that may be given. Raises UsageError for another one, for a refused application, and for what is
    decided that way already.
    """
    refuse_undeclared(reason, reasons)
    decision = ledger.get(decision_id)
    if decision is None:
        return False
    if decision.decision == "refused":
        raise UsageError(
            "the application was refused: send it again, whole, instead of overriding what nobody decided."
        )
    before = read(ledger).get(decision_id)
    stands = before.to if before else decision.decision
    if stands == to:
        raise UsageError(f"decision {decision_id} is {to} already, by {before.by if before else 'the scorer'}.")
    return ledger.note(OVERRIDE, decision_id, by=by, reason=reason, to=to)


def refuse_undeclared(reason: str, reasons: Sequence[str]) -> None:
    """Raises UsageError for a reason that configs/monitoring.yaml does not declare."""
    if reason not in reasons:
        raise UsageError(
            f"{reason!r} is no reason of configs/monitoring.yaml: {', '.join(reasons) or 'none is declared'}."
        )


def read(ledger: Ledger, until: date = date.max) -> dict[str, Override]:
    """The override that stands for each decision on a day. Raises LedgerBroken for one that is not as recorded."""
    return {
        note.decision_id: Override(note.decision_id, note.facts["to"], note.facts["by"], note.facts["reason"], note.day)
        for note in notes(ledger, (OVERRIDE,))
        if note.day <= until
    }


def standing(
    ledger: Ledger, overrides: Mapping[str, Override], histories: Mapping[str, History], as_of: date, window: int
) -> list[Overridden]:
    """The overridden decisions as they stand on a day. histories: the facts of them that were recorded.

    window: months on book by whose end an outcome counts. Raises LedgerBroken for a decision that is not as recorded.
    """
    overridden = []
    for decision in by_ids(ledger, list(overrides)):
        history = [fact for fact in histories.get(decision.decision_id, ()) if fact.observed_on <= as_of.isoformat()]
        override, day = overrides[decision.decision_id], decided_on(decision)
        state = state_by(by_month(history), window) if months_old(day, as_of) >= window else IMMATURE
        overridden.append(
            Overridden(
                f"{day:%Y-%m}",
                *(decision.decision, override.to, override.reason, odds_bin(pd_of(decision))),
                *(bool(history), state),
            )
        )
    return overridden


def measure(overridden: Sequence[Overridden], decided: Mapping[str, int], *, confidence: float) -> list[dict[str, Any]]:
    """Each direction, and each reason in it: how many, which share of what the scorer decided so, and how they paid.

    decided: by the scorer's decision, how many there are. rate: overrides over these, Wilson's interval. bad_rate: of
    matured ones whose outcome is known, Jeffreys' interval.
    """
    directions = []
    for by_model, to in DIRECTIONS:
        changed = [each for each in overridden if (each.by_model, each.to) == (by_model, to)]
        rate = Figure.unknown(0, "the scorer decided nobody so")
        if decided.get(by_model):
            rate = proportion(len(changed), decided[by_model], confidence=confidence)
        reasons = sorted({each.reason for each in changed})
        directions.append(
            {
                "by_model": by_model,
                "to": to,
                "overrides": len(changed),
                "rate": asdict(rate),
                "reasons": {
                    reason: _of_reason(
                        [each for each in changed if each.reason == reason], decided[by_model], confidence
                    )
                    for reason in reasons
                },
                "bad_rate": asdict(_bad_rate(changed, confidence)),
            }
        )
    return directions


def _of_reason(changed: Sequence[Overridden], decided: int, confidence: float) -> dict[str, Any]:
    """How many for one reason, which share of what the scorer decided so, and how they paid."""
    rate = proportion(len(changed), decided, confidence=confidence)
    return {"overrides": len(changed), "rate": asdict(rate), "bad_rate": asdict(_bad_rate(changed, confidence))}


def _bad_rate(changed: Sequence[Overridden], confidence: float) -> Figure:
    states = Counter(each.state for each in changed)
    bads, known = states["bad"], states["bad"] + states["good"]
    if not known:
        return Figure.unknown(0, NO_OUTCOME)
    return Figure(bads / known, *jeffreys(bads, known, confidence=confidence), known)
