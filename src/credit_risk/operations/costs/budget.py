"""The month's budget: an alert above a share of it, a refusal above all of it, and a waiver as the one way around."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from credit_risk.config.schema import Gate
from credit_risk.errors import CheckFailed
from credit_risk.measures.verdict import gate, waiver
from credit_risk.measures.verdict.waiver import Waived, Waiver

WAIVERS = Path("configs") / "deploy" / "waivers"  # beside the prices: they judge no scorer, so no verdict is stale
BUDGET = Gate(
    name="monthly_budget",
    measure="share_of_budget",
    at_most=1.0,
    exact=True,
    reason="what a month may cost was decided before it began",
    advice=f"wait for the next month, raise costs.monthly_budget, or waive it in {WAIVERS.as_posix()}/NAME.yaml",
)
State = Literal["WITHIN", "ALERT", "REFUSED", "WAIVED", "CANNOT SAY"]


class BudgetExceeded(CheckFailed, RuntimeError):
    """The month has cost more than it may, and nobody waived that."""


@dataclass(frozen=True)
class BudgetVerdict:
    """Where a month stands. sentence: with the amounts; waived: by whom a refusal was lifted."""

    state: State
    sentence: str
    waived: Waived | None = None

    def as_dict(self) -> dict[str, Any]:
        used = self.waived.waiver.model_dump(mode="json") if self.waived else None
        return {"state": self.state, "sentence": self.sentence, "waiver": used}


@dataclass(frozen=True)
class BudgetEnforcer:
    """Holds a month's costs against its budget.

    alert_above: share of the budget. waivers: each signed and committed (stages.gate.read_waivers).
    """

    alert_above: float
    waivers: Sequence[Waiver] = ()

    def judge(self, month: Mapping[str, Any], today: date) -> BudgetVerdict:
        """The verdict on a month as `pricing.month_to_date` gives it. Raises WaiverRefused."""
        (check,) = gate.decide([BUDGET], month, {})
        lifted = waiver.apply([check], self.waivers, gates=[BUDGET.name], scorer="", today=today)
        sentence = sentence_of(month)
        if not month["records"]:
            return BudgetVerdict("CANNOT SAY", sentence)
        if check.verdict != "PASS":
            if not lifted:
                return BudgetVerdict("REFUSED", f"{sentence} {check.sentence}")
            by = lifted[0].waiver
            return BudgetVerdict(
                "WAIVED", f"{sentence} Waived by {by.person} until {by.expires}: {by.reason}", lifted[0]
            )
        share = float(month["share_of_budget"])
        alert = f" That is above {self.alert_above:.0%}, where somebody is to look." if share > self.alert_above else ""
        return BudgetVerdict("ALERT" if alert else "WITHIN", sentence + alert)

    def enforce(self, month: Mapping[str, Any], today: date) -> BudgetVerdict:
        """The verdict, unless it is a refusal. Raises BudgetExceeded, WaiverRefused."""
        verdict = self.judge(month, today)
        if verdict.state == "REFUSED":
            raise BudgetExceeded(verdict.sentence)
        return verdict


def sentence_of(month: Mapping[str, Any]) -> str:
    """A month's costs in a sentence."""
    if not month["records"]:
        return f"{month['month']}: nothing was measured, so nothing is known to have been spent."
    forecast = "not known" if month["forecast"] is None else f"{month['forecast']:,.2f}"
    least = "at least " if month["unknown"] else ""
    return (
        f"{month['month']}: {least}{month['spent']:,.2f} of {month['budget']:,.2f} {month['currency']} are spent "
        f"({month['share_of_budget']:.1%}); {forecast} by its end if it goes on as it went."
    )
