"""Which accounts may be learned from: hand-made decisions around two lines, maturity and the newest months."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from book import decide, delivery, entry

from credit_risk.config import load
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes import adding
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from credit_risk.retraining.accounts import NEWEST, PAST, DataVersion, KnownDecisions, data_version, faults
from credit_risk.retraining.settings import DataWindow
from ledger_fixtures import KEY

LENDER = Path(__file__).parents[1] / "lender"
AS_OF = date(2026, 6, 20)
SETTINGS = DataWindow(
    window_months=6,
    newest_months=2,
    least_newest=1,
    least_newest_bads=1,
    raw=False,
    protected=None,
    least_known=0,
    most_narrowing=1,
)
OLD, PAST_DAY, NEW, YOUNG = date(2024, 11, 1), date(2025, 1, 5), date(2025, 5, 1), date(2025, 7, 1)


@pytest.fixture
def book(tmp_path):
    """Window of 12 months. Ada is too old, Ben is past, Cyd newest, Dan young; Eve applied in both parts."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(url, key=KEY) as ledger, Outcomes(url, busy_timeout_s=5) as outcomes:
        yield filled(ledger, outcomes, tmp_path)


def filled(ledger, outcomes, folder):
    days = {"Ada": OLD, "Ben": PAST_DAY, "Eve": PAST_DAY, "Cyd": NEW, "Eve again": NEW, "Dan": YOUNG}
    ids = {name: decide(ledger, day, [entry(name.split()[0])])[0] for name, day in days.items()}
    decide(ledger, PAST_DAY, [entry("Fay", "decline", 0.4)])
    rows = [
        {"decision_id": ids[name], "outcome": "bad" if name == "Cyd" else "good", "month": 12, "observed_on": day}
        for name, day in {
            "Ada": date(2025, 12, 1),
            "Ben": date(2026, 2, 1),
            "Eve": date(2026, 2, 1),
            "Cyd": date(2026, 5, 2),
            "Eve again": date(2026, 5, 3),
        }.items()
    ]
    adding.add(ledger, outcomes, delivery(folder / "outcomes.csv", rows), load(LENDER / "credit.yaml"), today=AS_OF)
    book = KnownDecisions.read(ledger, outcomes.histories(), 12, AS_OF)
    return SimpleNamespace(book=book, ids=ids, ledger=ledger, outcomes=outcomes)


def names(book, version: DataVersion, part: str) -> set[str]:
    by_id = {decision_id: name for name, decision_id in book.ids.items()}
    return {by_id[decision_id] for decision_id in version.part(part)["decision_id"]}


def test_the_past_is_learned_from_and_the_newest_months_are_kept_for_the_comparison(book):
    version = data_version(book.book, SETTINGS, AS_OF)
    assert (names(book, version, PAST), names(book, version, NEWEST)) == ({"Ben"}, {"Cyd", "Eve again"})
    assert version.left_out == {
        "older than the permitted window": 1,
        "immature": 1,
        "erased": 0,
        "no known outcome": 1,
        "applicant stands in the newest rows": 1,
    }
    assert version.known_share == 4 / 5
    assert version.declined == 1
    assert faults(version, None) == []
    assert version.facts()["newest"] == {"rows": 2, "bads": 1, "from": "2025-05-01", "until": "2025-05-01"}


def test_the_same_accounts_have_the_same_digest_and_another_outcome_has_another(book):
    version = data_version(book.book, SETTINGS, AS_OF)
    assert data_version(book.book, SETTINGS, AS_OF).digest == version.digest
    turned = version.rows.assign(outcome=version.rows["outcome"].replace("bad", "good"))
    assert replace(version, rows=turned).digest != version.digest


def test_an_outcome_that_was_looked_up_later_is_not_there_yet(book):
    earlier = KnownDecisions.read(book.ledger, book.outcomes.histories(), 12, date(2026, 5, 2))
    version = data_version(earlier, SETTINGS, date(2026, 5, 2))
    assert names(book, version, NEWEST) == {"Cyd"}
    assert version.rows["known_on"].max() == date(2026, 5, 2)


def test_an_erased_person_is_learned_from_no_more(book):
    book.ledger.erase("Ben", by="Kim Lee")
    version = data_version(KnownDecisions.read(book.ledger, book.outcomes.histories(), 12, AS_OF), SETTINGS, AS_OF)
    assert names(book, version, PAST) == set()
    assert version.left_out["erased"] == 1


@pytest.mark.parametrize(
    ("column", "part", "value", "fault"),
    [
        ("known_on", PAST, date(2026, 6, 21), "1 outcomes were looked up after 2026-06-20"),
        ("decided_on", NEWEST, date(2025, 6, 21), "2 accounts are younger than 12 months on 2026-06-20"),
        ("decided_on", PAST, date(2025, 5, 1), "1 accounts of the past were decided after the first of the newest"),
        ("applicant", PAST, "Cyd", "1 accounts of the past are of applicants who stand in the newest"),
        ("decision_id", NEWEST, "twice", "1 accounts stand in it twice"),
    ],
)
def test_a_version_that_was_made_otherwise_is_found_out(book, column, part, value, fault):
    version = data_version(book.book, SETTINGS, AS_OF)
    rows = version.rows.copy()
    rows.loc[rows["part"] == part, column] = pd.Series([value] * len(rows), index=rows.index)
    (found,) = faults(replace(version, rows=rows), None)
    assert found.startswith(fault)


@pytest.mark.parametrize(("until", "seen"), [(date(2025, 4, 30), 0), (date(2025, 5, 1), 2)])
def test_newest_accounts_that_the_champion_learned_from_are_no_test(book, until, seen):
    found = faults(data_version(book.book, SETTINGS, AS_OF), until)
    assert found == [f"{seen} of the newest accounts were decided by {until}: the champion learned from such"] * (
        seen > 0
    )
