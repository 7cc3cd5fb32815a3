"""The search on services whose best setting is known from the whole grid."""

import itertools

import pytest

from credit_risk.operations.capacity.search import search

IN_FLIGHT = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
WORKERS = (1, 2, 3, 4)


def service(cores, each_ms, budget_ms, overhead):
    """Accepted a second of a service: it saturates with what is in flight, and is too slow from some number on."""

    def measure(workers, in_flight):
        rate = min(workers, cores) * 1_000 / each_ms * (1 - overhead * max(workers - cores, 0))
        busy = rate * in_flight / (in_flight + 6)
        return 0.0 if in_flight * each_ms * workers / min(workers, cores) > budget_ms else busy

    return measure


WORLDS = list(itertools.product((1, 2, 4), (0.5, 1.0, 5.0, 20.0), (50, 100), (0.0, 0.1)))


@pytest.mark.parametrize(("cores", "each_ms", "budget_ms", "overhead"), WORLDS)
def test_it_ends_within_a_twentieth_of_the_best_of_the_grid(cores, each_ms, budget_ms, overhead):
    measure = service(cores, each_ms, budget_ms, overhead)
    best = max(itertools.starmap(measure, itertools.product(WORKERS, IN_FLIGHT)))
    chosen = search(measure, WORKERS, IN_FLIGHT)
    assert chosen.per_second >= 0.95 * best
    assert measure(chosen.workers, chosen.in_flight) == chosen.per_second
    assert chosen.measured < 0.75 * len(WORKERS) * len(IN_FLIGHT)


def test_workers_that_bring_nothing_are_not_added():
    assert search(service(2, 1.0, 100, 0.0), WORKERS, IN_FLIGHT).workers == 2


def test_where_everything_is_too_slow_nothing_is_accepted():
    assert search(lambda *_: 0.0, WORKERS, IN_FLIGHT).per_second == 0
