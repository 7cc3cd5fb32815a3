"""The engine on a target in memory, with a clock of its own: what it does, and what it does when something fails."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from credit_risk.errors import CheckFailed, UsageError
from credit_risk.rollout.deployment import order
from credit_risk.rollout.engine import Releases, RolloutEngine, RolloutRefused
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.record.state import RolloutRecord
from rollout.world import Killed, World
from rollout_trial import go_on

WHO = {"by": "Kim Lee", "reason": "third quarter was added"}
STEPS = (10, 50, 100)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def engine(world, rollout, tmp_path):
    settings = rollout.model_copy(update={"step_s": 3.0, "bake_s": 5.0, "ready_s": 10.0})
    return RolloutEngine(
        RolloutRecord(tmp_path),
        world,
        Releases(world.fetch, world.promoted, world.returned),
        settings,
        lambda: world.now,
    )


def begin(engine, strategy="canary", steps=STEPS, **who):
    return engine.begin("2", strategy, steps, **(WHO | who))


def whats(engine):
    return [event.what for event in engine.record.events()]


def test_a_sound_candidate_takes_every_step_and_has_all_in_the_end(engine, world):
    begin(engine)
    assert go_on(engine, world).phase == "done"
    assert [call[2] for call in world.calls if call[0] == "move"] == [0, 10, 50, 100]
    assert (world.runs, world.champion) == ({"green": "2"}, "2")
    assert world.outages == 0
    assert whats(engine) == [
        "begun",
        "shadow",
        "shadow",
        "start",
        "smoke",
        "10 % traffic",
        "50 % traffic",
        "100 % traffic",
        "promote",
        "retire",
        "done",
    ]


def test_every_event_says_who_and_why(engine, world):
    begin(engine)
    go_on(engine, world)
    events = list(engine.record.events())
    assert events[0].by == "Kim Lee"
    assert "third quarter was added" in events[0].why
    assert all(event.by and event.why and event.at and event.rollout == events[0].rollout for event in events)


def test_the_next_rollout_takes_the_other_colour_and_another_salt(engine, world):
    first = begin(engine)
    go_on(engine, world)
    second = engine.begin("3", "canary", STEPS, **WHO)
    assert (second.colour, second.live, second.live_colour) == ("blue", "2", "green")
    assert second.salt != first.salt
    assert go_on(engine, world).phase == "done"
    assert (world.runs, world.outages) == ({"blue": "3"}, 0)


@pytest.mark.parametrize(("rate", "within"), [(1.0, 2), (0.3, 2), (0.05, 30)])
def test_a_candidate_that_errs_is_rolled_back_and_the_live_one_has_all_again(engine, world, rate, within):
    begin(engine)
    world.error_rate["2"] = rate
    go_on(engine, world, until=lambda state: state.percent == 10)
    seconds = world.now
    assert go_on(engine, world).phase == "rolled back"
    assert world.now - seconds <= within
    assert (world.runs, world.champion, world.live()) == ({"blue": "1"}, "1", ("blue", "1"))
    assert "error_rate" in engine.record.load().cause


def test_the_incident_of_a_rollback_is_recorded_with_its_events(engine, world):
    state = begin(engine)
    world.error_rate["2"] = 1.0
    go_on(engine, world)
    incident = json.loads((engine.record.folder / "incidents" / f"{state.id}.json").read_text())
    assert "error_rate" in incident["cause"]
    assert "to be rolled back" in [event["what"] for event in incident["events"]]


def test_a_fault_that_comes_after_all_traffic_goes_back_too(engine, world):
    begin(engine)
    go_on(engine, world, until=lambda state: state.phase == "bake")
    world.error_rate["2"] = 0.3
    assert go_on(engine, world, most=4).phase == "rolled back"
    assert world.live() == ("blue", "1")


def test_a_candidate_that_is_out_of_traffic_is_rolled_back(engine, world):
    begin(engine)
    go_on(engine, world, until=lambda state: state.percent == 50)
    world.runs["green"] = "crashed"
    assert go_on(engine, world, most=6).phase == "rolled back"
    assert "out of traffic" in engine.record.load().cause


@pytest.mark.parametrize("phase", ["traffic", "bake"])
def test_a_moment_out_of_traffic_holds_and_is_no_reason_to_go_back(engine, world, phase):
    begin(engine)
    before = go_on(engine, world, until=lambda state: state.phase == phase)
    world.is_ready = False
    for _ in range(2):
        world.now += 1
        state = engine.tick()
    assert (state.phase, state.step, state.message) == (phase, before.step, "the candidate is out of traffic for now")
    world.is_ready = True
    assert go_on(engine, world).phase == "done"
    assert engine.record.load().away == 0


def test_without_enough_decisions_it_holds_and_goes_nowhere(engine, world):
    begin(engine)
    go_on(engine, world, until=lambda state: state.percent == 10)
    for _ in range(100):
        world.now += 1  # time without applications
        state = engine.tick()
    assert (state.phase, state.percent) == ("traffic", 10)
    assert "too few" in state.message


def test_a_release_that_is_refused_never_runs(engine, world):
    begin(engine)
    world.refuse = "models/scorer is not signed"
    assert go_on(engine, world).phase == "rolled back"
    assert "not signed" in engine.record.load().cause
    assert ("start", "green") not in world.calls


def test_a_shadow_that_turns_every_decision_stops_it_before_any_traffic(engine, world):
    state = begin(engine)
    world.flips = True
    assert go_on(engine, world).phase == "rolled back"
    assert engine.record.load().cause.startswith("shadow: approval_rate")
    report = json.loads((engine.record.folder / "shadow" / f"{state.id}.json").read_text())
    assert report["flips"] == {"approve to decline": 500}
    assert ("start", "green") not in world.calls


def test_a_candidate_that_is_never_ready_has_no_traffic(engine, world):
    begin(engine)
    go_on(engine, world, until=lambda state: state.phase == "start")
    world.runs.pop("green", None)
    world.start = lambda colour, version: None if colour == "green" else World.start(world, colour, version)
    assert go_on(engine, world).phase == "rolled back"
    assert "not ready within 10 s" in engine.record.load().cause


def test_smoke_decisions_that_differ_stop_it(engine, world):
    begin(engine)
    world.wrong = ["application 3: pd"]
    assert go_on(engine, world).phase == "rolled back"
    assert "application 3: pd" in engine.record.load().cause
    assert max(call[2] for call in world.calls if call[0] == "move") == 0


def test_a_router_that_does_not_answer_decides_nothing(engine, world):
    begin(engine)
    go_on(engine, world, until=lambda state: state.percent == 10)
    world.unreachable = 3
    world.pass_()
    assert (engine.tick().phase, engine.tick().message) == ("traffic", "the router does not answer")
    assert go_on(engine, world).phase == "done"


def test_a_refused_promotion_brings_the_traffic_back(engine, world):
    begin(engine)
    world.refuse_promotion = "somebody else has to promote it (four eyes)"
    assert go_on(engine, world).phase == "rolled back"
    assert (world.live(), world.champion, world.runs) == (("blue", "1"), "1", {"blue": "1"})


def test_a_pause_holds_and_a_resume_goes_on(engine, world):
    begin(engine)
    go_on(engine, world, until=lambda state: state.percent == 10)
    engine.record.order("pause", "Ada Berg", "the branch asked for it")
    for _ in range(30):
        world.pass_()
        state = engine.tick()
    assert (state.percent, state.message) == (10, "paused: `credit-risk deploy resume` or `approve`")
    engine.record.order("resume", "Ada Berg", "the branch is content")
    assert go_on(engine, world).phase == "done"
    assert [event.by for event in engine.record.events() if event.what in ("pause", "resume")] == ["Ada Berg"] * 2


def test_a_step_that_needs_a_word_waits_for_it(engine, world):
    engine.settings = engine.settings.model_copy(update={"approvals": (50,)})
    begin(engine)
    go_on(engine, world, until=lambda state: "waits for" in state.message)
    for _ in range(20):
        world.pass_()
        assert engine.tick().percent == 10
    engine.record.order("approve", "Ada Berg", "figures look right")
    assert go_on(engine, world).phase == "done"


def test_a_pause_does_not_hold_a_rollback(engine, world):
    begin(engine)
    go_on(engine, world, until=lambda state: state.percent == 10)
    engine.record.order("pause", "Ada Berg", "the branch asked for it")
    world.error_rate["2"] = 1.0
    assert go_on(engine, world, most=5).phase == "rolled back"


@pytest.mark.parametrize("phase", ["fetch", "start", "traffic", "bake", "promote", "retire"])
def test_an_abort_goes_back_from_anywhere(engine, world, phase):
    begin(engine)
    if phase != "fetch":
        go_on(engine, world, until=lambda state: state.phase == phase)
    engine.record.order("abort", "Ada Berg", "the branch saw something odd")
    assert go_on(engine, world).phase == "rolled back"
    assert (world.live(), world.runs, world.champion, world.outages) == (("blue", "1"), {"blue": "1"}, "1", 0)


def test_orders_of_an_earlier_rollout_are_not_obeyed_again(engine, world):
    begin(engine)
    engine.record.order("abort", "Ada Berg", "the branch saw something odd")
    go_on(engine, world)
    engine.begin("3", "canary", STEPS, **WHO)
    assert go_on(engine, world).phase == "done"


def test_one_rollout_at_a_time(engine, world):
    begin(engine)
    with pytest.raises(RolloutRefused, match="unfinished"):
        engine.begin("3", "canary", STEPS, **WHO)


@pytest.mark.parametrize(("by", "reason"), [("", "third quarter was added"), ("Kim Lee", "new"), ("team", "a b c")])
def test_nobody_and_no_reason_begin_nothing(engine, by, reason):
    with pytest.raises(UsageError):
        engine.begin("2", "canary", STEPS, by=by, reason=reason)
    assert engine.record.load() is None


def test_going_back_by_hand_needs_no_steps_no_shadow_and_no_waiting(engine, world):
    begin(engine)
    go_on(engine, world)
    world.champion = "2"
    engine.begin("1", "rollback", (100,), by="Ada Berg", reason="score shift after the release")
    seconds = world.now
    assert go_on(engine, world).phase == "done"
    assert world.now - seconds <= 8
    assert (world.runs, world.champion) == ({"blue": "1"}, "1")


def test_going_back_by_hand_stands_though_the_registry_refuses(engine, world):
    begin(engine)
    go_on(engine, world)

    def refused(*_):
        raise CheckFailed("there is no champion before the present one")

    engine.releases = replace(engine.releases, returned=refused)
    engine.begin("1", "rollback", (100,), by="Ada Berg", reason="score shift after the release")
    assert go_on(engine, world).phase == "done"
    assert world.runs == {"blue": "1"}
    assert "the registry was not told" in whats(engine)


def test_direct_has_no_step_before_all(engine, world):
    begin(engine, "direct", (100,))
    assert go_on(engine, world).phase == "done"
    assert [call[2] for call in world.calls if call[0] == "move"] == [0, 100]


def begun(engine, world, folder):
    """An engine like this one in a world of its own, with a rollout under way."""
    again = replace(
        engine,
        record=RolloutRecord(folder),
        target=world,
        releases=Releases(world.fetch, world.promoted, world.returned),
        clock=lambda: world.now,
    )
    again.begin("2", "canary", STEPS, **WHO)
    return again


def test_a_controller_that_is_killed_at_any_point_comes_to_the_same_end(engine, world, tmp_path, rollout):
    begin(engine)
    go_on(engine, world)
    points = len(world.calls)
    assert points > 8
    for point in range(1, points + 1):
        mine = World(kill_at=point)
        again = begun(engine, mine, tmp_path / str(point))
        with pytest.raises(Killed):
            go_on(again, mine)
        mine.kill_at = None
        mine.pass_(5)
        assert go_on(again, mine).phase == "done"
        assert (mine.runs, mine.champion, mine.outages) == ({"green": "2"}, "2", 0)


def test_a_controller_that_is_killed_while_it_rolls_back_still_rolls_back(engine, world, tmp_path):
    for point in range(1, 4):
        mine = World(error_rate={"2": 1.0})
        again = begun(engine, mine, tmp_path / str(point))
        go_on(again, mine, until=lambda state: state.phase == "rolling back")
        mine.kill_at = len(mine.calls) + point
        with pytest.raises(Killed):
            again.tick()
        mine.kill_at = None
        assert go_on(again, mine).phase == "rolled back"
        assert (mine.live(), mine.runs, mine.champion) == (("blue", "1"), {"blue": "1"}, "1")


def test_a_router_that_was_started_anew_hides_no_fault(engine, world):
    begin(engine)
    go_on(engine, world, until=lambda state: state.percent == 10)
    world.pass_(20)
    engine.tick()
    world.did = {colour: Counts() for colour in world.did}  # every counter begins again
    world.error_rate["2"] = 1.0
    assert go_on(engine, world, most=6).phase == "rolled back"


def test_whoever_began_a_rollout_does_not_approve_its_steps(engine, world):
    engine.settings = engine.settings.model_copy(update={"approvals": (50,)})
    begin(engine, by="Kim Lee <account:kim>")
    go_on(engine, world, until=lambda state: "waits for" in state.message)
    for by in ("Kim Lee", "Lee Kim", "Kimberly Leeds <account:kim>"):
        engine.record.order("approve", by, "figures look right")
        assert engine.tick().percent == 10
        with pytest.raises(RolloutRefused, match="Kim Lee began this rollout: somebody else has to approve it"):
            order(SimpleNamespace(record=engine.record), "approve", by, "figures look right")
    engine.record.order("approve", "Ada Berg <account:ada>", "figures look right")
    assert go_on(engine, world).phase == "done"
