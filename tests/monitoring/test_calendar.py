"""How old an account is: whole months from the day of its decision."""

from datetime import date

import pytest

from credit_risk.monitoring.calendar import month_of, months_after, months_old


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 15), 1, date(2026, 2, 15)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2025, 12, 31), 2, date(2026, 2, 28)),
        (date(2025, 12, 31), 12, date(2026, 12, 31)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_months_last(day, months, later):
    assert months_after(day, months) == later


@pytest.mark.parametrize(
    ("at", "age"),
    [
        (date(2026, 2, 27), 0),
        (date(2026, 2, 28), 1),
        (date(2026, 3, 30), 1),
        (date(2026, 3, 31), 2),
        (date(2027, 1, 31), 12),
        (date(2025, 12, 1), 0),
    ],
)
def test_an_account_of_the_31st_is_a_month_old_on_the_last_of_february(at, age):
    assert months_old(date(2026, 1, 31), at) == age


def test_a_month_is_named_as_records_name_it():
    assert month_of(date(2026, 1, 31)) == "2026-01"
