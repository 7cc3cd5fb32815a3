"""The stage on the simulated lender, a careless scorer, and the part of the page that shows it."""

import json
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jinja2 import Environment, StrictUndefined

from credit_risk.config import Config
from credit_risk.config.schema import Robustness
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json
from credit_risk.errors import ScorerError
from credit_risk.modelling.scored_split import RowsUnderTest
from credit_risk.report import plots_robustness
from credit_risk.scoring.decision import APPROVE
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import robustness

TEMPLATES = Path(plots_robustness.__file__).parent
SETTINGS = {
    "scenarios": [
        {"name": "utilisation_up", "columns": {"utilisation": "minimum(utilisation * 1.2, 10)"}},
        {"name": "one_month_later", "columns": {"months_late": "minimum(months_late + 1, 24)"}},
        {"name": "odds_doubled", "odds": 2},
    ],
    "missing_share": 0.1,
    "rows": 300,
}


class Robust(Config):
    robustness: Robustness


def with_settings(config: Config, **changes: object) -> Config:
    return Robust.model_validate({**config.model_dump(), "robustness": {**SETTINGS, **changes}})


@pytest.fixture
def lender(harmed):
    config, files = harmed
    return with_settings(config), files


def report(files: Files):
    return json.loads(files.report("robustness").read_text())


def test_stress_costs_approvals_and_money_and_every_figure_has_its_ends(lender):
    robustness.run(*lender)
    found = report(lender[1])
    was, doubled = found["baseline"], found["scenarios"]["odds_doubled"]
    assert doubled["approval_rate"] < was["approval_rate"]
    assert doubled["held_profit"] < was["expected_profit"]
    assert doubled["approved_won"] == 0
    assert found["scenarios"]["one_month_later"]["mean_pd_change_low"] > 0
    for scenario in found["scenarios"].values():
        for name in ("flips", "held_profit", "approval_rate_change"):
            assert scenario[f"{name}_low"] <= scenario[name] <= scenario[f"{name}_high"]
    assert found["scorer"] == Scorer.load(lender[1].scorer).digest


def test_nothing_is_scored_by_accident_and_an_input_that_may_be_missing_shows_its_shift(lender):
    robustness.run(*lender)
    found = report(lender[1])
    assert found["missing"]["scored_by_accident"] == found["invalid"]["scored_by_accident"] == 0
    assert found["missing"]["injected"] > 300 * 8
    assert found["missing"]["random"]["must_not_score"] > 0
    assert found["missing"]["random"]["scored"] > 0
    assert found["missing"]["largest_pd_shift_input"] == "income"
    assert found["missing"]["largest_pd_shift"] > 0
    table = pd.read_csv(lender[1].reports / "robustness" / "missing.csv")
    assert table.loc[table["policy"] != "allow", "scored"].sum() == 0


def test_a_scorer_that_scores_whatever_comes_is_counted(lender, monkeypatch):
    honest = Scorer.decide_inputs

    def careless(self, inputs):
        decisions = honest(self, inputs)
        blind = np.isnan(decisions.pd)
        outcome = np.where(blind, APPROVE, decisions.outcome)
        return replace(decisions, pd=np.where(blind, 0.1, decisions.pd), outcome=outcome.astype(np.int8))

    monkeypatch.setattr(Scorer, "decide_inputs", careless)
    robustness.run(*lender)
    found = report(lender[1])
    assert found["missing"]["scored_by_accident"] == found["missing"]["injected"] > 0
    assert found["invalid"]["scored_by_accident"] == found["invalid"]["injected"] > 0


def test_the_odds_are_multiplied_for_everybody_by_exactly_the_factor(lender):
    config, files = lender
    scorer = Scorer.load(files.scorer)
    inputs = RowsUnderTest.read(config, files).inputs
    before = scorer.decide_inputs(inputs).pd
    after = robustness.harsher(scorer, config.robustness.scenarios[2]).decide_inputs(inputs).pd
    known = ~np.isnan(before)
    odds = [np.log(pd_[known]) - np.log1p(-pd_[known]) for pd_ in (before, after)]
    assert odds[1] - odds[0] == pytest.approx(np.full(known.sum(), log(2)))


def test_a_stress_that_changes_nobody_is_not_known_rather_than_harmless(lender):
    config, files = lender
    nothing = {"name": "nothing", "columns": {"utilisation": "utilisation * 1"}}
    robustness.run(with_settings(config, scenarios=[nothing]), files)
    found = report(files)
    assert found["scenarios"]["nothing"]["flips"] is None
    assert found["unknown"]["scenarios.nothing.flips"] == "the stress changes no test row"


def test_what_a_stress_pushes_out_of_its_range_is_counted_as_not_scored(lender):
    config, files = lender
    beyond = {"name": "beyond", "columns": {"term_months": "term_months + 1000"}}
    robustness.run(with_settings(config, scenarios=[beyond]), files)
    found = report(files)
    assert found["scenarios"]["beyond"]["not_scored"] > 0
    assert found["scenarios"]["beyond"]["mean_pd"] is None
    assert found["unknown"]["scenarios.beyond.mean_pd"] == "no test row has a PD under this stress"


def test_a_scorer_of_another_policy_is_not_measured(lender, changed):
    config, files = lender
    with pytest.raises(ScorerError, match="assembled under other policy than the config's now"):
        robustness.run(changed(config, "policy", lgd=0.9), files)


def test_two_runs_write_the_same_bytes(lender):
    config, files = lender
    robustness.run(config, files)
    first = {path: path.read_bytes() for path in files.reports.rglob("robustness*/**/*.csv")}
    robustness.run(config, files)
    assert len(first) == 4
    assert first == {path: path.read_bytes() for path in first}


def page(files: Files) -> str:
    whole = (TEMPLATES / "page.html.j2").read_text(encoding="utf-8")
    macros = whole[: whole.index("<!doctype")]
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(macros + (TEMPLATES / "page_robustness.html.j2").read_text(encoding="utf-8"))
    return template.render(robustness=plots_robustness.figures(files))


def test_the_page_tells_the_stress_and_says_that_the_attacks_were_not_run(lender):
    robustness.run(*lender)
    shown = page(lender[1])
    assert shown.count("<svg") == 1
    assert "Odds doubled:" in shown
    assert "None was decided as if nothing were wrong" in shown
    assert "reports/parts/attacks.json was not written" in shown


def test_the_page_shows_the_attacks_where_they_were_made(lender):
    config, files = lender
    robustness.run(config, files)
    score = {"score": 0.75, "score_low": 0.7, "score_high": 0.8, "attacked": 1_000, "budget": 0.5}
    write_json(files.part("attacks"), {"scorer": report(files)["scorer"], "robustness": score, "privacy": score})
    shown = page(files)
    assert '<span class="figure">0.75</span> <span class="between">(0.70 to 0.80)</span>' in shown
    assert "made on another scorer" not in shown
    assert '<a href="attacks.html">' in shown


def test_the_page_without_the_stage_says_so(tmp_path):
    assert "reports/robustness.json was not written" in page(Files(tmp_path))


def test_an_accident_is_not_said_softly(lender):
    accident = {"missing": {"scored_by_accident": 2, "injected": 10}}
    assert "2 WERE DECIDED as if nothing were wrong" in plots_robustness.injected(accident, "missing")
    assert plots_robustness.injected({}, "missing") == "Cannot be said: it was not measured."
