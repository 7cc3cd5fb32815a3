"""Outcomes are facts that only grow: what is added, known, corrected and rejected adds up, and nothing is lost."""

from datetime import date

import pytest
from book import decide, delivery, entry

from credit_risk.errors import DataError
from credit_risk.ledger.chain import HOLD
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring.outcomes import adding
from credit_risk.monitoring.outcomes.adding import Totals, TotalsBroken
from credit_risk.monitoring.outcomes.outcome_store import Outcomes, by_month
from ledger_fixtures import KEY

DECIDED, LOOKED_UP, TODAY = date(2025, 1, 10), date(2026, 1, 31), date(2026, 2, 1)


@pytest.fixture
def add(ledger, outcomes, config, tmp_path):
    """Adds rows as a delivery; gives its totals."""

    def run(*rows: dict[str, object], name: str = "outcomes.csv", today: date = TODAY) -> Totals:
        return adding.add(ledger, outcomes, delivery(tmp_path / name, rows), config, today=today)

    return run


def row(decision_id: str, outcome: str = "good", month: int = 12, observed_on: date = LOOKED_UP, **more: object):
    return {"decision_id": decision_id, "outcome": outcome, "month": month, "observed_on": observed_on, **more}


def counts(totals: Totals) -> tuple[int, ...]:
    return tuple(totals.as_dict().values())


def reasons(totals: Totals) -> list[str]:
    return [reason for _, _, reason in totals.rejects]


@pytest.mark.parametrize("name", ["outcomes.csv", "outcomes.parquet"])
def test_the_same_file_twice_adds_nothing(ledger, outcomes, add, name):
    ids = decide(ledger, DECIDED, [entry("Ada"), entry("Ben")])
    rows = [row(ids[0]), row(ids[1], "bad", 3), row(ids[1], "bad", 12)]
    assert counts(add(*rows, name=name)) == (3, 3, 0, 0, 0)
    assert counts(add(*rows, name=name)) == (3, 0, 3, 0, 0)
    assert adding.summary(outcomes.histories()) == {
        "facts": 3,
        "corrections": 0,
        "deliveries": 1,
        "decisions": 2,
        "latest_outcome": {"good": 1, "indeterminate": 0, "bad": 1},
        "by_month": {"3": 1, "12": 2},
    }


def test_a_row_may_say_whose_and_of_which_day_instead_of_an_id(ledger, outcomes, add):
    (ada,) = decide(ledger, DECIDED, [entry("Ada")])
    decide(ledger, date(2025, 3, 1), [entry("Ada")])
    of_ada = {"applicant": "Ada", "outcome": "bad", "month": 2, "observed_on": LOOKED_UP}
    totals = add({**of_ada, "decided_on": DECIDED}, {**of_ada, "decided_on": date(2025, 1, 11)})
    assert counts(totals) == (2, 1, 0, 0, 1)
    assert reasons(totals) == ["the ledger holds no decision about this applicant of 2025-01-11"]
    assert set(outcomes.histories()) == {ada}


def test_two_decisions_about_a_person_of_one_day_need_an_id(ledger, add):
    decide(ledger, DECIDED, [entry("Ada"), entry("Ada")])
    totals = add({"applicant": "Ada", "decided_on": DECIDED, "outcome": "bad", "month": 2, "observed_on": LOOKED_UP})
    assert reasons(totals) == ["the ledger holds 2 decisions about this applicant of that day: name the decision_id"]


def test_a_correction_is_a_new_fact_that_keeps_the_old(ledger, outcomes, add):
    (ada,) = decide(ledger, DECIDED, [entry("Ada")])
    wrong, right = row(ada, "bad", 3), row(ada, "good", 3, correction="payment booked to another account")
    add(wrong)
    assert counts(add(right)) == (1, 0, 0, 1, 0)
    history = outcomes.histories()[ada]
    assert [(fact.outcome, fact.correction) for fact in history] == [
        ("bad", ""),
        ("good", "payment booked to another account"),
    ]
    assert by_month(history) == {3: "good"}
    assert counts(add(wrong)) == counts(add(right)) == (1, 0, 1, 0, 0)  # either file again adds nothing
    assert by_month(outcomes.histories()[ada]) == {3: "good"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"decision_id": "no-such-id"}, "the ledger holds no such decision"),
        ({"outcome": "paid"}, "outcome 'paid' is none that the config declares: bad, good, indeterminate"),
        ({"month": 0}, "month '0' is no month on book, 1 to 600"),
        ({"month": "twelve"}, "month 'twelve' is no month on book, 1 to 600"),
        ({"observed_on": "31.01.2026"}, "observed_on '31.01.2026' is no day as 2026-01-31"),
        ({"observed_on": date(2025, 1, 9)}, "looked up on 2025-01-09, before the decision of 2025-01-10"),
        ({"observed_on": date(2026, 2, 2)}, "looked up on 2026-02-02, a day still to come"),
        (
            {"observed_on": date(2026, 1, 9)},
            "good by month 12 cannot be known on 2026-01-09: that month ends on 2026-01-10",
        ),
        ({"correction": "typing"}, "a correction, and no outcome by month 12 is recorded"),
        ({"decision_id": ""}, "it names neither a decision_id, nor an applicant with decided_on"),
    ],
)
def test_a_row_that_cannot_be_is_rejected_with_its_reason(ledger, outcomes, add, change, reason):
    ada, ben = decide(ledger, DECIDED, [entry("Ada"), entry("Ben")])
    totals = add(row(ben), {**row(ada), **change})
    assert counts(totals) == (2, 1, 0, 0, 1)
    assert totals.rejects == ((2, {**row(ada), **change}["decision_id"], reason),)
    assert set(outcomes.histories()) == {ben}


def test_an_outcome_is_the_worst_so_far_and_never_improves_without_a_correction(ledger, add):
    (ada,) = decide(ledger, DECIDED, [entry("Ada")])
    totals = add(row(ada, "bad", 3), row(ada, "good", 6), row(ada, "indeterminate", 2), row(ada, "good", 3))
    assert counts(totals) == (4, 2, 0, 0, 2)
    assert reasons(totals) == [
        "good by month 6 contradicts bad by month 3: an outcome is the worst state so far (ever bad), not the state "
        "of that month",
        "good by month 3, and bad by that month is recorded: say why in the column correction",
    ]


def test_bad_may_be_known_before_its_month_has_passed(ledger, add):
    (ada,) = decide(ledger, DECIDED, [entry("Ada")])
    assert counts(add(row(ada, "bad", 12, date(2025, 5, 1)))) == (1, 1, 0, 0, 0)


def test_nothing_is_recorded_of_a_refused_application_or_an_erased_person(ledger, add):
    refused, erased = decide(ledger, DECIDED, [entry("Ada", "refused", None), entry("Ben")])
    ledger.erase("Ben", by="Kim Lee")
    assert reasons(add(row(refused), row(erased))) == [
        "the application was refused, so no account can have come of it",
        "the person was erased from the ledger: nothing more is recorded of them",
    ]


def test_a_decision_that_was_changed_stops_the_delivery_whole(ledger, outcomes, add):
    ids = decide(ledger, DECIDED, [entry("Ada"), entry("Ben")])
    with ledger.store.core() as connection:
        if ledger.store.sqlite:
            connection.exec_driver_sql("DROP TRIGGER entries_no_update")
        else:
            connection.exec_driver_sql("DROP TRIGGER entries_only_grow ON entries")
        connection.exec_driver_sql("UPDATE entries SET at = at + 1 WHERE seq = 2")
    with pytest.raises(LedgerBroken, match="is not in the chain as it was recorded"):
        add(row(ids[0]), row(ids[1]))
    assert outcomes.histories() == {}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"decision_id": "a", "outcome": "bad"}], "it lacks month, observed_on"),
        ([{"outcome": "bad", "month": 1, "observed_on": TODAY}], r"it lacks decision_id \(or applicant and decided_on"),
        ([row("a", corection="x")], "it has corection, which mean nothing here"),
    ],
)
def test_a_file_of_other_columns_is_refused(add, outcomes, rows, sentence):
    with pytest.raises(DataError, match=sentence):
        add(*rows)
    assert outcomes.histories() == {}


def test_control_totals_that_do_not_add_up_are_an_error():
    with pytest.raises(TotalsBroken, match="3 rows were read, 2 are accounted for"):
        Totals(read=3, added=2).raise_unless_they_add_up(2)
    with pytest.raises(TotalsBroken, match="1 facts are new"):
        Totals(read=2, added=2).raise_unless_they_add_up(1)
    Totals(read=2, added=1, known=1).raise_unless_they_add_up(1)


def test_more_rows_than_are_taken_at_a_time(ledger, outcomes, add):
    """Row numbers, totals and contradictions hold across the pieces of a file."""
    ids = decide(ledger, DECIDED, [entry(f"person {number}") for number in range(600)])
    totals = add(*(row(decision_id) for decision_id in ids), row(ids[0], "bad", 6), row("unknown"))
    assert counts(totals) == (602, 600, 0, 0, 2)
    assert [number for number, _, _ in totals.rejects] == [601, 602]
    assert len(outcomes.histories()) == 600


def test_on_sqlite_a_long_delivery_keeps_no_decision_waiting(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with (
        Ledger.open(url, key=KEY, busy_timeout_s=0.1) as ledger,
        Outcomes(url, busy_timeout_s=0.1) as outcomes,
        outcomes.adding(),
    ):
        assert len(decide(ledger, DECIDED, [entry("Ada")])) == 1


def test_rejects_are_written_with_row_and_reason(tmp_path):
    adding.write_rejects(tmp_path / "rejects.csv", Totals(rejects=((7, "id", "no, not so"),)))
    assert (tmp_path / "rejects.csv").read_text() == 'row,decision_id,reason\n7,id,"no, not so"\n'


def test_an_entry_that_is_no_decision_has_no_outcome(ledger, outcomes, add):
    """A hold has an id of its own, by which nobody was decided about."""
    (ada,) = decide(ledger, date(2025, 1, 10), [entry("Ada")])
    assert ledger.note(HOLD, ada, by="J. Roe", reason="case 17/2026")
    with ledger.store.reading() as cursor:
        cursor.execute("SELECT decision_id FROM entries WHERE kind = 'hold'")
        ((hold,),) = cursor.fetchall()
    assert reasons(add(row(hold))) == ["the ledger holds no such decision"]
    assert outcomes.histories() == {}
