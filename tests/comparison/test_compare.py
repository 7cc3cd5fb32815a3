"""A candidate against a baseline: counted by hand on five rows, and run on files of the simulated lender."""

import shutil
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from credit_risk.comparison import compare
from credit_risk.comparison.figures import (
    Comparison,
    ScorerDecisions,
    accuracy,
    at_equal_approvals,
    equal_cut_off,
    swap_set,
)
from credit_risk.config.schema import Gate
from credit_risk.data.files import Files
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import write_json
from credit_risk.errors import CheckFailed, DataError, ScorerError
from credit_risk.measures.verdict.waiver import WaiverRefused
from credit_risk.modelling.accounts import Accounts, Weights
from credit_risk.report import gate_output
from credit_risk.scoring import decision
from credit_risk.scoring.model import Boosted
from credit_risk.scoring.scorer import Scorer
from identities_trial import sign_waiver

NOT_WORSE = Gate(name="not_worse", measure="comparison.differences.auc", at_least=-0.02, reason="non-inferior")


@pytest.fixture(scope="module")
def ready(trained, tmp_path_factory):
    """The trained lender with quick intervals and a comparison gate, new raw rows, and a one-tree candidate."""
    config, files = trained
    root = tmp_path_factory.mktemp("compare")
    lender(3_000, seed=99).applications.to_csv(root / "new.csv", index=False)
    scorer = Scorer.load(files.scorer)
    stump = Boosted(scorer.model.booster.model_to_string(num_iteration=1))
    replace(scorer, model=stump).save(root / "stump")
    return quick(config, (*config.gates, NOT_WORSE)), files, root


def quick(config, gates):
    return config.model_copy(
        update={"evaluation": config.evaluation.model_copy(update={"replicates": 100}), "gates": gates}
    )


def compared(ready, candidate=None, baseline=None, data=None, **thresholds):
    config, files, root = ready
    return compare.compare(
        config,
        files,
        candidate=candidate or files.scorer,
        baseline=baseline or files.challenger,
        test_data=data or root / "new.csv",
        **thresholds,
    )


def verdicts(record):
    return {one["name"]: one["verdict"] for one in record["checks"]}


# On five rows


def comparison(config, candidate_pd, baseline_pd, bad, approved=None):
    """Rows by hand; a PD below 0.2 is approved (margin 0.2, lgd 0.8, no cost)."""
    policy = config.policy.model_copy(update={"margin": 0.2, "lgd": 0.8, "cost": 0.0})
    config = config.model_copy(update={"policy": policy})
    scorer = SimpleNamespace(config=config)
    pds = [np.array(candidate_pd), np.array(baseline_pd)]
    candidate, baseline = (ScorerDecisions(scorer, SimpleNamespace(pd=pd), pd < decision.cut_off(policy)) for pd in pds)
    ones = Weights(np.ones(len(bad)), np.ones(len(bad)))
    inputs = np.empty((len(bad), 0))
    accounts = Accounts(pd.DataFrame(index=range(len(bad))), inputs, np.array(bad, dtype=bool), ones, {})
    return Comparison(config, accounts, np.arange(len(bad)), candidate, baseline)


def test_the_swap_set_counts_who_changes_sides_and_how_they_turned_out(ready):
    lines = swap_set(comparison(ready[0], [0.1, 0.1, 0.1, 0.5, 0.5], [0.1, 0.5, 0.5, 0.1, 0.5], [0, 0, 1, 1, 1]))
    assert [(line["group"], line["rows"], line["bads"]) for line in lines] == [
        ("approved by both", 1, 0),
        ("newly approved", 2, 1),
        ("newly declined", 1, 1),
        ("declined by both", 1, 1),
    ]
    newly = lines[1]
    assert newly["bad_rate"] == 0.5
    assert 0 < newly["bad_rate_low"] < 0.5 < newly["bad_rate_high"] < 1


def test_accuracy_is_the_share_of_right_calls_at_the_cut_off(ready):
    five = comparison(ready[0], [0.1, 0.1, 0.5, 0.5, np.nan], [0.1] * 5, [0, 1, 1, 0, 1])
    assert accuracy(five)["accuracy"] == 0.5  # of four rows with a PD two are called right


@pytest.mark.parametrize(
    ("pd_", "share", "below"),
    [
        ([0.1, 0.2, 0.3, 0.4], 0.5, 2),
        ([0.1, 0.2, 0.3, 0.4], 1.0, 4),
        ([0.1, 0.2, 0.3, 0.4], 0.0, 0),
        ([0.1, 0.3, 0.3, 0.3], 0.5, 1),  # the tie is cut on its nearer side
    ],
)
def test_the_cut_off_of_equal_approvals_lets_as_many_through(pd_, share, below):
    assert (np.array(pd_) < equal_cut_off(np.array(pd_), share)).sum() == below


def test_profit_at_equal_approval_rate_is_that_of_the_rows_approved(ready):
    candidate = [0.01, 0.02, 0.03, 0.04, 0.30, 0.40, 0.50, 0.60]  # would approve four by its own cut-off
    baseline = [0.40, 0.10, 0.50, 0.60, 0.12, 0.30, 0.70, 0.80]  # approves two, one of them bad
    unknown = {}
    found = at_equal_approvals(comparison(ready[0], candidate, baseline, [0, 0, 0, 0, 1, 1, 1, 1]), unknown)
    assert found["approval_rate"] == 0.25
    # Candidate: two goods earn 0.4; baseline: a good and a bad lose 0.6. Over eight applications: (0.4 + 0.6) / 8.
    assert found["profit_per_application"] == pytest.approx(0.125)
    assert found["bad_rate_of_approved"] == -0.5


def test_ties_that_keep_the_rates_apart_leave_profit_unknown(ready):
    unknown = {}
    tied = comparison(ready[0], [0.3] * 4, [0.1, 0.1, 0.5, 0.5], [0, 1, 0, 1])
    found = at_equal_approvals(tied, unknown)
    assert np.isnan(found["profit_per_application"])
    assert "ties of the PD" in unknown["comparison.equal_approval_rate.profit_per_application"]


# On files


def test_the_model_may_take_the_scorecards_place(ready):
    config, files, root = ready
    record = compared(ready)
    assert verdicts(record) == {
        "discrimination": "PASS",
        "not_worse": "PASS",
        "candidate_scores_all": "PASS",
    } | {one.name: "PASS" for one in config.gates if one.measure.startswith("fairness.")}
    assert record["verdict"] == "PASS"
    compare.raise_unless_passed(record, root)
    assert record["not_judged_here"] == ["monotone"]
    assert record["candidate"] == {"path": "models/scorer", "digest": Scorer.load(files.scorer).digest}
    assert record["data"]["path"] == "new.csv"
    assert sum(line["rows"] for line in record["swap_set"]) == record["rows"]["compared"]
    differences = record["measures"]["comparison"]["differences"]
    assert differences["auc_low"] <= differences["auc"] <= differences["auc_high"]


def test_a_scorer_against_itself_differs_in_nothing(ready):
    files = ready[1]
    record = compared(ready, baseline=files.scorer)
    assert set(record["measures"]["comparison"]["differences"].values()) == {0.0}
    assert [line["rows"] for line in record["swap_set"]][1:3] == [0, 0]


def test_a_candidate_that_ranks_worse_is_refused_by_the_comparison(ready):
    files, root = ready[1:]
    record = compared(ready, candidate=root / "stump", baseline=files.scorer)
    assert verdicts(record)["not_worse"] == "FAIL"
    with pytest.raises(CheckFailed, match=r"FAIL not_worse: .*\(comparison.differences.auc\) is") as caught:
        compare.raise_unless_passed(record, root / "out.json")
    assert caught.value.exit_code == 1


def test_the_same_files_give_the_same_record(ready):
    assert gate_output.junit(compared(ready)) == gate_output.junit(compared(ready))


def test_thresholds_are_held_with_their_intervals(ready):
    record = compared(ready, accuracy_threshold=0.99, fairness_threshold=0.1)
    assert verdicts(record)["accuracy"] == "FAIL"
    assert verdicts(compared(ready, accuracy_threshold=0.5))["accuracy"] == "PASS"
    measured = record["measures"]["candidate"]["accuracy"]
    assert verdicts(compared(ready, accuracy_threshold=measured))["accuracy"] == "CANNOT SAY"


def test_fairness_is_the_lowest_ratio_and_unknown_while_a_group_is_too_small(ready):
    config, files, root = ready
    few = config.fairness.model_copy(update={"min_n": 1_000_000})
    record = compared((config.model_copy(update={"fairness": few}), files, root), fairness_threshold=0.1)
    assert verdicts(record)["fairness"] == "CANNOT SAY"
    assert "sex: female" in record["unknown"]["candidate.fairness"]
    known = compared(ready)["measures"]["candidate"]
    assert known["fairness_low"] <= known["fairness"] <= known["fairness_high"]
    assert known["least_alike"] in config.fairness.attributes


def test_without_protected_columns_fairness_is_not_known(ready):
    config, files, root = ready
    none = {"attributes": {}, "contrasts": (), "intersections": (), "unavailable": "the law forbids asking"}
    settings = config.fairness.model_copy(update=none)
    record = compared((config.model_copy(update={"fairness": settings}), files, root), fairness_threshold=0.1)
    assert verdicts(record)["fairness"] == "CANNOT SAY"
    assert record["unknown"]["candidate.fairness"] == "the law forbids asking"


def test_without_a_comparison_gate_nothing_says_how_much_worse_is_allowed(ready):
    config, files, root = ready
    gates = tuple(one for one in config.gates if one != NOT_WORSE)
    record = compared((quick(config, gates), files, root))
    assert verdicts(record)["comparison"] == "CANNOT SAY"
    assert record["verdict"] == "CANNOT SAY"
    with pytest.raises(CheckFailed, match="Declare one"):
        compare.raise_unless_passed(record, root)


def test_rows_of_training_are_refused_where_training_is_known(ready, tmp_path):
    files, root = ready[1:]
    raw = pd.read_csv(files.root / "data" / "applications.csv")
    new = pd.read_csv(root / "new.csv")
    pd.concat([new, raw]).to_csv(tmp_path / "both.csv", index=False)
    record = compared(ready, data=tmp_path / "both.csv")
    seen = sum(len(pd.read_parquet(files.inputs(part))) for part in ("train", "selection"))
    assert record["rows"]["stand_in_training"] >= seen
    assert "rows that equal one of training or selection are left out" in record["notes"][0]


def test_nothing_but_training_rows_is_no_test(ready, tmp_path):
    files = ready[1]
    raw = pd.read_csv(files.root / "data" / "applications.csv")
    trained_on = pd.read_parquet(files.outcomes("train"))["row"]
    raw[raw["application_id"].isin(trained_on)].to_csv(tmp_path / "old.csv", index=False)
    with pytest.raises(DataError, match=r"every row of .*old.csv equals a row of training or selection"):
        compared(ready, data=tmp_path / "old.csv")


def test_a_candidate_is_compared_on_its_test_rows_less_what_the_baselines_repository_learned_from(ready, tmp_path):
    config, files, _ = ready
    base = Files(tmp_path / "base")
    shutil.copytree(files.root, base.root)
    test = pd.read_parquet(files.inputs("test"))
    paths = {"candidate": files.scorer, "baseline": base.scorer}
    record = compare.compare(config, files, **paths, test_data=None, baseline_root=base.root)
    assert record["rows"]["compared"] == len(test)
    assert record["data"]["path"] == "data/applications.csv"
    test.head(100).to_parquet(base.inputs("train"))  # as if another split had put them there
    record = compare.compare(config, files, **paths, test_data=None, baseline_root=base.root)
    assert record["rows"]["compared"] == len(test) - 100


def test_accounts_that_matured_after_the_baselines_day_of_outcomes_are_compared(ready, tmp_path):
    config, files, root = ready
    base = Files(tmp_path / "base")
    shutil.copytree(files.root, base.root)
    text = base.config.read_text()
    base.config.write_text(text.replace("outcome:\n", "outcome:\n  observed_until: 2000-01-01\n", 1))
    known = {"candidate": files.scorer, "baseline": base.scorer, "test_data": root / "new.csv"}
    record = compare.compare(config, files, **known, baseline_root=base.root)
    assert record["rows"] == compare.compare(config, files, **known, baseline_root=files.root)["rows"]


def test_a_candidate_of_elsewhere_has_no_test_rows_here(ready, tmp_path):
    config, files, _ = ready
    with pytest.raises(DataError, match="was not trained here"):
        compare.compare(
            config, Files(tmp_path), candidate=files.scorer, baseline=files.scorer, test_data=None,
            baseline_root=files.root,
        )  # fmt: skip


def test_where_training_is_not_known_the_record_says_so(ready, tmp_path):
    config, files, root = ready
    for name in ("scorer", "challenger"):
        shutil.copytree(files.root / "models" / name, tmp_path / name)
    elsewhere = (config, Files(tmp_path / "empty"), root)
    record = compared(elsewhere, candidate=tmp_path / "scorer", baseline=tmp_path / "challenger")
    assert record["rows"]["stand_in_training"] is None
    assert record["notes"][0].startswith("Where the candidate was trained is not known here")
    assert record["candidate"]["path"] == "scorer"


def test_a_candidate_that_leaves_hard_rows_out_is_refused(ready, tmp_path):
    files = ready[1]
    scorer = Scorer.load(files.scorer)
    narrow = scorer.config.columns["utilisation"].model_copy(update={"range": (0, 0.5)})
    columns = {**scorer.config.columns, "utilisation": narrow}
    replace(scorer, config=scorer.config.model_copy(update={"columns": columns})).save(tmp_path / "picky")
    record = compared(ready, candidate=tmp_path / "picky", baseline=files.scorer)
    assert verdicts(record)["candidate_scores_all"] == "FAIL"
    assert record["rows"]["scored_by_both"] < record["rows"]["compared"]


def test_scorers_of_another_outcome_cannot_be_compared(ready, tmp_path):
    files = ready[1]
    scorer = Scorer.load(files.scorer)
    outcome = scorer.config.outcome.model_copy(update={"definition": "30 days late", "performance_window_months": 6})
    replace(scorer, config=scorer.config.model_copy(update={"outcome": outcome})).save(tmp_path / "other")
    with pytest.raises(ScorerError, match="the baseline was fitted to an outcome with another definition and perf"):
        compared(ready, baseline=tmp_path / "other")


def test_a_scorer_that_is_not_there_is_named(ready, tmp_path):
    with pytest.raises(ScorerError, match="nothing"):
        compared(ready, candidate=tmp_path / "nothing")


def test_the_record_can_be_written_shown_and_read_by_ci(ready, tmp_path):
    record = compared(ready, accuracy_threshold=0.99)
    write_json(tmp_path / "comparison.json", record)
    assert str(ready[2]) not in (tmp_path / "comparison.json").read_text()
    console = Console(width=200, record=True, file=StringIO())
    console.print(compare.render(record))
    text = console.export_text()
    assert "newly approved" in text
    assert "Not judged here, but by `credit-risk gate`: monotone." in text
    assert "The verdict is FAIL." in text
    assert "## Candidate against baseline: FAIL" in gate_output.markdown(record)
    assert 'name="accuracy"' in gate_output.junit(record)


WAIVER = (
    "person: Ada Lovelace\nrole: validator\ncheck: {check}\nreason: the stump is a trial on one branch\n"
    "expires: 2026-06-30\n"
)


@pytest.fixture
def waivable(ready, tmp_path):
    """The same candidate and files, in a root whose waivers a test may write."""
    config, files, root = ready
    shutil.copytree(files.root, tmp_path / "copy")
    copy = Files(tmp_path / "copy")
    copy.waivers.mkdir()
    return config, copy, root


OTHER = {"name": "other", "verdict": "FAIL", "sentence": "It fails."}


def waive(ready, check, day=14, **thresholds):
    _, files, root = ready
    (files.waivers / "one.yaml").write_text(WAIVER.format(check=check), encoding="utf-8")
    sign_waiver(files.root, files.waivers / "one.yaml", "Ada Lovelace")
    return compared(ready, candidate=root / "stump", baseline=files.scorer, today=date(2026, 3, day), **thresholds)


def test_a_gate_on_the_comparison_can_be_waived_and_the_record_shows_by_whom(waivable):
    record = waive(waivable, "not_worse")
    assert verdicts(record)["not_worse"] == "FAIL"
    assert [one["person"] for one in record["waivers"]] == ["Ada Lovelace"]
    others = [verdict for name, verdict in verdicts(record).items() if name != "not_worse"]
    assert (record["verdict"] == "PASS WITH WAIVERS") == (set(others) == {"PASS"})
    assert "WAIVED" in gate_output.markdown(record)
    with pytest.raises(CheckFailed) as caught:
        compare.raise_unless_passed(
            record | {"verdict": "FAIL", "checks": [*record["checks"], OTHER]}, Path("record.json")
        )
    assert "not_worse" not in str(caught.value)


@pytest.mark.parametrize("check", ["candidate_scores_all", "accuracy", "all"])
def test_what_is_no_gate_of_the_config_is_not_waived_for_a_candidate(waivable, check):
    with pytest.raises(WaiverRefused, match=f"check is '{check}', expected one gate by its name"):
        waive(waivable, check, accuracy_threshold=0.99)


def test_a_waiver_of_another_gate_lets_no_worse_candidate_pass(waivable):
    record = waive(waivable, "monotone")
    assert (record["verdict"], record["waivers"]) == ("FAIL", [])
