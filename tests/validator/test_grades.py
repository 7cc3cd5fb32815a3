"""Grades on rows that can be counted by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import beta, binom, chi2

from credit_risk.validator.grades import bads_needed, grades, hosmer_lemeshow, jeffreys_p, least_p, upper_bound


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


@pytest.mark.parametrize("pd", [0.01, 0.1, 0.3])
def test_with_the_bads_needed_doubled_odds_are_refused_in_eight_of_ten_draws(pd):
    """Counted exactly, by the binomial distribution: the share of outcomes that Jeffreys' test refuses."""
    true = 2 * pd / (1 + pd)
    rows = round(bads_needed(pd, confidence=0.95) / true)
    refused = next(bads for bads in range(rows) if jeffreys_p(bads, rows, pd) < 0.05)
    assert binom.sf(refused - 1, rows, true) == pytest.approx(0.8, abs=0.06)


def test_a_few_dozen_bads_are_needed_and_more_where_more_grades_are_looked_at():
    assert bads_needed(0.01, confidence=0.95) == pytest.approx(17, abs=3)
    assert bads_needed(0.01, confidence=0.99) > bads_needed(0.01, confidence=0.95)
    assert math.isnan(bads_needed(0.0, confidence=0.95))
    assert one(2, 10, 0.2).bads_needed == bads_needed(0.2, confidence=0.95)


def test_a_grade_without_rows_says_nothing():
    _, empty = grades(
        np.zeros(3, dtype=int), ["A", "B"], np.array([True, False, False]), np.full(3, 0.3), confidence=0.9
    )
    assert (empty.verdict, empty.rows, empty.bad_rate.why) == ("CANNOT SAY", 0, "no test row is in this grade")
    assert math.isnan(empty.jeffreys_p)
    assert math.isnan(empty.most_prudent)


def test_the_smallest_p_of_several_grades_is_larger_for_their_number():
    bad = np.array([True] * 30 + [False] * 70 + [True] * 10 + [False] * 90)
    both = grades(np.repeat([0, 1], 100), ["A", "B", "C"], bad, np.full(200, 0.1), confidence=0.95)
    found = least_p(both)
    assert found["worst"] == "A"
    assert found["least_p"] == pytest.approx(1 - (1 - both[0].jeffreys_p) ** 2)  # nobody is in C
    nobody = least_p(grades(np.zeros(0, dtype=int), ["A"], bad[:0], np.zeros(0), confidence=0.95))
    assert (math.isnan(nobody["least_p"]), nobody["worst"]) == (True, "")


def test_right_pds_have_a_least_p_below_2_percent_in_at_most_2_of_100_draws():
    generator, band = np.random.default_rng(3), np.repeat(range(5), 400)
    pd = np.repeat([0.03, 0.08, 0.15, 0.3, 0.6], 400)
    draws = [
        least_p(grades(band, list("ABCDE"), generator.random(2_000) < pd, pd, confidence=0.95)) for _ in range(400)
    ]
    assert np.mean([draw["least_p"] < 0.02 for draw in draws]) <= 0.02 + 3 * math.sqrt(0.02 * 0.98 / 400)


def test_hosmer_lemeshow_sums_squared_gaps_over_their_variance():
    # two bins by ties: 4 rows at 0.25 with 2 bads (1 expected), 4 at 0.5 with 2 bads (2 expected)
    bad, pd = [1, 1, 0, 0, 1, 1, 0, 0], [0.25] * 4 + [0.5] * 4
    assert hosmer_lemeshow(bad, pd) == pytest.approx(chi2.sf(1 / 0.75, df=2), abs=1e-15)


def test_hosmer_lemeshow_has_no_answer_where_a_pd_leaves_nothing_to_chance():
    assert math.isnan(hosmer_lemeshow([0, 1], [0.0, 0.5]))


def test_hosmer_lemeshow_of_right_pds_is_below_five_percent_in_five_percent_of_samples():
    generator = np.random.default_rng(3)
    pd = generator.uniform(0.05, 0.5, (1000, 500))
    p = [hosmer_lemeshow(generator.random(500) < row, row) for row in pd]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.02)


def share_refused(rates: list[float]) -> float:
    """The share of 100 draws that the gate of docs/validator.md, at 0.02, refuses; the PDs are those of PDS."""
    random = np.random.default_rng(4)
    refused = 0
    for bads in random.binomial(ROWS, rates, size=(100, len(ROWS))):
        counts = zip(bads, ROWS, PDS, strict=True)
        graded = [SimpleNamespace(name="", rows=rows, jeffreys_p=jeffreys_p(its, rows, pd)) for its, rows, pd in counts]
        refused += least_p(graded)["least_p"] < 0.02
    return refused / 100


ROWS, PDS = (2_000, 1_500, 1_000, 800, 700), (0.03, 0.07, 0.13, 0.25, 0.5)


def test_a_grade_of_doubled_odds_is_refused_in_nearly_all_draws_and_right_pds_are_not():
    assert share_refused(list(PDS)) < 0.1
    for grade, pd in enumerate(PDS):
        wrong = list(PDS)
        wrong[grade] = 2 * pd / (1 + pd)
        assert share_refused(wrong) > 0.95
