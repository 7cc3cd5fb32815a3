"""Whether the youngest accounts look as if it were too early to judge them."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from pandas import Series
from scipy.stats import fisher_exact

from credit_risk.data.inputs import Mask

BY_CHANCE = 0.001  # how often a bad rate this much lower may be chance
LOWER = 0.8  # of the older accounts' bad rate; books move by less from year to year


@dataclass(frozen=True)
class Immature:
    """Why the youngest accounts should not be judged: their bad rate, and that of the older ones.

    until: the last day of application, the earliest on which outcomes can have been looked up.
    """

    until: date
    months: int
    young: float
    old: float

    @property
    def evidence(self) -> str:
        """As a comment beside the proposal."""
        return f"bad rate {self.young:.1%} in the youngest {self.months} months, {self.old:.1%} before"


def immature(days: Series, bad: Mask, known: Mask, months: int) -> Immature | None:
    """What speaks against judging accounts of the last `months`: surely fewer of them are bad. None if nothing does.

    days: of application; bad, known: which accounts are bad, and which have an outcome at all; (rows,) each.
    """
    last = days.max()
    young = (days > last - pd.DateOffset(months=months)).to_numpy() & known
    old = known & days.notna().to_numpy() & ~young
    if not young.any() or not old.any():
        return None
    rates = float(bad[young].mean()), float(bad[old].mean())
    counts = np.array([[(bad & part).sum(), (~bad & part).sum()] for part in (young, old)])
    by_chance = fisher_exact(counts, alternative="less").pvalue
    return Immature(last.date(), months, *rates) if rates[0] < LOWER * rates[1] and by_chance < BY_CHANCE else None
