"""Weights: what a row counts for when a model is fitted, and what it stands for in the population."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from credit_risk.config import Config, load
from credit_risk.measures import metrics
from credit_risk.measures.intervals import bootstrap
from credit_risk.measures.metrics import Economics, Sample
from credit_risk.modelling.accounts import Weights, weighed
from credit_risk.modelling.fitting import Fitted
from credit_risk.scoring.calibration import Calibration

LENDER = Path(__file__).parents[1] / "lender"
BAD = np.array([True, True, False, False, False])


@pytest.fixture(scope="module")
def config() -> Config:
    return load(LENDER / "credit.yaml")


def of(config: Config, rate: float | None, weight: str | None = None) -> Weights:
    outcome = config.outcome.model_copy(update={"population_bad_rate": rate})
    data = config.data.model_copy(update={"weight": weight})
    declared = config.model_copy(update={"outcome": outcome, "data": data})
    return weighed(declared, pd.DataFrame({"w": [1, 1, 4, 2, 2]}), BAD)


def test_without_a_declaration_every_row_counts_once(config: Config):
    weights = of(config, None)
    assert_array_equal(weights.drawn, np.ones(5))
    assert_array_equal(weights.population, np.ones(5))
    assert weights.shift(BAD) == 0
    assert weights.representative(seed=1).all()


def test_a_population_rate_gives_each_class_its_weight_and_moves_log_odds_by_its_log_odds_ratio(config: Config):
    """2 of 5 are bad, 1 of 10 are in the population: a bad counts 0.1 / 0.4, a good 0.9 / 0.6."""
    weights = of(config, 0.1)
    assert_array_equal(weights.drawn, np.ones(5))
    assert_allclose(weights.population, np.where(BAD, 0.25, 1.5))
    assert np.average(BAD, weights=weights.population) == pytest.approx(0.1)
    assert weights.shift(BAD) == pytest.approx(np.log(1 / 9) - np.log(2 / 3))


def test_a_column_of_weights_counts_in_both_and_moves_nothing(config: Config):
    weights = of(config, None, "w")
    assert_array_equal(weights.drawn, [1, 1, 4, 2, 2])
    assert_array_equal(weights.population, weights.drawn)
    assert weights.shift(BAD) == 0


def test_both_together_meet_the_declared_rate(config: Config):
    weights = of(config, 0.05, "w")
    assert np.average(BAD, weights=weights.population) == pytest.approx(0.05)
    assert weights.shift(BAD) == pytest.approx(np.log(1 / 19) - np.log(2 / 8))


def test_a_moved_calibration_gives_the_pd_of_the_population():
    """Odds of 2 to 3 among the rows as drawn are odds of 1 to 9 in the population."""
    fitted = Fitted(None, Calibration(np.log(2 / 3), 1.0), np.zeros(0))  # type: ignore[arg-type]
    assert fitted.moved(np.log(1 / 9) - np.log(2 / 3)).calibration.pd(0.0) == pytest.approx(0.1)
    assert fitted.calibration.pd(0.0) == pytest.approx(0.4)


def test_a_representative_sample_has_the_populations_bad_rate():
    bad = np.arange(100_000) < 40_000
    weights = Weights(np.ones(100_000), np.where(bad, 0.25, 1.5))
    kept = weights.representative(seed=1)
    assert bad[kept].mean() == pytest.approx(0.1, abs=0.005)
    assert kept[~bad].all()  # the heaviest are all kept


def test_figures_of_weighed_rows_are_those_of_repeated_ones():
    draw = np.random.default_rng(0)
    bad, pds, times = draw.random(60) < 0.4, draw.random(60).round(2) * 0.9 + 0.05, draw.integers(1, 4, 60)
    economics = Economics(0.3, 0.2, 0.6)
    weighed_ = metrics.measure(Sample.of(bad, pds, None, economics, times))
    repeated = metrics.measure(Sample.of(np.repeat(bad, times), np.repeat(pds, times), None, economics))
    same = (
        "auc",
        "ks",
        "brier",
        "calibration_slope",
        "approval_rate",
        "bad_rate_of_approved",
        "profit_per_application",
    )
    for name in same:
        assert weighed_[name] == pytest.approx(repeated[name]), name
    assert weighed_["brier"] != pytest.approx(metrics.measure(metrics.Sample.of(bad, pds))["brier"])


def test_intervals_are_of_the_weighed_figure():
    draw = np.random.default_rng(1)
    bad, pds = draw.random(400) < 0.5, np.full(400, 0.1) + draw.random(400) * 0.01
    weight = np.where(bad, 1 / 9, 1.0)
    options: dict[str, Any] = {"replicates": 200, "seed": 1}
    figures = bootstrap(Sample.of(bad, pds, weight=weight), **options)
    level = figures["calibration_in_the_large"]
    assert level.low < 0 < level.high
    assert bootstrap(Sample.of(bad, pds), **options)["calibration_in_the_large"].low > 1
