"""What deciding takes, by clocks that the work itself moves, so that ratios are exact; then a slowdown for real."""

import numpy as np
import pytest

from credit_risk.errors import DataError, NotFound
from credit_risk.operations.benchmark import PerformanceBenchmark, history, performance, power
from credit_risk.operations.benchmark.performance import in_turns, regressions

BASELINE = {"latency": 4.0, "throughput": 20.0, "memory": 8.0, "cpu": 4.0}


class Clock:
    """Two clocks that only work moves: seconds on the wall and of the processor."""

    def __init__(self, monkeypatch):
        self.wall = self.cpu = 0.0
        monkeypatch.setattr(performance.time, "perf_counter", lambda: self.wall)
        monkeypatch.setattr(performance.time, "process_time", lambda: self.cpu)

    def work(self, *walls, cpu=1.0):
        """Work that takes these seconds in turn, and always the same of the processor."""
        times = iter(walls)

        def once():
            self.wall += next(times)
            self.cpu += cpu

        return once


def test_of_each_piece_the_shortest_round_counts_and_the_first_is_none(monkeypatch):
    clock = Clock(monkeypatch)
    ours, theirs = in_turns(
        [clock.work(0.1, 5, 2, 9), clock.work(0.1, 3, 3, 4)],
        clock.work(*[0.1, 0.1, 1, 1, 7, 7, 1, 1], cpu=0.5),
        rounds=3,
    )
    assert (ours.wall, ours.cpu) == (pytest.approx(2 + 3), pytest.approx(2))
    assert (theirs.wall, theirs.cpu) == (pytest.approx(2), pytest.approx(1))


@pytest.mark.parametrize(("change", "is_one"), [(1.14, False), (1.16, True), (0.5, False)])
def test_more_than_fifteen_percent_above_the_baseline_is_a_regression(change, is_one):
    ratios = BASELINE | {"cpu": 4.0 * change}
    assert list(regressions(ratios, BASELINE)) == (["cpu"] if is_one else [])


def test_each_quantity_is_held_against_its_own():
    worse = {name: 1.3 * ratio for name, ratio in BASELINE.items()}
    assert regressions(worse, BASELINE) == pytest.approx(dict.fromkeys(BASELINE, 0.3))


def test_memory_is_what_was_held_at_once_beside_what_was_there():
    def work():
        first = np.ones(1_000_000, dtype=np.uint8)
        del first
        return np.ones(3_000_000, dtype=np.uint8)

    assert performance.peak_bytes(work) == pytest.approx(3_000_000, rel=0.01)


def test_the_reference_never_changes():
    """To the bytes of its prediction, of which every stored baseline is a multiple."""
    booster, rows = performance.reference()
    assert (rows.shape, booster.num_trees()) == ((500, 10), 60)
    assert rows[0, 0] == 0.30471707975443135


class Steady:
    """A scorer that takes some work and holds some memory."""

    def decide(self, applications):
        return sum(range(6_000 * applications["times"]))

    def decide_inputs(self, inputs):
        held = np.ones(inputs.nbytes, dtype=np.uint8)
        return sum(range(60_000)), held


@pytest.fixture
def steady():
    return PerformanceBenchmark(Steady(), [{"times": 1}] * 10, np.ones((100, 10)), rounds=5)


def test_a_planted_slowdown_takes_three_tenths_longer_on_both_clocks(monkeypatch):
    clock = Ticking(monkeypatch)
    slow = power.Slowed(clock, extra_bytes=10)
    for asked in (slow.decide, slow.decide_inputs):
        clock.wall = clock.cpu = 0
        assert "decided" in asked(np.ones(10))
        assert 1_300 <= clock.wall <= 1_305
        assert 650 <= clock.cpu <= 652.5


class Ticking:
    """A scorer and its clocks: deciding takes 1,000 on the wall and 500 of the processor; looking 1, and half."""

    def __init__(self, monkeypatch):
        self.wall = self.cpu = 0
        monkeypatch.setattr(power.time, "perf_counter", self.look)
        monkeypatch.setattr(power.time, "process_time", lambda: self.cpu)

    def look(self):
        self.wall, self.cpu = self.wall + 1, self.cpu + 0.5
        return self.wall

    def decide(self, _):
        self.wall, self.cpu = self.wall + 1_000, self.cpu + 500
        return "decided"

    decide_inputs = decide


def test_the_power_counts_what_was_found_and_what_was_noise(steady, monkeypatch):
    truth = iter(
        [BASELINE | {"cpu": 9.0}, BASELINE, BASELINE]
        + [{name: 1.3 * ratio for name, ratio in BASELINE.items()}] * 3
        + [BASELINE] * 3
    )
    monkeypatch.setattr(PerformanceBenchmark, "ratios", lambda _: next(truth))
    figures = power.measure(steady, 3)
    assert figures["planted"] == dict.fromkeys(BASELINE, 3)
    assert figures["noise"] == dict.fromkeys(BASELINE, 0)
    assert power.is_sound(figures)
    assert not power.is_sound(figures | {"planted": dict.fromkeys(BASELINE, 2)})
    assert not power.is_sound(figures | {"noise": BASELINE | {"cpu": 1}})


def test_real_work_has_a_ratio_of_each_quantity(steady):
    ratios = steady.ratios()
    assert set(ratios) == set(BASELINE)
    assert ratios["memory"] == pytest.approx(1.0, rel=0.1)  # it holds a table beside the table
    assert min(ratios.values()) > 0


def test_runs_are_kept_and_held_against_the_stored_baseline(tmp_path, steady, monkeypatch):
    monkeypatch.setattr(PerformanceBenchmark, "of", lambda _: steady)
    baseline = tmp_path / "baseline.json"
    with pytest.raises(NotFound, match="--save-baseline"):
        history.measure(tmp_path, tmp_path, baseline, save=False)
    monkeypatch.setattr(PerformanceBenchmark, "ratios", lambda _: BASELINE)
    assert history.measure(tmp_path, tmp_path, baseline, save=True).regressions == {}
    monkeypatch.setattr(PerformanceBenchmark, "ratios", lambda _: BASELINE | {"latency": 6.0})
    run = history.measure(tmp_path, tmp_path, baseline, save=False)
    assert run.regressions == {"latency": 0.5}
    assert "Latency of a decision: 6.00 times the reference, +50%" in run.sentence
    page = (tmp_path / "build" / "operations" / "benchmark.html").read_text()
    assert "Regression: latency." in page
    assert "The last of 2 runs" in page
    assert history.page(list(history.chain(tmp_path).entries())) == page


@pytest.mark.parametrize("text", ["{}", '{"ratios": {"latency": 1}}', '{"ratios": {"latency": 0, "cpu": 1}}', "[]"])
def test_a_baseline_that_holds_none_is_said(tmp_path, text):
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(DataError, match="holds no ratio above 0 of each of latency"):
        history.read_baseline(path)
