"""Groups that a reader can count, fairlearn as the second opinion, and coverage where the truth is known."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import (
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
)
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from credit_risk.config.fairness import Alternatives, Attribute, Contrast, Fairness
from credit_risk.config.schema import Policy
from credit_risk.errors import DataError
from credit_risk.measures import fairness, intervals
from credit_risk.measures.fairness import NOT_KNOWN, Cases, Grouping
from credit_risk.measures.figure import Figure, flat
from credit_risk.scoring import decision

SEX = Attribute(groups={"women": ("f",), "men": ("m",)})
WOMEN = Contrast(name="women", attribute="sex", group="women", reference="men")


def settings(**changes):
    base = {
        "attributes": {"sex": SEX},
        "min_n": 4,
        "refer_counts_as": "decline",
        "contrasts": (WOMEN,),
        "alternatives": Alternatives(mode="off", most_auc_lost=0.01),
    }
    return Fairness(**base | changes)


def cases(approved, bad=None, pd_=None, applicant=None):
    rows = len(approved)
    return Cases(
        np.array(approved, dtype=bool),
        np.full(rows, 0.1) if pd_ is None else np.array(pd_, dtype=float),
        np.zeros(rows, dtype=bool) if bad is None else np.array(bad, dtype=bool),
        np.arange(rows) if applicant is None else np.array(applicant),
    )


def by_sex(word):
    return fairness.grouped("sex", pd.Series(list(word)), SEX)


def drawn(rows, seed, rates=(0.6, 0.8), bad_rate=0.2, shares=(0.3, 0.7)):
    """Rows of two groups with known approval rates, every PD right."""
    draw = np.random.default_rng(seed)
    group = (draw.random(rows) >= shares[0]).astype(np.int64)
    pds = np.clip(draw.beta(2, 2 / bad_rate - 2, rows), 0.001, 0.999)
    bad = draw.random(rows) < pds
    approved = draw.random(rows) < np.array(rates)[group]
    return Cases(approved, pds, bad, np.arange(rows)), Grouping("sex", ("women", "men"), group)


# Groups


def test_words_fall_into_their_groups_and_a_declared_group_may_be_empty():
    attribute = Attribute(groups={"married": ("1",), "other": ("0", "3"), "widowed": ("4",)})
    grouping = fairness.grouped("marriage", pd.Series([1, 3, 0, 1]), attribute)
    assert grouping.names == ("married", "other", "widowed")
    assert list(grouping.code) == [0, 1, 1, 0]
    assert grouping.rows("widowed").sum() == 0
    assert grouping.rows("nobody declared this").sum() == 0


def test_bands_hold_both_their_ends():
    bands = ({"name": "young", "low": 18, "high": 24}, {"name": "old", "low": 62, "high": 110})
    grouping = fairness.grouped("age", pd.Series([18, 24, 62, 110.0]), Attribute(bands=bands))
    assert list(grouping.code) == [0, 0, 1, 1]


def test_a_missing_label_is_a_group_of_its_own():
    grouping = fairness.grouped("sex", pd.Series(["f", None, "m"]), SEX)
    assert grouping.names == ("women", "men", NOT_KNOWN)
    assert list(grouping.code) == [0, 2, 1]


def test_categories_without_groups_are_each_their_own():
    values = pd.Series(["m", "f", "m"], dtype="category")
    grouping = fairness.grouped("sex", values, Attribute())
    assert grouping.names == ("f", "m")
    assert list(grouping.code) == [1, 0, 1]


@pytest.mark.parametrize(
    ("values", "attribute", "strange"),
    [
        (["f", "x"], SEX, "'x'"),
        ([18, 40], Attribute(bands=({"name": "young", "low": 18, "high": 24},)), "'40'"),
        (["18", "old"], Attribute(bands=({"name": "young", "low": 18, "high": 24},)), "'old'"),
    ],
)
def test_a_value_in_no_group_is_an_error(values, attribute, strange):
    with pytest.raises(DataError, match=f"who: {strange} belongs to no group.*fairness.attributes.who"):
        fairness.grouped("who", pd.Series(values), attribute)


def test_intersections_are_all_pairs():
    age = Grouping("age", ("young", "old"), np.array([0, 1, 1]))
    both = fairness.crossed(by_sex("fmf"), age)
    assert both.names == ("women & young", "women & old", "men & young", "men & old")
    assert list(both.code) == [0, 3, 1]


# Approvals


@dataclass
class Made:
    """As much of Decisions as approvals read."""

    pd: np.ndarray
    outcome: np.ndarray
    rule: np.ndarray

    @property
    def approved(self):
        return self.outcome == decision.APPROVE


def policy(within):
    """A cut-off of 0.25."""
    scale, bands = {"base": 600, "odds": 50, "pdo": 20}, ({"name": "A", "minimum": 0},)
    money = {"margin": 0.2, "lgd": 0.6, "cost": 0.0}
    return Policy(**money, refer_within=within, max_missing=0.5, invalid="refuse", scale=scale, bands=bands)


def made(pds, within, rule=None, outcome=None):
    outcome_ = decision.outcomes(np.array(pds), policy(within)) if outcome is None else np.array(outcome)
    return Made(np.array(pds), outcome_, np.full(len(pds), decision.NO_RULE) if rule is None else np.array(rule))


def test_how_a_referral_counts_is_declared():
    decided = made([0.1, 0.25, 0.4], within=0.02)
    assert list(fairness.approvals(decided, settings())) == [True, False, False]
    assert list(fairness.approvals(decided, settings(refer_counts_as="approve"))) == [True, True, False]


@pytest.mark.parametrize("counts_as", ["approve", "decline"])
@pytest.mark.parametrize("within", [0.0, 0.02])
def test_the_sweep_at_the_cut_off_in_force_is_what_was_decided(counts_as, within):
    pds = [0.1, 0.2299, 0.23, 0.24, 0.25, 0.26, 0.27, 0.2701, 0.9, np.nan]
    decided, declared = made(pds, within), settings(refer_counts_as=counts_as)
    again = fairness.approvals_at(0.25, decided, policy(within), declared)
    assert list(again) == list(fairness.approvals(decided, declared))


def test_what_a_rule_or_a_fault_decided_no_cut_off_changes():
    decided = made(
        [0.1, np.nan, 0.1, 0.9],
        within=0.0,
        rule=[0, decision.NO_RULE, decision.NO_RULE, decision.NO_RULE],
        outcome=[decision.DECLINE, decision.REFER, decision.REFUSED, decision.DECLINE],
    )
    assert list(fairness.approvals_at(0.95, decided, policy(0.0), settings())) == [False, False, False, True]


# Figures


def test_the_ratio_and_the_difference_are_those_of_the_counted_rates():
    # women: 2 of 4 approved, of 2 goods 1; men: 3 of 4, of 4 goods 3
    decided = cases([1, 1, 0, 0, 1, 1, 1, 0], bad=[0, 1, 0, 1, 0, 0, 0, 0])
    found = fairness.contrast(WOMEN, decided, by_sex("ffffmmmm"), min_n=2, confidence=0.95)
    assert found["ratio"].value == 0.5 / 0.75
    assert found["difference"].value == -0.25
    assert found["equal_opportunity"].value == 0.5 - 0.75
    assert found["ratio"].low < 0.5 / 0.75 < found["ratio"].high


def test_a_group_too_small_is_unknown_not_good():
    found = fairness.contrast(WOMEN, cases([1, 1, 1, 1]), by_sex("fmmm"), min_n=2, confidence=0.95)
    assert math.isnan(found["ratio"].value)
    assert found["ratio"].why == "women: 1 rows, and fairness.min_n asks for 2"


def test_a_declared_group_that_is_absent_is_unknown():
    found = fairness.contrast(WOMEN, cases([1, 1]), by_sex("mm"), min_n=1, confidence=0.95)
    assert found["difference"].why == "women: no rows"
    figures = fairness.by_group(cases([1, 1]), by_sex("mm"), min_n=1, confidence=0.95)
    assert [figures["women"][name].why for name in ("approval_rate", "auc")] == ["no rows", "no scored rows"]


def test_the_same_rows_can_carry_a_ratio_and_not_its_figure_among_goods():
    decided = cases([1, 0, 1, 0, 1, 1, 1, 0], bad=[1, 1, 1, 0, 0, 0, 0, 0])
    found = fairness.contrast(WOMEN, decided, by_sex("ffffmmmm"), min_n=4, confidence=0.95)
    assert found["ratio"].known
    assert found["equal_opportunity"].why == "women: 1 goods, and fairness.min_n asks for 4"


def test_nobody_approved_in_the_reference_leaves_no_ratio():
    found = fairness.contrast(WOMEN, cases([1, 1, 0, 0]), by_sex("ffmm"), min_n=2, confidence=0.95)
    assert found["ratio"].why.startswith("nobody in the reference is approved")
    assert found["difference"].value == 1


def test_nobody_approved_in_the_group_is_a_ratio_of_0_that_still_has_an_upper_end():
    found = fairness.contrast(WOMEN, cases([0] * 20 + [1] * 20), by_sex("f" * 20 + "m" * 20), min_n=2, confidence=0.95)
    assert (found["ratio"].value, found["ratio"].low) == (0, 0)
    assert 0.16 < found["ratio"].high < 0.22  # Wilson's end of 0 of 20 is 0.161


def test_the_lowest_over_the_highest_agrees_with_fairlearn():
    decided, grouping = drawn(400, seed=1)
    three = Grouping("sex", ("a", "b", "c"), grouping.code + (np.arange(400) % 3 == 0))
    found = fairness.widest(decided, three, min_n=10, confidence=0.95)
    truth = {"y_true": np.zeros(400), "y_pred": decided.approved, "sensitive_features": three.code}
    assert found["ratio"].value == pytest.approx(demographic_parity_ratio(**truth))
    assert found["difference"].value == pytest.approx(-demographic_parity_difference(**truth))


def test_the_equal_opportunity_difference_agrees_with_fairlearn():
    decided, grouping = drawn(400, seed=2)
    found = fairness.contrast(WOMEN, decided, grouping, min_n=10, confidence=0.95)
    expected = equal_opportunity_difference(~decided.bad, decided.approved, sensitive_features=grouping.code)
    assert abs(found["equal_opportunity"].value) == pytest.approx(expected)


def test_one_small_group_makes_the_whole_attribute_unknown():
    grouping = fairness.grouped("sex", pd.Series(["f", "f", "m", "m", None]), SEX)
    found = fairness.widest(cases([1, 0, 1, 1, 1]), grouping, min_n=2, confidence=0.95)
    assert found["ratio"].why == "not known: 1 rows, and fairness.min_n asks for 2"
    alone = fairness.widest(cases([1, 0]), Grouping("sex", ("f",), np.zeros(2, dtype=int)), min_n=1, confidence=0.95)
    assert alone["ratio"].why == "fewer than two groups"


def test_the_interval_of_a_pair_picked_from_three_groups_is_wider():
    # approved: a 10 of 40, b 20 of 40, c 30 of 40
    decided = cases(np.arange(120) % 40 < np.repeat([10, 20, 30], 40))
    three = Grouping("sex", ("a", "b", "c"), np.repeat([0, 1, 2], 40))
    picked = fairness.widest(decided, three, min_n=10, confidence=0.95)["ratio"]
    declared = Contrast(name="a", attribute="sex", group="a", reference="c")
    pair = fairness.contrast(declared, decided, three, min_n=10, confidence=0.95)["ratio"]
    assert picked.value == pair.value == 10 / 30
    assert picked.low < pair.low < pair.high < picked.high


def test_a_rate_of_independent_rows_has_wilsons_interval():
    found = fairness.rate(np.array([True] * 7 + [False] * 3), np.arange(10), min_n=1, confidence=0.95)
    expected = binomtest(7, 10).proportion_ci(method="wilson")
    assert (found.value, found.low, found.high) == pytest.approx((0.7, expected.low, expected.high))


def test_rows_of_one_applicant_are_worth_one():
    flags = np.array([True] * 6 + [False] * 4)
    twice = fairness.rate(np.repeat(flags, 2), np.repeat(np.arange(10), 2), min_n=1, confidence=0.95)
    once = fairness.rate(flags, np.arange(10), min_n=1, confidence=0.95)
    assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high))
    everybody = fairness.rate(np.ones(20, dtype=bool), np.repeat(np.arange(10), 2), min_n=1, confidence=0.95)
    assert everybody.low == pytest.approx(binomtest(10, 10).proportion_ci(method="wilson").low)


def test_pds_against_bad_rate_and_the_ranking_in_a_group():
    bad = np.tile([1, 0, 0, 0], 20)
    pds = np.where(bad, 0.4, 0.3) + np.tile([0.0, 0.0, 0.2, 0.0], 20)
    found = fairness.measured(cases(np.ones(80), bad=bad, pd_=pds), min_n=80, confidence=0.95)
    assert found["mean_pd"].value == pytest.approx(0.375)
    assert found["bad_rate"].value == 0.25
    assert found["calibration_gap"].value == pytest.approx(0.125)
    assert found["auc"].value == pytest.approx(2 / 3)  # of three goods two rank below every bad, one above
    assert found["calibration_in_the_large"].high < 0  # fewer bads than foretold


def test_auc_and_its_interval_agree_with_sklearn_and_delong():
    decided, _ = drawn(800, seed=4)
    found = fairness.measured(decided, min_n=10, confidence=0.95)["auc"]
    other = intervals.delong(decided.bad, decided.pd)
    assert found.value == pytest.approx(roc_auc_score(decided.bad, decided.pd))
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.002)


def test_too_few_bads_leave_ranking_and_level_unknown():
    found = fairness.measured(cases(np.ones(50), bad=[1] * 9 + [0] * 41), min_n=10, confidence=0.95)
    assert found["auc"].why == "9 bads and 41 goods, and 10 of each are needed"
    assert found["calibration_gap"].known


def test_a_perfect_ranking_has_no_interval():
    bad = np.repeat([0, 1], 20)
    found = fairness.measured(cases(np.ones(40), bad=bad, pd_=np.where(bad, 0.6, 0.2)), min_n=10, confidence=0.95)
    assert found["auc"].value == 1
    assert math.isnan(found["auc"].low)


def test_rows_without_a_pd_count_as_decided_and_not_as_scored():
    decided = cases([1, 1, 0, 0], pd_=[0.1, 0.1, np.nan, np.nan])
    found = fairness.measured(decided, min_n=2, confidence=0.95)
    assert (found["approval_rate"].n, found["mean_pd"].n) == (4, 2)


def test_the_sweep_has_a_line_for_each_contrast_and_cut_off():
    decided, grouping = drawn(200, seed=5)
    flags = {0.1: decided.pd < 0.1, 0.3: decided.pd < 0.3}
    table = fairness.sweep(flags, decided, {"sex": grouping}, [WOMEN], min_n=10, confidence=0.95)
    assert table["cut_off"].tolist() == [0.1, 0.3]
    assert table["approval_rate"].tolist() == [flags[0.1].mean(), flags[0.3].mean()]
    rates = [flags[0.3][grouping.rows(name)].mean() for name in ("women", "men")]
    assert table["ratio"].tolist()[1] == pytest.approx(rates[0] / rates[1])
    assert {"ratio_low", "ratio_high", "equal_opportunity"} <= set(table)


# Coverage: over many samples the 95 % interval holds the truth in about 95 %


def covers(measure, truth):
    return measure.low <= truth <= measure.high


@pytest.mark.parametrize("rates", [(0.6, 0.8), (0.95, 0.9)])
def test_the_intervals_of_a_contrast_hold_the_truth_as_often_as_they_say(rates):
    hits = []
    for seed in range(1_000):
        decided, grouping = drawn(400, seed, rates)
        found = fairness.contrast(WOMEN, decided, grouping, min_n=30, confidence=0.95)
        gap = rates[0] - rates[1]
        hits.append([
            covers(found["ratio"], rates[0] / rates[1]),
            covers(found["difference"], gap),
            covers(found["equal_opportunity"], gap),
        ])  # fmt: skip
    assert np.mean(hits, axis=0) == pytest.approx(0.95, abs=0.02)


def test_with_several_rows_an_applicant_they_still_do_and_rows_taken_for_independent_do_not():
    hits, naive = [], []
    for seed in range(600):
        decided, grouping = drawn(200, seed)
        rows = np.repeat(np.arange(200), 3)
        thrice, group = decided.take(rows), replace(grouping, code=grouping.code[rows])
        hits.append(covers(fairness.contrast(WOMEN, thrice, group, min_n=30, confidence=0.95)["ratio"], 0.75))
        loose = replace(thrice, applicant=np.arange(600))
        naive.append(covers(fairness.contrast(WOMEN, loose, group, min_n=30, confidence=0.95)["ratio"], 0.75))
    assert np.mean(hits) == pytest.approx(0.95, abs=0.025)
    assert np.mean(naive) < 0.8


@pytest.mark.weekly
def test_the_intervals_of_pd_against_bad_rate_and_auc_do_too():
    large, _ = drawn(400_000, seed=0)
    truth = {"calibration_gap": 0.0, "calibration_in_the_large": 0.0, "auc": roc_auc_score(large.bad, large.pd)}
    hits = []
    for seed in range(600):
        decided, _ = drawn(300, seed + 1)
        found = fairness.measured(decided, min_n=30, confidence=0.95)
        hits.append([covers(found[name], value) for name, value in truth.items()])
    assert np.mean(hits, axis=0) == pytest.approx(0.95, abs=0.025)


def test_flat_names_a_figure_and_its_ends():
    assert flat({"ratio": Figure(0.9, 0.8, 1.0, 7)}) == {"ratio": 0.9, "ratio_low": 0.8, "ratio_high": 1.0}
