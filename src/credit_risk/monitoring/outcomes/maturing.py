"""Counting outcomes as they are delivered, into records that hold no person: by month of decision and month on book.

Each fact is counted once: a record holds by how much the accounts' states have changed since the record before, so the
records of a month of decision add up to how its accounts stand. A decision is unsealed when there is news of it, never
for a report. News of fewer accounts than `smallest` waits for more, because their counts could be somebody's.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from credit_risk.ledger.entry import StoredDecision
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes.outcome_store import WORSE, NumberedFact, Outcomes, by_month
from credit_risk.monitoring.records.frozen_store import Record
from credit_risk.monitoring.records.ledger_reading import by_ids
from credit_risk.monitoring.records.pd_cells import PdCells, odds_bin

OUTCOMES = "outcomes"
CELL = ("month_on_book", "decision", "band", "bin", "outcome")
NOT_KNOWN = "not_known"


class Account(NamedTuple):
    """What is counted of a decision. cell: what was decided, the band and the bin of odds."""

    decision_id: str
    cell: tuple[str, str | None, int | None]
    pd: float | None
    erased: bool

    @classmethod
    def of(cls, decision: StoredDecision) -> "Account":
        pd = pd_of(decision)
        cell = (decision.decision, decision.band, odds_bin(pd))
        return cls(decision.decision_id, cell, pd, decision.erased)


News = dict[str, list[NumberedFact]]
"""By decision: all its facts, of which one at least has not been counted."""


def states(known: Mapping[int, str]) -> list[tuple[int, str]]:
    """How an account stands over its months on book: from which month on it is what, the first from month 1.

    known: the outcome by each month that was looked up. Good by a month was good before; bad by a month is bad ever
    after; what lies open between is `not_known`.
    """
    spans: list[tuple[int, str]] = []
    worst, begin = "good", 1
    for month in sorted(known):
        if begin < month:
            spans.append((begin, worst if known[month] == worst else NOT_KNOWN))
        worst = max(worst, known[month], key=WORSE.__getitem__)
        spans.append((month, worst))
        begin = month + 1
    spans.append((begin, "bad" if worst == "bad" else NOT_KNOWN))
    return [span for index, span in enumerate(spans) if index == 0 or span[1] != spans[index - 1][1]]


def state_by(known: Mapping[int, str], month: int) -> str:
    """How an account stood by a month on book."""
    return next(state for begin, state in reversed(states(known)) if begin <= month)


def counted_until(known: Iterable[Record], as_of: date) -> dict[tuple[str, str], int]:
    """By month of decision and scorer, the number of the last fact that records of a day have counted."""
    until: dict[tuple[str, str], int] = defaultdict(int)
    for record in usable(known, as_of):
        until[record["month"], record["scorer"]] = record["facts_until"]
    return until


def usable(known: Iterable[Record], as_of: date) -> list[Record]:
    """The records of outcomes that were all looked up by a day; of each month of decision the first ones."""
    late: set[tuple[str, str]] = set()
    usable = []
    for record in known:
        if record["kind"] != OUTCOMES:
            continue
        whose = record["month"], record["scorer"]
        if record["observed_until"] > as_of.isoformat():
            late.add(whose)
        if whose not in late:
            usable.append(record)
    return usable


def mature(
    ledger: Ledger, outcomes: Outcomes, known: Sequence[Record], months: Iterable[str], as_of: date, *, smallest: int
) -> list[Record]:
    """Count what is new of the accounts of these months of decision: a record for each month and scorer with news.

    known: records so far. Facts that were looked up after `as_of` are left for later. Raises LedgerBroken.
    """
    until = counted_until(known, as_of)
    new = []
    for month in sorted(set(months)):
        counted = min((until[each] for each in until if each[0] == month), default=0)
        if outcomes.last_of_month(month) <= counted:
            continue
        facts = [fact for fact in outcomes.of_month(month) if fact.observed_on <= as_of.isoformat()]
        news = _news(facts, counted)
        of_scorer: dict[str, list[Account]] = defaultdict(list)
        for decision in by_ids(ledger, sorted(news)):
            if news[decision.decision_id][-1].number > until[month, decision.by.scorer]:
                of_scorer[decision.by.scorer].append(Account.of(decision))
        new += [
            _record(month, scorer, accounts, news, until[month, scorer])
            for scorer, accounts in sorted(of_scorer.items())
            if len(accounts) >= smallest
        ]
    return new


def _news(facts: Iterable[NumberedFact], until: int) -> News:
    by_decision: News = defaultdict(list)
    for fact in facts:
        by_decision[fact.decision_id].append(fact)
    return {decision_id: history for decision_id, history in by_decision.items() if history[-1].number > until}


def _record(month: str, scorer: str, accounts: Sequence[Account], news: News, until: int) -> Record:
    cells, booked = PdCells(), Counter[str]()
    for account in accounts:
        history = news[account.decision_id]
        before = [fact for fact in history if fact.number <= until]
        if before and account.erased:
            continue  # it stays as it was counted: which cell that was cannot be read any more
        if before:
            count_account(cells, account.cell, account.pd, states(by_month(before)), -1)
        else:
            booked[account.cell[0]] += 1
        count_account(cells, account.cell, account.pd, states(by_month(history)), 1)
    facts = [fact for account in accounts for fact in news[account.decision_id]]
    return {
        "kind": OUTCOMES,
        "month": month,
        "scorer": scorer,
        "facts_until": max(fact.number for fact in facts),
        "observed_until": max(fact.observed_on for fact in facts),
        "accounts": len(accounts),
        "booked": dict(sorted(booked.items())),
        "cells": cells.rows(),
    }


def count_account(
    cells: PdCells,
    cell: tuple[Any, ...],
    pd: float | None,
    spans: Sequence[tuple[int, str]],
    times: int,
) -> None:
    """Count an account in (times=1) or out (-1): where its state changes, out of the old state and into the new.

    cell: decision, band and bin of odds. spans: as `states` gives them.
    """
    last = None
    for month, state in spans:
        if last is not None:
            cells.add((month, *cell, last), pd, -times)
        cells.add((month, *cell, state), pd, times)
        last = state


def pd_of(decision: StoredDecision) -> float | None:
    """The PD that was decided by; None for a decision by a rule, a refused one, and one of an erased person."""
    pd: Any = (decision.decided or {}).get("pd")
    return float(pd) if isinstance(pd, int | float) else None
