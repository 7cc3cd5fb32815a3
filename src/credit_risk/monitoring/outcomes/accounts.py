"""Decisions joined with what became of them, and what may be counted of each: matured, and known."""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from credit_risk.ledger.entry import StoredDecision
from credit_risk.monitoring.calendar import months_old
from credit_risk.monitoring.outcomes.adding import decided_on
from credit_risk.monitoring.outcomes.maturing import NOT_KNOWN, state_by
from credit_risk.monitoring.outcomes.outcome_store import WORSE, History, by_month

OUTCOMES: Final = tuple(WORSE)
COLUMNS = ("decision_id", "vintage", "age", "decision", "band", "pd", "score", "applicant", "scorer", "erased")


def decision_facts(decisions: Iterable[StoredDecision], as_of: date) -> list[tuple[Any, ...]]:
    """What is counted of decisions until a day, without any of their inputs: rows of COLUMNS.

    vintage: the month of the decision, as 2026-01. age: months from the decision to `as_of`. applicant: without a
    reference a decision is a person of its own. Of an erased person PD and score are missing.
    """
    rows = []
    for each in decisions:
        day, decided = decided_on(each), each.decided or {}
        if day > as_of:
            continue
        numbers = (_number(decided.get("pd")), _number(decided.get("score")))
        who = ("decision", each.decision_id) if each.applicant is None else ("applicant", each.applicant)
        about = (f"{day:%Y-%m}", months_old(day, as_of), each.decision, each.band)
        rows.append((each.decision_id, *about, *numbers, who, each.by.scorer, each.erased))
    return rows


def accounts(
    rows: list[tuple[Any, ...]],
    histories: Mapping[str, History],
    window: int,
    as_of: date,
    instead: Mapping[str, str] = MappingProxyType({}),
) -> DataFrame:
    """Each decision with what is known of it on a day: the rows of `decision_facts` and more columns.

    instead: what a person decided against the scorer: `decision` is that then, and `by_model` is the scorer's.

    known: the outcome by each month on book, as far as it was looked up by `as_of`. outcome: that by the end of the
    performance window of `window` months, None where it is not known. state: what the decision counts as (`_state`).
    """
    table = DataFrame(rows, columns=list(COLUMNS))
    table["by_model"] = table["decision"]
    table["decision"] = [instead.get(each["decision_id"], each["decision"]) for each in table.to_dict("records")]
    day = as_of.isoformat()
    known = [
        by_month(fact for fact in histories.get(decision_id, ()) if fact.observed_on <= day)
        for decision_id in table["decision_id"]
    ]
    table["known"] = pd.Series(known, index=table.index, dtype=object)
    outcomes = [outcome_by(months, window) for months in known]
    table["outcome"] = pd.Series(outcomes, index=table.index, dtype=object)
    table["state"] = [_state(row, window) for row in table.to_dict("records")]
    table["person"] = pd.factorize(table["applicant"])[0]
    return table


def outcome_by(known: Mapping[int, str], month: int) -> str | None:
    """The worst state until the end of a month on book; None where the months that were looked up leave it open."""
    state = state_by(known, month)
    return None if state == NOT_KNOWN else state


def _state(row: Mapping[Any, Any], window: int) -> str:
    """What one decision counts as. Matured: its performance window has passed; whatever is younger enters no figure."""
    if row["erased"]:
        return "erased"
    if row["age"] < window:
        return "immature"
    if np.isnan(row["pd"]):
        return "no_pd"
    if row["outcome"] is not None:
        return str(row["outcome"])
    if row["known"]:
        return "not_known_by_window"
    return f"no_outcome_{row['decision']}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else np.nan
