"""`credit-risk monitor`: reads the ledger and the outcomes beside it, measures, writes reports/monitoring.json."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.replay import decision_pages
from credit_risk.monitoring import backtest, overrides
from credit_risk.monitoring.accounts import accounts, decision_facts
from credit_risk.monitoring.drift_windows import DriftWindows
from credit_risk.monitoring.outcome_store import History
from credit_risk.monitoring.settings import MonitoringSettings

NO_SCORER = {"verdict": "CANNOT SAY", "why": "no scorer is there whose training rows decisions could be compared with"}
NOT_KNOWN = (
    "Booked accounts alone: how the declined would have paid is not known, and nothing here says anything of them."
)


def measure(
    ledger: Ledger,
    histories: Mapping[str, History],
    config: Config,
    settings: MonitoringSettings,
    *,
    as_of: date,
    windows: DriftWindows | None = None,
) -> dict[str, Any]:
    """The report of a day: counts that add up to all decisions, the backtest of matured accounts, vintages, drift.

    windows: of the scorer whose decisions are compared with its training rows; still empty. Without it drift is not
    measured, and the report says so. Every decision of the ledger is unsealed once. Raises LedgerBroken where the chain
    does not hold.
    """
    rows = []
    for page in decision_pages(ledger):
        rows += decision_facts(page, as_of)
        if windows is not None:
            windows.add(page, as_of)
    window = config.outcome.performance_window_months
    decided_instead = overrides.read(ledger, as_of)
    instead = {decision_id: override.to for decision_id, override in decided_instead.items()}
    table = accounts(rows, histories, window, as_of, instead)
    confidence = config.evaluation.confidence
    return {
        "as_of": as_of.isoformat(),
        "performance_window_months": window,
        "confidence": confidence,
        "not_known": NOT_KNOWN,
        "counts": _counts(table, histories),
        "drift": NO_SCORER if windows is None else windows.report(config.drift, settings.drift, as_of),
        "backtest": _backtest(table, config, settings),
        "overrides": overrides.measure(table, decided_instead, confidence=confidence),
        "vintages": {
            vintage: [{"month": month, **asdict(figure)} for month, figure in enumerate(curve, start=1)]
            for vintage, curve in backtest.vintages(
                table, confidence=confidence, most_not_known=settings.most_without_outcome
            ).items()
        },
    }


def _counts(table: DataFrame, histories: Mapping[str, History]) -> dict[str, Any]:
    """by_decision and by_state each add up to `decisions`."""
    columns = {"decision": "by_model", "state": "state", "scorer": "scorer"}
    by = {f"by_{name}": table[column].value_counts().sort_index().to_dict() for name, column in columns.items()}
    unmatched = len(set(histories) - set(table["decision_id"]))
    return {"decisions": len(table), **by, "outcomes_of_later_decisions": unmatched}


def _backtest(table: DataFrame, config: Config, settings: MonitoringSettings) -> dict[str, Any]:
    """Bands and figures; where too many outcomes are lacking only the reason stands in their place."""
    stated = {"asset_correlation": settings.asset_correlation}
    if why := backtest.why_withheld(table, settings.most_without_outcome):
        return {**stated, "withheld": why, "bands": [], "figures": {}}
    names = [band.name for band in config.policy.bands]
    shared = {"confidence": config.evaluation.confidence, "correlation": settings.asset_correlation}
    bands = backtest.by_band(table, names, **shared)
    return {
        **stated,
        "withheld": "",
        "bands": [{**band, "bad_rate": asdict(band["bad_rate"])} for band in bands],
        "figures": {name: asdict(figure) for name, figure in backtest.overall(table, config.evaluation).items()},
    }
