"""The book as it was counted: decisions by month, and how their accounts stand by a month on book. No person in it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pandas as pd
from pandas import DataFrame

from credit_risk.monitoring.calendar import months_old
from credit_risk.monitoring.outcomes import maturing
from credit_risk.monitoring.outcomes.maturing import NOT_KNOWN
from credit_risk.monitoring.outcomes.outcome_store import WORSE
from credit_risk.monitoring.outcomes.overrides import Overridden
from credit_risk.monitoring.records import pd_cells
from credit_risk.monitoring.records.frozen_store import Record
from credit_risk.monitoring.windows import freezing

SUMS = ("n", "pd", "pd2")
KNOWN = ("good", "bad")
STATES = (*WORSE, NOT_KNOWN)


@dataclass(frozen=True)
class Book:
    """What records have counted until a day, and overrides beside it.

    windows, outcomes: records of freezing and of maturing. window: months on book after which a decision matures.
    """

    windows: Sequence[Record]
    outcomes: Sequence[Record]
    overridden: Sequence[Overridden]
    as_of: date
    window: int

    @cached_property
    def months(self) -> list[str]:
        """The months of decision, in order."""
        return sorted({record["month"] for record in self.windows})

    @cached_property
    def matured(self) -> list[str]:
        """The months whose last account has passed its performance window."""
        return [month for month in self.months if self.age(month) >= self.window]

    def age(self, month: str) -> int:
        """How many months on book the youngest account of a month of decision can be."""
        return months_old(pd.Period(month, freq="M").end_time.date(), self.as_of)

    def by_decision(self, months: Iterable[str]) -> Counter[str]:
        """By the scorer's decision, how many there are of these months."""
        these = set(months)
        counts: Counter[str] = Counter()
        for record in self.windows:
            if record["month"] in these:
                counts.update(record["counts"]["decision"])
        return counts

    def without_account(self, months: Iterable[str]) -> Counter[str]:
        """By the decision that stands, how many of these months have no outcome of any month on book."""
        these = set(months)
        left = self.by_decision(these)
        for record in self.outcomes:
            if record["month"] in these:
                left.subtract(record["booked"])
        for each in self.overridden:
            if each.month in these and not each.booked:
                left[each.by_model] -= 1
                left[each.to] += 1
        return +left

    @cached_property
    def applications(self) -> DataFrame:
        """Decisions by month and scorer, in cells of decision, band and odds."""
        return _table(self.windows, freezing.CELL)

    @cached_property
    def _changes(self) -> DataFrame:
        return _table(self.outcomes, maturing.CELL)

    def accounts(self, months: Iterable[str], month_on_book: int) -> DataFrame:
        """Booked accounts of these months of decision, as they stood by a month on book: cells with an outcome."""
        changes = self._changes
        these = changes[changes["month"].isin(list(months)) & (changes["month_on_book"] <= month_on_book)]
        by = ["month", "scorer", "decision", "band", "bin", "outcome"]
        return these.groupby(by, dropna=False, sort=True)[list(SUMS)].sum().reset_index().query("n != 0")

    def curve(self, month: str) -> DataFrame:
        """How many booked accounts of a month of decision were what by month 1, 2, … on book: a column an outcome."""
        changes = self._changes
        these = changes[changes["month"] == month]
        changed = these.pivot_table(index="month_on_book", columns="outcome", values="n", aggfunc="sum", fill_value=0)
        ages = range(1, self.age(month) + 1)
        return changed.cumsum().reindex(ages, method="ffill").reindex(columns=list(STATES)).fillna(0).astype(int)

    def has_accounts(self, month: str) -> bool:
        """Whether anybody of a month of decision was approved, or an outcome of theirs was delivered."""
        booked = any(record["month"] == month for record in self.outcomes)
        return booked or self.without_account([month])["approve"] > 0

    def accounts_without_pd(self) -> int:
        """Matured accounts that enter no figure of PDs: decided by a rule, or erased before they were counted."""
        accounts = self.accounts(self.matured, self.window)
        return int(accounts.loc[accounts["bin"].isna(), "n"].sum())

    def states(self, months: Iterable[str]) -> dict[str, int]:
        """What each decision of these months counts as; the states add up to all of them."""
        matured = sorted(set(months) & set(self.matured))
        accounts = self.accounts(matured, self.window).groupby("outcome")["n"].sum()
        states = {str(name).replace(NOT_KNOWN, "not_known_by_window"): int(n) for name, n in accounts.items()}
        states |= {f"no_outcome_{name}": n for name, n in self.without_account(matured).items()}
        immature = sum(self.by_decision(set(months) - set(matured)).values())
        return dict(sorted((states | ({"immature": immature} if immature else {})).items()))


def _table(records: Iterable[Record], cell: Sequence[str]) -> DataFrame:
    """The cells of records, each with its month of decision and scorer."""
    rows = [[record["month"], record["scorer"], *row] for record in records for row in record.get("cells", ())]
    return pd_cells.table(rows, ("month", "scorer", *cell))
