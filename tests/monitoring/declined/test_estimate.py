"""What random approvals say of all: numbers that can be counted, a truth that is met, and a bound without them."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from pandas import DataFrame

from credit_risk.monitoring.declined import estimate
from credit_risk.monitoring.outcomes.overrides import Overridden
from credit_risk.monitoring.settings import AT_RANDOM

MONTH = "2021-01"
HOW = {"confidence": 0.95, "replicates": 200, "seed": 7}
DRAWN = [{"day": "2021-01-05", "eligible": 40, "within": True}]


def book(approved, random=(), declined=40, days=("2021-01-05",)):
    """approved: (bin, outcome) → accounts; random: (bin, outcome) of each who was approved at random."""
    accounts = DataFrame(
        [("approve", bin_, outcome, n) for (bin_, outcome), n in approved.items()],
        columns=["decision", "bin", "outcome", "n"],
    )
    return SimpleNamespace(
        windows=[
            {
                "month": MONTH,
                "days": {day: {"decline": declined} for day in days},
                "counts": {"decision": {"decline": declined}},
            }
        ],
        matured=[MONTH],
        window=12,
        as_of=date(2022, 3, 1),
        accounts=lambda months, _: accounts if months else accounts[:0],
        by_decision=lambda _: {"decline": declined},
        overridden=[
            Overridden(MONTH, "decline", "approve", AT_RANDOM, bin_, booked=True, state=state) for bin_, state in random
        ],
    )


def test_each_random_approval_stands_for_the_declined_it_was_drawn_from():
    """10 % of 100 approved were bad, and 2 of 4 random ones, who stand for 40: (10 + 20) / 140."""
    approved = {(-8, "good"): 90, (-8, "bad"): 10}
    random = [(-2, "good"), (-2, "bad"), (-2, "good"), (-2, "bad")]
    report = estimate.measure(book(approved, random), DRAWN, **HOW)
    assert report["naive"]["bad_rate"]["value"] == 0.1
    assert report["naive"]["auc"] == 0.5  # of one bin
    unbiased = report["unbiased"]
    assert unbiased["bad_rate"]["value"] == pytest.approx(30 / 140)
    assert unbiased["bad_rate"]["low"] < 30 / 140 < unbiased["bad_rate"]["high"]
    # Pairs of a bad and a good: 10 x 90 and 20 x 20 tie, 20 x 90 are ranked right, 10 x 20 wrong.
    assert unbiased["auc"]["value"] == pytest.approx((0.5 * (900 + 400) + 1_800) / (30 * 110))
    assert (report["weight"], report["declined"]["value"], report["bound"]) == (10, 0.5, None)


def test_without_random_approvals_there_are_ends():
    report = estimate.measure(book({(-8, "good"): 50, (-8, "bad"): 10}), (), **HOW)
    assert (report["months"], report["left_out"], report["unbiased"]) == ([], [MONTH], None)
    assert "nobody was approved at random" in report["why"]
    assert (report["bound"]["low"], report["bound"]["high"]) == (10 / 100, 50 / 100)
    naive = report["naive"]["bad_rate"]  # of the same approvals as the ends, whatever days were drawn from
    assert (naive["value"], naive["n"], report["naive"]["auc"]) == (10 / 60, 60, 0.5)


@pytest.mark.parametrize("days", [[], [DRAWN[0] | {"within": False}]], ids=["not drawn", "beyond the budget"])
def test_a_month_with_a_day_that_nobody_was_drawn_from_is_left_out(days):
    approved, random = {(-8, "good"): 90, (-8, "bad"): 10}, [(-2, "bad")] * 4
    report = estimate.measure(book(approved, random, days=("2021-01-05",)), days, **HOW)
    assert (report["left_out"], report["unbiased"]) == ([MONTH], None)


def test_the_interval_holds_a_truth_that_the_naive_rate_misses():
    """500 months of a lender who declines the worse half: 93 % at least of the intervals hold the rate of all."""
    random_numbers, held, naive_held = np.random.default_rng(11), 0, 0
    truth = (600 * 0.06 + 400 * 0.25) / 1_000
    for _ in range(500):
        bads = int(random_numbers.binomial(600, 0.06))
        seen = max(int(random_numbers.binomial(400, 0.2)), 1)
        theirs = int(random_numbers.binomial(seen, 0.25))
        figure = estimate.weighted((bads, 600), (theirs, seen), 400, 0.95)
        held += figure.low <= truth <= figure.high
        naive_held += abs(bads / 600 - truth) < 0.03
    assert held >= 465
    assert naive_held == 0
