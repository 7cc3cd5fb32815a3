"""A lender whose champion has decided for two years, in a ledger with outcomes beside it: what retraining reads."""

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
from book import delivery
from deciding import DATABASE, LEDGER, MONITORING, decided, opened, write_yaml

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.simulated_lender import lender
from credit_risk.monitoring.calendar import months_after
from credit_risk.monitoring.outcomes import adding
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from measured import measure

AS_OF = date(2026, 6, 20)
MONTHS = 24
RETRAINING = {
    "plan": {"approved_by": "Ada Berg", "until": "2030-01-01"},
    "triggers": {
        "schedule_months": 12,
        "most_auc_lost": 0.02,
        "most_level_off": 0.2,
        "most_bad_rate": None,
        "approval_months": 24,
        "approval_lead_months": 3,
    },
    "limits": {
        "cool_down_days": 30,
        "most_a_year": 4,
        "cpu_hours_a_year": 10.0,
        "abandoned_after_hours": 6.0,
    },
    "data": {
        "window_months": 36,
        "newest_months": 3,
        "least_newest": 100,
        "least_newest_bads": 10,
        "raw": True,
        "protected": "protected.csv",
        "least_known": 0.3,
        "most_narrowing": 0.1,
    },
}
# For so few rows: a split that leaves enough to learn from, a model that has no scorecard to beat, and a wide gate.
FEW_ROWS = {
    "split: {by: time,": "split: {by: random, why_random: few rows,",
    "candidate: lightgbm": "candidate: scorecard",
    "gates:\n": "gates:\n"
    "  - {name: not_worse, measure: comparison.differences.auc, at_least: -0.5, reason: wide for so few rows}\n",
}
DEPLOY = {
    "serving": {"ledger": {"url": LEDGER.url, "key_file": LEDGER.key_file}},
    "registry": {
        "tracking": "sqlite:///build/registry/mlflow.db",
        "history": "sqlite:///build/registry/history.db",
        "signed_by": {"public_key": "build/signing/signing.pub"},
        "four_eyes": "names",
        "governance": "reported",
    },
}


def write_settings(files: Files, **changed: dict[str, object]) -> None:
    """configs/retraining.yaml; `changed` replaces keys of a section: limits={"most_a_year": 1}."""
    write_yaml(files.root / "configs/retraining.yaml", {k: v | changed.get(k, {}) for k, v in RETRAINING.items()})


def applications() -> pd.DataFrame:
    """2024 and 2025, each application decided on the tenth of its month, with what becomes of it."""
    book = lender(2_400, seed=11, months=MONTHS)
    table = book.applications.assign(bad=book.truth["bad"])
    return table.assign(day=[date(each.year + 3, each.month, 10) for each in table["applied_on"]])


def looked_up(table: pd.DataFrame, as_of: date) -> list[dict[str, object]]:
    """The outcome of each approved account that has matured by a day, looked up when its window ended."""
    return [
        {
            "decision_id": row.decision_id,
            "outcome": "bad" if row.bad else "good",
            "month": 12,
            "observed_on": months_after(row.day, 12),
        }
        for row in table[table["decision"] == "approve"].itertuples()
        if months_after(row.day, 12) <= as_of
    ]


def build(root: Path, trained: tuple[Config, Files]) -> None:
    shutil.copytree(trained[1].root, root, dirs_exist_ok=True)
    files = Files(root)
    measure(files)
    write_settings(files)
    write_yaml(root / "configs/monitoring.yaml", MONITORING)
    write_yaml(root / "configs/deploy/local.yaml", DEPLOY)
    table = applications()
    guarded = table[["applicant_id", "sex", "age"]].rename(columns={"applicant_id": "applicant"})
    guarded.to_csv(root / "protected.csv", index=False)
    with opened(files) as ledger, Outcomes(f"sqlite:///{root / DATABASE}", busy_timeout_s=5) as outcomes:
        made = decided(ledger, files, table)
        file = delivery(root / "outcomes.csv", looked_up(made, AS_OF))
        totals = adding.add(ledger, outcomes, file, load(files.config), today=AS_OF)
    assert totals.added == totals.read > 500
