"""The life of a scorer: roles follow from the moves, and a move that may not be made is refused with its reason."""

from datetime import UTC, datetime, timedelta

import pytest

from credit_risk.registry.lifecycle import HistoryEvent, MoveRefused, refuse, standing

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
WHY = "a reason of five words"


def history(*moves: tuple[str, int], by: str = "Kim Lee") -> list[HistoryEvent]:
    """Moves an hour apart, from noon on."""
    return [
        HistoryEvent(seq, NOON + timedelta(hours=seq - 1), move, version, f"scorer {version}", by, WHY, {})
        for seq, (move, version) in enumerate(moves, 1)
    ]


ONE_LIVES = (("register", 1), ("nominate", 1), ("promote", 1))
TWO_LIVES = (*ONE_LIVES, ("register", 2), ("nominate", 2), ("promote", 2))


def test_nothing_is_registered_at_first():
    now = standing([])
    assert (now.champion, now.challenger, now.aliases, now.seq) == (None, None, {}, 0)


@pytest.mark.parametrize(
    ("moves", "roles"),
    [
        ([("register", 1)], {1: "candidate"}),
        ([("register", 1), ("nominate", 1)], {1: "challenger"}),
        (ONE_LIVES, {1: "champion"}),
        (TWO_LIVES, {1: "retired", 2: "champion"}),
        ([*TWO_LIVES, ("rollback", 1)], {1: "champion", 2: "retired"}),
        ([("register", 1), ("nominate", 1), ("register", 2), ("nominate", 2)], {1: "candidate", 2: "challenger"}),
        ([("register", 1), ("retire", 1)], {1: "retired"}),
    ],
)
def test_the_roles_follow_from_the_moves(moves, roles):
    assert standing(history(*moves)).roles == roles


def test_a_rollback_goes_back_one_champion_at_a_time():
    three = history(*TWO_LIVES, ("register", 3), ("nominate", 3), ("promote", 3), ("rollback", 2), ("rollback", 1))
    assert standing(three[:-2]).line == (1, 2, 3)
    assert standing(three[:-1]).champion == 2
    assert standing(three).line == (1,)


def test_any_moment_of_the_past_can_be_asked_for():
    events = history(*TWO_LIVES)  # 1 lives from 14:00, 2 from 17:00
    assert standing(events, NOON + timedelta(hours=1, minutes=59)).champion is None
    assert standing(events, NOON + timedelta(hours=2)).champion == 1
    assert standing(events, NOON + timedelta(hours=5)).champion == 2


def test_a_version_is_named_by_its_number_or_its_role():
    now = standing(history(*ONE_LIVES, ("register", 2), ("nominate", 2)))
    assert [now.named(word) for word in ("1", "2", "champion", "challenger")] == [1, 2, 1, 2]
    with pytest.raises(MoveRefused, match="no version '3'; it holds: champion, challenger, 1, 2"):
        now.named("3")


@pytest.mark.parametrize(
    ("moves", "move", "version", "sentence"),
    [
        ((), "nominate", 1, "version 1 is not registered"),
        ((("register", 1),), "promote", 1, "is candidate: only the challenger is promoted"),
        (ONE_LIVES, "nominate", 1, "is champion: only a candidate"),
        (ONE_LIVES, "retire", 1, "is champion: the champion is retired by its successor"),
        ((("register", 1), ("retire", 1)), "retire", 1, "nothing is left to retire"),
        (ONE_LIVES, "rollback", 1, "there was none"),
        (TWO_LIVES, "rollback", 2, "goes to the champion before the present one"),
    ],
)
def test_a_move_out_of_turn_is_refused(moves, move, version, sentence):
    with pytest.raises(MoveRefused, match=sentence):
        refuse(standing(history(*moves)), move, version, "Ada Berg", WHY)


@pytest.mark.parametrize("move", ["nominate", "promote"])
@pytest.mark.parametrize("by", ["Kim Lee", "kim  LEE "])
def test_who_registered_it_may_not_move_it_on(move, by):
    moves = (("register", 1), ("nominate", 1))[: 1 + (move == "promote")]
    with pytest.raises(MoveRefused, match="four eyes"):
        refuse(standing(history(*moves)), move, 1, by, WHY)
    refuse(standing(history(*moves)), move, 1, "Ada Berg", WHY)


@pytest.mark.parametrize("move", ["register", "nominate", "retire"])
def test_a_typed_name_moves_nothing_once_somebody_was_proved(move):
    now = standing(history(("register", 1), by="Ada Berg <account:ada>"))
    with pytest.raises(MoveRefused, match="'Kim Lee', a name that was typed"):
        refuse(now, move, 1, "Kim Lee", WHY)
    refuse(now, move, 1, "Kim Lee <subject:kim>", WHY)


@pytest.mark.parametrize("by", ["", "Kim", "admin", "the team"])
def test_a_move_is_a_persons(by):
    with pytest.raises(MoveRefused, match="expected a first and a last name"):
        refuse(standing([]), "register", 1, by, WHY)


def test_a_move_has_a_reason():
    with pytest.raises(MoveRefused, match="expected a sentence"):
        refuse(standing([]), "register", 1, "Kim Lee", "because so")


def test_a_clock_that_was_set_back_moves_nothing():
    later = HistoryEvent(1, datetime.now(UTC) + timedelta(hours=1), "register", 1, "5c", "Kim Lee", WHY, {})
    with pytest.raises(MoveRefused, match=r"the clock says .* set the clock right"):
        refuse(standing([later]), "nominate", 1, "Ada Berg", WHY)
