"""Some quick sabotages of `make sabotage`, and that its own judgement cannot be passed silently either."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import run
from declared import Sabotage, unseen
from lenders import whole
from sabotages import SABOTAGES
from trial import GAP, Refusals, Trial, outcome, refusals, wrong

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


DRAWS: dict[int, Refusals] = {
    8: {},
    9: {"beats_scorecard": "CANNOT SAY beats_scorecard (selection.beyond_materiality)\n is 0.004."},
    10: {"leak": "FAIL leak is 1.", "proxies": "CANNOT SAY proxies."},
    11: {"crash in train": "REFUSED KeyError: 'f0'"},
}


@pytest.mark.parametrize(
    ("count", "code", "summary"),
    [
        (1, 0, "1 of 1 other draws of the untouched lender pass, 0 are refused by a FAIL"),
        (2, 0, "1 of 2 other draws of the untouched lender pass, 0 are refused by a FAIL"),
        (3, 1, "1 of 3 other draws of the untouched lender pass, 1 are refused by a FAIL"),
        (4, 1, "1 of 4 other draws of the untouched lender pass, 2 are refused by a FAIL"),
    ],
)
def test_other_draws_are_counted_and_only_one_that_fails_ends_with_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int, code: int, summary: str
):
    def drawn(root: Path, *, seed: int, gap: float) -> int:
        assert gap == GAP
        return seed

    def judged(seed: int, harm: object) -> Refusals:
        assert harm is Trial.run_from_raw
        return DRAWS[seed]

    monkeypatch.setattr(run, "write", drawn)
    monkeypatch.setattr(run, "outcome", judged)
    assert run.main(["--seeds", str(count)]) == code
    lines = capsys.readouterr().out.splitlines()
    shown = [
        "seed 8: passes",
        "seed 9: refused",
        "    beats_scorecard: CANNOT SAY beats_scorecard (selection.beyond_materiality) is 0.004.",
        "seed 10: refused",
        "    leak: FAIL leak is 1.",
        "    proxies: CANNOT SAY proxies.",
        "seed 11: refused",
        "    crash in train: REFUSED KeyError: 'f0'",
    ]
    assert lines == [*shown[: (1, 3, 6, 8)[count - 1]], summary]
