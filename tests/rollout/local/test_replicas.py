"""Replicas by name and port."""

from credit_risk.rollout.local.replicas import replicas


def test_replicas_are_counted_from_one_and_each_has_the_next_port(environment):
    both = replicas("green", 2)
    assert [one.name for one in both] == ["green-1", "green-2"]
    assert [one.port(environment) for one in both] == [3130, 3131]
    assert replicas("blue", 1)[0].port(environment) == 3110
