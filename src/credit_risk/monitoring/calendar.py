"""Months of decision, and months on book: how old an account is, counted from the day of its decision (UTC)."""

from calendar import monthrange
from datetime import date
from functools import lru_cache


@lru_cache
def month_of(day: date) -> str:
    """The month of a day, as 2026-11."""
    return f"{day:%Y-%m}"


def months_after(day: date, months: int) -> date:
    """The day on which an account opened on `day` is this many months old; the month's last day if it is shorter."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def months_old(day: date, at: date) -> int:
    """How many whole months have passed since `day`; 0 within the first, and for a day still to come."""
    months = (at.year - day.year) * 12 + at.month - day.month
    return max(months - (months_after(day, max(months, 0)) > at), 0)
