"""What the bench makes of its figures: medians over rounds, aims met or missed, and no figure made up."""

import io

import pytest
from loadtest import bench
from loadtest.bench import IN_BENTOML, IN_MLFLOW, IN_MLSERVER, OURS, Load
from rich.console import Console

AIMED = ("saturation", "beyond", "half load")


def load(per_second: float = 100, p99: float = 5, **more: float) -> Load:
    return Load(
        **{"p50": 1, "longest": 9, "not_ok": 0, "broken": 0, "memory_mb": 50} | more, per_second=per_second, p99=p99
    )


def results(ours: float = 800, p99: float = 5, **peers: float) -> dict[str, dict[str, Load]]:
    speeds = {IN_MLFLOW: 100, IN_MLSERVER: 800, IN_BENTOML: 1000} | peers
    return {
        OURS: {name: load(ours, p99) for name in ("1 connection", *AIMED)},
        **{name: {"saturation": load(speed)} for name, speed in speeds.items()},
    }


def test_rounds_give_the_median_of_each_figure_and_all_that_went_wrong():
    rounds = [load(100, p99=9, not_ok=1), load(300, p99=7), load(200, p99=80, not_ok=2, broken=1)]
    assert bench.middle(rounds) == load(200, p99=9, not_ok=3, broken=1)


def test_exactly_reached_throughputs_are_met():
    found = bench.aims(results(ours=800))
    assert [(one.measured, one.met) for one in found[:3]] == [(8.0, True), (1.0, True), (0.8, True)]


def test_a_throughput_just_short_is_missed():
    assert [one.met for one in bench.aims(results(ours=799))[:3]] == [False, False, False]


@pytest.mark.parametrize(("p99", "met"), [(9.9, [True] * 3), (10, [False, True, True]), (100, [False] * 3)])
def test_each_load_has_its_own_p99(p99, met):
    assert [one.met for one in bench.aims(results(p99=p99))[3:]] == met


def test_an_unmeasured_peer_is_no_aim_met():
    found = results()
    del found[IN_MLFLOW]
    with pytest.raises(KeyError, match="mlflow"):
        bench.aims(found)


def test_the_table_says_which_aims_are_missed():
    console = Console(file=io.StringIO(), width=120)
    console.print(bench.table_of_aims(bench.aims(results(ours=799))))
    said = console.file.getvalue()
    assert said.count("MISSED") == 3
    assert said.count("met") == 3
    assert "at least 8" in said


def test_throughput_is_compared_at_saturation_alone():
    console = Console(file=io.StringIO(), width=160)
    console.print(bench.table(results(ours=500)))
    (line,) = [line for line in console.file.getvalue().splitlines() if "mlflow" in line]
    assert "5.00" in line
