"""Whether a training is due, must wait, or may not be: sentences for each, from what is known on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from pandas import DataFrame

from credit_risk.monitoring.performance import backtest
from credit_risk.retraining.accounts import NEWEST, PAST, DataVersion, faults
from credit_risk.retraining.record import Past
from credit_risk.retraining.settings import DataWindow, Plan, TrainingLimits
from credit_risk.retraining.triggers import Champion, Trigger

Answer = Literal["NOT DUE", "WAIT", "REFUSED", "TRAINED BEFORE", "TRAIN"]


@dataclass(frozen=True)
class DueDecision:
    """What is to be done and why; `reasons` are all of them, not the first."""

    answer: Answer
    reasons: Sequence[str]


def decide(triggers: Sequence[Trigger], waits: Sequence[str], refusals: Sequence[str], is_known: bool) -> DueDecision:
    """Due by one trigger; evidence that was trained from before waits for nothing; what is unsound comes before limits.

    is_known: whether a training from the same evidence has ended.
    """
    due = [f"{each.name}: {each.sentence}" for each in triggers if each.finding == "DUE"]
    if not due:
        return DueDecision("NOT DUE", [f"{each.name}: {each.sentence}" for each in triggers])
    if is_known:
        return DueDecision(
            "TRAINED BEFORE", ["the same accounts, champion and recipe were trained from: nothing is new"]
        )
    if refusals:
        return DueDecision("REFUSED", refusals)
    return DueDecision("WAIT", waits) if waits else DueDecision("TRAIN", due)


def of_limits(limits: TrainingLimits, past: Past, evidence: str, as_of: date) -> list[str]:
    """Why a training has to wait. evidence: a training from it that was killed is taken up again and waits for none."""
    others = [entry for entry in past.of_year(as_of) if entry["evidence"] != evidence]
    waits = []
    if others:
        last = max(date.fromisoformat(entry["as_of"]) for entry in others)
        ends = last + timedelta(days=limits.cool_down_days)
        if as_of < ends:
            waits.append(f"the last training was on {last}: the cool-down lasts until {ends}")
    if len(others) >= limits.most_a_year:
        waits.append(f"{len(others)} trainings in twelve months, at most {limits.most_a_year} are allowed")
    used = past.cpu_hours(as_of)
    if used >= limits.cpu_hours_a_year:
        waits.append(f"{used:.1f} hours of processor time in twelve months, the budget is {limits.cpu_hours_a_year:g}")
    return waits


def of_running(limits: TrainingLimits, past: Past, evidence: str, clock: datetime) -> list[str]:
    """Why a training that was begun is not begun again yet: it may still run, here or on another machine."""
    began = past.running(evidence)
    if began is None or clock >= (ends := began + timedelta(hours=limits.abandoned_after_hours)):
        return []
    return [
        f"a training from the same evidence began at {began:%Y-%m-%d %H:%M} UTC; it counts as killed from {ends:%H:%M}"
    ]


def of_plan(plan: Plan, triggers: Sequence[Trigger], as_of: date) -> list[str]:
    """Why nothing is trained without a person asking; empty where one does."""
    if any(each.name == "by hand" and each.finding == "DUE" for each in triggers):
        return []
    mend = "Have `plan` in configs/retraining.yaml approved, or ask with --by-hand."
    if plan.approved_by is None or plan.until is None:
        return [f"nobody has approved that models are retrained by this plan. {mend}"]
    if as_of > plan.until:
        return [f"the plan was approved by {plan.approved_by} until {plan.until}, which has passed. {mend}"]
    return []


def of_champion(champion: Champion) -> list[str]:
    """Why nothing could be held against the champion."""
    if champion.is_measured:
        return []
    return [
        "the champion's figures are not there, or of another scorer: what a candidate may not be worse than is open"
    ]


def of_data(version: DataVersion, settings: DataWindow, past: Past, champion: str) -> list[str]:
    """Why no model may be made from these accounts, or compared on them. champion: by digest."""
    newest, bads = version.part(NEWEST), int((version.part(NEWEST)["outcome"] == "bad").sum())
    reasons = faults(version, past.trained_until(champion))
    if len(newest) < settings.least_newest or bads < settings.least_newest_bads:
        reasons.append(
            f"the newest {settings.newest_months} matured months hold {len(newest):,} accounts with {bads} bads; "
            f"{settings.least_newest:,} and {settings.least_newest_bads} are needed to compare on"
        )
    if version.part(PAST).empty and not settings.raw:
        reasons.append("no matured account is older than the newest months: nothing is there to learn from")
    return reasons + of_own_approvals(version, settings, past)


def of_deliveries(table: DataFrame, most_without_outcome: float) -> list[str]:
    """Whether outcomes are lacking, so that those delivered may be the bad ones. table: as monitoring joins them."""
    states = {str(state): int(count) for state, count in table["state"].value_counts().items()}
    why = backtest.why_withheld(states, most_without_outcome)
    return [f"outcomes are lacking: {why}"] if why else []


def of_own_approvals(version: DataVersion, settings: DataWindow, past: Past) -> list[str]:
    """Whether models learn in a spiral from what models before them approved, ever fewer of all who apply."""
    reasons = []
    mend = "Approve some of the declined at random, or add accounts of another policy (data.raw)."
    if version.known_share < settings.least_known:
        reasons.append(
            f"of matured applications {version.known_share:.1%} have an outcome, at least {settings.least_known:.0%} "
            f"must: the model would learn of its own approvals alone. {mend}"
        )
    before = [float(entry["version"]["known_share"]) for entry in past.begun]
    if before and before[-1] - version.known_share > settings.most_narrowing:
        reasons.append(
            f"of matured applications {version.known_share:.1%} have an outcome, {before[-1]:.1%} had at the last "
            f"training: each model approves fewer, and the next learns from those alone. {mend}"
        )
    return reasons
