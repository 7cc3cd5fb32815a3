"""What had traffic, what was taken back, and for how long: read off the audit trail that rollouts write."""

from datetime import timedelta

import pytest

from credit_risk.operations.delivery import changes
from credit_risk.rollout.record.state import RolloutEvent

STEPS = ("fetch", "shadow", "start", "smoke")


def trail(rollout, *events, strategy="canary", version="2", live="1"):
    """Events of a rollout: (day, hour, what). The first one is its beginning, in the words of the engine."""
    begun = f"{strategy} of version {version} instead of {live} as green, steps [10, 100]: a reason of five words"
    (day, hour), *others = events
    yield RolloutEvent(f"2026-06-{day:02}T{hour:02}:00:00.000+00:00", rollout, "begun", "Ada Berg", begun)
    for day, hour, what in others:
        yield RolloutEvent(f"2026-06-{day:02}T{hour:02}:00:00.000+00:00", rollout, what, "the controller", "because")


def done(rollout="a", day=1, **other):
    return trail(rollout, (day, 8), (day, 9, "10 % traffic"), (day, 12, "100 % traffic"), (day, 13, "done"), **other)


def by_hand(day, hour=10):
    return trail("z", (day, hour), (day, hour + 1, "done"), strategy="rollback", version="1", live="2")


def test_a_sound_rollout_is_a_deployment_that_did_not_fail():
    (change,) = changes.deployments(changes.read(done()))
    assert (change.version, change.in_traffic.hour, change.failed, change.restored_after) == ("2", 9, False, None)


def test_what_shadow_stops_is_no_deployment_and_no_failure():
    events = [*trail("a", (1, 8), (1, 9, "to be rolled back"), (1, 10, "rolled back"))]
    (change,) = changes.read(events)
    assert (changes.deployments([change]), change.failed, change.restored_after) == ([], False, None)


def test_what_the_controller_takes_back_failed_from_its_first_applicant_on():
    events = [*trail("a", (1, 8), (1, 9, "10 % traffic"), (1, 11, "to be rolled back"), (1, 12, "rolled back"))]
    (change,) = changes.read(events)
    assert (change.failed, change.restored_after) == (True, timedelta(hours=3))


def test_a_failure_that_is_not_over_has_no_time_to_restore_yet():
    (change,) = changes.read(trail("a", (1, 8), (1, 9, "10 % traffic"), (1, 11, "to be rolled back")))
    assert (change.failed, change.restored_after) == (True, None)


@pytest.mark.parametrize(("day", "failed"), [(2, True), (8, True), (9, False)])
def test_a_rollback_by_hand_is_laid_to_the_change_within_seven_days(day, failed):
    (change,) = changes.read([*done(), *by_hand(day)])
    assert change.failed is failed
    if failed:
        assert change.restored_after == timedelta(days=day - 1, hours=2)


def test_a_rollback_is_laid_to_the_last_deployment_of_that_version():
    first, second = changes.read([*done("a", 1), *done("b", 5), *by_hand(6)])
    assert (first.failed, second.failed) == (False, True)


def test_a_rollback_of_another_version_is_laid_to_nobody():
    (change,) = changes.read([*done(version="3"), *by_hand(2)])
    assert change.failed is False


def test_other_events_are_no_changes():
    scaling = RolloutEvent("2026-06-01T00:00:00+00:00", "scaling", "1 to 2 replicas", "the auto-scaler", "cpu")
    assert changes.read([scaling]) == []
