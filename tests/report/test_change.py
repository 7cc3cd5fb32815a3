"""What a change does to decisions: counted by hand on a hundred applications, and what is missing is said."""

import pytest

from credit_risk.report import change

SWAPS = {"approved by both": 60, "newly approved": 20, "newly declined": 10, "declined by both": 10}


def record(swaps=SWAPS, **differences):
    figures = {"auc": 0.01, "auc_low": 0.002, "auc_high": 0.018, "ks": -0.01, "ks_low": -0.03, "ks_high": 0.01}
    figures |= {"brier": -0.002, "brier_low": -0.003, "brier_high": -0.001} | differences
    comparison = {"differences": figures, "equal_approval_rate": {}}
    lines = [{"group": name, "rows": rows} for name, rows in swaps.items()]
    return {"source": "own", "record": {"measures": {"comparison": comparison}, "swap_set": lines}}


def test_approvals_are_counted_before_and_after():
    assert change.approvals(record()) == (
        "Approvals: 70.0% before, 80.0% now, of 100 test applications. **30.0% are decided otherwise**: "
        "20 newly approved, 10 newly declined."
    )


def test_the_same_scorer_changes_no_decision():
    same = {"source": "own", "same_scorer": True}
    assert "**No decision changes.**" in change.approvals(same)
    assert change.differences(same) == ["The same scorer: every difference is nil."]
    assert "**not known**" in change.approvals({"same_scorer": "true"})


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"record": None, "why": "the base branch did not train."},
        {"record": {"swap_set": [1, "x"]}},
        record(SWAPS | {"newly approved": -1}),
        record(SWAPS | {"newly approved": "20"}),
        record(SWAPS | {"newly approved": True}),
        record(dict.fromkeys(SWAPS, 0)),
        record({name: rows for name, rows in SWAPS.items() if name != "declined by both"}),
    ],
)
def test_approvals_that_are_not_whole_are_not_known(broken):
    text = change.approvals(broken)
    assert "**not known**" in text
    assert broken.get("why", "the run left no comparison").rstrip(".") in text
    assert "%" not in text


def test_a_difference_stands_with_its_interval_and_whether_it_is_noise():
    lines = change.differences(record())
    assert "| AUC | +0.0100 | +0.0020 to +0.0180 | **higher** |" in lines
    assert "| KS | -0.0100 | -0.0300 to +0.0100 | within noise |" in lines
    assert "| Brier score | -0.0020 | -0.0030 to -0.0010 | **lower** |" in lines
    assert "| approved by PD alone | **not known** | | |" in lines


@pytest.mark.parametrize("value", [True, "0.9", None, float("nan"), float("inf"), [0.9]])
def test_what_is_no_finite_number_is_no_figure(value):
    assert "| AUC | **not known** | | |" in change.differences(record(auc_low=value))


def test_a_comparison_that_was_not_made_says_why_as_plain_text():
    (line,) = change.differences({"why": "<img src=x> @everyone"})
    assert line.startswith("**Not known**: ")
    assert "<img" not in line
    assert "@everyone" not in line


def test_whose_data_they_were_is_said():
    assert change.data({"source": "own"}) == "Data: the repository's own."
    assert "**the simulated lender's**" in change.data({"source": "lender"})
    assert "**not known**" in change.data({"source": "<b>mine</b>"})


def write(folder, deciles="decile,mean_pd,bad_rate\n1,0.5,0.6\n2,0.1,0.05\n", profit=None):
    folder.mkdir()
    (folder / "deciles.csv").write_text(deciles)
    if profit:
        (folder / "profit.csv").write_text(profit)
    return folder


def test_pictures_are_drawn_from_numbers(tmp_path):
    lines = change.charts(write(tmp_path / "plots", profit="cut_off,profit\n0.0,0.0\n0.1,0.02\n0.2,-0.01\n"))
    assert "  bar [0.0500, 0.6000]" in lines
    assert "  line [0.1000, 0.5000]" in lines
    assert '  x-axis "cut-off" 0.000 --> 0.200' in lines
    (profit,) = (line for line in lines if line.startswith("  line [0.0000"))
    values = profit.removeprefix("  line [").removesuffix("]").split(", ")
    assert [values[0], values[9], values[10], values[20]] == ["0.0000", "0.0000", "0.0200", "-0.0100"]


@pytest.mark.parametrize("deciles", ["", "a,b\n1,2\n", "mean_pd,bad_rate\n0.1,nan\n", "mean_pd,bad_rate\n0.1,<b>\n"])
def test_a_table_that_is_not_whole_is_not_drawn_and_named(tmp_path, deciles):
    lines = change.charts(write(tmp_path / "plots", deciles))
    assert lines == ["**Not drawn**, because the run left no table of it: calibration, profit."]
