"""What a decision counts as, and what is known of it by a month."""

from datetime import date

import pytest

from credit_risk.monitoring.outcomes.accounts import COLUMNS, accounts, outcome_by
from credit_risk.monitoring.outcomes.outcome_store import Fact

AS_OF, WINDOW = date(2026, 6, 30), 12


@pytest.mark.parametrize(
    ("known", "month", "outcome"),
    [
        ({}, 12, None),
        ({12: "good"}, 12, "good"),
        ({12: "good"}, 3, "good"),  # good by month 12 was good by month 3
        ({3: "good"}, 12, None),  # and not the other way round
        ({3: "bad"}, 12, "bad"),  # once bad, ever bad
        ({12: "bad"}, 3, None),
        ({3: "good", 12: "bad"}, 6, None),
        ({6: "bad", 12: "bad"}, 3, None),
        ({3: "indeterminate", 12: "indeterminate"}, 6, "indeterminate"),
        ({3: "indeterminate"}, 6, None),  # it may have become bad since
    ],
)
def test_an_outcome_is_known_where_the_months_around_leave_nothing_open(known, month, outcome):
    assert outcome_by(known, month) == outcome


def decision(**changes: object) -> tuple[object, ...]:
    usual = {
        "decision_id": "d",
        "vintage": "2025-01",
        "age": 17,
        "decision": "approve",
        "band": "A",
        "pd": 0.1,
        "score": 600.0,
        "applicant": ("applicant", "Ada"),
        "scorer": "5c",
        "erased": False,
    }
    return tuple({**usual, **changes}[name] for name in COLUMNS)


def fact(month: int, outcome: str, observed_on: str = "2026-06-01") -> Fact:
    return Fact("d", month, outcome, observed_on, "", "file")


@pytest.mark.parametrize(
    ("changes", "history", "state"),
    [
        ({}, [fact(12, "good")], "good"),
        ({}, [fact(12, "bad")], "bad"),
        ({}, [fact(12, "indeterminate")], "indeterminate"),
        ({}, [fact(6, "good")], "not_known_by_window"),
        ({}, [], "no_outcome_approve"),
        ({"decision": "decline"}, [], "no_outcome_decline"),
        ({"decision": "decline"}, [fact(12, "bad")], "bad"),  # booked against the model's word
        ({"age": 11}, [fact(3, "bad")], "immature"),
        ({"age": 12}, [fact(3, "bad")], "bad"),
        ({"erased": True}, [fact(12, "bad")], "erased"),
        ({"pd": float("nan")}, [fact(12, "bad")], "no_pd"),
        ({}, [fact(12, "good", "2026-07-01")], "no_outcome_approve"),  # looked up after that day
    ],
)
def test_each_decision_counts_as_one_state(changes, history, state):
    table = accounts([decision(**changes)], {"d": history}, WINDOW, AS_OF)
    assert table["state"].tolist() == [state]


def test_the_last_of_several_facts_of_a_month_counts():
    history = [fact(12, "bad"), fact(12, "good")._replace(correction="payment found")]
    assert accounts([decision()], {"d": history}, WINDOW, AS_OF)["state"].tolist() == ["good"]


def test_rows_of_a_person_go_together_and_strangers_do_not():
    rows = [decision(), decision(decision_id="e"), decision(decision_id="f", applicant=("decision", "f"))]
    assert accounts(rows, {}, WINDOW, AS_OF)["person"].tolist() == [0, 0, 1]
