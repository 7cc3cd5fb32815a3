"""Shares against a scorer's first months, the mix of reasons, and gaps against the training rows, by interval."""

from datetime import date

import numpy as np
import pytest

from credit_risk.measures.drift import BinCounts
from credit_risk.measures.figure import Figure
from credit_risk.monitoring.settings import DriftRule, ShiftRule
from credit_risk.monitoring.windows import shifts
from credit_risk.monitoring.windows.drift_windows import MonthCounts

RULES = DriftRule(out=2, of=3), ShiftRule(baseline=2, most=0.04)
AS_OF = date(2026, 6, 15)


class Windows:
    """The bins of one input, income: two bins, missing, unknown; 1000 training rows, of which 50 are missing."""

    def __init__(self, months: dict[str, list[int]]) -> None:
        self.scorer, self.names = "s", ("income",)
        self.frozen = {"income": BinCounts((450, 500, 50, 0), edges=(10.0,))}
        self.months = {month: MonthCounts(sum(bins), 0, {"income": np.array(bins)}) for month, bins in months.items()}


def month(
    name: str, approve: int, decline: int, refused: int = 0, *, reasons: dict[str, int] | None = None, scorer="s"
):
    counts = {"decision": {"approve": approve, "decline": decline, "refused": refused}, "reason": reasons or {}}
    return {"month": name, "scorer": scorer, "counts": counts}


def measure(config, records, bins=None):
    return shifts.measure(records, Windows(bins or {}), config.drift, RULES, AS_OF)


def of_month(measured, name, series):
    return next(each["series"] for each in measured["months"] if each["month"] == name)[series]


def test_a_share_is_judged_by_the_interval_of_its_difference_from_the_first_months(config):
    first = [month("2026-01", 7000, 3000), month("2026-02", 7000, 3000)]
    later = [month("2026-03", 7050, 2950), month("2026-04", 6000, 4000), month("2026-05", 66, 34)]
    measured = measure(config, first + later)
    assert measured["baseline"] == ["2026-01", "2026-02"]
    assert all(not each["series"] for each in measured["months"][:2])
    assert of_month(measured, "2026-03", "approve")["verdict"] == "IN"
    out = of_month(measured, "2026-04", "approve")
    assert (out["now"]["value"], out["then"], out["verdict"]) == (0.6, 0.7, "OUT")
    assert of_month(measured, "2026-05", "approve")["verdict"] == "CANNOT SAY"


def test_two_of_three_months_the_latest_included_are_out(config):
    first = [month("2026-01", 7000, 3000), month("2026-02", 7000, 3000)]
    bad, good = (lambda name: month(name, 6000, 4000)), (lambda name: month(name, 7000, 3000))
    assert measure(config, [*first, bad("2026-03"), good("2026-04"), bad("2026-05")])["verdicts"]["approve"] == "OUT"
    assert measure(config, [*first, bad("2026-03"), good("2026-04")])["verdicts"]["approve"] == "IN"
    one = measure(config, [*first, good("2026-03"), good("2026-04"), bad("2026-05")])
    assert one["verdicts"]["approve"] == "CANNOT SAY"


def test_refused_inputs_are_a_series(config):
    first = [month("2026-01", 9900, 0, 100), month("2026-02", 9900, 0, 100)]
    measured = measure(config, [*first, month("2026-03", 9000, 0, 1000)])
    assert of_month(measured, "2026-03", "refused")["verdict"] == "OUT"


def test_the_mix_of_reasons_is_compared_as_inputs_are(config):
    then = {"R01": 500, "R02": 500}
    first = [month("2026-01", 0, 1000, reasons=then), month("2026-02", 0, 1000, reasons=then)]
    same = measure(config, [*first, month("2026-03", 0, 1000, reasons=then)])
    assert of_month(same, "2026-03", shifts.REASONS)["verdict"] == "IN"
    other = measure(config, [*first, month("2026-03", 0, 1000, reasons={"R01": 100, "R02": 900})])
    assert of_month(other, "2026-03", shifts.REASONS)["verdict"] == "OUT"
    none = measure(config, [*first, month("2026-03", 1000, 0)])
    assert of_month(none, "2026-03", shifts.REASONS)["verdict"] == "CANNOT SAY"


def test_gaps_and_values_never_seen_are_compared_with_the_training_rows(config):
    records = [month("2026-01", 1000, 0)]
    right = measure(config, records, {"2026-01": [4500, 5000, 500, 0]})
    assert of_month(right, "2026-01", "income: missing")["verdict"] == "IN"
    assert of_month(right, "2026-01", "income: new or out of range")["verdict"] == "IN"
    wrong = measure(config, records, {"2026-01": [4000, 4000, 500, 1500]})
    new = of_month(wrong, "2026-01", "income: new or out of range")
    assert (new["now"]["value"], new["then"], new["verdict"]) == (0.15, 0.0, "OUT")


def test_other_scorers_and_the_month_that_runs_do_not_count(config):
    records = [month("2026-01", 10, 0), month("2026-06", 10, 0), month("2026-02", 10, 0, scorer="t")]
    assert [each["month"] for each in measure(config, records)["months"]] == ["2026-01"]


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [((-0.01, 0.02), "IN"), ((-0.06, -0.05), "OUT"), ((0.05, 0.06), "OUT"), ((0.0, 0.05), "CANNOT SAY")],
)
def test_a_difference_is_judged_on_both_sides(ends, verdict):
    assert shifts.verdict_on(Figure(sum(ends) / 2, *ends, 100), 0.04) == verdict
