"""Bands whose bads a reader can count, and intervals that hold for all bands at once where the truth is known."""

import math

import numpy as np
import pytest
from scipy.special import expit, logit

from credit_risk.measures import bands
from credit_risk.measures.bands import ScoreBand
from credit_risk.measures.figure import Figure

NAMES = ("A", "B", "C")


def flags(bads, rows):
    return np.arange(rows) < bads


def measured(*parts, applicant=None, confidence=0.95):
    """parts: bads, rows and the one PD of all rows of a band, in the order of NAMES."""
    place = np.repeat(np.arange(len(parts)), [rows for _, rows, _ in parts]).astype(np.int8)
    bad = np.concatenate([flags(bads, rows) for bads, rows, _ in parts])
    pd = np.concatenate([np.full(rows, pd) for _, rows, pd in parts])
    applicant = np.arange(len(bad)) if applicant is None else applicant
    return bands.measure(place, NAMES[: len(parts)], bad, pd, applicant, confidence=confidence)


def test_the_gap_is_what_the_log_odds_are_off_by():
    """100 bads in 400 are odds of 1 to 3; a PD of 0.1 foretold 1 to 9: the odds are three times as high."""
    band, right = measured((100, 400, 0.1), (160, 800, 0.2))
    assert (band.rows, band.mean_pd, band.bad_rate) == (400, pytest.approx(0.1), 0.25)
    assert band.gap.value == pytest.approx(math.log(3))
    assert right.gap.value == pytest.approx(0, abs=1e-9)
    assert right.gap.low < 0 < right.gap.high


def test_one_band_has_the_interval_of_a_log_odds_and_two_have_wider_ones():
    """The standard error of a log-odds is 1 / sqrt(rows * share * (1 - share)); Šidák for two: 0.95 ** 0.5."""
    (alone,) = measured((100, 400, 0.25))
    assert alone.gap.high - alone.gap.value == pytest.approx(1.959964 / math.sqrt(400 * 0.25 * 0.75), rel=1e-5)
    first, _ = measured((100, 400, 0.25), (100, 400, 0.25))
    assert first.gap.high - first.gap.value == pytest.approx(2.236477 / math.sqrt(400 * 0.25 * 0.75), rel=1e-5)


def test_rows_of_one_applicant_are_one_draw():
    once = measured((100, 400, 0.25))[0]
    twice = measured((200, 800, 0.25), applicant=np.arange(800) // 2)[0]
    assert twice.gap.high == pytest.approx(once.gap.high)


@pytest.mark.parametrize(("bads", "pd"), [(0, 0.04), (99, 0.2), (301, 0.8), (400, 0.96), (0, 0.2475)])
def test_a_band_of_few_bads_or_goods_is_not_assessed_and_widens_no_other(bads, pd):
    band, other = measured((bads, 400, pd), (100, 400, 0.25))
    assert not band.gap.known
    assert band.gap.why == band.too_few
    assert "and 100 of each are needed" in band.too_few
    assert other.gap == measured((100, 400, 0.25))[0].gap
    assert bands.assessed_share((band, other)) == 0.5
    assert bands.largest((band, other))[0] == other.name


@pytest.mark.parametrize(("bads", "pd"), [(100, 0.005), (10, 0.3)])
def test_few_foretold_or_few_come_does_not_excuse_a_band_that_is_far_off(bads, pd):
    name, worst = bands.largest(measured((bads, 400, pd), (100, 400, 0.25)))
    assert name == "A"
    assert worst.low > 1


def test_a_band_in_which_none_came_of_many_foretold_leaves_the_largest_unknown():
    name, worst = bands.largest(measured((0, 400, 0.25), (100, 400, 0.25)))
    assert (name, worst.known) == (None, False)
    assert worst.why == "A: 100 bads among 400 were foretold, and 0 came"


def test_a_band_that_nobody_is_in_is_not_assessed():
    place, bad = np.zeros(400, dtype=np.int8), flags(100, 400)
    _, empty = bands.measure(place, ("A", "B"), bad, np.full(400, 0.25), np.arange(400), confidence=0.95)
    assert (empty.rows, empty.gap.why) == (0, "0 bads and 0 goods, and 100 of each are needed")
    assert math.isnan(empty.mean_pd)


def test_no_band_that_can_be_assessed_is_not_known_and_says_how_many_the_largest_has():
    name, worst = bands.largest(measured((5, 400, 0.02), (60, 450, 0.02)))
    why = "the largest, B, has 60 bads and 441 goods, and 100 of each are needed"  # 441 goods were foretold
    assert (name, worst.known, worst.why) == (None, False, why)


def test_a_pd_of_exactly_one_has_no_log_odds():
    assert measured((100, 200, 1.0))[0].gap.why == "a PD of exactly 0 or 1 has no log-odds"


def band(name, value, low, high):
    return ScoreBand(name, 100, 0.1, 0.1, Figure(value, low, high, 100))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0.3, 0.2, 0.4), (0.0, -0.1, 0.1), ("A", 0.3, 0.2, 0.4)),
        ((-0.3, -0.4, -0.2), (0.1, -0.1, 0.3), ("A", 0.3, 0.2, 0.4)),
        ((0.1, -0.1, 0.3), (-0.05, -0.6, 0.5), ("A", 0.1, 0.0, 0.6)),
        ((0.1, 0.05, 0.15), (0.12, -0.3, 0.54), ("B", 0.12, 0.05, 0.54)),
    ],
)
def test_the_largest_is_without_its_sign_and_takes_the_highest_ends(first, second, expected):
    name, worst = bands.largest((band("A", *first), band("B", *second)))
    assert (name, worst.value, worst.low, worst.high) == expected


@pytest.mark.weekly
def test_the_intervals_hold_the_truth_of_all_bands_at_once():
    """Five bands of a model that is right, 500 draws: the worst band is called off in about 5 % of them, not 23 %."""
    draw = np.random.default_rng(11)
    missed = 0
    for _ in range(500):
        pd = expit(draw.normal(-1.5, 1, 9_000))
        place = np.searchsorted(np.quantile(pd, [0.2, 0.4, 0.6, 0.8]), pd).astype(np.int8)
        bad = draw.random(9_000) < pd
        found = bands.measure(place, tuple("ABCDE"), bad, pd, np.arange(9_000), confidence=0.95)
        missed += bands.largest(found)[1].low > 0
    assert 0.02 <= missed / 500 <= 0.08


def test_a_band_that_is_off_is_found_between_two_that_are_right():
    draw = np.random.default_rng(12)
    pd = expit(draw.normal(-1, 1, 30_000))
    place = np.searchsorted(np.quantile(pd, [0.4, 0.6]), pd).astype(np.int8)
    truth = np.where(place == 1, expit(logit(pd) - 0.5), pd)
    found = bands.measure(place, NAMES, draw.random(30_000) < truth, pd, np.arange(30_000), confidence=0.95)
    name, worst = bands.largest(found)
    assert name == "B"
    assert worst.low < 0.5 < worst.high
    assert worst.low > 0.3
