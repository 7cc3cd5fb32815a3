"""Waivers: a person, one check, a reason and a day, or no waiver at all."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from credit_risk.config.schema import Gate
from credit_risk.measures.verdict import waiver
from credit_risk.measures.verdict.gate import Check, Verdict
from credit_risk.measures.verdict.waiver import Waiver, WaiverRefused

TODAY = date(2026, 3, 14)
GATES = ("discrimination", "monotone")
FACTS = {
    "person": "Ada Lovelace",
    "role": "validator",
    "check": "discrimination",
    "reason": "the portfolio is small and grows",
    "expires": "2026-06-30",
}


def given(**changes: Any) -> Waiver:
    return Waiver.model_validate(FACTS | changes)


def refusals(**changes: Any) -> list[str]:
    return waiver.refusals(given(**changes), GATES, TODAY)


def checks(discrimination: Verdict = "FAIL", monotone: Verdict = "PASS") -> list[Check]:
    verdicts = zip(GATES, (discrimination, monotone), strict=True)
    return [
        Check(Gate(name=name, measure=name, at_least=0, reason="a test"), verdict, 1.0, 1.0, 1.0, "")
        for name, verdict in verdicts
    ]


def waived(*waivers: Waiver, scorer: str = "5c", today: date = TODAY, **verdicts: Verdict) -> list[tuple[str, str]]:
    found = waiver.apply(checks(**verdicts), waivers, gates=GATES, scorer=scorer, today=today)
    return [(one.check.gate.name, one.waiver.person) for one in found]


def test_a_person_a_check_a_reason_and_a_day_to_come_are_a_waiver():
    assert refusals() == []


@pytest.mark.parametrize("name", FACTS)
def test_a_waiver_lacks_nothing(name: str):
    facts = {key: value for key, value in FACTS.items() if key != name}
    with pytest.raises(ValidationError, match=name):
        Waiver.model_validate(facts)


@pytest.mark.parametrize(
    "changes",
    [{"person": ""}, {"role": ""}, {"reason": ""}, {"check": ""}, {"check": None}, {"check": ["monotone"]},
     {"expires": None}, {"expires": "never"}, {"expires": "2026-13-01"}, {"until": "2026-06-30"}, {"checks": "*"}],
)  # fmt: skip
def test_what_is_empty_unknown_or_no_day_is_no_waiver(changes: dict[str, Any]):
    with pytest.raises(ValidationError):
        given(**changes)


@pytest.mark.parametrize(
    "person",
    ["Ada", "  ", "N/A", "TBD TBD", "todo Lovelace", "Model Team", "the team", "Admin User", "Ada Unknown", "None None",
     "ada.lovelace@lender.example"],
)  # fmt: skip
def test_who_is_not_named_by_first_and_last_name_waives_nothing(person: str):
    assert refusals(person=person) == [f"person is {person!r}, expected a first and a last name"]


@pytest.mark.parametrize(
    "check", ["*", "all", "disc*", ".*", "Discrimination", "discrimination ", "discrimination,monotone", "test.auc"]
)
def test_a_waiver_is_for_one_gate_by_its_own_name(check: str):
    assert refusals(check=check) == [
        f"check is {check!r}, expected one gate by its name: discrimination, monotone"
    ]  # fmt: skip


def test_a_reason_of_five_words_can_be_judged_and_one_of_four_cannot():
    assert refusals(reason="one two three four five") == []
    assert refusals(reason="accepted by the board") == [
        "reason is 'accepted by the board', expected a sentence that a validator can judge"
    ]
    assert len(refusals(reason=" ".join([" "] * 9))) == 1


def test_a_waiver_holds_on_its_last_day_and_not_on_the_next():
    assert refusals(expires="2026-03-14") == []
    assert refusals(expires="2026-03-13") == ["it expired on 2026-03-13, today is 2026-03-14"]


def test_a_waiver_lasts_a_year_at_most():
    assert refusals(expires="2027-03-15") == []  # 366 days from today
    assert refusals(expires="2027-03-16") == [
        "it expires on 2027-03-16, expected at most 366 days from today (2026-03-14): "
        "a waiver is for a while, and renewed by somebody who looks again"
    ]
    assert len(refusals(expires="9999-12-31")) == 1


def test_a_waiver_for_a_gate_that_is_judged_elsewhere_is_kept_and_waives_nothing_here():
    found = waiver.apply(
        checks(discrimination="FAIL"), [given(check="other")], gates=(*GATES, "other"), scorer="5c", today=TODAY
    )
    assert found == []


def test_what_is_no_gate_of_the_config_cannot_be_waived():
    with pytest.raises(
        WaiverRefused, match="check is 'monotone', expected one gate by its name: discrimination"
    ) as caught:
        waiver.apply(checks(), [given(check="monotone")], gates=GATES[:1], scorer="5c", today=TODAY)
    assert caught.value.exit_code == 1  # a finding: what cannot run at all ends with 2


def test_every_fault_is_named():
    assert len(refusals(person="Ada", check="*", reason="because", expires="2020-01-01")) == 4


@pytest.mark.parametrize("verdict", ["FAIL", "CANNOT SAY"])
def test_exactly_the_check_it_is_for_is_waived(verdict: Verdict):
    assert waived(given(), discrimination=verdict, monotone=verdict) == [("discrimination", "Ada Lovelace")]
    both = [given(), given(check="monotone", person="Grace Hopper")]
    assert waived(*both, discrimination=verdict, monotone=verdict) == [
        ("discrimination", "Ada Lovelace"),
        ("monotone", "Grace Hopper"),
    ]


def test_without_a_waiver_nothing_is_waived():
    assert waived(discrimination="FAIL", monotone="CANNOT SAY") == []


def test_a_check_that_passes_needs_no_waiver_and_uses_none():
    assert waived(given(), discrimination="PASS") == []


def test_a_waiver_for_one_scorer_holds_for_no_other():
    assert waived(given(scorer="5c"), scorer="5c") == [("discrimination", "Ada Lovelace")]
    assert waived(given(scorer="5c"), scorer="5d") == []
    assert waived(given(scorer=""), scorer="5d") == []
    assert waived(given(scorer=None), scorer="5d") == [("discrimination", "Ada Lovelace")]


def test_the_clock_is_the_callers():
    assert waived(given(), today=date(2026, 6, 30)) == [("discrimination", "Ada Lovelace")]
    with pytest.raises(WaiverRefused, match="it expired on 2026-06-30, today is 2026-07-01"):
        waived(given(), today=date(2026, 7, 1))


@pytest.mark.parametrize(
    "changes", [{"person": "Ada"}, {"check": "*"}, {"reason": "because"}, {"expires": "2020-01-01"}]
)
def test_a_waiver_that_cannot_count_is_an_error_beside_sound_ones_and_without_need(changes: dict[str, str]):
    """Also if every check passes, or it was given for another scorer: it is a finding, not a file to pass over."""
    for verdict in ("FAIL", "PASS"):
        with pytest.raises(WaiverRefused, match=r"These waivers do not count; mend or remove them\.\n  \S+: "):
            waived(given(), given(scorer="other", **changes), discrimination=verdict)


def test_all_waivers_that_cannot_count_are_named_at_once():
    with pytest.raises(WaiverRefused) as caught:
        waived(given(person="Ada"), given(check="*"), given())
    assert str(caught.value).splitlines()[1:] == [
        "  discrimination: person is 'Ada', expected a first and a last name",
        "  *: check is '*', expected one gate by its name: discrimination, monotone",
    ]
