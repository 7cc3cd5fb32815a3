"""The study of the gates' power: worlds whose doses do what they say, no work done twice, a page from its figures."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json
from credit_risk.studies import coverage, gate_power, gate_power_page, gate_power_plots
from credit_risk.studies import gate_errors as counting
from credit_risk.studies.gate_power import Cell, StudyPlan
from credit_risk.studies.trials import trials
from credit_risk.studies.worlds import make_world

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LENDER = ROOT / "tests" / "lender" / "credit.yaml"
SMALL = StudyPlan(
    draws={300: (4, 2)}, seeds=5, replicates=20, coverage_replicates=20, coverage_size=300, truth_rows=3_000
)


@pytest.fixture(scope="module")
def config():
    return load(LENDER)


@pytest.fixture(scope="module")
def tried(config):
    return {one.gate.measure: one for one in trials(config, 20)}


@pytest.fixture(scope="module")
def studied(config, tmp_path_factory):
    """A whole study, far too small to say anything."""
    files = Files(tmp_path_factory.mktemp("study"))
    return files, gate_power.run(config, files, SMALL, workers=1)


def test_the_test_rows_are_booked_matured_and_counted():
    one = make_world(1_000, 1)
    assert (len(one), len(one.features), one.noise.shape) == (1_000, 1_000, (2, 1_000))
    assert set(one.features["status"]) == {"good", "bad"}  # nobody declined, nothing that is not known yet
    applied = one.features["applied_on"].to_numpy()
    assert applied.max() < np.datetime64("2022-01-01")  # what came later has not matured at the end of 2022
    assert one.earlier["applied_on"].to_numpy().max() < applied.min()
    assert 0.1 < one.bad.mean() < 0.17  # of all applicants it is 0.17: the riskiest were declined
    assert np.mean(one.pd) == pytest.approx(one.bad.mean(), abs=0.04)


def test_worlds_are_the_same_for_the_same_seed():
    make_world.cache_clear()
    first = make_world(500, 3)
    make_world.cache_clear()
    assert np.array_equal(first.pd, make_world(500, 3).pd)
    assert not np.array_equal(first.pd, make_world(500, 4).pd)


def test_a_gap_is_in_womens_risk_alone():
    even, uneven = make_world(20_000, 1), make_world(20_000, 1, gap=0.5)
    apart = [logit(one.pd)[one.female].mean() - logit(one.pd)[~one.female].mean() for one in (even, uneven)]
    assert apart[0] == pytest.approx(0, abs=0.05)
    assert apart[1] == pytest.approx(0.5, abs=0.1)  # the earlier policy has declined some of the riskiest


@pytest.mark.parametrize(
    ("measure", "sound", "faulty"),
    [
        ("test.auc", lambda value: value > 0.7, lambda value: value < 0.7),
        ("test.calibration_slope", lambda value: value == pytest.approx(1, abs=0.01), lambda value: value < 0.7),
        ("test.calibration_in_the_large", lambda value: value == pytest.approx(0, abs=1e-6), lambda value: value > 0.1),
        ("bands.largest_gap", lambda value: value == pytest.approx(0, abs=1e-6), lambda value: value > 0.35),
        ("stability.score_psi", lambda value: value < 0.01, lambda value: value > 0.1),
        ("stability.csi_largest", lambda value: value < 0.01, lambda value: value > 0.1),
        ("robustness.scenarios.odds_doubled.held_profit", lambda value: value > 0, lambda value: value < 0),
        ("selection.beyond_materiality", lambda value: value > 0, lambda value: value < 0),
        ("comparison.differences.auc", lambda value: abs(value) < 0.005, lambda value: value < -0.005),
    ],
)
def test_the_least_dose_is_sound_and_the_largest_is_not(tried, config, measure, sound, faulty):
    trial = tried[measure]
    first, last = (
        trial.truth(config, trial.world(20_000, 7, dose), dose) for dose in (trial.doses[0], trial.doses[-1])
    )
    assert sound(first)
    assert faulty(last)
    assert counting.inside(trial.gate, first)


def test_a_gate_that_the_config_has_is_tried_with_its_own_limits(tried):
    assert (tried["test.auc"].gate.at_least, tried["test.auc"].declared) == (0.6, True)
    assert not tried["test.calibration_slope"].declared


def test_a_figure_goes_through_the_engine_of_the_pipeline(config, tried):
    trial = replace(tried["test.auc"], figure=lambda *_: (0.62, 0.55, 0.7))
    assert gate_power.verdict(config, trial, 300, 0, 0) == "CANNOT SAY"
    assert gate_power.verdict(config, replace(trial, figure=lambda *_: (0.7, 0.65, 0.75)), 300, 0, 0) == "PASS"
    assert gate_power.verdict(config, replace(trial, figure=lambda *_: (0.5, 0.4, 0.59)), 300, 0, 0) == "FAIL"
    assert gate_power.verdict(config, replace(trial, figure=lambda *_: (math.nan,) * 3), 300, 0, 0) == "CANNOT SAY"


def test_fairness_is_taken_as_the_stage_takes_it(config, tried):
    """A group below fairness.min_n is not judged, and referrals count as the config says."""
    (trial,) = (one for one in tried.values() if one.gate.measure.startswith("fairness.contrasts."))
    few = config.model_copy(update={"fairness": config.fairness.model_copy(update={"min_n": 10_000})})
    assert math.isnan(trial.figure(few, trial.world(300, 1, 0), 0)[0])
    value, low, high = trial.figure(config, trial.world(2_000, 1, 0), 0)
    assert low < value < high


def test_an_interval_of_half_its_width_is_found_out(config, monkeypatch):
    """The count must notice an interval that claims too much."""
    one, everybody = coverage.lender(300, 1), coverage.lender(3_000, 2)
    true = coverage.truths(config, everybody)
    intervals = coverage.intervals

    def short(*given):
        return ((name, (low + 0.6 * (high - low), high)) for name, (low, high) in intervals(*given))

    sound = coverage.intervals_that_hold(config, one, everybody, true, 20)
    monkeypatch.setattr(coverage, "intervals", short)
    narrow = coverage.intervals_that_hold(config, one, everybody, true, 20)
    assert sum(map(bool, narrow.values())) < 0.7 * sum(map(bool, sound.values()))
    assert narrow.keys() == sound.keys() >= {"PSI: score", "CSI of all inputs at once: index", "contrast: ratio"}


def test_what_was_counted_is_not_counted_again_and_a_lost_cell_alone_is(config, studied, monkeypatch):
    files, found = studied
    (kept,) = (files.root / "build" / "gate-power").iterdir()
    lost = next(kept.glob("verdicts-*"))
    lost.unlink()
    counted, done = gate_power.counted, []

    def noted(config, plan, cell, folder):
        done.append(cell.name)
        counted(config, plan, cell, folder)

    monkeypatch.setattr(gate_power, "counted", noted)
    assert gate_power.run(config, files, SMALL, workers=1) == found
    assert done == [lost.name]


def test_other_limits_or_another_plan_are_counted_anew(config):
    other = config.model_copy(update={"drift": config.drift.model_copy(update={"threshold": 0.2})})
    prints = {gate_power.fingerprint(one, plan) for one in (config, other) for plan in (SMALL, replace(SMALL, seeds=6))}
    assert len(prints) == 4
    assert gate_power.fingerprint(config, SMALL) == gate_power.fingerprint(config, replace(SMALL))


def test_a_cell_depends_on_its_seeds_alone(config, studied, tmp_path):
    files, _ = studied
    cell = Cell("verdicts", "input_drift", 2, 300, 0, 4)
    gate_power.counted(config, SMALL, cell, tmp_path)
    (kept,) = (files.root / "build" / "gate-power").iterdir()
    assert read_json(tmp_path / cell.name) == read_json(kept / cell.name)


def test_a_study_counts_every_gate_dose_and_interval(studied, tried):
    _, found = studied
    assert {one["measure"] for one in found["gates"]} == set(tried)
    for one in found["gates"]:
        assert [cell["dose"] for cell in one["cells"]] == list(one["doses"])
        assert {cell["passed"] + cell["cannot_say"] + cell["failed"] for cell in one["cells"]} <= {2, 4}
    assert {one["known"] for one in found["coverage"]} <= set(range(6))
    page = gate_power_page.render(found)
    assert all(f"### {one['name']}" in page for one in found["gates"])
    assert all(one["interval"] in page for one in found["coverage"])


def test_the_page_and_its_pictures_are_what_the_figures_give(studied, tmp_path):
    _, found = studied
    write_json(tmp_path / gate_power.FIGURES, found)
    found = read_json(tmp_path / gate_power.FIGURES)
    page = gate_power.write_documents(tmp_path)
    assert page.read_text(encoding="utf-8") == gate_power_page.render(found)
    for name, svg in gate_power_plots.pictures(found).items():
        assert (tmp_path / gate_power.PICTURES / name).read_text(encoding="utf-8") == svg


def test_the_study_on_the_page_is_the_full_one():
    page = (ROOT / gate_power.PAGE).read_text(encoding="utf-8")
    (header,) = set(re.findall(r"^\| gate \| true value \|(.*)\|$", page, re.MULTILINE))
    assert re.findall(r"([\d,]+) rows", header) == [f"{rows:,}" for rows in gate_power.DRAWS]
    assert f"taken from {StudyPlan().truth_rows:,} rows" in page
    closed, bootstrapped = zip(*gate_power.DRAWS.values(), strict=True)
    drawn = set(re.findall(r"^Draws by size: ([\d, ]+)\.$", page, re.MULTILINE))
    assert drawn <= {", ".join(map(str, closed)), ", ".join(map(str, bootstrapped))}
    assert f"of {StudyPlan().seeds}" in page
    measures = set(re.findall(r"^`([a-z_.]+)` at (?:least|most)", page, re.MULTILINE))
    assert measures >= {"stability.csi_largest", "stability.score_psi"}


def test_the_committed_page_was_written_by_this_renderer():
    page = (ROOT / gate_power.PAGE).read_text(encoding="utf-8")
    assert page.endswith(gate_power_page.last_line()), "write it anew: credit-risk gate-power --docs-only"


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ('def line(share):\n    """A row."""\n    return f"| {share:.1f} |"  # the share\n', True),
        ('def row(value):\n    return f"| {value:.1f} |"\n', True),
        ('def line(share):\n    return f"| {share:.2f} |"\n', False),
        ('def line(share):\n    return f"|| {share:.1f} |"\n', False),
    ],
)
def test_a_renderer_is_another_when_its_texts_or_formats_are(source, same):
    renderer = 'def line(share):\n    return f"| {share:.1f} |"\n'
    assert (gate_power_page.signature(source) == gate_power_page.signature(renderer)) is same
