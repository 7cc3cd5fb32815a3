"""Calibration by segment and group: what is off is found, at the confidence of all at once; the too small is named."""

import math

import numpy as np
import pytest

import smallest
from credit_risk.validator import segments

ROWS = 4_000
CONFIG = smallest.config(
    columns={
        "nr": {"role": "id", "type": "integer"},
        "late": {"role": "feature", "type": "integer", "range": [0, 9]},
        "income": {"role": "feature", "type": "number", "range": [0, 9000]},
        "status": {"role": "target", "type": "integer"},
    },
    evaluation=smallest.SECTIONS["evaluation"] | {"segments": ["late", "income"]},
    reasons=smallest.SECTIONS["reasons"]
    | {"families": [{"id": "R07", "features": ["late", "income"], "text": "t", "prompt": "p"}]},
)


def drawn(off=0.0, seed=1):
    """Rows of 2 segments by `late`, 4 by income; the bads of the second of `late` are off by so many log-odds."""
    random = np.random.default_rng(seed)
    late, income = np.repeat([0.0, 1.0], ROWS // 2), random.uniform(0, 9_000, ROWS)
    pd = np.where(late == 1, 0.3, 0.2)
    odds = pd / (1 - pd) * np.where(late == 1, math.exp(off), 1)
    bad = random.random(ROWS) < odds / (1 + odds)
    return segments.by_segment(CONFIG, {"late": late, "income": income}, bad, pd, np.arange(ROWS))


def test_a_segment_whose_pds_are_too_low_is_found_by_name():
    unknown = {}
    found = segments.summary(drawn(off=0.5), "none", unknown, "segments")
    assert (found["worst"], found["assessed"], found["not_assessed"], unknown) == ("late: 1", 6, [], {})
    assert found["largest_gap"] == pytest.approx(0.5, abs=0.15)
    assert 0 < found["largest_gap_low"] < found["largest_gap"] < found["largest_gap_high"]
    verdicts = segments.table(drawn(off=0.5)).set_index("segment")["verdict"]
    assert (verdicts["late: 1"], verdicts["late: 0"]) == ("PD TOO LOW", "HOLDS")
    assert segments.table(drawn(off=-0.5)).set_index("segment")["verdict"]["late: 1"] == "PD TOO HIGH"


def test_right_pds_hold_in_all_segments_at_once_in_95_of_100_draws():
    lows = [segments.summary(drawn(seed=seed), "none", {}, "s")["largest_gap_low"] for seed in range(60)]
    assert sum(low > 0 for low in lows) <= 8  # 3 are expected; more than 8 come once in 100 such tests


def test_a_segment_with_too_few_bads_is_named_and_judged_by_nobody():
    late = np.array([0.0] * 3_990 + [1.0] * 10)
    bad, pd = np.arange(4_000) % 5 == 0, np.full(4_000, 0.2)
    found = segments.by_segment(CONFIG, {"late": late, "income": np.zeros(4_000)}, bad, pd, np.arange(4_000))
    assert segments.summary(found, "none", {}, "s")["not_assessed"] == ["late: 1"]
    assert segments.table(found).set_index("segment")["verdict"]["late: 1"] == "NOT ASSESSED"


def group(rows, bad_rate, gap, half):
    level = {"calibration_in_the_large": gap}
    ends = {} if gap is None else {"_low": gap - half, "_high": gap + half}
    ends = {f"calibration_in_the_large{end}": value for end, value in ends.items()}
    return {"rows": rows, "bad_rate": bad_rate, "mean_pd": 0.2, **level, **ends}


def test_intervals_of_groups_are_widened_to_hold_for_all_that_are_assessed():
    groups = {"married": group(2_000, 0.25, 0.2, 0.196), "single": group(2_000, 0.2, 0.0, 0.196)}
    report = {"attributes": {"status": {"groups": groups | {"other": group(40, None, None, 0)}}}}
    married, single, other = segments.by_group(report, confidence=0.95)
    wide = 2.2365  # of a normal variable, two-sided, at 0.95 to the power of 1/2
    assert married.gap.low == pytest.approx(0.2 - 0.1 * wide, abs=1e-4)
    assert married.gap.high == pytest.approx(0.2 + 0.1 * wide, abs=1e-4)
    assert single.gap.value == 0
    assert (other.gap.known, other.too_few) == (False, "40 rows say nothing of a bad rate")
    found = segments.summary((married, single, other), "none", {}, "groups")
    assert (found["worst"], found["not_assessed"]) == ("status: married", ["status: other"])


def test_a_group_with_fewer_than_100_bads_is_not_assessed():
    report = {"attributes": {"sex": {"groups": {"female": group(400, 0.2, 0.3, 0.1)}}}}
    (female,) = segments.by_group(report, confidence=0.95)
    assert female.too_few == "80 rows of one class, and 100 are needed"


def test_nothing_measured_is_unknown_with_its_reason_and_passes_no_gate():
    unknown = {}
    found = segments.summary(segments.by_group({}, confidence=0.95), "run fairness", unknown, "groups")
    assert math.isnan(found["largest_gap"])
    assert unknown == {"groups.largest_gap": "run fairness"}
