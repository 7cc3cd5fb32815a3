"""Some quick sabotages of `make sabotage`, and that its own judgement cannot be passed silently either."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from declared import Sabotage, unseen
from lenders import whole
from sabotages import SABOTAGES
from trial import Trial, outcome, refusals, wrong

__all__ = ["whole"]

pytestmark = pytest.mark.slow

QUICK = [one for one in SABOTAGES if one.quick][::4]  # of each kind some; `make sabotage` tries all


def test_the_untouched_lender_passes_every_gate(whole: Trial):
    assert refusals(whole) == {}


@pytest.mark.parametrize(
    "sabotage",
    [pytest.param(one, id=one.name, marks=[pytest.mark.xfail(reason=one.open)] if one.open else []) for one in QUICK],
)
def test_is_refused_by_the_gates_that_must_and_by_no_other(whole: Trial, tmp_path: Path, sabotage: Sabotage):
    root = tmp_path / "harmed"
    trial = Trial(root) if sabotage.fresh else whole.copy(root)
    assert wrong(outcome(trial, sabotage.harm), sabotage.refused_by, sabotage.may) + unseen(sabotage, trial) == []


def test_sabotages_have_names_of_their_own_and_only_open_or_caught_ones_are_listed():
    names = [one.name for one in SABOTAGES]
    assert len(set(names)) == len(names)
    assert all(one.refused_by or one.shown for one in SABOTAGES)
    assert len(SABOTAGES) >= 75


def test_a_change_that_the_record_does_not_show_is_a_problem(whole: Trial, tmp_path: Path):
    trial = whole.copy(tmp_path / "harmed")
    silent = Sabotage("another draw", lambda trial: None, {}, shown="split.seed: 7 → 8")
    assert unseen(silent, trial)[0].startswith("nobody sees it: the record says ''")


def test_a_sabotage_that_nobody_refuses_is_a_problem():
    assert wrong({}, {"leak": "FAIL"}, may=()) == ["leak lets it pass"]


def test_the_wrong_gate_is_a_problem_even_beside_the_right_one():
    found = {"leak": "FAIL too good.", "monotone": "FAIL 3 steps."}
    assert wrong(found, {"leak": "FAIL"}, may=()) == ["monotone refuses too: FAIL 3 steps."]
    assert wrong(found, {"leak": "FAIL"}, may=("monotone",)) == []


def test_another_verdict_or_another_reason_is_a_problem():
    assert wrong({"leak": "CANNOT SAY why."}, {"leak": "FAIL"}, may=()) == [
        "leak refuses for another reason than 'FAIL': CANNOT SAY why."
    ]


def test_a_harm_without_effect_is_not_taken_for_refused(whole: Trial, tmp_path: Path):
    found = outcome(whole.copy(tmp_path / "harmed"), lambda trial: None)
    assert wrong(found, {"monotone": "FAIL"}, may=()) == ["monotone lets it pass"]
