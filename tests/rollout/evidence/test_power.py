"""Simulated rollouts: sound ones are not rolled back more often than the config allows, faulty ones are."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from credit_risk.cli import main
from credit_risk.rollout.evidence import power
from credit_risk.rollout.evidence.power import (
    CandidateOutcomes,
    SimulatedRollout,
    Truth,
    at_the_tolerance,
    faulty,
    rollout,
)

STEPS = (10, 50)


def ended(candidate, analysis, times, seed):
    random = np.random.default_rng(seed)
    return [
        rollout(Truth(), candidate, analysis, STEPS, per_look=4_000, most_looks=15, random=random) for _ in range(times)
    ]


def test_sound_rollouts_go_through_and_are_not_rolled_back(analysis):
    outcomes = ended(Truth(), analysis, 40, seed=1)
    assert sum(one.rolled_back for one in outcomes) == 0
    assert sum(one.is_held for one in outcomes) == 0


@pytest.mark.weekly
def test_candidates_at_every_tolerance_are_not_rolled_back_more_often_than_is_allowed(analysis):
    outcomes = ended(at_the_tolerance(Truth(), analysis), analysis, 40, seed=2)
    assert (
        sum(one.rolled_back for one in outcomes) <= 1
    )  # a hundredth is allowed; two of 40 would be by chance once in 19
    assert all(one.is_held for one in outcomes if not one.rolled_back)


def test_every_fault_is_rolled_back(analysis):
    for name, candidate in faulty(Truth()).items():
        assert all(one.rolled_back for one in ended(candidate, analysis, 5, seed=3)), name


def kind(sound, back, through, held):
    outcomes = (
        [SimulatedRollout(True, False, 9)] * back
        + [SimulatedRollout(False, False, 0)] * through
        + [SimulatedRollout(False, True, 0)] * held
    )
    return CandidateOutcomes("kind", sound, tuple(outcomes))


def test_more_false_alarms_than_chance_could_make_are_wrong():
    assert kind(True, 7, 193, 0).wrong(0.01) is None  # that many or more by chance once in 240
    assert kind(True, 9, 191, 0).wrong(0.01) == "kind: 9 of 200 rolled back, and 1.0% are allowed"


def test_faulty_candidates_may_be_held_and_not_be_let_through():
    assert kind(False, 100, 0, 100).wrong(0.01) is None
    assert kind(False, 100, 100, 0).wrong(0.01) == "kind: 100 of 200 let through, and 1.0% are allowed"
    assert kind(False, 3, 0, 1).sentence == (
        "kind: 3 of 4 rolled back, 1 held somewhere, after 9 decisions (median of that step)"
    )


def test_the_command_measures_and_an_analysis_that_is_wrong_exits_1(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "configs" / "deploy"
    shutil.copytree(Path(__file__).parents[1] / "environments", folder)
    words = ["rollout-power", "--root", str(tmp_path), "--rollouts", "2", "--per-look", "20000"]
    assert main(words) == 0
    assert "30 % errors: 2 of 2 rolled back" in capsys.readouterr().out
    monkeypatch.setattr(power, "rollout", lambda *_, **__: SimulatedRollout(False, False, 0))
    assert main([*words[:-4], "--rollouts", "200"]) == 1
    assert "30 % errors: 200 of 200 let through" in capsys.readouterr().err.replace("\n", " ")
