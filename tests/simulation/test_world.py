"""The simulated year: what a month holds, what a fault does to it, and profits that can be counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from credit_risk.config.schema import Policy
from credit_risk.simulation import page, profit, settings, world

YEAR = settings.load(Path(__file__).parents[2] / "configs" / "simulation.yaml")
SMALL = YEAR.model_copy(update={"applications": 400})


def test_the_same_seed_plays_the_same_month_and_another_does_not():
    first, again, other = (world.month_of(SMALL, seed, 2).applications for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["income"].equals(other["income"])


def test_a_month_lies_in_its_month_and_december_is_the_busiest():
    months = {month: world.month_of(SMALL, 1, month) for month in (1, 6, 12)}
    for month, its in months.items():
        assert {(day.year, day.month) for day in its.applications["applied_on"]} == {(world.YEAR, month)}
        assert len(its.applications) == len(its.pd) == len(its.bad)
    assert len(months[12].pd) > 1.2 * len(months[6].pd)
    ids = [set(its.applications["applicant_id"]) for its in months.values()]
    assert not ids[0] & ids[1] | ids[1] & ids[2]


def test_drift_begins_in_its_month_and_moves_the_truth():
    still = SMALL.model_copy(update={"drift": SMALL.drift.model_copy(update={"a_month": 0, "risk_a_month": 0})})
    for month in (2, 8):
        with_drift, without = world.month_of(SMALL, 3, month), world.month_of(still, 3, month)
        moved = with_drift.applications["utilisation"].mean() - without.applications["utilisation"].mean()
        assert (moved > 0.05) == (month == 8)
        assert (with_drift.pd.mean() > without.pd.mean() + 0.02) == (month == 8)


def test_a_fault_changes_the_unit_and_the_name_and_nothing_else():
    applications = world.month_of(SMALL, 1, 6).applications
    fed = world.as_fed(SMALL, applications, is_faulty=True)
    np.testing.assert_allclose(fed["income"], applications["income"] / 12)
    assert set(fed["purpose"]) == set(applications["purpose"]) - {"education"}
    same = [name for name in fed if name not in ("income", "purpose")]
    pd.testing.assert_frame_equal(fed[same], applications[same])
    assert world.as_fed(SMALL, applications, is_faulty=False) is applications


def test_profit_is_counted_by_true_pds_and_nobody_beats_the_oracle():
    """Break-even lies at a PD of 0.2: 0.25 earned on a good account, 0.75 lost on a bad, 0.05 spent on each."""
    policy = Policy(
        margin=0.25,
        lgd=0.75,
        cost=0.05,
        refer_within=0,
        max_missing=1,
        invalid="refuse",
        scale={"base": 600, "odds": 50, "pdo": 20},
        bands=({"name": "A", "minimum": 0},),
    )
    pds = np.array([0.1, 0.1999, 0.3])
    assert profit.expected(policy, np.array([True, False, False]), pds) == pytest.approx(0.1)
    assert profit.expected(policy, np.array([True, True, True]), pds) == pytest.approx(0.1 + 0.0001 - 0.1)
    assert profit.of_oracle(policy, pds) == pytest.approx(0.1001)


def test_what_nobody_knows_has_no_status():
    table = profit.outcomes_of(
        pd.DataFrame({"a": [1, 2, 3]}), np.array([True, False, True]), np.array([True, True, False])
    )
    assert list(table["status"][:2]) == ["bad", "good"]
    assert pd.isna(table["status"][2])


def test_the_page_says_what_was_not_noticed_and_links_each_runbook():
    event = {
        **dict.fromkeys(("by", "done"), ""),
        "name": "A <fault>",
        "happened": "2022-06",
        "noticed": "not noticed",
        "cost": 1.5,
        "runbook": "docs/gates.md",
    }
    month = {profit.ACTUAL: 2.0, profit.NEVER: 1.0, profit.MONTHLY: 3.0, profit.ORACLE: 4.0}
    report = {
        "seed": 1,
        "decisions": 2,
        "cpu_seconds": 3.0,
        "settings": {"performance_window_months": 3},
        "service_days": [{"day": "2022-09-15", "requests": 450, "failed": 0}],
        "alarms": [
            {"day": "2022-09-15", "name": "CreditRiskDown", "summary": "It is down.", "runbook": "docs/operations.md#a"}
        ],
        "events": [event],
        "profits": [month, month],
        "retrainings": [
            {"as_of": "2022-02-01", "answer": "NOT DUE", "verdict": "", "reasons": ["early"], "objections": []}
        ],
    }
    text = page.page(report, "A lender")
    assert "A &lt;fault&gt;" in text
    assert "not noticed" in text
    assert 'href="../docs/gates.md"' in text
    assert 'href="../docs/operations.md#a"' in text
    assert "CreditRiskDown" in text
    assert "played without the service" not in text
    assert "played without the service" in page.page(report | {"service_days": [], "alarms": []}, "A lender")
    assert page.policies(report)["rows"][0] == [("as it was", False), ("4.0", True), ("50.0%", True)]
