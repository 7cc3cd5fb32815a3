"""The stage on the simulated lender: what it writes, what it refuses, what the gate and the page make of it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from credit_risk.alternatives import search  # part: alternatives
from credit_risk.config import Config
from credit_risk.config.fairness import Fairness
from credit_risk.config.schema import Gate
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import DataError
from credit_risk.measures.verdict import gate
from credit_risk.modelling.protected_split import ProtectedSplit, ages
from credit_risk.report import plots_fairness
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import fairness

AGES = [
    {"name": "under 25", "low": 18, "high": 24},
    {"name": "25 to 61", "low": 25, "high": 61},
    {"name": "62 and over", "low": 62, "high": 110},
]
SETTINGS = {
    "attributes": {"sex": {}, "age": {"bands": AGES}},
    "min_n": 50,
    "refer_counts_as": "decline",
    "contrasts": [
        {"name": "women", "attribute": "sex", "group": "female", "reference": "male"},
        {"name": "age_62_and_over", "attribute": "age", "group": "62 and over", "reference": "25 to 61"},
    ],
    "intersections": [["sex", "age"]],
    "alternatives": {"mode": "report", "most_auc_lost": 0.01},
}
TABLES = {
    "groups",
    "intersections",
    "sweep",
    "frontier",  # part: alternatives
}


class WithFairness(Config):
    """The config as it is once its fairness section is attached."""

    fairness: Fairness


def with_fairness(config, **changes):
    return WithFairness.model_validate(config.as_dict() | {"fairness": SETTINGS | changes})


OFF = {"alternatives": {"mode": "off", "most_auc_lost": 0.0}}


@pytest.fixture(scope="module")
def measured(trained, tmp_path_factory):
    """The trained lender with its fairness measured. Read it, copy it, never write into it."""
    config, files = trained
    root = tmp_path_factory.mktemp("fairness") / "root"
    shutil.copytree(files.root, root)
    fairness.run(with_fairness(config), Files(root))
    return with_fairness(config), Files(root)


@pytest.fixture
def copy(trained, tmp_path):
    config, files = trained
    shutil.copytree(files.root, tmp_path / "root")
    return config, Files(tmp_path / "root")


def tables(files):
    return {path.stem: pd.read_csv(path) for path in (files.reports / "fairness").iterdir()}


def test_the_report_names_the_scorer_and_every_figure_has_its_ends(measured):
    _, files = measured
    report = read_json(files.report("fairness"))
    assert report["scorer"] == Scorer.load(files.scorer).digest
    women = report["contrasts"]["women"]
    for name in ("ratio", "difference", "equal_opportunity"):
        assert women[f"{name}_low"] < women[name] < women[f"{name}_high"]
    assert set(tables(files)) == TABLES


def test_the_contrast_is_what_a_reader_counts_from_the_tables(measured):
    _, files = measured
    decided = Scorer.load(files.scorer).decide(pd.read_parquet(files.inputs("test")))
    rates = decided.table()["decision"].eq("approve").groupby(pd.read_parquet(files.protected("test"))["sex"]).mean()
    report = read_json(files.report("fairness"))
    assert report["contrasts"]["women"]["ratio"] == pytest.approx(rates["female"] / rates["male"])
    groups = tables(files)["groups"].set_index("group")
    assert groups.loc["female", "approval_rate"] == pytest.approx(rates["female"])
    assert report["attributes"]["sex"]["groups"]["female"]["approval_rate"] == pytest.approx(rates["female"])


def test_honest_features_give_no_group_away_and_the_gate_reads_the_largest(measured):
    _, files = measured
    report = read_json(files.report("fairness"))
    women, old = report["proxies"]["women"], report["proxies"]["age_62_and_over"]
    # This lender's sexes differ in nothing, so the strongest of the features differs by chance: of eight AUCs with a
    # standard error of about 0.02 the furthest from 0.5 seldom lies beyond three of them.
    assert abs(women["auc"] - 0.5) < 0.06
    assert report["proxy_largest"]["auc"] == max(women["auc"], old["auc"])
    assert women["feature"] in measured[0].features
    one = Gate(name="proxies", measure="fairness.proxy_largest.auc", at_most=0.95, reason="a copy")
    assert gate.decide([one], {"fairness": report}, {})[0].verdict == "PASS"


def test_a_contrast_too_small_in_training_leaves_the_largest_unknown(copy):
    config, files = copy
    protected = pd.read_parquet(files.protected("train"))
    old = protected.index[protected["age"] >= 62]
    protected.loc[old[20:], "age"] = 40
    protected.to_parquet(files.protected("train"))
    fairness.run(with_fairness(config, **OFF), files)
    report = read_json(files.report("fairness"))
    assert report["proxy_largest"]["auc"] is None
    assert "age_62_and_over: in training 20 rows" in report["unknown"]["proxy_largest.auc"]
    assert report["proxies"]["women"]["auc"] is not None


def test_an_input_that_only_rules_read_gives_its_group_away_too(copy):
    config, files = copy
    inputs, protected = pd.read_parquet(files.inputs("train")), pd.read_parquet(files.protected("train"))
    assert "loan_amount" not in config.features
    inputs.assign(loan_amount=np.where(protected["sex"] == "female", 1_000.0, 1_001.0)).to_parquet(
        files.inputs("train")
    )
    only_women = with_fairness(config, contrasts=SETTINGS["contrasts"][:1])
    train = ProtectedSplit(only_women, files, "train", Scorer.load(files.scorer))
    unknown = {}
    report = fairness.proxy_figures(only_women, train, unknown)
    assert (report["proxies"]["women"]["feature"], unknown) == ("loan_amount", {})
    assert report["proxy_largest"]["auc_low"] > 0.95
    # Nothing is compared by age, and it is looked for all the same.
    assert set(report["proxies"]) == {"women", "age: above its middle"}


def test_a_guarded_column_without_a_group_that_is_large_enough_is_not_told_from_anything(copy):
    config, files = copy
    nobody = with_fairness(config, contrasts=[], min_n=10**6)
    train = ProtectedSplit(nobody, files, "train", Scorer.load(files.scorer))
    unknown = {}
    assert fairness.guarded_groups(nobody, train, unknown) == {}
    assert set(unknown) == {"proxies.age", "proxies.sex"}


def test_all_groups_add_up_to_the_test_rows(measured):
    _, files = measured
    found = tables(files)
    rows = len(pd.read_parquet(files.outcomes("test")))
    assert found["groups"].groupby("attribute")["rows"].sum().tolist() == [rows, rows]
    assert found["intersections"]["rows"].sum() == rows
    assert len(found["intersections"]) == 6


def test_the_sweep_passes_through_the_cut_off_in_force(measured):
    _, files = measured
    report, sweep = read_json(files.report("fairness")), tables(files)["sweep"]
    here = sweep[np.isclose(sweep["cut_off"], report["operating"]["cut_off"]) & (sweep["contrast"] == "women")]
    assert here["ratio"].tolist() == pytest.approx([report["contrasts"]["women"]["ratio"]])


def test_a_second_run_writes_the_same_bytes(measured, tmp_path):
    config, files = measured
    shutil.copytree(files.root, tmp_path / "root")
    before = {path.name: path.read_bytes() for path in (files.reports).rglob("*") if path.is_file()}
    fairness.run(config, Files(tmp_path / "root"))
    after = {path.name: path.read_bytes() for path in (tmp_path / "root" / "reports").rglob("*") if path.is_file()}
    assert after == before


def test_a_group_too_small_or_absent_makes_the_gate_say_cannot_say(copy):
    config, files = copy
    fairness.run(with_fairness(config, min_n=10_000, **OFF), files)
    report = read_json(files.report("fairness"))
    assert report["contrasts"]["women"]["ratio"] is None
    check = Gate(name="women", measure="fairness.contrasts.women.ratio", at_least=0.8, at_most=1.25, reason="policy")
    unknown = {f"fairness.{name}": why for name, why in report["unknown"].items()}
    (verdict,) = gate.decide([check], {"fairness": report}, unknown)
    assert verdict.verdict == "CANNOT SAY"
    assert "fairness.min_n asks for 10000" in verdict.sentence
    assert tables(files)["intersections"]["assessed"].str.startswith("not assessed: ").all()

    protected = pd.read_parquet(files.protected("test"))
    protected.assign(age=30).to_parquet(files.protected("test"), index=False)
    fairness.run(with_fairness(config, **OFF), files)
    report = read_json(files.report("fairness"))
    assert report["unknown"]["contrasts.age_62_and_over.ratio"] == "62 and over: no rows"
    assert report["contrasts"]["age_62_and_over"]["rows"] == 0


def test_a_missing_label_is_a_group_in_the_tables(copy):
    config, files = copy
    protected = pd.read_parquet(files.protected("test"))
    sex = protected["sex"].astype(object).mask(protected.index < 100)
    protected.assign(sex=sex).to_parquet(files.protected("test"), index=False)
    fairness.run(with_fairness(config, **OFF), files)
    groups = tables(files)["groups"].set_index("group")
    assert groups.loc["not known", "rows"] == 100


def test_a_value_in_no_group_stops_the_stage(copy):
    config, files = copy
    attributes = {"sex": {"groups": {"female": ["female"]}}}
    with pytest.raises(DataError, match="sex: 'male' belongs to no group"):
        fairness.run(with_fairness(config, attributes=attributes, contrasts=[], intersections=[], **OFF), files)


def test_referrals_count_as_the_config_says(copy):
    config, files = copy
    rates = []
    for counts_as in ("decline", "approve"):
        fairness.run(with_fairness(config, refer_counts_as=counts_as, **OFF), files)
        rates.append(read_json(files.report("fairness"))["operating"])
    assert rates[1]["approval_rate"] == pytest.approx(rates[0]["approval_rate"] + rates[0]["referred"])


def test_unavailable_is_stated_and_opens_no_protected_column(copy):
    config, files = copy
    shutil.rmtree(files.protected("test").parent)
    (files.reports / "fairness").mkdir(parents=True)
    (files.reports / "fairness" / "groups.csv").write_text("of an earlier run")
    why = "no protected column may be kept under our works agreement"
    fairness.run(with_fairness(config, unavailable=why, attributes={}, contrasts=[], intersections=[]), files)
    report = read_json(files.report("fairness"))
    assert report["unavailable"] == why
    assert report["contrasts"] == {}
    assert tables(files) == {}
    assert why in rendered(config, files)


# of the part: alternatives
def test_the_search_reports_and_changes_nothing(measured):
    _, files = measured
    report = read_json(files.report("fairness"))["alternatives"]
    assert report["searched"]
    assert report["chosen"] is None
    assert report["candidates"] == len(tables(files)["frontier"]) - 1
    assert Scorer.load(files.scorer).digest == read_json(files.report("fairness"))["scorer"]


def test_select_needs_a_name_marks_its_choice_and_still_changes_nothing(copy, monkeypatch):
    config, files = copy
    unsigned = {"mode": "select", "most_auc_lost": 0.05}
    with pytest.raises(search.NotSigned):
        fairness.run(with_fairness(config, alternatives=unsigned), files)
    marked = search.marked

    def some_are_clearly_fairer(table, settings):
        return marked(table.assign(gain_low=1.0, evenness=[0.5, *([0.9] * (len(table) - 1))], auc_lost=0.0), settings)

    monkeypatch.setattr(search, "marked", some_are_clearly_fairer)
    before = Scorer.load(files.scorer).digest
    fairness.run(with_fairness(config, alternatives=unsigned | {"sign_off": "Ada Lovelace"}), files)
    report = read_json(files.report("fairness"))["alternatives"]
    assert report["chosen"] == tables(files)["frontier"].query("chosen")["candidate"].item()
    assert "sign-off of Ada Lovelace; nothing was changed" in report["sentence"]
    assert Scorer.load(files.scorer).digest == before


def test_a_search_that_is_switched_off_is_said_and_not_made(copy):
    config, files = copy
    fairness.run(with_fairness(config, **OFF), files)
    report = read_json(files.report("fairness"))["alternatives"]
    assert (report["mode"], report["searched"], report["admissible"]) == ("off", False, [])
    assert report["sentence"] == "The search for less discriminatory alternatives is switched off."
    assert "frontier" not in tables(files)


def test_with_no_contrast_to_judge_by_the_search_says_so(copy):
    config, files = copy
    fairness.run(with_fairness(config, min_n=10_000), files)
    report = read_json(files.report("fairness"))["alternatives"]
    assert not report["searched"]
    assert report["sentence"].startswith(
        "CANNOT SAY. Alternatives were not searched for: no declared contrast has 10,000"
    )
    rows = int(re.match(r"female: (\d+) rows, and fairness.min_n", report["contrasts_left_out"]["women"])[1])
    assert f"women needs {10_000 - rows:,} more of female and " in report["sentence"]


# end of part


# The page


def rendered(config, files):
    """The part as page.html.j2 includes it: with that page's macros and nothing else."""
    stages = Path(plots_fairness.__file__).parent
    page = (stages / "page.html.j2").read_text(encoding="utf-8")
    macros = page[: page.index("<!doctype html>")]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, loader=FileSystemLoader(stages)
    )
    template = environment.from_string(macros + '{% include "page_fairness.html.j2" %}')
    return template.render(config=config, fairness=plots_fairness.figures(files))


def test_the_page_shows_pictures_tables_and_sentences(measured):
    config, files = measured
    page = rendered(config, files)
    assert page.count("<svg") >= 2
    assert page.count("<svg") == 3  # part: alternatives
    assert "female against male" in page
    assert "alternatives were judged on the selection rows" in page  # part: alternatives
    assert "no gate" in page


def test_the_page_has_no_table_of_intersections_where_none_is_declared(measured):
    config, files = measured
    assert "Intersections (reported, not gated)" in rendered(with_fairness(config), files)
    assert "Intersections (reported, not gated)" not in rendered(with_fairness(config, intersections=[]), files)


def test_the_page_shows_the_gates_verdict_and_doubts_one_of_another_scorer(measured, tmp_path):
    config, files = measured
    shutil.copytree(files.root, tmp_path / "root")
    files = Files(tmp_path / "root")
    checks = [{"measure": "fairness.contrasts.women.ratio", "verdict": "CANNOT SAY"}]
    write_json(files.report("gate"), {"checks": checks, "digests": {"scorer": "another"}})
    page = rendered(config, files)
    assert 'class="badge unsure"' in page
    assert "the gate judged another scorer" in page


def test_what_is_not_there_is_said_to_be_missing(copy):
    config, files = copy
    page = rendered(config, files)
    assert "reports/fairness.json was not written" in page
    write_json(files.report("fairness"), {"operating": {"refer_counts_as": "decline", "min_n": 50}})
    assert "reports/fairness/groups.csv was not written" in rendered(config, files)


def test_a_sentence_for_each_outcome():
    numbers = {"group": "women", "reference": "men", "ratio": 0.7, "ratio_low": 0.6, "ratio_high": 0.8}
    say = plots_fairness._sentence
    assert say(numbers, None).startswith(
        "Where 100 “men” are approved, 70 of equally many “women” are (60 to 80): more"
    )
    assert say(numbers | {"ratio_high": 1.1}, None).endswith("(60 to 110): no more than chance explains.")
    assert say(numbers | {"ratio": None}, "women: no rows") == "Cannot be said: women: no rows."
    assert say(numbers | {"ratio_low": None}, None).endswith("how far chance moves that is not known.")


def test_a_date_of_birth_is_the_age_in_whole_years_on_the_day_of_application():
    born = pd.Series(pd.to_datetime(["2000-03-15", "2000-03-16", None, "1962-03-15"]))
    applied = pd.Series(pd.to_datetime(["2024-03-15"] * 4))
    np.testing.assert_array_equal(ages(born, applied), [24, 23, np.nan, 62])
