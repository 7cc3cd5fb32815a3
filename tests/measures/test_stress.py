"""Stress and injections on decisions made by hand: every number can be counted."""

from math import isnan, nan
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from credit_risk.config import load
from credit_risk.config.schema import Scenario
from credit_risk.data.inputs import Inputs
from credit_risk.measures import stress
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import mean, proportion, share
from credit_risk.scoring.decision import APPROVE, DECLINE, REFER, REFUSED, Decisions

CONFIG = load(Path(__file__).parents[1] / "lender" / "credit.yaml")
INPUTS = Inputs.of(CONFIG)
POLICY = SimpleNamespace(margin=0.2, lgd=0.5, cost=0.01)
# employment, income, purpose, loan_amount, term_months, utilisation, months_late, existing_customer
SOUND = np.array([[1, 30_000, 0, 10_000, 36, 0.5, 0, 1], [3, 50_000, 2, 5_000, 24, 0.1, 2, 0]], dtype=float)


def decided(pd, outcome):
    """Decisions as a scorer would hand them over, of which only PD and outcome matter here."""
    pd, rows = np.array(pd, dtype=float), len(pd)
    codes = np.array(outcome, dtype=np.int8)
    none = np.zeros(rows, dtype=np.int8)
    return Decisions(pd, pd, none, codes, none - 1, pd[:, None], None, np.zeros((rows, 1), bool), None)


def test_a_mean_of_rows_of_one_applicant_is_less_certain_than_one_of_as_many_applicants():
    values = np.array([0.0, 0.0, 1.0, 1.0])
    alone = mean(values, np.arange(4), confidence=0.95)
    in_pairs = mean(values, np.array([0, 0, 1, 1]), confidence=0.95)
    assert alone.value == in_pairs.value == 0.5
    assert alone.high - 0.5 == pytest.approx(1.96 * (1 / 12) ** 0.5, rel=1e-3)  # 4 residuals of 1/2: 1/16 · 4/3
    assert in_pairs.high - 0.5 == pytest.approx(1.96 * 0.5, rel=1e-3)  # 2 residuals of 1: 2/16 · 2


def test_a_mean_without_variation_has_no_interval():
    assert isnan(mean(np.array([0.3, 0.3]), np.arange(2), confidence=0.95).low)
    assert isnan(mean(np.array([]), np.array([]), confidence=0.95).value)
    assert isnan(mean(np.array([0.1, 0.2]), np.zeros(2), confidence=0.95).low)


def test_a_share_of_independent_rows_has_wilsons_interval():
    flags = np.array([True] * 3 + [False] * 7)
    assert share(flags, np.arange(10), confidence=0.95) == proportion(3, 10, confidence=0.95)
    assert share(np.zeros(20, bool), np.arange(20), confidence=0.95).high == pytest.approx(0.161, abs=1e-3)


def test_a_share_of_few_applicants_is_as_uncertain_as_they_are_few():
    flags = np.array([True] * 30 + [False] * 70)
    blocks = np.repeat(np.arange(10), 10)
    clustered, alone = (share(flags, group, confidence=0.95) for group in (blocks, np.arange(100)))
    assert clustered.value == alone.value == 0.3
    assert clustered.high - clustered.low > 2.5 * (alone.high - alone.low)
    assert share(np.zeros(100, bool), blocks, confidence=0.95).high == proportion(0, 10).high


def test_loss_and_profit_are_expected_of_the_approved_and_counted_per_application():
    before = decided([0.1, 0.5, nan], [APPROVE, DECLINE, REFUSED])
    figures = stress.level(before, POLICY, np.arange(3), confidence=0.95)
    assert figures["approval_rate"].value == 0.5
    assert figures["mean_pd"].value == pytest.approx(0.3)
    assert figures["expected_loss"].value == pytest.approx(0.1 * 0.5 / 2)
    assert figures["expected_profit"].value == pytest.approx((0.9 * 0.2 - 0.05 - 0.01) / 2)


def test_a_stress_is_compared_row_by_row_and_open_accounts_keep_their_decision():
    before = decided([0.1, 0.2, 0.5, 0.3], [APPROVE, APPROVE, DECLINE, REFER])
    after = decided([0.2, 0.4, 0.5, nan], [APPROVE, DECLINE, DECLINE, REFUSED])
    figures = stress.change(before, after, POLICY, np.arange(4), confidence=0.95)
    assert figures["flips"].value == figures["approved_lost"].value == pytest.approx(1 / 3)  # the last has no PD
    assert figures["approved_won"].value == 0
    assert figures["approval_rate_change"].value == pytest.approx(-1 / 3)
    assert figures["mean_pd_change"].value == pytest.approx(0.1)
    assert figures["held_loss"].value == pytest.approx((0.2 + 0.4) * 0.5 / 3)
    held = (0.8 * 0.2 - 0.1 - 0.01) + (0.6 * 0.2 - 0.2 - 0.01)
    assert figures["held_profit"].value == pytest.approx(held / 3)
    was = (0.9 * 0.2 - 0.05 - 0.01) + (0.8 * 0.2 - 0.1 - 0.01)
    now = 0.8 * 0.2 - 0.1 - 0.01
    assert figures["expected_profit_change"].value == pytest.approx((now - was) / 3)


def test_migration_counts_who_went_where():
    before, after = decided([0.1] * 3, [APPROVE, APPROVE, DECLINE]), decided([0.2] * 3, [DECLINE, APPROVE, DECLINE])
    table = stress.migration(before, after)
    assert table.to_dict("records") == [
        {"before": "approve", "after": "approve", "rows": 1},
        {"before": "approve", "after": "decline", "rows": 1},
        {"before": "decline", "after": "decline", "rows": 1},
    ]


def test_every_formula_of_a_stress_reads_the_application_as_it_was():
    scenario = Scenario(name="worse", columns={"utilisation": "utilisation * 1.2", "months_late": "utilisation * 10"})
    after = stress.stressed(CONFIG, scenario, SOUND)
    assert after[:, 5] == pytest.approx([0.6, 0.12])
    assert after[:, 6] == pytest.approx([5.0, 1.0])
    assert (after[:, [0, 1, 2, 3, 4, 7]] == SOUND[:, [0, 1, 2, 3, 4, 7]]).all()


def test_what_is_missing_before_a_stress_is_missing_after_it():
    gap = SOUND.copy()
    gap[0, 5] = nan
    after = stress.stressed(CONFIG, Scenario(name="worse", columns={"utilisation": "utilisation + 1"}), gap)
    assert isnan(after[0, 5])
    assert after[1, 5] == 1.1


def test_each_input_is_blanked_in_turn_and_then_all_of_them():
    gaps = list(stress.gaps(INPUTS, SOUND))
    assert [gap.input for gap in gaps] == [*CONFIG.inputs, "(all)"]
    assert [gap.policy for gap in gaps if gap.input in ("income", "months_late", "(all)")] == [
        "allow", "refer", "refuse",
    ]  # fmt: skip
    for place, gap in enumerate(gaps[:-1]):
        assert np.isnan(gap.inputs).sum() == np.isnan(gap.inputs[:, place]).sum() == len(SOUND)


def test_nonsense_is_what_the_contract_of_inputs_calls_invalid():
    assert not INPUTS.faults(SOUND).any.any()
    found = list(stress.nonsense(INPUTS, SOUND))
    for one in found:
        assert INPUTS.faults(one.inputs).refused.all(), (one.input, one.kind)
    kinds = {name: [one.kind for one in found if one.input == name] for name in CONFIG.inputs}
    assert kinds["term_months"] == ["below", "above", "not whole", "unknown word"]
    assert kinds["purpose"] == kinds["utilisation"] == ["below", "above", "unknown word"]


@pytest.mark.parametrize(
    ("policy", "pd", "outcome", "slipped"),
    [
        ("refuse", nan, REFUSED, False),
        ("refuse", nan, REFER, True),
        ("refuse", 0.1, APPROVE, True),
        ("refer", nan, REFER, False),
        ("refer", nan, DECLINE, False),  # a policy rule decided
        ("refer", nan, APPROVE, True),
        ("refer", 0.9, DECLINE, True),
        ("allow", 0.1, APPROVE, False),
    ],
)
def test_a_pd_or_an_approval_where_the_policy_forbids_it_is_an_accident(policy, pd, outcome, slipped):
    assert stress.by_accident(policy, decided([pd], [outcome])).tolist() == [slipped]


def test_a_scorer_that_scores_whatever_comes_is_found_out():
    before = decided([0.1, 0.5], [APPROVE, DECLINE])
    careless = lambda rows: decided([0.2, 0.2], [APPROVE, APPROVE])  # noqa: E731
    lines = [stress.judged(gap, before, careless) for gap in stress.gaps(INPUTS, SOUND)]
    assert {line["input"] for line in lines if line["by_accident"] == 2} == {*CONFIG.inputs, "(all)"} - {"income"}
    income = next(line for line in lines if line["input"] == "income")
    assert income["by_accident"] == 0
    assert income["pd_shift"] == pytest.approx(0.2)  # 0.1 up, 0.3 down
    assert income["pd_change"] == pytest.approx(-0.1)
    assert income["won"] == 1


def test_random_gaps_are_as_many_as_asked_for_and_the_same_every_time():
    blank = stress.random_gaps(np.zeros((1_000, 10)), 0.05, seed=1)
    assert 0.04 < blank.mean() < 0.06
    assert (blank == stress.random_gaps(np.ones((1_000, 10)), 0.05, seed=1)).all()


def test_figures_carry_their_ends_under_the_names_the_gate_looks_for():
    numbers = flat({"flips": proportion(1, 2, confidence=0.95)})
    assert list(numbers) == ["flips", "flips_low", "flips_high"]
    assert numbers["flips_low"] < numbers["flips"] == 0.5 < numbers["flips_high"]
