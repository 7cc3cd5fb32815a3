"""The accounts that a model may be trained and compared on: matured, known, within the permitted window.

They come from the ledger and the outcomes beside it, as they were known on a day. Those of the newest months are kept
for the comparison; nobody who stands there stands among the others. Only approved applications have an outcome, so what
is learned here says nothing certain of the declined: the facts say how many they are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd
from pandas import DataFrame

from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.replay import decision_pages
from credit_risk.monitoring.outcomes import accounts as joined
from credit_risk.monitoring.outcomes import overrides
from credit_risk.monitoring.outcomes.adding import decided_on
from credit_risk.monitoring.outcomes.outcome_store import History
from credit_risk.retraining.settings import DataWindow

PAST, NEWEST = "past", "newest"
KNOWN = ("good", "bad", "indeterminate")
NOT_APPLICATIONS = ("erased", "immature", "no_outcome_refused")
ROWS = ("decision_id", "applicant", "decided_on", "known_on", "outcome", "part")


@dataclass(frozen=True)
class Application:
    """What was applied for, as the ledger holds it. applicant: the decision's own id where no reference was given."""

    applicant: str
    decided_on: date
    scorer: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class KnownDecisions:
    """All decisions until a day, joined with what was known of them then; each is unsealed once.

    table: as monitoring.accounts.accounts gives it. applications: by decision, of those that can be read.
    known_on: the day of the latest look-up that counts, by decision.
    """

    table: DataFrame
    applications: Mapping[str, Application]
    known_on: Mapping[str, date]
    window: int

    @classmethod
    def read(cls, ledger: Ledger, histories: Mapping[str, History], window: int, as_of: date) -> "KnownDecisions":
        """window: the performance window in months. Raises LedgerBroken where the chain does not hold."""
        facts, applications = [], {}
        for page in decision_pages(ledger):
            facts += joined.decision_facts(page, as_of)
            for each in page:
                if each.inputs is not None and decided_on(each) <= as_of:
                    who = each.applicant if each.applicant is not None else each.decision_id
                    applications[each.decision_id] = Application(who, decided_on(each), each.by.scorer, each.inputs)
        instead = {decision_id: override.to for decision_id, override in overrides.read(ledger, as_of).items()}
        table = joined.accounts(facts, histories, window, as_of, instead)
        known_on = {
            decision_id: max(days)
            for decision_id, history in histories.items()
            if (days := [day for fact in history if (day := date.fromisoformat(fact.observed_on)) <= as_of])
        }
        return cls(table, applications, known_on, window)

    def first_decision(self, scorer: str) -> date | None:
        """The day on which a scorer decided first; None for one that never did."""
        return min((each.decided_on for each in self.applications.values() if each.scorer == scorer), default=None)


@dataclass(frozen=True)
class DataVersion:
    """The accounts of one training, named by their digests. rows: of ROWS, one an account.

    known_share: of matured applications in the window, those whose outcome is known; declined: those without one,
    because they were declined. left_out: accounts in the window that are in neither part, by reason.
    """

    as_of: date
    window: int
    rows: DataFrame
    known_share: float
    declined: int
    left_out: Mapping[str, int]

    def part(self, name: str) -> DataFrame:
        return self.rows[self.rows["part"] == name]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the rows: whose they are, when they were decided, what became of them, in which part."""
        named = self.rows.drop(columns="known_on").sort_values("decision_id")
        return hashlib.sha256(named.to_csv(index=False).encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """What the report and the signed record say of it: no person stands in it."""
        parts = {name: self.part(name) for name in (PAST, NEWEST)}
        return {
            "digest": self.digest,
            "as_of": self.as_of.isoformat(),
            "known_share": self.known_share,
            "declined": self.declined,
            "left_out": dict(self.left_out),
            "population": "booked accounts alone: how the declined would have paid is not known",
            **{
                name: {
                    "rows": len(rows),
                    "bads": int((rows["outcome"] == "bad").sum()),
                    "from": str(rows["decided_on"].min()) if len(rows) else None,
                    "until": str(rows["decided_on"].max()) if len(rows) else None,
                }
                for name, rows in parts.items()
            },
        }


def data_version(book: KnownDecisions, settings: DataWindow, as_of: date) -> DataVersion:
    """The permitted accounts of a day: matured, at most `window_months` older than that, with a known outcome."""
    table, oldest = book.table, book.window + settings.window_months
    in_window = table[(table["age"] >= book.window) & (table["age"] < oldest)]
    applications = in_window[~in_window["state"].isin(NOT_APPLICATIONS)]
    known = applications[applications["state"].isin(KNOWN)]
    newest = known["age"] < book.window + settings.newest_months
    who = known["decision_id"].map(lambda decision_id: book.applications[decision_id].applicant)
    seen_later = ~newest & who.isin(set(who[newest]))
    rows = DataFrame(
        {
            "decision_id": known["decision_id"],
            "applicant": who,
            "decided_on": known["decision_id"].map(lambda its: book.applications[its].decided_on),
            "known_on": known["decision_id"].map(lambda its: book.known_on[its]),
            "outcome": known["state"],
            "part": newest.map({True: NEWEST, False: PAST}),
        },
        columns=list(ROWS),
    )[~seen_later]
    return DataVersion(
        as_of=as_of,
        window=book.window,
        rows=rows.sort_values("decision_id").reset_index(drop=True),
        known_share=len(known) / max(len(applications), 1),
        declined=int((applications["state"] == "no_outcome_decline").sum()),
        left_out={
            "older than the permitted window": int((table["age"] >= oldest).sum()),
            "immature": int((table["state"] == "immature").sum()),
            "erased": int((table["state"] == "erased").sum()),
            "no known outcome": len(applications) - len(known),
            "applicant stands in the newest rows": int(seen_later.sum()),
        },
    )


def faults(version: DataVersion, champion_until: date | None) -> list[str]:
    """What makes a data version unfit to learn from, masks on its rows alone, however they were chosen.

    champion_until: the last day of decision among the rows that the champion learned from, None where not known.
    """
    past, newest = version.part(PAST), version.part(NEWEST)
    masks = {
        "outcomes were looked up after {as_of}: nobody could have known them": version.rows["known_on"] > version.as_of,
        "accounts are younger than {window} months on {as_of}: good ones among them may still turn bad": (
            _ends(version) > pd.Timestamp(version.as_of)
        ),
        "accounts of the past were decided after the first of the newest": (
            past["decided_on"] >= newest["decided_on"].min() if len(newest) else past["part"].isna()
        ),
        "accounts of the past are of applicants who stand in the newest": past["applicant"].isin(newest["applicant"]),
        "accounts stand in it twice": version.rows["decision_id"].duplicated(),
    }
    if champion_until is not None:
        seen = f"of the newest accounts were decided by {champion_until}: the champion learned from such"
        masks[seen] = newest["decided_on"] <= champion_until
    values = {"as_of": version.as_of, "window": version.window}
    return [f"{int(mask.sum()):,} {what.format(**values)}" for what, mask in masks.items() if mask.any()]


def _ends(version: DataVersion) -> "pd.Series[Any]":
    return pd.to_datetime(version.rows["decided_on"]) + pd.DateOffset(months=version.window)
