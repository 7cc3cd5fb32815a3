"""Several years together: shares of the oracle's profit, paired differences, delays, and what never came."""

import math

import pytest

from credit_risk.simulation import years
from credit_risk.simulation.profit import ACTUAL, MONTHLY, NEVER, ORACLE


def year(seed, actual, *, noticed="2022-06-01", promoted=("2022-07-15",), done="refused: FAIL"):
    return {
        "seed": seed,
        "profits": [{ACTUAL: actual / 2, NEVER: 20.0, MONTHLY: 30.0, ORACLE: 50.0}] * 2,
        "events": [
            {"name": "Slow drift: use of credit rises", "happened": "2022-03", "noticed": noticed, "done": ""},
            {"name": "A bad candidate: others' outcomes", "happened": "2022-11-01", "noticed": "", "done": done},
        ],
        "retrainings": [
            {"as_of": "2022-02-01", "answer": "TRAIN"},
            {"as_of": "2022-04-01", "answer": "TRAIN"},
        ],
        "promoted": list(promoted),
        "service_days": [{"requests": 100, "failed": 1}],
        "cpu_seconds": 300.0,
        "seconds": 400.0,
    }


def test_profits_are_shares_of_the_oracles_and_compared_year_by_year():
    figures = years.measure([year(1, 50.0), year(2, 70.0)], confidence=0.95)
    of = figures["of_the_oracles_profit"]
    assert (of[ACTUAL]["value"], of[NEVER]["value"], of[MONTHLY]["value"]) == (pytest.approx(0.6), 0.4, 0.6)
    more = figures["more_than"][NEVER]
    # Two differences, 0.1 and 0.3: the mean is 0.2, and Student's t of one degree of freedom 12.7062.
    assert (more["value"], more["low"]) == (pytest.approx(0.2), pytest.approx(0.2 - 12.7062 * 0.1, rel=1e-4))


def test_what_never_came_is_counted_apart():
    figures = years.measure([year(1, 50.0), year(2, 50.0, noticed="not noticed", promoted=())], confidence=0.95)
    noticed = figures["months_until_noticed"][years.DRIFT]
    assert (noticed["each"], noticed["never"]) == ([3], 1)
    assert figures["months_until_noticed"][years.FAULT]["never"] == 2
    champion = figures["months_from_drift_to_another_champion"]
    assert (champion["each"], champion["never"], math.isnan(champion["mean"]["low"])) == ([4], 1, True)
    assert figures["trainings_before_the_drift"] == [1, 1]


def test_the_table_says_all_of_it():
    figures = years.measure([year(1, 50.0), year(2, 70.0, done="it came in")], confidence=0.95)
    text = years.markdown(figures)
    assert text.startswith("2 years, of the seeds 1, 2.")
    assert "| bad candidates refused | 1 of 2 |" in text
    assert "| answers of the service that failed | 2 of 200 |" in text
    assert "| slow drift: months until it was noticed | 3, 3 |" in text
