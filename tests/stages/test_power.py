"""The study of the gates' power must see a gate that always passes, and an interval that is too narrow."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit

from credit_risk.config.schema import Gate
from credit_risk.stages import power, power_page
from credit_risk.stages.power import Cell, Draw, World

ROOT = Path(__file__).parents[2]
SLOPE = Gate(name="slope", measure="test.calibration_slope", at_least=0.9, at_most=1.1, reason="r")
KIND = "test.calibration_slope"


class Now:
    """A pool that works at once, and counts."""

    def __init__(self):
        self.done = 0

    def submit(self, work, cell):
        self.done += 1
        made = work(cell)
        return type("Done", (), {"result": lambda self: made})()


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((1.0, 0.95, 1.05), "PASS"),
        ((1.0, 0.85, 1.05), "CANNOT SAY"),
        ((1.5, 1.4, 1.6), "FAIL"),
        ((math.nan, math.nan, math.nan), "CANNOT SAY"),
    ],
)
def test_a_sample_is_judged_by_the_engine_of_the_pipeline(found, verdict):
    assert power.judged(SLOPE, found) == verdict


def test_a_gate_that_lets_everything_pass_is_wrong_at_every_dose_beyond_the_limit():
    cells = [Cell(KIND, dose, 500, 4, 100) for dose in (0.0, 1.0)]
    results = dict.fromkeys(cells, [(1.0, 0.95, 1.05)] * 4)
    found = power.summary(SLOPE, KIND, cells, results, {(KIND, 0.0): 1.0, (KIND, 1.0): 0.5})
    sound, faulty = found["lines"]
    assert (sound["within"], sound["PASS"], power_page.wrong(sound)) == (True, 1, 0)
    assert (faulty["within"], faulty["PASS"], power_page.wrong(faulty)) == (False, 1, 1)


def test_a_gate_that_fails_a_sound_model_is_wrong_by_that_share():
    cell = Cell(KIND, 0.0, 500, 4, 100)
    results = {cell: [(1.0, 0.95, 1.05)] * 3 + [(1.5, 1.4, 1.6)]}
    (line,) = power.summary(SLOPE, KIND, [cell], results, {(KIND, 0.0): 1.0})["lines"]
    assert (line["PASS"], line["FAIL"], power_page.wrong(line)) == (0.75, 0.25, 0.25)


def test_coverage_counts_the_intervals_that_hold_the_truth_and_the_side_of_the_others():
    samples = [{"x": (0.0, -1.0, 1.0)}] * 6 + [{"x": (2.0, 1.0, 3.0)}] + [{"x": (-2.0, -3.0, -1.0)}] * 3
    samples += [{"x": (math.nan, math.nan, math.nan)}] * 10
    (line,) = power.coverage(samples, {"x": 0.0})
    assert line["coverage"] == pytest.approx(0.6)
    assert (line["truth_below"], line["truth_above"], line["known"]) == (0.1, 0.3, 0.5)
    assert line["error"] == pytest.approx(math.sqrt(0.6 * 0.4 / 10))


def test_an_interval_of_half_its_width_is_found_out():
    draws = np.random.default_rng(1).standard_normal(2_000)
    sound = [{"x": (each, each - 1.96, each + 1.96)} for each in draws]
    narrow = [{"x": (each, each - 0.98, each + 0.98)} for each in draws]
    assert power.coverage(sound, {"x": 0.0})[0]["coverage"] == pytest.approx(0.95, abs=0.015)
    assert power.coverage(narrow, {"x": 0.0})[0]["coverage"] == pytest.approx(0.673, abs=0.03)


def test_what_an_earlier_run_finished_is_not_made_again(tmp_path):
    cells = [Cell(KIND, dose, 500, 2, 100) for dose in (0.0, 1.0)]

    def work(cell):
        return [(cell.dose, math.nan, 1.0)] * 2

    first = Now()
    made = list(power.kept(first, tmp_path, cells[:1], work))
    second = Now()
    again = list(power.kept(second, tmp_path, cells, work))
    assert (first.done, second.done) == (1, 1)
    assert made[0][0][0] == again[0][0][0] == 0.0
    assert math.isnan(again[0][0][1])
    assert again[1][0][0] == 1.0


def test_worlds_are_the_same_for_the_same_seed_and_a_dose_moves_only_what_it_says():
    one, again, other = World.drawn(2_000, 1), World.drawn(2_000, 1), World.drawn(2_000, 2)
    assert np.array_equal(one.bad, again.bad)
    assert not np.array_equal(one.pd[:100], other.pd[:100])
    uneven = World.drawn(2_000, 1, gap=0.5)
    assert np.allclose(uneven.pd[~one.female], one.pd[~one.female])
    # Incomes are whole, so that the gap is exact but for their rounding.
    assert np.allclose(logit(uneven.pd[one.female]) - logit(one.pd[one.female]), 0.5, atol=1e-3)


def test_each_fault_moves_its_figure_the_way_it_says(trained):
    config, _ = trained
    world, draw = World.drawn(20_000, 1), Draw(config, 2, 1)
    assert power.slope(world, 1.0, draw)[0] == pytest.approx(0.5, abs=0.05)
    assert power.level(world, 0.3, draw)[0] == pytest.approx(0.3, abs=0.05)
    assert power.ranking(world, 1.0, draw)[0] < power.ranking(world, 0.0, draw)[0] - 0.03
    assert power.better(world, 1.0, draw)[0] > 0
    assert power.worse(world, 1.0, draw)[0] < 0
    assert power.parity(World.drawn(20_000, 1, gap=0.7), 0.7, draw)[0] < 0.9
    assert power.moved(World.drawn(20_000, 1, shift=0.5), 0.5, draw)[0] > 0.1
    assert power.moved(world, 0.0, draw)[0] < 0.01


def test_the_page_is_what_its_figures_give():
    report = json.loads((ROOT / power_page.FIGURES).read_text(encoding="utf-8"))
    assert (ROOT / power_page.PAGE).read_text(encoding="utf-8") == power_page.page(report)
    drawn = {path.name for path in (ROOT / "docs" / "power").glob("*.svg")}
    assert drawn == {f"{one['name']}.svg" for one in report["gates"]}
