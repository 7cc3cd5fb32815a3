"""Near-duplicates: copies with noise are seen, fresh rows and natural repetition are not."""

import numpy as np
import pytest

from credit_risk.validator import twins

HOW = {"seed": 1, "confidence": 0.95}


@pytest.fixture
def rows():
    random = np.random.default_rng(5)
    matrix = random.normal(size=(1_500, 6))
    matrix[random.random(matrix.shape) < 0.05] = np.nan
    return matrix


def test_fresh_rows_are_no_twins():
    """In forty draws: the share is that of the training rows on average, and no draw is called twins."""
    shares = []
    for seed in range(40):
        fresh = np.random.default_rng(seed).normal(size=(900, 4))
        found = twins.twins(fresh[:600], fresh[600:], **HOW)
        assert (found["verdict"], found["rows"], found["expected"]) == ("NONE", 300, pytest.approx(0.05, abs=0.002))
        shares.append(found["share"])
    assert np.mean(shares) == pytest.approx(0.05, abs=0.01)


def test_copies_with_noise_are_seen(rows):
    random = np.random.default_rng(6)
    copies = rows[:100] * (1 + random.normal(scale=1e-4, size=(100, 6)))
    found = twins.twins(rows[:1_000], np.concatenate([rows[1_000:], copies]), **HOW)
    assert found["verdict"] == "TWINS"
    assert found["share"] > 100 / 600
    assert found["excess"] == pytest.approx(found["share"] / found["expected"])
    assert found["excess_low"] > 2


def test_rows_that_are_equal_hide_no_copy_with_noise(rows):
    """Half of the training rows stand there twice: the closest pairs are equal, and tell nothing of noise."""
    train = np.concatenate([rows[:1_000], rows[:500]])
    fresh = twins.twins(train, np.concatenate([rows[1_000:], rows[:50]]), **HOW)
    assert (fresh["verdict"], fresh["rows"]) == ("NONE", 500)
    copies = rows[500:700] * (1 + np.random.default_rng(8).normal(scale=1e-4, size=(200, 6)))
    assert twins.twins(train, np.concatenate([rows[1_000:], copies]), **HOW)["verdict"] == "TWINS"


def test_rows_that_are_all_equal_say_nothing():
    found = twins.twins(np.ones((9, 2)), np.ones((9, 2)), **HOW)
    assert found == {"verdict": "CANNOT SAY", "why": "all training rows are equal"}


def test_a_unit_counts_no_more_than_another(rows):
    units = rows * np.array([1e6, 1, 1, 1e-6, 1, 1])
    assert twins.twins(units[:1_000], units[1_000:], **HOW) == twins.twins(rows[:1_000], rows[1_000:], **HOW)
