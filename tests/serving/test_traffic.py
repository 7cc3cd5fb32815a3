"""Token buckets and room, by a clock that the test turns."""

import pytest

from credit_risk.serving import traffic
from credit_risk.serving.problems import Problem
from credit_risk.serving.traffic import InFlightLimit, TokenBuckets


def waits(buckets, client):
    with pytest.raises(Problem) as found:
        buckets.take(client)
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
