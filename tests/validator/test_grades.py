"""Grades on rows that can be counted by hand."""

import math

import numpy as np
import pytest
from scipy.stats import beta

from credit_risk.validator.grades import grades, jeffreys_p, upper_bound


def one(bads: int, rows: int, pd: float, *, confidence: float = 0.95):
    bad = np.arange(rows) < bads
    (grade,) = grades(np.zeros(rows, dtype=int), ["A"], bad, np.full(rows, pd), confidence=confidence)
    return grade


def test_the_tests_of_a_grade_are_those_of_their_sources():
    grade = one(2, 10, 0.2)
    assert (grade.rows, grade.bads, grade.mean_pd, grade.bad_rate.value) == (10, 2, pytest.approx(0.2), 0.2)
    assert grade.jeffreys_p == pytest.approx(beta(2.5, 8.5).cdf(0.2))
    assert grade.binomial_p == pytest.approx(1 - 0.8**10 - 10 * 0.2 * 0.8**9)
    assert grade.margin == pytest.approx(grade.bad_rate.high - 0.2)


@pytest.mark.parametrize(
    ("bads", "pd", "verdict"), [(30, 0.1, "PD TOO LOW"), (10, 0.1, "HOLDS"), (0, 0.2, "PD TOO HIGH")]
)
def test_a_grade_holds_unless_its_bads_speak_against_its_pd(bads, pd, verdict):
    assert one(bads, 100, pd).verdict == verdict


def test_a_verdict_holds_for_all_grades_at_once():
    """With p at 3 % one grade alone is refused at 95 %, and among five it is not."""
    bads = next(n for n in range(10, 30) if jeffreys_p(n, 100, 0.1) < 0.05)
    assert jeffreys_p(bads, 100, 0.1) > 1 - 0.95 ** (1 / 5)
    assert one(bads, 100, 0.1).verdict == "PD TOO LOW"
    band, bad = np.repeat(np.arange(5), 100), np.concatenate([np.arange(100) < n for n in (bads, 10, 10, 10, 10)])
    among = grades(band, list("ABCDE"), bad, np.full(500, 0.1), confidence=0.95)
    assert [grade.verdict for grade in among] == ["HOLDS"] * 5


def test_the_margin_is_0_where_the_pd_lies_above_the_interval():
    assert one(0, 100, 0.2).margin == 0


def test_the_most_prudent_bound_takes_a_grade_for_no_better_than_the_riskier_ones():
    band, bad = np.array([0] * 60 + [1] * 40), np.zeros(100, dtype=bool)
    safe, risky = grades(band, ["A", "B"], bad, np.full(100, 0.1), confidence=0.95)
    assert safe.most_prudent == pytest.approx(1 - 0.05 ** (1 / 100))
    assert risky.most_prudent == pytest.approx(1 - 0.05 ** (1 / 40))


def test_bounds_are_whole_where_all_are_bad():
    assert upper_bound(5, 5, confidence=0.95) == 1
    assert upper_bound(0, 1, confidence=0.95) == pytest.approx(0.95)


def test_a_grade_without_rows_says_nothing():
    _, empty = grades(
        np.zeros(3, dtype=int), ["A", "B"], np.array([True, False, False]), np.full(3, 0.3), confidence=0.9
    )
    assert (empty.verdict, empty.rows, empty.bad_rate.why) == ("CANNOT SAY", 0, "no test row is in this grade")
    assert math.isnan(empty.jeffreys_p)
    assert math.isnan(empty.most_prudent)
