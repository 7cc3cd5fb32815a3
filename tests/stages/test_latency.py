"""What a decision costs: by a clock that the work itself moves, so that the ratio is exact."""

import shutil

import numpy as np
import pytest

from credit_risk.config.schema import Evaluation
from credit_risk.data.writing import read_json
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import median
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import assemble, latency, prepare, select, train
from passed import hand_on

SETTINGS = Evaluation(replicates=100, confidence=0.95, seed=1)


class Clock:
    """Seconds that pass only while work is done."""

    def __init__(self):
        self.now = 0.0

    def costs(self, *seconds):
        """Work that takes these many seconds in turn, over and over."""
        turn = iter(range(10**9))

        def work(_):
            self.now += seconds[next(turn) % len(seconds)]

        return work


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock.now)
    return clock


def test_the_ratio_is_the_time_of_a_decision_over_that_of_a_prediction(clock):
    found = latency.compared(clock.costs(6e-6), [{}] * 4, clock.costs(2e-6), np.zeros((4, 2)), settings=SETTINGS)
    assert found == {
        "ratio": pytest.approx(3),
        "ratio_low": pytest.approx(3),
        "ratio_high": pytest.approx(3),
        "microseconds": pytest.approx(6),
        "bare_microseconds": pytest.approx(2),
        "applications": 4,
    }


def test_rounds_in_which_the_machine_did_something_else_move_nothing(clock):
    disturbed = (6e-6, 1.0, 0.5)  # two rounds of three
    found = latency.compared(clock.costs(*disturbed), [{}], clock.costs(2e-6), np.zeros((1, 2)), settings=SETTINGS)
    assert found["ratio"] == pytest.approx(3)


def test_applications_that_differ_give_an_interval_around_the_median():
    ratios = np.array([1.0] * 15 + [2.0] + [3.0] * 15)
    how = {"replicates": 1_000, "confidence": 0.95, "seed": 1}
    figure = median(ratios, **how)
    assert 1 <= figure.low <= figure.value <= figure.high <= 3
    assert figure.low < figure.high
    assert median(np.full(9, 4.0), **how) == Figure(4, 4, 4, 9)


def test_the_stage_measures_each_outcome_of_exactly_this_scorer(trained, tmp_path, monkeypatch):
    config, files = trained
    monkeypatch.setattr(latency, "ROUNDS", 3)
    shutil.copytree(files.root, tmp_path / "root")
    own = type(files)(tmp_path / "root")
    latency.run(config, own)
    report = read_json(own.report("latency"))
    assert report["scorer"] == Scorer.load(own.scorer).digest
    for outcome in ("approve", "decline"):
        assert report[outcome]["ratio_low"] <= report[outcome]["ratio"] <= report[outcome]["ratio_high"]
        assert report[outcome]["microseconds"] > 0


def test_an_outcome_that_no_application_has_is_not_known_rather_than_fast(trained, tmp_path, monkeypatch):
    config, files = trained
    monkeypatch.setattr(latency, "ROUNDS", 1)
    shutil.copytree(files.root, tmp_path / "root")
    own = type(files)(tmp_path / "root")
    monkeypatch.setattr(latency, "REFER", 99)
    monkeypatch.setattr(latency, "OUTCOMES", {0: "approve", 2: "decline", 99: "refer"})
    latency.run(config, own)
    report = read_json(own.report("latency"))
    assert "refer" not in report
    assert report["unknown"]["refer.ratio"] == "no test application ends in refer"


def test_the_bare_prediction_of_a_model_with_special_codes_sees_their_levels(tmp_path, raw_lender):
    """The booster has a column for each code: it refuses a row that lacks them."""

    def code(table):
        return table.assign(months_late=table["months_late"].where(table.index % 10 > 0, -9))

    config, files = raw_lender(2_000, code)
    late = config.columns["months_late"].model_copy(update={"special": {"-9": "no_record"}})
    families = tuple(with_text_for_the_code(family) for family in config.reasons.families)
    config = config.model_copy(
        update={
            "columns": {**config.columns, "months_late": late},
            "reasons": config.reasons.model_copy(update={"families": families}),
        }
    )
    hand_on(config, files)
    for stage in (prepare, train, select, assemble, latency):
        stage.run(config, files)
    assert read_json(files.report("latency"))["approve"]["applications"] > 0


def with_text_for_the_code(family):
    """The family with words for its code, if it is about the column that has one."""
    if "months_late" not in family.features:
        return family
    text = {"value": "late", "no_record": "no record"}
    return family.model_copy(update={"text": text, "prompt": "late?"})
