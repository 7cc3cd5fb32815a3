"""Drift: PSI by hand, what an empty bin counts as, and what chance alone gives."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import ncx2, norm

from credit_risk.errors import DataError
from credit_risk.measures import drift
from credit_risk.measures.drift import Reference

NAN, INF = np.nan, np.inf


def counts(*numbers: int) -> drift.Counts:
    return np.array(numbers)


def one(then: list[float], now: list[float], *, bins: int = 4, threshold: float = 0.1) -> drift.Shift:
    reference = drift.of({"x": np.array(then)}, bins)
    return drift.psi(reference, {"x": np.array(now)}, threshold=threshold, confidence=0.95)[0]


def test_the_index_is_the_sum_over_bins_of_the_difference_of_shares_times_the_log_of_their_ratio():
    # Shares 50:50 then, 75:25 now: 0.25 ln 1.5 - 0.25 ln 0.5 = 0.25 ln 3.
    assert_allclose(drift.index(counts(10, 10), counts(6, 2)), 0.25 * np.log(3))
    assert drift.index(counts(1, 2, 3), counts(10, 20, 30)) == 0


def test_the_index_is_the_same_in_both_directions():
    assert_allclose(drift.index(counts(10, 30), counts(25, 15)), drift.index(counts(25, 15), counts(10, 30)))


def test_an_empty_bin_counts_as_half_a_row():
    # Of 100 rows none now, of 100 rows 20 then: 0.5/100 against 20/100.
    expected = (0.005 - 0.2) * np.log(0.005 / 0.2) + (1 - 0.8) * np.log(1 / 0.8)
    assert_allclose(drift.index(counts(20, 80), counts(0, 100)), expected)


def test_an_empty_bin_counts_as_what_was_to_be_expected_if_that_is_less():
    # Ten in a million then make one expect 0.001 of 100 rows now: no news, so no drift.
    assert_allclose(drift.index(counts(10, 999_990), counts(0, 100)), 0, atol=1e-9)
    assert drift.index(counts(0, 5), counts(0, 7)) == 0


def test_bins_are_quantiles_of_the_reference():
    reference = drift.of({"x": np.arange(1.0, 9)}, bins=4)
    assert reference.columns["x"].edges == (2, 4, 6)
    assert reference.columns["x"].counts == (2, 2, 2, 2, 0, 0)
    assert reference.columns["x"].names[:4] == ("up to 2", "above 2 to 4", "above 4 to 6", "above 6")


def test_a_value_that_many_share_is_a_bin_of_its_own():
    bins = drift.of({"x": np.array([-2.0, -1, 0, 0, 0, 0, 0, 1])}, bins=4).columns["x"]
    assert bins.counts == (2, 5, 1, 0, 0)
    assert bins.names == ("up to below 0", "exactly 0", "above 0", "missing", "invalid")


def test_missing_and_invalid_cells_are_bins_of_their_own():
    bins = drift.of({"x": np.array([1, 2, 3, 4, NAN, NAN, INF])}, bins=2).columns["x"]
    assert bins.counts == (2, 2, 2, 1)
    words = drift.of({"x": np.array([0, 1, 1, NAN, INF])}, 10, {"x": ("a", "b")}).columns["x"]
    assert words.counts == (1, 2, 1, 1)
    assert words.names == ("a", "b", "missing", "unknown")


def test_more_missing_cells_are_drift():
    then = [*np.linspace(0, 1, 1000)]
    shift = one(then, [*then[::2], *[NAN] * 500])
    assert shift.verdict == "FAIL"
    assert (shift.moved, shift.share_then, shift.share_now) == ("missing", 0, 0.5)


def test_values_beyond_the_reference_fall_into_the_outer_bins():
    assert one([1, 2, 3, 4], [-9, 2, 3, 99]).psi == 0


def test_a_column_of_one_value_or_of_none_has_one_bin():
    assert one([5, 5, 5], [5, 5]).verdict == "PASS"
    assert drift.of({"x": np.array([NAN, NAN])}, 4).columns["x"].counts == (0, 2, 0)


def test_the_verdicts():
    then = [1, 2, 3, 4] * 1000
    assert one(then, then).verdict == "PASS"
    assert one(then, [1, 1, 1, 1, 2, 3, 4] * 1000).verdict == "FAIL"
    # The same shift in 7 rows: above the threshold, but so would chance alone be.
    few = one(then, [1, 1, 1, 1, 2, 3, 4])
    assert few.psi > few.threshold
    assert few.verdict == "CANNOT SAY"
    # No shift at all in 4 rows: a sample that could not have shown one.
    assert one(then, [1, 2, 3, 4]).verdict == "CANNOT SAY"
    assert one(then, []).verdict == "CANNOT SAY"


def test_the_bin_that_adds_most_is_named_with_its_shares():
    found = one([1, 2, 3, 4], [1, 1, 1, 2, 3, 4, 4, 4], bins=4)  # a quarter each, then 3, 1, 1 and 3 of eight
    assert (found.share_then, found.share_now) == (0.25, 0.125)
    assert found.moved in ("above 1 to 2", "above 2 to 3")


def test_a_bin_that_one_row_of_either_sample_fills_counts():
    full = drift.critical_value(counts(50, 50, 0), counts(49, 50, 1), 0.95)
    assert_allclose(full, 5.991 * (1 / 100 + 1 / 100), rtol=1e-3)  # 95 % of chi-squared with 2 degrees of freedom
    assert drift.critical_value(counts(49, 50, 1), counts(50, 50, 0), 0.95) == full
    assert drift.critical_value(counts(50, 50, 0), counts(50, 50, 0), 0.95) < full


def test_the_critical_value_is_chi_squared_times_the_sizes():
    # 95 % of chi-squared with 3 degrees of freedom lie below 7.815.
    value = drift.critical_value(counts(25, 25, 25, 25, 0), counts(10, 10, 10, 10, 0), 0.95)
    assert_allclose(value, 7.815 * (1 / 100 + 1 / 40), rtol=1e-4)


@pytest.mark.parametrize(("rows", "sample"), [(5_000, 500), (20_000, 4_000), (2_000, 2_000)])
def test_without_drift_chance_exceeds_the_critical_value_as_often_as_it_says(rows: int, sample: int):
    rng = np.random.default_rng(7)
    reference = drift.of({"x": rng.normal(size=1_000_000)}, 10)
    shares = np.array(reference.columns["x"].counts[:10]) / 1_000_000
    draws = zip(rng.multinomial(rows, shares, 4_000), rng.multinomial(sample, shares, 4_000), strict=True)
    exceeded = np.mean([drift.index(a, b) > drift.critical_value(a, b, 0.95) for a, b in draws])
    assert 0.04 < exceeded < 0.065  # 5 % with a standard error of 0.35 %; a little more in small samples


def test_a_reference_survives_json_and_holds_counts_alone():
    columns = {"x": np.array([0.1, 0.2, 0.2, 0.3]), "job": np.array([0.0, 1, 1, NAN])}
    reference = drift.of(columns, 3, {"job": ("a", "b")})
    stored = json.loads(json.dumps(reference.as_dict()))
    assert Reference.from_dict(stored) == reference
    assert stored["columns"]["job"] == {"categories": ["a", "b"], "counts": [1, 2, 1, 0]}


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({}, "the drift reference is not one"),
        ({"rows": 1, "columns": {"x": [1]}}, "the drift reference is not one"),
        ({"rows": 2, "columns": {"x": {"edges": [1], "counts": [1, 1]}}}, "the counts of x do not fit"),
        ({"rows": 3, "columns": {"x": {"edges": [1], "counts": [1, 1, 0, 0]}}}, "the counts of x do not fit"),
    ],
)
def test_a_damaged_reference_is_refused(raw: dict[str, object], sentence: str):
    with pytest.raises(DataError, match=sentence):
        Reference.from_dict(raw)


def test_a_column_that_the_reference_does_not_hold_is_refused():
    with pytest.raises(DataError, match="the drift reference lacks y; train again"):
        drift.psi(drift.of({"x": np.ones(3)}, 2), {"y": np.ones(3)}, threshold=0.1, confidence=0.95)


DRAW = np.random.default_rng(5)
THEN = DRAW.standard_normal(3_000)


@pytest.mark.parametrize("threshold", [0.002, 0.1])
@pytest.mark.parametrize("rows", [20, 300, 3_000])
@pytest.mark.parametrize("shift", [0, 0.2, 1])
def test_the_interval_held_against_the_threshold_gives_the_verdict(shift, rows, threshold):
    now = np.random.default_rng(rows).standard_normal(rows) + shift
    found = one(THEN, now, bins=10, threshold=threshold)
    by_interval = "PASS" if found.high <= threshold else "FAIL" if found.low > threshold else "CANNOT SAY"
    assert by_interval == found.verdict
    assert 0 <= found.low <= found.psi <= found.high


def test_the_interval_inverts_noncentral_chi_squared():
    then, now = counts(400, 300, 200, 100), counts(100, 200, 300, 400)
    low, high = drift.interval(then, now, 0.9)
    spread = 1 / 1000 + 1 / 1000
    x = drift.index(then, now) / spread
    assert_allclose(ncx2.sf(x, 3, low / spread), 0.05, rtol=1e-6)
    assert_allclose(ncx2.cdf(x, 3, high / spread), 0.05, rtol=1e-6)


def test_where_chance_explains_it_the_interval_reaches_from_0_to_the_critical_value():
    then, now = counts(250, 250, 250, 250), counts(100, 100, 100, 100)
    assert drift.interval(then, now, 0.95) == (0, drift.critical_value(then, now, 0.95))
    assert drift.interval(then, counts(0, 0, 0, 0), 0.95) == (0, np.inf)
    assert drift.interval(counts(49, 51), counts(50, 50), 0.95)[0] == 0
    assert drift.interval(counts(9, 0), counts(5, 0), 0.95) == (0, 0)  # one bin: nothing that could move


@pytest.mark.parametrize("rows", [500, 5_000])
@pytest.mark.parametrize("shift", [0.25, 0.32, 0.5])  # a true PSI of about 0.06, 0.1 and 0.24
def test_the_interval_holds_the_truth_as_often_as_it_says(shift, rows):
    shares = np.full(10, 0.1)
    now = np.diff(norm.cdf(norm.ppf(np.linspace(0, 1, 11)) - shift))
    true, draw = ((now - shares) * np.log(now / shares)).sum(), np.random.default_rng(rows)
    ends = np.array(
        [drift.interval(draw.multinomial(3 * rows, shares), draw.multinomial(rows, now), 0.95) for _ in range(1_000)]
    )
    below, above = (true < ends[:, 0]).mean(), (true > ends[:, 1]).mean()
    assert 0.93 <= 1 - below - above <= 0.97  # a standard error of 0.7 %
    assert max(below, above) < 0.045  # and on neither side alone


def moved(column: str, psi: float, low: float, high: float) -> drift.Shift:
    return drift.Shift(column, psi, 100, low, high, 0.1, "PASS", "", 0.5, 0.5)


def test_the_largest_is_named_and_no_column_is_further_off_than_its_ends():
    shifts = [moved("a", 0.05, 0.01, 0.06), moved("b", 0.04, 0.02, 0.2), moved("c", 0.01, 0, 0.02)]
    name, figure = drift.largest(shifts)
    assert (name, figure.value, figure.low, figure.high) == ("a", 0.05, 0.02, 0.2)


@pytest.mark.weekly
def test_ten_columns_at_once_are_called_moved_by_chance_as_seldom_as_one():
    assert_allclose(drift.at_once(0.95, 10) ** 10, 0.95)
    draw, missed = np.random.default_rng(6), 0
    for _ in range(200):
        columns = {str(place): draw.standard_normal(800) for place in range(10)}
        now = {name: draw.standard_normal(600) for name in columns}
        each = drift.at_once(0.95, 10)
        shifts = drift.psi(drift.of(columns, 10), now, threshold=0.01, confidence=each)
        missed += drift.largest(shifts)[1].low > 0
    assert 0.01 <= missed / 200 <= 0.10
