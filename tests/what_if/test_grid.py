"""Which policies are tried, and which of their limits are shown."""

import numpy as np
import pytest

from credit_risk.config.schema import Policy
from credit_risk.errors import ConfigError
from credit_risk.what_if import settings
from credit_risk.what_if.grid import TriedPolicy, count_below, in_force, kept, tried

POLICY = Policy(
    margin=0.2, lgd=0.6, cost=0.04, refer_within=0.02, max_missing=0.5, invalid="refuse",
    scale={"base": 600, "odds": 50, "pdo": 20}, bands=({"name": "A", "minimum": 0},),
)  # fmt: skip
CONFIG = "cut_offs: {lowest: 0.17, highest: 0.24, step: 0.02}\nrefer_within: [0]\nsmallest_cell: 2\n"


def read(tmp_path, text=CONFIG):
    (tmp_path / "what-if.yaml").write_text(text, encoding="utf-8")
    return settings.load(tmp_path / "what-if.yaml")


def test_steps_go_out_from_the_cut_off_in_force(tmp_path):
    policies = tried(POLICY, read(tmp_path))
    assert in_force(POLICY) == TriedPolicy(0.2, 0.02)
    assert [(each.cut_off, each.refer_within) for each in policies] == [
        (0.18, 0.0), (0.2, 0.0), (0.22, 0.0), (0.24, 0.0), (0.18, 0.02), (0.2, 0.02), (0.22, 0.02), (0.24, 0.02),
    ]  # fmt: skip
    assert (policies[-1].lower, policies[-1].upper) == (0.22, 0.26)


def test_the_cut_off_in_force_is_tried_outside_the_range_too(tmp_path):
    below = read(tmp_path, CONFIG.replace("0.17", "0.02").replace("0.24", "0.05"))
    assert {each.cut_off for each in tried(POLICY, below)} == {0.02, 0.04, 0.2}


def test_a_band_that_would_leave_the_chances_is_not_tried(tmp_path):
    wide = read(tmp_path, CONFIG.replace("[0]", "[0.19]"))
    assert [each.cut_off for each in tried(POLICY, wide) if each.refer_within == 0.19] == [0.2, 0.22, 0.24]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("0.17", "0.3", "expected lowest below highest"),
        ("[0]", "[-0.1]", "greater than or equal"),
        ("2\n", "0\n", "cell"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, old, new, says):
    with pytest.raises(ConfigError, match=says):
        read(tmp_path, CONFIG.replace(old, new))


def test_a_limit_is_shown_only_between_cells_that_are_large_enough():
    pds = np.array([0.05, 0.06, 0.07, 0.15, 0.25, 0.26, 0.27, np.nan])
    limits, total = [0.1, 0.2, 0.3], np.array([7])
    below = count_below(pds, limits)[:, None]
    assert below.ravel().tolist() == [3, 4, 7]
    # 0.1 first: one alone would lie between it and 0.2; above 0.3 lies nobody, which tells nothing of anybody.
    assert kept(limits, below, total, smallest=2, first=[0.1]) == [0.1, 0.3]
    assert kept(limits, below, total, smallest=2, first=[0.2]) == [0.2, 0.3]
    assert kept(limits, below, total, smallest=1, first=[0.1]) == limits
    assert kept(limits, below, total, smallest=5, first=[0.1]) == [0.3]


def test_every_kind_must_be_large_enough_at_once():
    limits, total = [0.1, 0.2], np.array([10, 10])
    below = np.array([[5, 1], [5, 4]])
    assert kept(limits, below, total, smallest=3, first=[]) == [0.2]


def test_no_cell_is_too_small_however_rows_lie():
    draw = np.random.default_rng(5)
    for _ in range(50):
        groups = [draw.random(size) for size in (40, 25)]
        limits = sorted(draw.random(12))
        below = np.stack([count_below(pds, limits) for pds in groups], axis=1)
        shown = kept(limits, below, np.array([40, 25]), smallest=6, first=[limits[4]])
        for pds in groups:
            cells = np.histogram(pds, bins=[0, *shown, 1])[0]
            assert ((cells == 0) | (cells >= 6)).all()
