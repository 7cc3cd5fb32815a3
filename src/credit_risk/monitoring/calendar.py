"""Months on book: how old an account is, counted from the day of its decision (UTC)."""

from datetime import date

from pandas import DateOffset, Timestamp


def months_after(day: date, months: int) -> date:
    """The day on which an account opened on `day` is this many months old; the month's last day if it is shorter."""
    return (Timestamp(day) + DateOffset(months=months)).date()


def months_old(day: date, at: date) -> int:
    """How many whole months have passed since `day`; 0 within the first, and for a day still to come."""
    months = (at.year - day.year) * 12 + at.month - day.month
    return max(months - (months_after(day, max(months, 0)) > at), 0)
