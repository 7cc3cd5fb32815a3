"""Whether the youngest accounts look too young to be judged: a bad rate surely lower than before, and nothing else."""

from datetime import date

import numpy as np
import pandas as pd

from credit_risk.fork.drafting.maturity import immature

OLD, YOUNG = pd.Timestamp("2023-06-01"), pd.Timestamp("2024-12-31")


def accounts(old_bads: int, young_bads: int) -> tuple[pd.Series, np.ndarray]:
    """100 accounts of each age, the first of each bad."""
    days = pd.Series([OLD] * 100 + [YOUNG] * 100)
    return days, np.concatenate([np.arange(100) < old_bads, np.arange(100) < young_bads])


def test_young_accounts_of_which_surely_fewer_are_bad_are_too_young():
    days, bad = accounts(30, 6)
    evidence = immature(days, bad, np.ones(200, bool), 12)
    assert (evidence.until, evidence.young, evidence.old) == (date(2024, 12, 31), 0.06, 0.3)
    assert evidence.evidence == "bad rate 6.0% in the youngest 12 months, 30.0% before"


def test_a_rate_that_is_hardly_lower_or_higher_says_nothing():
    for young_bads in (25, 30, 60):
        days, bad = accounts(30, young_bads)
        assert immature(days, bad, np.ones(200, bool), 12) is None


def test_few_accounts_say_nothing():
    days, bad = accounts(30, 6)
    few = np.tile(np.arange(100) % 10 == 0, 2)  # one bad of ten against none
    assert immature(days, bad, few, 12) is None


def test_accounts_of_one_window_have_nothing_to_be_compared_with():
    days, bad = accounts(30, 6)
    assert immature(days, bad, np.ones(200, bool), 24) is None


def test_an_account_without_a_day_or_an_outcome_counts_nowhere():
    days, bad = accounts(30, 6)
    days[100:] = pd.NaT
    assert immature(days, bad, np.ones(200, bool), 12) is None
    days, bad = accounts(30, 6)
    assert immature(days, bad, np.arange(200) < 100, 12) is None
