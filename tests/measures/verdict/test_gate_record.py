"""A gate's record is judged again by the gate's rules, whatever it says of itself."""

from datetime import date, timedelta
from math import inf

import pytest

from credit_risk.measures.verdict.gate_record import ALTERED, refusals

TODAY = date(2026, 11, 29)


def check(name="discrimination", verdict="PASS", **changes):
    """AUC 0.8 (0.75 to 0.85) against the limit of at least 0.7."""
    limits = {"measure": "test.auc", "at_least": 0.7, "at_most": None, "exact": False, "of": None, "advice": None}
    figures = {"value": 0.8, "low": 0.75, "high": 0.85, "reason": "upkeep", "sentence": "AUC is 0.8."}
    return {"name": name, "verdict": verdict, **limits, **figures} | changes


def waiver(**changes):
    given = {"person": "Rita Vogel", "role": "head of risk", "check": "calibration", "scorer": None}
    return given | {"reason": "the shift is understood and small", "expires": "2026-11-29"} | changes


def record(**changes):
    passed = {"verdict": "PASS", "stale": [], "checks": [check()], "waivers": [], "digests": {"scorer": "5c"}}
    return passed | changes


def test_a_record_from_before_a_key_of_gates_was_added_is_judged_by_those_that_it_has():
    before = {name: value for name, value in check().items() if name not in {"of", "advice", "exact"}}
    assert refusals(record(checks=[before]), "5c", TODAY) == []
    assert refusals(record(checks=[before | {"low": 0.6}]), "5c", TODAY) == ["CANNOT SAY discrimination: AUC is 0.8."]


WAIVED = [check(), check("calibration", "FAIL", low=0.1, value=0.2, high=0.3)]


def test_a_record_of_this_scorer_that_passed_lets_it_through():
    assert refusals(record(), "5c", TODAY) == []


def test_a_waiver_lets_through_up_to_its_last_day():
    waived = record(checks=WAIVED, waivers=[waiver()])
    assert refusals(waived, "5c", TODAY) == []
    assert refusals(waived, "5c", TODAY + timedelta(days=1)) == [
        "the waiver of calibration by Rita Vogel does not count: it expired on 2026-11-29, today is 2026-11-30"
    ]


@pytest.mark.parametrize("verdict", ["PASS", "PASS WITH WAIVERS"])
def test_a_pass_with_waivers_lets_through_and_so_does_a_record_from_before_there_was_one(verdict):
    waived = record(verdict=verdict, checks=WAIVED, waivers=[waiver()])
    assert refusals(waived, "5c", TODAY) == []
    assert refusals(record(verdict="PASS OF ANOTHER KIND"), "5c", TODAY) == ["the gate says PASS OF ANOTHER KIND"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"digests": {"scorer": "another"}}, "of another scorer"),
        ({"stale": ["reports/metrics.json measured another scorer"]}, "measured another scorer"),
        ({"checks": [check(verdict="FAIL")]}, "FAIL discrimination: AUC is 0.8"),
        ({"checks": [check(verdict="CANNOT SAY")]}, "CANNOT SAY discrimination"),
        ({"checks": [check(low=0.6)]}, "CANNOT SAY discrimination"),  # it says PASS, and its interval straddles 0.7
        ({"checks": [check(value=0.6, low=0.5, high=0.65)]}, "FAIL discrimination"),
        ({"checks": [check(value=None, low=None, high=None)]}, "FAIL discrimination"),
        ({"checks": [check(value=inf, low=inf, high=inf)]}, "FAIL discrimination"),  # JSON as Python reads it has both
        ({"checks": [check(value=True, low=True, high=True)]}, "FAIL discrimination"),
        ({"checks": [check(high=inf)]}, "CANNOT SAY discrimination"),
        ({"checks": [check(verdict="FAIL"), check()]}, "FAIL discrimination"),  # two of one name: both count
        ({"checks": []}, "nothing was checked"),
        ({"checks": WAIVED}, "FAIL calibration"),
        ({"checks": WAIVED, "waivers": [waiver(scorer="another")]}, "given for another scorer"),
        ({"checks": WAIVED, "waivers": [waiver(check="nothing")]}, "expected one gate by its name"),
        ({"checks": WAIVED[1:], "waivers": [waiver()]}, "every check is waived"),
        ({"verdict": "FAIL"}, "the gate says FAIL"),
        ({"checks": None}, ALTERED),
        ({"checks": [{"verdict": "PASS"}]}, ALTERED),
        ({"waivers": [{"person": "Rita Vogel"}]}, ALTERED),
        ({"digests": None}, ALTERED),
    ],
)
def test_what_does_not_let_it_through_is_said(changes, sentence):
    assert sentence in "; ".join(refusals(record(**changes), "5c", TODAY))


@pytest.mark.parametrize("other", [None, [], "PASS", {}])
def test_what_is_no_record_lets_nothing_through(other):
    assert refusals(other, "5c", TODAY) == [ALTERED]


def test_a_waiver_with_the_identity_that_signed_it_counts_as_one_from_before_identities_does():
    signed = waiver() | {"identity": "ssh-key:SHA256:abc"}
    assert refusals(record(checks=WAIVED, waivers=[signed]), "5c", TODAY) == []


def test_a_refit_is_let_through_on_its_own_twins_figures_alone():
    measured = record(twin={"scorer": "7e"})
    assert refusals(measured, "5c", TODAY, twin="7e") == []
    assert refusals(measured, "5c", TODAY, twin="8f") == [
        "the gate's record measured a twin, and not that of this scorer"
    ]
    assert refusals(measured, "5c", TODAY) == ["the gate's record measured a twin, and not that of this scorer"]
    assert refusals(record(), "5c", TODAY, twin="7e") == [
        "it is a refit, and the gate's record does not say that its figures are its twin's"
    ]
