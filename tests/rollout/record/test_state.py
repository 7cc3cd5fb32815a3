"""What a colour did in a step, added up over replicas that come and go."""

from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.record.state import Meter, RolloutState


def decided(count: int) -> Counts:
    return Counts(decisions=count, scores=(count, 0))


def test_the_first_reading_of_a_replica_only_says_where_its_counters_stand():
    meter = Meter().read({"a": decided(100)})
    assert meter.total == Counts()
    meter = meter.read({"a": decided(130), "b": decided(5_000)})
    assert meter.total == decided(30)
    assert meter.read({"a": decided(130), "b": decided(5_007)}).total == decided(37)


def test_a_replica_that_is_away_is_held_to_its_last_counters():
    meter = Meter().read({"a": decided(100), "b": decided(100)}).read({"a": decided(110)})
    assert meter.total == decided(10)
    assert meter.read({"a": decided(110), "b": decided(104)}).total == decided(14)


def test_one_that_was_started_anew_counts_from_nothing():
    meter = Meter().read({"a": decided(100)}).read({"a": decided(3)})
    assert meter.total == decided(3)


def test_a_state_is_read_back_as_it_was():
    meters = (Meter().read({"blue-1": decided(3)}), Meter(decided(1), {"green-1": decided(2), "green-2": Counts()}))
    state = RolloutState("r", "canary", "1", "2", "green", 7, (10, 100), "Ada Berg", "a good reason", meters=meters)
    assert RolloutState.from_dict(state.as_dict()) == state


def test_the_share_follows_from_phase_and_step():
    state = RolloutState("r", "canary", "1", "2", "green", 7, (10, 50, 100), "Ada Berg", "a good reason")
    shares = {phase: state.to(phase, 0.0, step=1).percent for phase in ("start", "traffic", "bake", "retire", "done")}
    assert shares == {"start": 0, "traffic": 50, "bake": 100, "retire": 100, "done": 100}
    assert (state.percent, state.step, state.away, state.live_colour) == (0, 0, 0.0, "blue")
    assert state.to("rolling back", 0.0, step=1).percent == 0
