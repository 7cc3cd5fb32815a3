"""The tables behind the pictures, on samples small enough to count."""

import numpy as np
import pytest
from scipy.stats import binomtest

from credit_risk.config.schema import Policy
from credit_risk.measures import results
from sample_figure import figure

BAD = np.array([True, False, True, False])
PD = np.array([0.8, 0.6, 0.4, 0.2])
POLICY = Policy.model_validate(
    {
        "margin": 0.2, "lgd": 0.6, "cost": 0, "refer_within": 0, "max_missing": 1, "invalid": "refuse",
        "scale": {"base": 600, "odds": 50, "pdo": 20}, "bands": [{"name": "all", "minimum": 0}],
    }
)  # fmt: skip


def drawn(rows):
    generator = np.random.default_rng(1)
    pd = generator.uniform(0.01, 0.6, rows)
    return generator.random(rows) < pd, pd


def test_roc_goes_up_at_a_bad_and_right_at_a_good():
    curve = results.roc(BAD, PD)
    assert curve["false_positive_rate"].tolist() == [0, 0, 0.5, 0.5, 1]
    assert curve["true_positive_rate"].tolist() == [0, 0.5, 0.5, 1, 1]


def test_roc_cuts_a_corner_at_a_tie():
    curve = results.roc(BAD, np.array([0.5, 0.5, 0.5, 0.5]))
    assert curve.to_numpy().tolist() == [[0, 0], [1, 1]]


def test_thinned_curves_keep_their_ends_their_area_and_the_widest_gap():
    bad, pd = drawn(5_000)
    roc, gap = results.roc(bad, pd), results.ks(bad, -pd)
    assert len(roc) <= 200
    assert len(gap) <= 200
    area = np.trapezoid(roc["true_positive_rate"], roc["false_positive_rate"])
    assert area == pytest.approx(figure("auc", bad, pd), abs=1e-3)
    assert (gap["bads"] - gap["goods"]).max() == pytest.approx(figure("ks", bad, pd))
    assert gap[["goods", "bads"]].iloc[-1].tolist() == [1, 1]


def test_ks_counts_shares_up_to_each_score():
    curve = results.ks(BAD, np.array([500.0, 520.0, 540.0, 560.0]))
    assert curve["score"].tolist() == [500, 520, 540, 560]
    assert curve["bads"].tolist() == [0.5, 0.5, 1, 1]
    assert curve["goods"].tolist() == [0, 0.5, 0.5, 1]


def test_calibration_bins_are_those_of_the_ece():
    bad, pd = drawn(1_000)
    table = results.calibration(bad, pd, 0.95)
    assert table["rows"].tolist() == [100] * 10
    assert table["mean_pd"].is_monotonic_increasing
    gap = ((table["mean_pd"] - table["bad_rate"]).abs() * table["rows"]).sum() / 1_000
    assert gap == pytest.approx(figure("ece", bad, pd))
    first = table.iloc[0]
    wilson = binomtest(round(first["bad_rate"] * 100), 100).proportion_ci(method="wilson")
    assert (first["low"], first["high"]) == pytest.approx((wilson.low, wilson.high))


def test_gains_by_band_start_with_the_riskiest():
    bands = np.array([0, 0, 0, 2, 2])
    bad = np.array([False, False, True, True, False])
    table = results.gains(bands, ["A", "B", "C"], bad, 0.95)
    assert table["band"].tolist() == ["C", "B", "A"]
    assert table["rows"].tolist() == [2, 0, 3]
    assert table["bads"].tolist() == [1, 0, 1]
    assert table["cumulative_bads"].tolist() == [0.5, 0.5, 1]
    assert table["cumulative_rows"].tolist() == [0.4, 0.4, 1]
    assert table["bad_rate"].tolist() == pytest.approx([1 / 2, np.nan, 1 / 3], nan_ok=True)
    assert table["lift"].tolist() == pytest.approx([0.5 / 0.4, np.nan, (1 / 3) / 0.4], nan_ok=True)


def test_deciles_hold_a_tenth_each_even_of_ties():
    bad = np.arange(20) < 2
    table = results.deciles(bad, np.where(bad, 0.9, 0.1), 0.95)
    assert table["decile"].tolist() == [str(number) for number in range(1, 11)]
    assert table["rows"].tolist() == [2] * 10
    assert table["bads"].tolist() == [2] + [0] * 9
    assert table["mean_pd"].tolist() == pytest.approx([0.9] + [0.1] * 9)
    assert table["lift"].tolist() == [10] + [0] * 9


def test_scores_count_every_row_once():
    table = results.scores(BAD, np.array([500.0, 520.0, 540.0, 560.0]), bins=2)
    assert table.to_dict("list") == {"low": [500, 530], "high": [530, 560], "goods": [1, 1], "bads": [1, 1]}


def test_profit_is_nothing_below_all_pds_and_everybodys_above():
    table = results.profit(BAD, PD, POLICY)
    assert 0.25 in table["cut_off"].to_numpy()  # 0.2 / (0.2 + 0.6), the closed form
    at = table.set_index("cut_off")
    # The safest row alone, a good, earns 0.2; all four earn 2 * 0.2 - 2 * 0.6.
    assert at.loc[0.25].tolist() == pytest.approx([0.2 / 4, 0.25])
    assert table.iloc[0].tolist() == [0.2, 0, 0]
    assert table["profit"].iloc[-1] == pytest.approx(-0.8 / 4)
    assert table["approval_rate"].iloc[-1] == 1
    assert len(table) <= 200


def segments(values, categories=None):
    bad, pd = np.resize(BAD, len(values)), np.resize(PD, len(values))
    return results.segments("x", np.array(values, dtype=float), categories, bad, pd, confidence=0.95)


def test_segments_by_category_by_value_and_by_quarter():
    assert segments([0, 0, 2, 2], ["a", "b", "c"])["value"].tolist() == ["a", "c"]
    assert segments([0, 0, np.nan, 2])["value"].tolist() == ["0", "2", "missing"]
    quarters = segments(range(1, 101))
    assert quarters["value"].tolist() == ["up to 25", "above 25 to 50", "above 50 to 75", "above 75"]
    assert quarters["rows"].tolist() == [25] * 4


def test_a_segment_says_what_its_rows_say_and_no_more():
    table = segments([0, 0, 0, 0, 1])
    assert table["bad_rate"].tolist() == [0.5, 1]
    assert table["mean_pd"].tolist() == pytest.approx([0.5, 0.8])
    assert table["auc"].tolist() == pytest.approx([0.75, np.nan], nan_ok=True)
    assert np.isnan(table["auc_low"][1])


def test_no_segment_is_a_table_without_rows():
    assert results.segment_table([]).columns.tolist()[:3] == ["segment", "value", "rows"]
    assert len(results.segment_table([segments([0, 0, 1, 1]), segments([2, 2, 2, 2])])) == 3


def test_the_effect_of_a_straight_line_is_that_line():
    generator = np.random.default_rng(1)
    matrix = generator.random((500, 2))
    curve = results.effect(matrix, 0, lambda m: 0.1 + 0.5 * m[:, 0], codes=None, confidence=0.95)
    slopes = np.diff(curve["mean_pd"]) / np.diff(curve["value"])
    assert slopes == pytest.approx(np.full(len(slopes), 0.5))
    # Nothing varies but the steps' widths, which the rows share: the curve is certain, and a feature unread is flat.
    assert (curve["high"] - curve["low"]).max() < 1e-6
    unread = results.effect(matrix, 1, lambda m: 0.1 + 0.5 * m[:, 0], codes=None, confidence=0.95)
    assert results.spread(unread) == pytest.approx(0)
    assert results.spread(curve) > 0.1


def test_the_effect_leaves_applicants_where_they_are_found():
    x = np.arange(100) % 4 * 1.0
    matrix = np.column_stack([x, x])
    # Full partial dependence would ask for x = 3 beside other = 0; accumulated effects never do.
    asked = []
    results.effect(matrix, 0, lambda m: asked.append(np.abs(m[:, 0] - m[:, 1]).max()) or m[:, 0] / 4, codes=None,
                   confidence=0.95)  # fmt: skip
    assert max(asked) == 1


def test_a_plain_category_takes_each_code_in_turn_and_gaps_are_left_out():
    matrix = np.array([[0.0], [1.0], [1.0], [np.nan]])
    curve = results.effect(matrix, 0, lambda m: np.array([0.1, 0.4, 0.2])[m[:, 0].astype(int)], codes=3, confidence=0.9)
    assert curve["value"].tolist() == [0, 1, 2]
    assert curve["mean_pd"].tolist() == pytest.approx([0.1, 0.4, 0.2])
    assert curve["rows"].tolist() == [1, 2, 0]
    nobody = results.effect(np.full((2, 1), np.nan), 0, lambda m: m[:, 0], codes=None, confidence=0.9)
    assert len(nobody) == 0
    assert results.spread(nobody) == 0
    constant = results.effect(np.ones((4, 1)), 0, lambda m: m[:, 0] / 2, codes=None, confidence=0.9)
    assert constant["mean_pd"].tolist() == [0.5]
