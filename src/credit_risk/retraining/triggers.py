"""What makes a training due: each trigger with its finding, whether it fired or not, in a sentence.

A trigger whose figure is not known did not fire, and says so: silence is never read as health.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from pandas import DataFrame

from credit_risk.data.inputs import Matrix
from credit_risk.measures.metrics import Sample, measure
from credit_risk.monitoring.calendar import months_after, months_old
from credit_risk.retraining.settings import Triggers

Finding = Literal["DUE", "NOT DUE", "CANNOT SAY"]


@dataclass(frozen=True)
class Trigger:
    """One reason to train: what it found, and the sentence that says so."""

    name: str
    finding: Finding
    sentence: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Champion:
    """The scorer in use. in_use_since: its first decision; promoted_on: as the registry knows; None where not known.

    is_measured: whether its test's figures are there, and of this scorer.
    """

    digest: str
    in_use_since: date | None
    promoted_on: date | None
    is_measured: bool


def schedule(settings: Triggers, champion: Champion, last_training: date | None, as_of: date) -> Trigger:
    """Due so many months after the champion came into use, or after the last training."""
    days = [day for day in (champion.in_use_since, last_training) if day is not None]
    if not days:
        return Trigger(
            "schedule", "CANNOT SAY", "the ledger holds no decision of the champion, and nothing was trained"
        )
    months = months_old(max(days), as_of)
    return Trigger(
        "schedule",
        "DUE" if months >= settings.schedule_months else "NOT DUE",
        f"{months} months since {max(days)}; every {settings.schedule_months} months a model is trained",
    )


def drift(report: Mapping[str, Any]) -> Trigger:
    """Due where monitoring's own rule (k of n months) says OUT of any series.

    report: of `monitoring.monitor.measure`.
    """
    its = report["drift"]
    if "verdicts" not in its:
        return Trigger("drift", "CANNOT SAY", its["why"])
    out = [name for name, verdict in its["verdicts"].items() if verdict == "OUT"]
    if out:
        return Trigger("drift", "DUE", f"{', '.join(out)}: {its['rule']}")
    unknown = [name for name, verdict in its["verdicts"].items() if verdict == "CANNOT SAY"]
    sentence = f"no series is OUT; {len(unknown)} of {len(its['verdicts'])} cannot be said"
    return Trigger("drift", "CANNOT SAY" if len(unknown) == len(its["verdicts"]) else "NOT DUE", sentence)


def performance(settings: Triggers, accounts: DataFrame, report: Mapping[str, Any]) -> Trigger:
    """Due where matured accounts rank worse than their own PDs foretell, or turn bad at another level.

    The test's AUC would be no measure: it was taken on all applicants, and approved ones differ less among themselves.
    accounts: as monitoring joins them. The whole interval of a figure must lie beyond its limit.
    """
    its = report["backtest"]
    figures = {name: its["figures"].get(name) for name in ("auc", "calibration_in_the_large")}
    if any(figure is None or math.isnan(figure["high"]) for figure in figures.values()):
        why = [figure["why"] for figure in figures.values() if figure and figure["why"]]
        return Trigger("performance", "CANNOT SAY", its["withheld"] or "; ".join(why) or "no figure is known")
    auc, level = figures.values()
    foretold = foretold_auc(accounts[accounts["state"].isin(("good", "bad"))]["pd"].to_numpy())
    ranks_worse = auc["high"] < foretold - settings.most_auc_lost
    is_off = level["low"] > settings.most_level_off or level["high"] < -settings.most_level_off
    return Trigger(
        "performance",
        "DUE" if ranks_worse or is_off else "NOT DUE",
        f"{auc['n']:,} matured accounts: AUC {_ends(auc)}, their PDs foretell {foretold:.3f}; "
        f"level {_ends(level)} in log-odds",
    )


def estimated(settings: Triggers, report: Mapping[str, Any]) -> Trigger:
    """Due where the approvals of the last month are foretold more bads than the lender bears, before any matures."""
    if settings.most_bad_rate is None:
        return Trigger("estimated", "CANNOT SAY", "no limit is set (triggers.most_bad_rate)")
    ended = [vintage for vintage in report["estimates"]["vintages"] if vintage["month"] < report["as_of"][:7]]
    if not ended:
        return Trigger("estimated", "CANNOT SAY", "no month with decisions has ended")
    rate = ended[-1]["foretold"]["bad_rate"]
    if math.isnan(rate["low"]):
        return Trigger("estimated", "CANNOT SAY", rate["why"])
    sentence = (
        f"bad rate foretold of approvals in {ended[-1]['month']}: {_ends(rate)}; at most {settings.most_bad_rate:g}"
    )
    return Trigger("estimated", "DUE" if rate["low"] > settings.most_bad_rate else "NOT DUE", sentence)


def foretold_auc(pds: Matrix) -> float:
    """The AUC that accounts have on average if their PDs are right: each is a bad of weight PD, and else a good."""
    both = Sample.of(
        np.repeat([True, False], len(pds)), np.concatenate([pds, pds]), weight=np.concatenate([pds, 1 - pds])
    )
    return float(measure(both)["auc"])


def _ends(figure: Mapping[str, Any]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def approval(settings: Triggers, champion: Champion, as_of: date) -> Trigger:
    """Due some months before the champion's promotion stops counting, so that a successor is there in time."""
    if champion.promoted_on is None:
        return Trigger("approval", "CANNOT SAY", "the registry knows no promotion of this scorer")
    ends = months_after(champion.promoted_on, settings.approval_months)
    is_due = as_of >= months_after(ends, -settings.approval_lead_months)
    sentence = f"promoted on {champion.promoted_on}, approved until {ends}"
    return Trigger("approval", "DUE" if is_due else "NOT DUE", sentence)


def by_hand(by: str, reason: str) -> Trigger:
    """A person asks; they are named, and why."""
    return Trigger("by hand", "DUE", f"{by}: {reason}")
