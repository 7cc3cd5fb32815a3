"""What growth is, of numbers that can be counted, and that the months that are played are counted whole."""

from itertools import islice

import pytest

from credit_risk.monitoring import growth
from credit_risk.monitoring.growth import MonthRun
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.requests import examples


def runs(seconds):
    return [MonthRun("", 100 * (month + 1), 1.0, of, 0.0) for month, of in enumerate(seconds)]


def test_the_same_time_each_month_grows_by_the_power_of_one_and_a_longer_one_by_more():
    assert growth.exponent(runs([2.0] * 16)) == pytest.approx(1.0)
    assert growth.exponent(runs(range(1, 17))) == pytest.approx(2.0)  # all is read again each month
    before = [MonthRun("", 10, 0.0, 0.1, 0.0)]
    assert growth.exponent([*before, *runs([2.0] * 16)]) == pytest.approx(1.0)


@pytest.mark.weekly
def test_each_month_that_is_played_is_counted_with_its_outcomes(trained, tmp_path):
    scorer = Scorer.load(trained[1].scorer)
    applications = list(islice(examples.of_scorer(trained[1].scorer, seed=1), 5))
    window = scorer.config.outcome.performance_window_months
    played = list(growth.measure(tmp_path, scorer, applications, months=window + 2, per_month=60))
    assert [run.decisions for run in played] == [60 * (number + 1) for number in range(window + 2)]
    assert min(run.counting_s for run in played) > 0
    assert [run.adding_s > 0 for run in played] == [False] * window + [True] * 2
