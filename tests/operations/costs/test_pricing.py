"""What work costs at stated prices: sums that a reader can count, and what nobody measured is never nothing."""

from datetime import UTC, datetime

import pytest

from credit_risk.operations.costs import pricing


def test_cores_and_memory_are_billed_by_the_hour(use, prices):
    cost = pricing.of_use(use(cpu_seconds=1_800, memory_gb_hours=3), prices)
    assert (cost.amount, cost.unknown) == (0.5 * 2 + 3 * 1, ())


def test_of_a_runner_that_is_billed_by_the_minute_nothing_else_is_billed(use, prices):
    assert pricing.of_use(use(cpu_seconds=3_600, memory_gb_hours=9, runner_minutes=4), prices).amount == 2


def test_what_nobody_measured_is_said_and_not_counted_as_nothing(use, prices):
    cost = pricing.of_use(use(cpu_seconds=3_600, memory_gb_hours=None), prices)
    assert (cost.amount, cost.unknown) == (2, ("run dvc: memory_gb_hours",))


def test_a_month_adds_up_by_kind_and_counts_a_stage_within_its_run(use, prices, now):
    uses = [
        use(cpu_seconds=3_600),
        use("stage", "train", cpu_seconds=3_000),
        use("runner", "ci", runner_minutes=6),
        use("retraining", cpu_seconds=1_800),
        use(day=5, cpu_seconds=3_600),
    ]
    month = pricing.month_to_date(uses, prices, now)
    assert month["by_kind"] == {"run": 4, "runner": 3, "retraining": 1, "storage": 0}
    assert (month["spent"], month["share_of_budget"], month["records"]) == (8, 0.08, 4)


def test_the_forecast_is_the_month_at_the_same_pace(use, prices, now):
    assert pricing.month_to_date([use(cpu_seconds=3_600)], prices, now)["forecast"] == pytest.approx(2 * 30 / 10)


def test_another_month_does_not_count(use, prices):
    july = datetime(2026, 7, 2, tzinfo=UTC)
    assert pricing.month_to_date([use(cpu_seconds=3_600)], prices, july)["spent"] == 0


def test_storage_costs_by_how_long_it_lies_there(use, prices, now):
    sizes = [use("storage", "folders", 1, storage_gb=1.0), use("storage", "folders", 6, storage_gb=2.0)]
    begin, _ = pricing.bounds_of_month(now)
    gb_hours = 1 * 5 * 24 + 2 * 5 * 24
    assert pricing.of_storage(sizes, prices, begin, now).amount == pytest.approx(gb_hours * 73 / 730)


def test_storage_from_before_the_month_counts_from_its_first_day(use, prices):
    july = datetime(2026, 7, 2, tzinfo=UTC)
    begin, _ = pricing.bounds_of_month(july)
    cost = pricing.of_storage([use("storage", "folders", 20, storage_gb=1.0)], prices, begin, july)
    assert cost.amount == pytest.approx(24 * 73 / 730)


def test_storage_that_was_never_measured_or_has_no_price_is_said(use, prices, now):
    begin, _ = pricing.bounds_of_month(now)
    assert pricing.of_storage([], prices, begin, now).unknown == ("storage: no record",)
    free = prices.model_copy(update={"storage_gb_month": None})
    cost = pricing.of_storage([use("storage", "folders", 1, storage_gb=1.0)], free, begin, now)
    assert cost.unknown == ("storage: configs/deploy has no costs.storage_gb_month",)


def test_units_are_means_and_none_where_nothing_is_recorded(use, prices):
    nothing = pricing.unit_costs([use(cpu_seconds=3_600)], prices)  # a program without stages is no run of the pipeline
    assert nothing["run"] is nothing["retraining"] is nothing["thousand_decisions"] is None
    uses = [
        use(run="a", cpu_seconds=3_600),
        use("stage", "train", run="a", cpu_seconds=1_800),
        use("stage", "train", run="b", cpu_seconds=5_400),
        use("stage", "train", run="c", cached=True),
        use("serving", "serve", cpu_seconds=3_600, decisions=4_000),
        use("serving", "serve", cpu_seconds=9_999, decisions=None),
    ]
    units = pricing.unit_costs(uses, prices)
    assert (units["run"], units["stages"], units["thousand_decisions"]) == (2, {"train": 2}, 0.5)


def test_december_ends_with_the_year():
    begin, end = pricing.bounds_of_month(datetime(2026, 12, 31, 23, tzinfo=UTC))
    assert (begin, end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
