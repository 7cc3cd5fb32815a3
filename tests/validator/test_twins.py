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


def noisy(rows, seed=6):
    return rows * (1 + np.random.default_rng(seed).normal(scale=1e-4, size=rows.shape))


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_fresh_rows_are_no_twins(columns):
    """In forty draws, of rows on a line too."""
    for seed in range(40):
        fresh = np.random.default_rng(seed).normal(size=(900, columns))
        found = twins.twins(fresh[:600], fresh[600:], **HOW)
        assert (found["verdict"], found["rows"]) == ("NONE", 300)


def test_what_is_expected_in_few_dimensions_is_more():
    """In d dimensions a ratio below t comes about with a chance of t^d: of two columns, of one in a hundred rows."""
    fresh = np.random.default_rng(1).uniform(size=(9_000, 2))
    found = twins.twins(fresh[:6_000], fresh[6_000:], **HOW)
    assert (found["share"], found["expected"]) == (pytest.approx(0.01, abs=0.005), pytest.approx(0.01, abs=0.005))


def test_copies_with_noise_are_seen(rows):
    found = twins.twins(rows[:1_000], np.concatenate([rows[1_000:], noisy(rows[:100])]), **HOW)
    assert (found["verdict"], found["copies"], found["rows"]) == ("TWINS", 1, 600)
    assert found["share"] > 90 / 600
    assert found["excess"] == pytest.approx(found["share"] / found["expected"])
    assert found["excess_low"] > 2


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_copies_are_seen_where_the_training_rows_have_such_copies_among_themselves(rows, copies):
    """Every training row stands there with noise as often as a test row's copies do: their own distances are small."""
    train = np.concatenate([noisy(rows[:1_000], seed) for seed in range(copies)])
    found = twins.twins(train, np.concatenate([rows[1_000:], noisy(rows[:100], 99)]), **HOW)
    assert (found["verdict"], found["copies"]) == ("TWINS", copies)
    assert twins.twins(train, np.random.default_rng(9).normal(size=(500, 6)), **HOW)["verdict"] == "NONE"


def test_columns_of_steps_tell_no_noise(rows):
    """They are left out, unless fewer than two columns vary."""
    steps = (np.random.default_rng(3).random(size=(1_500, 3)) < 0.5).astype(float)
    assert twins._varying(np.column_stack([rows, steps]), ()).tolist() == [True] * 6 + [False] * 3
    assert twins._varying(np.column_stack([rows[:, 0], steps]), ()).tolist() == [True] * 4
    both = np.column_stack([rows, steps])
    assert twins.twins(both[:1_000], both[1_000:], **HOW) == twins.twins(rows[:1_000], rows[1_000:], **HOW)


def test_rows_that_are_equal_hide_no_copy_with_noise(rows):
    """Half of the training rows stand there twice: equal rows count once, and tell nothing of noise."""
    train = np.concatenate([rows[:1_000], rows[:500]])
    fresh = twins.twins(train, np.concatenate([rows[1_000:], rows[:50]]), **HOW)
    assert (fresh["verdict"], fresh["rows"]) == ("NONE", 500)
    assert twins.twins(train, np.concatenate([rows[1_000:], noisy(rows[500:700])]), **HOW)["verdict"] == "TWINS"


def test_of_many_training_rows_those_that_lie_together_are_looked_at(rows, monkeypatch):
    monkeypatch.setattr(twins, "MOST_TRAINING", 400)
    found = twins.twins(rows[:1_000], np.concatenate([rows[1_000:], noisy(rows[:500])]), **HOW)
    assert (found["verdict"], 200 < found["rows"] < 600) == ("TWINS", True)


def test_rows_that_are_all_equal_say_nothing():
    found = twins.twins(np.ones((9, 2)), np.ones((9, 2)), **HOW)
    assert found == {"verdict": "CANNOT SAY", "why": "the training rows are fewer than 7, equal ones once"}


def test_a_unit_counts_no_more_than_another(rows):
    units = rows * np.array([1e6, 1, 1, 1e-6, 1, 1])
    assert twins.twins(units[:1_000], units[1_000:], **HOW) == twins.twins(rows[:1_000], rows[1_000:], **HOW)


def test_plain_categories_tell_no_distance(rows):
    """They are left out where two others vary; a column of steps among the others does not bring them back."""
    assert twins._varying(rows, (1, 4)).tolist() == [True, False, True, True, False, True]
    assert twins._varying(rows, (0, 1, 2, 3, 4)).tolist() == [True] * 6
    steps = np.zeros(len(rows))
    assert twins._varying(np.column_stack([rows[:, :2], steps]), (0,)).tolist() == [True, True, False]
    assert twins._varying(np.column_stack([rows[:, :3], steps]), (0,)).tolist() == [False, True, True, False]


MONTHS = [6, 9, 12, 15, 18, 21, 24, 30, 36, 42, 48, 60]
PURPOSES = [0.26, 0.12, 0.17, 0.25, 0.02, 0.03, 0.04, 0.02, 0.08, 0.01]


def loans(seed):
    """A thousand loans by months, amount and purpose: three columns, of which the amount alone has no steps."""
    random = np.random.default_rng(seed)
    months = random.choice(MONTHS, 1_000, p=np.array([8, 5, 18, 7, 12, 3, 19, 4, 9, 2, 5, 8]) / 100)
    amount = np.round(np.exp(random.normal(7.8, 0.8, 1_000)) * np.sqrt(months / 20))
    return np.column_stack([months, amount, random.choice(10, 1_000, p=PURPOSES)])


@pytest.mark.parametrize("seed", [4, 12, 43, 51])
def test_loans_that_share_a_purpose_are_no_twins(seed):
    """Read as a number, their purpose made 7 of 100 such lenders fail, though no row is a copy."""
    of_loans = loans(seed)
    train, test = of_loans[:800], of_loans[800:]
    assert twins.twins(train, test, **HOW)["verdict"] == "TWINS"
    assert twins.twins(train, test, unordered=(2,), **HOW)["verdict"] == "NONE"
