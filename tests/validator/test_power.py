"""How often gates are wrong: counted by hand, and each fault one that the gate's own code can see."""

import dataclasses
import shutil

import numpy as np
import pytest

import smallest
from credit_risk.cli import main
from credit_risk.config.schema import Gate
from credit_risk.data.writing import write_text
from credit_risk.validator import power
from credit_risk.validator.power import PowerCount, PowerTrial

LENDER = smallest.config(
    columns={
        "nr": {"role": "id", "type": "integer"},
        "income": {"role": "feature", "type": "number", "range": [0, 9000]},
        "status": {"role": "target", "type": "integer"},
    },
    evaluation=smallest.SECTIONS["evaluation"] | {"segments": ["income"]},
    reasons=smallest.SECTIONS["reasons"]
    | {"families": [{"id": "R07", "features": ["income"], "text": "t", "prompt": "p"}]},
)
GATE = Gate(name="a", measure="validator.book.bads_ratio", at_most=1.2, reason="r")


def ratio(value, low, high):
    return {"bads_ratio": value, "bads_ratio_low": low, "bads_ratio_high": high}


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        (ratio(1.0, 0.9, 1.1), "PASS"),
        (ratio(1.4, 1.3, 1.5), "FAIL"),
        (ratio(1.1, 1.0, 1.3), "CANNOT SAY"),
        ({"approved": 0}, "CANNOT SAY"),
    ],
)
def test_a_draw_is_judged_by_the_gates_own_rule(figures, verdict):
    trial = PowerTrial(GATE, "f", lambda generator, rows, wrong: figures)
    assert trial.verdict(np.random.default_rng(1), 100, wrong=True) == verdict


def test_a_fail_of_a_right_model_and_a_pass_of_a_wrong_one_are_errors_and_what_cannot_be_said_is_none():
    count = PowerCount("a", "f", 100, {"PASS": 90, "FAIL": 4, "CANNOT SAY": 6}, {"PASS": 8, "FAIL": 32})
    assert (count.false_fails, count.misses) == (0.04, 0.2)
    assert (
        power.bounds(count) == "false fails 4.0%, 2% allowed; misses 20.0%, 5% allowed; not kept by 30,000 rows either"
    )
    enough = dataclasses.replace(count, kept_from=4_500)
    assert power.bounds(enough) == "false fails 4.0%, 2% allowed; misses 20.0%, 5% allowed; kept from 4,500 rows"
    kept = PowerCount("a", "f", 100, {"PASS": 98, "FAIL": 2}, {"PASS": 1, "FAIL": 18, "CANNOT SAY": 1})
    assert power.bounds(kept) == "kept"
    assert power.table([count, kept]).splitlines()[2:] == [
        f"| `a` | f | 100 | 90.0 / 6.0 / 4.0 | 20.0 / 0.0 / 80.0 | {power.bounds(count)} |",
        "| `a` | f | 100 | 98.0 / 0.0 / 2.0 | 5.0 / 5.0 / 90.0 | kept |",
    ]


def test_limits_are_the_configs_own_and_else_those_of_the_page():
    ours = {trial.gate.name: trial.gate for trial in power.trials(LENDER)}
    assert ours["book_as_foretold"].at_most == 1.2
    stricter = LENDER.model_copy(update={"gates": (GATE.model_copy(update={"at_most": 1.1}),)})
    assert [trial.gate.at_most for trial in power.trials(stricter) if trial.gate.name == "a"] == [1.1]


@pytest.mark.parametrize("trial", power.trials(LENDER), ids=lambda trial: trial.gate.name)
def test_a_right_model_hardly_ever_fails_and_a_wrong_one_hardly_ever_passes(trial):
    generator = np.random.default_rng(5)
    rows = 1_500 if trial.gate.name in ("no_twins", "calibration_slope", "calibration_level") else 6_000
    for wrong, never in ((False, "FAIL"), (True, "PASS")):
        verdicts = [trial.verdict(generator, rows, wrong=wrong) for _ in range(6)]
        assert verdicts.count(never) <= 1, verdicts
        assert verdicts.count("FAIL" if wrong else "PASS") >= 4, verdicts


def test_draws_follow_from_the_seed_and_each_size_is_counted():
    few = list(power.counts(LENDER, sizes=(400,), part=0.002))
    assert [count.name for count in few] == [trial.gate.name for trial in power.trials(LENDER)]
    assert {sum(count.right.values()) for count in few} == {1, 2}
    assert few == list(power.counts(LENDER, sizes=(400,), part=0.002))


def test_a_gate_that_sees_too_little_says_from_how_many_rows_it_keeps_both_bounds(monkeypatch):
    def drawn(generator, rows, wrong):
        return ratio(1.4, 1.3, 1.5) if wrong and rows >= 2_600 else ratio(1.0, 0.9, 1.1)

    monkeypatch.setattr(power, "trials", lambda config: [PowerTrial(GATE, "f", drawn, draws=4)])
    few, enough = power.counts(LENDER, sizes=(1_500, 6_000))
    assert (few.kept, few.misses, few.kept_from) == (False, 1.0, 3_000)  # in steps of 500 from 1,500
    assert (enough.kept, enough.kept_from) == (True, None)


def test_where_no_number_of_rows_does_that_is_what_is_said(monkeypatch):
    monkeypatch.setattr(
        power, "trials", lambda config: [PowerTrial(GATE, "f", lambda *_: ratio(1.4, 1.3, 1.5), draws=1)]
    )
    (count,) = power.counts(LENDER, sizes=(1_500,))
    assert (count.false_fails, count.misses, count.kept, count.kept_from) == (1.0, 0.0, False, None)


def test_the_command_writes_the_table_between_its_marks_and_a_quick_run_writes_nothing(
    trained, tmp_path, monkeypatch, capsys
):
    shutil.copytree(trained[1].config.parent, tmp_path / "configs")
    page = tmp_path / power.PAGE
    before = f"a\n{power.BEGIN}\nold\n{power.END}\nb\n"
    write_text(page, before)
    count = PowerCount("a", "f", 9, {"PASS": 1}, {"FAIL": 1})
    parts = []
    monkeypatch.setattr(power, "counts", lambda config, part: parts.append(part) or [count])
    assert main(["validator-power", "--root", str(tmp_path), "--quick"]) == 0
    assert page.read_text() == before
    assert main(["validator-power", "--root", str(tmp_path)]) == 0
    assert page.read_text() == f"a\n{power.BEGIN}\n\n{power.table([count])}\n\n{power.END}\nb\n"
    assert parts == [0.02, 1.0]
    assert "| `a` | f | 9 |" in capsys.readouterr().out
