"""A person's decision against the scorer's, as an entry of the ledger's chain: who, why, how often, what came of it.

A reason is one of those that configs/monitoring.yaml declares, because it stands in clear for ever and is counted by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date
from typing import Any, Final, Literal, NamedTuple

import orjson
from pandas import DataFrame
from sqlalchemy import literal_column, select

from credit_risk.errors import UsageError
from credit_risk.ledger.chain import OVERRIDE, Row
from credit_risk.ledger.entry import moment
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.schema import entries
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import jeffreys, proportion

To = Literal["approve", "decline"]
DIRECTIONS: Final = (("decline", "approve"), ("approve", "decline"), ("refer", "approve"), ("refer", "decline"))
NO_OUTCOME = "no matured account of these has a known outcome"


class Override(NamedTuple):
    """What a person decided instead. day: of the override, in UTC."""

    decision_id: str
    to: str
    by: str
    reason: str
    day: date


def record(ledger: Ledger, decision_id: str, to: To, *, by: str, reason: str, reasons: Sequence[str]) -> bool:
    """Add an override to the chain; a later one of the same decision stands in its place. False: no such decision.

    reasons: those that may be given. Raises UsageError for another one, for a refused application, and for what is
    decided that way already.
    """
    if reason not in reasons:
        raise UsageError(
            f"{reason!r} is no reason of configs/monitoring.yaml: {', '.join(reasons) or 'none is declared'}."
        )
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


def read(ledger: Ledger, until: date = date.max) -> dict[str, Override]:
    """The override that stands for each decision on a day. Raises LedgerBroken for one that is not as recorded."""
    kinds = (entries.c.kind != literal_column("'decision'"), entries.c.kind == literal_column(f"'{OVERRIDE}'"))
    query = select(*entries.c).where(*kinds, entries.c.seq > literal_column("0")).order_by(entries.c.seq)
    with ledger.store.reading() as cursor:
        cursor.execute(str(query.compile(dialect=ledger.store.dialect)))
        rows = [Row(*row) for row in cursor.fetchall()]
    overrides = {}
    for row in rows:
        ledger.check_in_chain(row)
        facts, day = orjson.loads(row.facts), moment(row.at).astimezone(UTC).date()
        if day <= until:
            overrides[facts["of"]] = Override(facts["of"], facts["to"], facts["by"], facts["reason"], day)
    return overrides


def measure(accounts: DataFrame, overrides: Mapping[str, Override], *, confidence: float) -> list[dict[str, Any]]:
    """Each direction: how many, which share of what the scorer decided so, by which reasons, and how they paid.

    rate: overrides over all decisions of the scorer with that answer, Wilson's interval. bad_rate: of matured ones
    whose outcome is known, Jeffreys' interval. accounts: as `accounts.accounts` gives them, with these overrides.
    """
    return [_direction(accounts, overrides, by_model, to, confidence) for by_model, to in DIRECTIONS]


def _direction(
    accounts: DataFrame, overrides: Mapping[str, Override], by_model: str, to: str, confidence: float
) -> dict[str, Any]:
    of_model = accounts[accounts["by_model"] == by_model]
    changed = of_model[of_model["decision"] == to]
    reasons = changed["decision_id"].map(lambda decision_id: overrides[decision_id].reason).value_counts()
    bads, goods = (int((changed["state"] == state).sum()) for state in ("bad", "good"))
    known = bads + goods
    rate = Figure.unknown(0, "the scorer decided nobody so")
    if len(of_model):
        rate = proportion(len(changed), len(of_model), confidence=confidence)
    bad_rate = (
        Figure(bads / known, *jeffreys(bads, known, confidence=confidence), known)
        if known
        else Figure.unknown(0, NO_OUTCOME)
    )
    return {
        "by_model": by_model,
        "to": to,
        "overrides": len(changed),
        "rate": asdict(rate),
        "reasons": {str(reason): int(count) for reason, count in sorted(reasons.items())},
        "bad_rate": asdict(bad_rate),
    }
