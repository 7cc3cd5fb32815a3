"""Good needs proof, bad needs proof, and everything between holds."""

import pytest

from credit_risk.rollout.evidence.analysis import MEASURES, Counts, decisions_needed, judge, part


def look(live, candidate, analysis, at=1):
    return judge(live, candidate, analysis, steps=6, look=at)


def named(judgement, name):
    return next(one for one in judgement.comparisons if one.name == name)


def test_two_colours_alike_pass_with_enough_decisions(good, analysis):
    judgement = look(good(20_000), good(4_000), analysis)
    assert judgement.verdict == "PASS"
    assert [one.name for one in judgement.comparisons] == list(MEASURES)


def test_two_colours_alike_hold_with_too_few(good, analysis):
    judgement = look(good(20_000), good(49), analysis)
    assert judgement.verdict == "CANNOT SAY"
    assert "too few: 49 decisions of the candidate, 50 needed" in judgement.sentence


def test_a_live_colour_with_too_few_holds_as_well(good, analysis):
    assert "49 decisions of the live scorer" in look(good(49), good(5_000), analysis).sentence


def test_enough_decisions_without_proof_hold_too(good, analysis):
    judgement = look(good(20_000), good(100), analysis)
    assert judgement.verdict == "CANNOT SAY"
    assert "error_rate 0.0000" in judgement.sentence
    assert "may be beyond 0.02" in judgement.sentence


def test_nothing_at_all_holds(analysis):
    assert look(Counts(), Counts(), analysis).verdict == "CANNOT SAY"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("error_rate", {"errors": 300}),
        ("slow_answers", {"slow": 300}),
        ("missing_inputs", {"missing": 300}),
        ("refused_inputs", {"refused": 300}),
        ("approval_rate", {"approved": 400}),
        ("approval_rate", {"approved": 1_000}),
        ("score_psi", {"scores": (700, 200, 50, 50)}),
    ],
)
def test_each_fault_is_proved_by_its_own_measure(good, analysis, name, fault):
    judgement = look(good(20_000), good(1_000, **fault), analysis)
    assert judgement.verdict == "FAIL"
    assert {one.name for one in judgement.comparisons if one.verdict == "FAIL"} == {name}
    assert judgement.sentence.startswith(name)


@pytest.mark.parametrize("name", ["errors", "slow", "missing", "refused"])
def test_a_candidate_that_is_better_is_not_bad(good, analysis, name):
    assert look(good(20_000, **{name: 6_000}), good(4_000), analysis).verdict == "PASS"


def test_a_candidate_that_fails_every_request_is_bad_before_there_are_enough_decisions(good, analysis):
    dead = Counts(requests=20, errors=20)
    judgement = look(good(20_000), dead, analysis)
    assert judgement.verdict == "FAIL"
    assert named(judgement, "error_rate").candidate == 1


def test_scores_of_too_few_decisions_prove_nothing(good, analysis):
    strange = good(48, scores=(0, 0, 0, 48))
    assert named(look(good(20_000), strange, analysis), "score_psi").verdict == "CANNOT SAY"


def test_the_alarms_of_all_measures_steps_and_colours_add_up_to_those_allowed(analysis):
    assert part(analysis, 6) * 6 * 6 * 2 == pytest.approx(0.01)


def test_a_later_look_asks_more_of_the_scores(good, analysis):
    first, later = (
        named(look(good(2_000), good(1_000, scores=(350, 250, 200, 200)), analysis, at), "score_psi") for at in (1, 50)
    )
    assert (first.candidate, first.low > later.low, first.high < later.high) == (later.candidate, True, True)


def test_counts_since_a_moment_are_differences_and_after_a_restart_all_is_new():
    before = Counts(requests=10, decisions=9, scores=(4, 5))
    assert Counts(requests=15, decisions=12, scores=(6, 6)).since(before) == Counts(5, decisions=3, scores=(2, 1))
    after = Counts(requests=3, decisions=2, scores=(1, 1))
    assert after.since(before) == after


def test_counts_survive_the_way_through_json():
    counts = Counts(requests=3, decisions=2, scores=(1, 1))
    assert Counts.from_dict(counts.as_dict()) == counts


def test_the_decisions_needed_are_those_at_which_a_sound_candidate_passes(good, analysis):
    usual = good(40_000)
    needed = decisions_needed(usual, analysis, percent=10, steps=6, looks=100)
    enough, less = (
        judge(good(9 * n), good(n), analysis, steps=6, look=100).verdict for n in (needed * 21 // 20, needed * 9 // 10)
    )
    assert (enough, less) == ("PASS", "CANNOT SAY")


def test_where_nobody_is_left_to_compare_with_nothing_is_forecast(good, analysis):
    with pytest.raises(ValueError, match="100 percent"):
        decisions_needed(good(1_000), analysis, percent=100, steps=6)
