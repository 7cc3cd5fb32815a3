"""The split moves one value at a time, and nobody is sent astray between two of them."""

from itertools import pairwise

import pytest

from credit_risk.rollout.colours import opposite
from credit_risk.rollout.local.bucket import BUCKETS
from credit_risk.rollout.local.split import TrafficSplit


def greens(split):
    return {bucket for bucket in range(0, 10_000, 100) if split.green(bucket)}


def test_a_candidate_has_the_lowest_buckets_whichever_colour_it_is():
    assert greens(TrafficSplit.of("green", 1, 7)) == {0}
    assert greens(TrafficSplit.of("blue", 1, 7)) == set(range(100, 10_000, 100))


def test_nothing_and_everything():
    assert greens(TrafficSplit.of("green", 0, 7)) == greens(TrafficSplit.of("blue", 100, 7)) == set()
    assert len(greens(TrafficSplit.of("green", 100, 7))) == len(greens(TrafficSplit.of("blue", 0, 7))) == 100


def test_who_is_in_stays_in_as_the_split_grows():
    steps = [greens(TrafficSplit.of("green", percent, 7)) for percent in (1, 5, 10, 25, 50, 100)]
    assert all(before < after for before, after in pairwise(steps))


@pytest.mark.parametrize("candidate", ["green", "blue"])
def test_the_way_to_another_split_only_ever_moves_those_who_move_in_the_end(candidate):
    states = [TrafficSplit.of(candidate, percent, 7) for percent in (0, 1, 50, 100, 0)]
    for start, target in pairwise(states):
        moving = greens(start) ^ greens(target)
        for one in start.way_to(target):
            assert greens(one) ^ greens(start) <= moving
        assert start.way_to(target)[-1] == target


def test_the_salt_changes_only_where_one_colour_has_everybody():
    finished = TrafficSplit.of("green", 100, 7)
    following = TrafficSplit.of("blue", 10, 8)
    for before, after in pairwise([finished, *finished.way_to(following)]):
        assert before.salt == after.salt or len(greens(before)) in (0, 100)


def test_a_new_rollout_of_green_after_blue_has_won_sends_nobody_to_green_before_its_time():
    won, begun = TrafficSplit.of("blue", 100, 7), TrafficSplit.of("green", 0, 8)
    assert [greens(one) for one in won.way_to(begun)] == [set()] * len(won.way_to(begun))


def test_nothing_is_done_where_nothing_changes():
    assert TrafficSplit.of("green", 5, 7).way_to(TrafficSplit.of("green", 5, 7)) == []


def test_the_other_colour():
    assert (opposite("blue"), opposite("green")) == ("green", "blue")


@pytest.mark.parametrize(
    ("split", "whole"),
    [
        (TrafficSplit(0, 0, 7), True),
        (TrafficSplit(0, BUCKETS, 7), True),
        (TrafficSplit(BUCKETS, BUCKETS, 7), True),
        (TrafficSplit(0, 500, 7), False),
        (TrafficSplit(500, BUCKETS, 7), False),
    ],
)
def test_one_colour_has_everybody_or_both_have_some(split, whole):
    assert split.whole is whole
