"""The book of four approvals along a path on which the odds of bad double."""

from math import log
from pathlib import Path

import numpy as np
import pytest

from credit_risk.errors import ConfigError
from credit_risk.measures.metrics import Economics
from credit_risk.validator import macro, settings
from credit_risk.validator.settings import Macro

ROOT = Path(__file__).parents[2]
MONEY = Economics(cut_off=0.3, margin=0.2, lgd=0.6, cost=0.01)
# One of four went bad where half as many were foretold, by odds: 1 to 3 came of 1 to 6.
PD = np.array([1 / 7] * 4 + [0.5])
BAD = np.array([True, False, False, False, True])
APPROVED = np.array([True, True, True, True, False])
DECLARED = Macro(
    version=1,
    driver="unemployment",
    base=4.0,
    log_odds=log(2),
    assumption="A point doubles the odds.",
    paths={"as it was": (4.0,), "worse": (5.0, 6.0), "better": (3.0,)},
)


def profit(pd_: float) -> float:
    return (1 - pd_) * 0.2 - pd_ * 0.6 - 0.01


def test_odds_double_with_each_point_from_what_came():
    table, figures = macro.paths(DECLARED, APPROVED, BAD, PD, MONEY)
    assert figures["shift"] == pytest.approx(log(2))
    lines = table.to_dict("records")
    assert [(its["path"], its["period"], its["driver"]) for its in lines] == [
        ("as it was", 1, 4.0),
        ("worse", 1, 5.0),
        ("worse", 2, 6.0),
        ("better", 1, 3.0),
    ]
    assert [its["odds_times"] for its in lines] == pytest.approx([1, 2, 4, 0.5])
    rates = [1 / 4, 2 / 5, 4 / 7, 1 / 7]
    assert [its["bad_rate"] for its in lines] == pytest.approx(rates)
    assert [its["profit"] for its in lines] == pytest.approx([*map(profit, rates)])
    assert [its["still_pays"] for its in lines] == [1, 0, 0, 1]


def test_the_worst_period_is_what_a_gate_reads():
    _, figures = macro.paths(DECLARED, APPROVED, BAD, PD, MONEY)
    assert figures["worst"] == "worse, period 2"
    assert figures["least_profit"] == pytest.approx(profit(4 / 7))
    assert figures["most_bads"] == pytest.approx(4 / 7)


@pytest.mark.parametrize("bad", [[False] * 5, [True] * 5])
def test_without_both_outcomes_nothing_is_recalibrated_and_why_is_said(bad):
    table, figures = macro.paths(DECLARED, APPROVED, np.array(bad), PD, MONEY)
    assert table.empty
    assert figures == {"why": "the approved test rows are all good or all bad, or none"}


def test_a_lender_without_paths_has_none(tmp_path):
    assert settings.load(tmp_path) is None


@pytest.mark.parametrize(
    ("old", "new"), [("base: 4.1", "base: .nan"), ("base:", "basis:"), ("[4.1, 4.1, 4.1]", "[]"), ("version: 1", "")]
)
def test_a_file_with_a_fault_is_refused(tmp_path, old, new):
    text = (ROOT / settings.FILE).read_text(encoding="utf-8")
    (tmp_path / "configs").mkdir()
    (tmp_path / settings.FILE).write_text(text, encoding="utf-8")
    assert settings.load(tmp_path).paths["adverse"] == (4.8, 5.4, 5.9)
    assert old in text
    (tmp_path / settings.FILE).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"macro\.yaml"):
        settings.load(tmp_path)
