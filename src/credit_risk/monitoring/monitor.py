"""`credit-risk monitor`: what records have counted, and what came since, measured; writes reports/monitoring.json."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import pandas as pd

from credit_risk.config import Config
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.declined import estimate
from credit_risk.monitoring.declined.drawing import DrawnDays
from credit_risk.monitoring.outcomes import maturing, overrides
from credit_risk.monitoring.outcomes.deliveries import CheckedOutcomes
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from credit_risk.monitoring.outcomes.overrides import Overridden
from credit_risk.monitoring.performance import backtest, estimates
from credit_risk.monitoring.performance.book import Book
from credit_risk.monitoring.performance.estimates import ASSUMPTION, Assumed
from credit_risk.monitoring.records.beside_ledger import is_begun
from credit_risk.monitoring.records.frozen_store import FrozenRecords, Record
from credit_risk.monitoring.settings import MonitoringSettings
from credit_risk.monitoring.windows import detection, freezing, groups, shifts
from credit_risk.monitoring.windows.drift_windows import DriftWindows

NO_SCORER: dict[str, Any] = {
    "verdict": "CANNOT SAY",
    "why": "no scorer is there whose training rows decisions could be compared with",
}
NOT_SET: dict[str, Any] = {"verdict": "CANNOT SAY", "why": "configs/monitoring.yaml does not set it"}
FAIRNESS_MONTHS = 12
NOT_KNOWN = (
    "Booked accounts alone: how the declined would have paid is not known, and nothing here says anything of them."
)


def of_ledger(
    ledger: Ledger,
    config: Config,
    settings: MonitoringSettings,
    *,
    as_of: date,
    drift: DriftWindows | None,
    busy_timeout_s: float,
) -> dict[str, Any]:
    """`measure` with what stands beside the ledger: outcomes and frozen records, where there are any."""
    url = ledger.store.url.render_as_string(hide_password=False)
    if not is_begun(url):
        return measure(ledger, None, (), config, settings, as_of=as_of, drift=drift)
    with (
        CheckedOutcomes(ledger, busy_timeout_s=busy_timeout_s) as outcomes,
        FrozenRecords(ledger, busy_timeout_s=busy_timeout_s) as store,
        DrawnDays(ledger, busy_timeout_s=busy_timeout_s) as days,
    ):
        known, drawn = store.read()[0], [each for each in days.read()[0] if each["day"] <= as_of.isoformat()]
        return measure(ledger, outcomes, known, config, settings, as_of=as_of, drift=drift, drawn=drawn)


def measure(
    ledger: Ledger,
    outcomes: Outcomes | None,
    known: Sequence[Record],
    config: Config,
    settings: MonitoringSettings,
    *,
    as_of: date,
    drift: DriftWindows | None = None,
    drawn: Sequence[Record] = (),
) -> dict[str, Any]:
    """The report of a day: counts that add up to all decisions, the backtest of matured accounts, vintages, drift.

    known: the frozen records; what they do not hold is counted now, and each such decision is unsealed for it.
    drawn: of DrawnDays. outcomes: None where none was ever added. drift: of the scorer whose decisions are compared
    with its training rows, still empty; without it drift is not measured, and the report says so. Raises LedgerBroken
    where the chain does not hold.
    """
    scorers = {} if drift is None else {drift.scorer: drift}
    windows = freezing.with_live(ledger, known, scorers, as_of)
    window = config.outcome.performance_window_months
    counted = _outcomes(ledger, outcomes, known, windows, as_of)
    book = Book(windows, counted, _overridden(ledger, outcomes, as_of, window), as_of, window)
    evaluation = config.evaluation
    compared = drift and freezing.compared(windows, drift, as_of)
    confidence = evaluation.confidence
    return {
        "as_of": as_of.isoformat(),
        "performance_window_months": book.window,
        "confidence": confidence,
        "not_known": NOT_KNOWN,
        "counts": _counts(book),
        "drift": NO_SCORER if compared is None else compared.report(config.drift, settings.drift, as_of),
        **_changes(windows, compared, config, settings, as_of),
        "fairness": _fairness(windows, config, as_of),
        "backtest": _backtest(book, config, settings),
        "estimates": _estimates(book, config, settings),
        "overrides": overrides.measure(book.overridden, book.by_decision(book.months), confidence=confidence),
        "declined": estimate.measure(
            book, drawn, confidence=confidence, replicates=evaluation.replicates, seed=evaluation.seed
        ),
        "vintages": _vintages(book, confidence, settings),
    }


def _vintages(book: Book, confidence: float, settings: MonitoringSettings) -> dict[str, list[dict[str, Any]]]:
    """How each month's accounts turned out, one month after another."""
    shared = {"confidence": confidence, "most_not_known": settings.most_without_outcome}
    return {
        month: [
            {"month": at, **asdict(figure)}
            for at, figure in enumerate(backtest.vintage(book, month, **shared), start=1)
        ]
        for month in book.months
        if book.has_accounts(month)
    }


def _outcomes(
    ledger: Ledger, outcomes: Outcomes | None, known: Sequence[Record], windows: Sequence[Record], as_of: date
) -> list[Record]:
    """The records of outcomes of a day, and what else was delivered, counted now."""
    counted = maturing.usable(known, as_of)
    if outcomes is None:
        return counted
    months = [record["month"] for record in windows]
    return [*counted, *maturing.mature(ledger, outcomes, counted, months, as_of, smallest=1)]


def _overridden(ledger: Ledger, outcomes: Outcomes | None, as_of: date, window: int) -> list[Overridden]:
    decided_instead = overrides.read(ledger, as_of)
    histories = outcomes.histories(list(decided_instead)) if outcomes else {}
    return overrides.standing(ledger, decided_instead, histories, as_of, window)


def _changes(
    windows: Sequence[Record], compared: DriftWindows | None, config: Config, settings: MonitoringSettings, as_of: date
) -> dict[str, Any]:
    """Shifts and detected changes of the scorer whose decisions are compared."""
    if compared is None:
        return {"shifts": NO_SCORER, "detection": NO_SCORER}
    shift, detect = NOT_SET, NOT_SET
    if settings.shift is not None:
        rules = settings.drift, settings.shift
        shift = shifts.measure(windows, compared, config.drift, rules, as_of)
    if settings.detection is not None:
        detect = detection.measure(windows, compared.scorer, settings.detection, as_of)
    return {"shifts": shift, "detection": detect}


def _fairness(windows: Sequence[Record], config: Config, as_of: date) -> dict[str, Any]:
    """Groups of the last twelve months that have ended."""
    last = pd.Period(as_of, freq="M") - 1
    months = [str(month) for month in pd.period_range(last - (FAIRNESS_MONTHS - 1), last)]
    of_months = [record for record in windows if record["month"] in months]
    return {"months": [months[0], months[-1]], **groups.measure(of_months, config)}


def _counts(book: Book) -> dict[str, Any]:
    """by_decision and by_state each add up to `decisions`."""
    by_scorer: Counter[str] = Counter()
    for record in book.windows:
        by_scorer[record["scorer"]] += record["decisions"]
    return {
        "decisions": by_scorer.total(),
        "by_decision": dict(sorted(book.by_decision(book.months).items())),
        "by_state": book.states(book.months),
        "by_scorer": dict(sorted(by_scorer.items())),
        "accounts_without_pd": book.accounts_without_pd(),
    }


def _backtest(book: Book, config: Config, settings: MonitoringSettings) -> dict[str, Any]:
    """Bands and figures; where too many outcomes are lacking only the reason stands in their place."""
    stated = {"asset_correlation": settings.asset_correlation}
    if why := backtest.why_withheld(book.states(book.matured), settings.most_without_outcome):
        return {**stated, "withheld": why, "bands": [], "figures": {}}
    accounts = book.accounts(book.matured, book.window)
    names = [band.name for band in config.policy.bands]
    confidence = config.evaluation.confidence
    bands = backtest.by_band(accounts, names, confidence=confidence, correlation=settings.asset_correlation)
    figures = backtest.overall(accounts, config.evaluation)
    figures["profit"] = backtest.profit(accounts, config.policy, confidence=confidence)
    return {
        **stated,
        "withheld": "",
        "bands": [{**band, "bad_rate": asdict(band["bad_rate"])} for band in bands],
        "figures": {name: asdict(figure) for name, figure in figures.items()},
    }


def _estimates(book: Book, config: Config, settings: MonitoringSettings) -> dict[str, Any]:
    assumed = Assumed(config.policy, config.evaluation, settings.asset_correlation)
    return {
        "assumption": ASSUMPTION,
        "vintages": estimates.by_vintage(book, assumed, settings.most_without_outcome),
    }
