"""The perturbation test: a model that breaks its word is caught, one that keeps it is not, and no more is claimed."""

import numpy as np
import pytest

import smallest
from credit_risk.measures import monotone


def config(columns, derived, directions):
    """A config with these inputs; all that the test of directions does not read is the least that is valid."""
    return smallest.config(
        columns={**columns, "y": {"role": "target"}},
        derived={name: {"formula": formula} for name, formula in derived.items()},
        model=smallest.SECTIONS["model"] | {"directions": directions},
    )


PAY = {"pay": {"role": "input_only", "type": "integer", "range": [-2, 3]}}
LATE = config(PAY, {"late": "maximum(pay, 0)"}, {"late": "increasing"})


def check(a_config, pd_of, inputs):
    return monotone.check(a_config, pd_of, np.array(inputs, dtype=float), rows=1_000, seed=1)


def test_a_model_that_keeps_the_direction_has_no_violation_and_on_time_codes_are_not_claimed():
    (kept,) = check(LATE, lambda inputs: 0.1 + 0.1 * np.maximum(inputs[:, 0], 0), [[-2], [0]])
    # Each of the two rows is moved from -2 to 3: five steps, of which 0 to 1, 1 to 2 and 2 to 3 make later.
    assert (kept.input, kept.direction) == ("pay", "increasing")
    assert (kept.perturbations, kept.violations, kept.not_claimed) == (6, 0, 4)
    assert kept.largest == 0


def test_a_model_that_prefers_three_months_late_to_two_is_caught():
    pd_by_code = {-2: 0.3, -1: 0.2, 0: 0.1, 1: 0.2, 2: 0.5, 3: 0.45}
    (kept,) = check(LATE, lambda inputs: np.array([pd_by_code[code] for code in inputs[:, 0]]), [[-2], [0]])
    assert (kept.perturbations, kept.violations) == (6, 2)
    assert kept.largest == pytest.approx(0.05)


def test_a_step_that_moves_a_feature_without_a_direction_too_is_not_claimed():
    both = config(PAY, {"late": "maximum(pay, 0)", "is_late": "pay > 0"}, {"late": "increasing"})
    (kept,) = check(both, lambda inputs: 0.9 - 0.1 * inputs[:, 0], [[0]])
    # From 0 to 1 `is_late` moves as well; from 1 to 2 and from 2 to 3 `late` alone.
    assert (kept.perturbations, kept.violations, kept.not_claimed) == (2, 2, 3)


def test_directed_features_that_disagree_claim_nothing():
    columns = {"x": {"role": "feature", "type": "integer", "range": [0, 2]}}
    torn = config(columns, {"negative": "-x"}, {"x": "increasing", "negative": "increasing"})
    (kept,) = check(torn, lambda inputs: 0.5 + 0 * inputs[:, 0], [[0]])
    assert (kept.direction, kept.perturbations, kept.not_claimed) == ("none", 0, 2)
    assert monotone.untested(torn, (kept,)) == ("x", "negative")


def test_an_input_below_a_ratio_goes_the_other_way():
    columns = {name: {"role": "input_only", "type": "number", "range": [1, 100]} for name in ("bill", "limit")}
    ratio = config(columns, {"use": "bill / limit"}, {"use": "increasing"})
    bill, limit = check(ratio, lambda inputs: inputs[:, 0] / inputs[:, 1] / 100, [[10, 50], [20, 60]])
    # Each row visits the two values in the sample: its own and the other's.
    assert (bill.direction, bill.perturbations, bill.violations) == ("increasing", 2, 0)
    assert (limit.direction, limit.perturbations, limit.violations) == ("decreasing", 2, 0)
    assert monotone.untested(ratio, (bill, limit)) == ()


def test_ordered_categories_move_by_their_place_and_plain_ones_not_at_all():
    columns = {
        "service": {"role": "feature", "type": "ordered", "categories": ["<1y", "1-4y", ">4y"]},
        "purpose": {"role": "input_only", "type": "category", "categories": ["car", "home"]},
    }
    jobs = config(columns, {"home": "purpose == 'home'"}, {"service": "decreasing", "home": "decreasing"})
    (kept,) = check(jobs, lambda inputs: np.array([0.3, 0.1, 0.2])[inputs[:, 0].astype(int)], [[0, 0]])
    assert (kept.input, kept.direction, kept.perturbations, kept.violations) == ("service", "decreasing", 2, 1)


def test_a_direction_holds_for_the_moved_row_and_not_on_average():
    columns = {name: {"role": "feature", "type": "integer", "range": [0, 1]} for name in ("x", "other")}
    two = config(columns, {}, {"x": "increasing"})
    # Rises by 0.2 where other is 0, falls by 0.1 where it is 1.
    (kept,) = check(two, lambda i: 0.5 + i[:, 0] * np.where(i[:, 1] == 1, -0.1, 0.2), [[0, 0], [0, 0], [0, 1]])
    assert (kept.perturbations, kept.violations) == (3, 1)


def test_gaps_and_rows_that_cannot_be_scored_are_not_claimed():
    columns = {"x": {"role": "feature", "type": "integer", "range": [0, 1], "missing": "allow"}}
    gaps = config(columns, {}, {"x": "increasing"})
    (kept,) = check(gaps, lambda inputs: np.where(np.isnan(inputs[:, 0]), 0.9, 0.1), [[0], [np.nan]])
    assert (kept.perturbations, kept.violations) == (2, 0)
    (kept,) = check(gaps, lambda inputs: np.full(len(inputs), np.nan), [[0]])
    assert (kept.perturbations, kept.not_claimed) == (0, 1)


def test_rounding_is_no_violation():
    (kept,) = check(LATE, lambda inputs: 0.2 - 1e-13 * inputs[:, 0], [[0]])
    assert kept.violations == 0


def test_the_sample_is_drawn_by_the_seed_and_the_table_has_a_row_an_input():
    inputs = np.arange(100.0)[:, None] % 6 - 2
    seen = []
    for seed in (1, 1, 2):
        shown = []
        monotone.check(LATE, lambda i, shown=shown: shown.append(i.copy()) or i[:, 0] / 9, inputs, rows=30, seed=seed)
        seen.append(np.concatenate(shown))
    assert np.array_equal(seen[0], seen[1])
    table = monotone.table(check(LATE, lambda inputs: inputs[:, 0] / 9, inputs))
    assert table.to_dict("records") == [
        {"input": "pay", "direction": "increasing", "perturbations": 300, "violations": 0, "largest": 0.0,
         "not_claimed": 200}
    ]  # fmt: skip
