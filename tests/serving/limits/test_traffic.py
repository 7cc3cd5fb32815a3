"""Token buckets and room, by a clock that the test turns."""

import pytest

from credit_risk.serving.limits import traffic
from credit_risk.serving.limits.traffic import ArrivingBodies, InFlightLimit, TokenBuckets
from credit_risk.serving.problems import Problem


def waits(buckets, client, cost=1):
    with pytest.raises(Problem) as found:
        buckets.take(client, cost)
    assert found.value.status == 429
    return found.value.retry_after


def test_a_burst_then_the_rate():
    now = [0.0]
    buckets = TokenBuckets(rate=0.5, burst=2, clock=lambda: now[0])
    buckets.take("a")
    buckets.take("a")
    assert waits(buckets, "a") == 2
    now[0] = 1.9
    assert waits(buckets, "a") == 1
    now[0] = 2.0
    buckets.take("a")
    buckets.take("b")  # has a bucket of its own


def test_a_bucket_never_holds_more_than_the_burst():
    now = [0.0]
    buckets = TokenBuckets(rate=1, burst=1, clock=lambda: now[0])
    buckets.take("a")
    now[0] = 1_000.0
    buckets.take("a")
    assert waits(buckets, "a") == 1


def test_the_buckets_of_silent_clients_are_forgotten(monkeypatch):
    monkeypatch.setattr(traffic, "CLIENTS", 2)
    buckets = TokenBuckets(rate=1, burst=1, clock=lambda: 0.0)
    for client in ("a", "b", "c"):
        buckets.take(client)
    assert list(buckets._left) == ["b", "c"]


def test_a_place_is_given_back_whatever_happens():
    limit = InFlightLimit(maximum=1)
    with limit.admit(), pytest.raises(Problem) as found, limit.admit():
        pass
    assert (found.value.status, found.value.retry_after) == (503, 1)
    with pytest.raises(ZeroDivisionError), limit.admit():
        _ = 1 / 0
    assert limit.count == 0


def test_a_request_that_costs_more_than_one_is_taken_whole_and_a_full_bucket_lets_anything_through():
    now = [0.0]
    buckets = TokenBuckets(rate=1, burst=10, clock=lambda: now[0])
    buckets.take("a", 8)
    assert waits(buckets, "a", 5) == 3
    now[0] = 8.0
    buckets.take("a", 30)  # from a full bucket: now it is 20 short
    assert waits(buckets, "a") == 21
    now[0] = 29.0
    buckets.take("a")


def test_one_client_has_no_more_than_its_share_in_flight():
    limit = InFlightLimit(maximum=3, per_client=2)
    with limit.admit("a"), limit.admit("a"):
        with pytest.raises(Problem) as found, limit.admit("a"):
            pass
        assert found.value.status == 429
        with limit.admit("b"), pytest.raises(Problem) as found, limit.admit("b"):
            pass
        assert found.value.status == 503
    assert (limit.count, limit._of_client) == (0, {})


def test_bodies_that_arrive_are_counted_by_client_and_altogether():
    arriving = ArrivingBodies(maximum=10, per_client=6)
    arriving.add("a", 6)
    for client, size, status in (("a", 1, 429), ("b", 5, 503)):
        with pytest.raises(Problem) as found:
            arriving.add(client, size)
        assert found.value.status == status
    arriving.add("b", 4)
    arriving.remove("a", 6)
    arriving.remove("b", 4)
    assert (arriving.total, arriving._of_client) == (0, {})
