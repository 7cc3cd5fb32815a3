"""Ten rows for the judge, the simulated lender for the search."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from credit_risk.alternatives import search
from credit_risk.alternatives.search import Candidate, Judge, NotSigned, Selection, Training
from credit_risk.config import load
from credit_risk.config.fairness import Alternatives, Attribute, Contrast, Fairness
from credit_risk.data.inputs import Inputs
from credit_risk.data.simulated_lender import lender
from credit_risk.measures import fairness
from credit_risk.measures.fairness import Cases, Grouping
from credit_risk.scoring.features import Features

CONFIG = Path(__file__).parents[1] / "lender" / "credit.yaml"
WOMEN = Contrast(name="women", attribute="sex", group="female", reference="male")


def settings(mode="report", sign_off=None, most_auc_lost=0.02):
    return Fairness(
        attributes={"sex": Attribute()},
        min_n=50,
        refer_counts_as="decline",
        contrasts=(WOMEN,),
        alternatives=Alternatives(mode=mode, sign_off=sign_off, most_auc_lost=most_auc_lost),
    )


def ten(approved, bad=(0, 1, 0, 1, 0, 1, 0, 0, 0, 1), decided=()):
    """Four women, then six men."""
    rows = np.arange(10)
    cases = Cases(np.isin(rows, approved), np.full(10, 0.1), np.array(bad, dtype=bool), rows)
    grouping = Grouping("sex", ("female", "male"), (rows >= 4).astype(int))
    return Selection(np.zeros((10, 1)), cases, np.isin(rows, decided), {"sex": grouping}, (WOMEN,))


def line(name, kind="fewer features", **figures):
    standard = {"auc": 0.78, "auc_lost": 0.0, "evenness": 0.8, "gain_low": -0.1}
    return {"candidate": name, "kind": kind} | standard | figures


FRONTIER = pd.DataFrame([
    line("the model", "model"),
    line("clearly fairer", auc=0.775, auc_lost=0.005, evenness=0.85, gain_low=0.01),
    line("perhaps fairer", auc=0.779, auc_lost=0.001, evenness=0.86),
    line("too dear", auc=0.70, auc_lost=0.08, evenness=0.95, gain_low=0.05),
    line("fairest", "reduction", auc=0.772, auc_lost=0.008, evenness=0.97, gain_low=0.1),
    line("fairer still", auc=0.771, auc_lost=0.009, evenness=0.9, gain_low=0.02),
])  # fmt: skip


def test_a_candidate_approves_as_many_as_the_model_safest_first():
    judge = Judge(ten(approved=[0, 4, 5, 6]), confidence=0.95)
    candidate = Candidate("other", "constraint", np.array([9, 1, 2, 8, 3, 7, 6, 5, 4, 9.5]))
    assert np.flatnonzero(judge.approved(candidate)).tolist() == [1, 2, 4, 8]


def test_rows_of_one_margin_are_approved_together():
    judge = Judge(ten(approved=[0, 1]), confidence=0.95)
    tied = Candidate("tied", "constraint", np.array([1, 2, 2, 2, 3, 3, 3, 3, 3, 3.0]))
    assert np.flatnonzero(judge.approved(tied)).tolist() == [0, 1, 2, 3]


def test_what_a_rule_decided_stays_whatever_the_candidate():
    judge = Judge(ten(approved=[0, 4, 9], decided=[1, 9]), confidence=0.95)
    candidate = Candidate("other", "constraint", np.arange(10.0))
    assert np.flatnonzero(judge.approved(candidate)).tolist() == [0, 2, 9]


def test_evenness_is_read_from_the_worse_off_side():
    assert search.even(0.8) == search.even(1.25) == 0.8
    assert search.even(0.0) == search.even(math.nan) == 0
    judge = Judge(ten(approved=[0, 1, 2, 4, 5, 6]), confidence=0.95)
    candidate = Candidate("other", "constraint", np.array([0, 1, 2, 9, 3, 4, 5, 9, 9, 9.0]))
    assert judge.ratios(candidate) == {"women": 0.75 / 0.5}
    assert judge.evenness(candidate) == 0.5 / 0.75


def test_the_table_holds_the_counted_figures_of_model_and_candidate():
    judge = Judge(ten(approved=[0, 4, 5, 6]), confidence=0.95)
    model = Candidate("model", "model", np.array([0, 9, 9, 9, 1, 2, 3, 9, 9, 9.0]))  # one woman, three men
    other = Candidate("other", "constraint", np.array([0, 1, 9, 9, 2, 3, 9, 9, 9, 9.0]))  # two and two
    table = judge.table(model, [other])
    assert table["evenness"].tolist() == [0.25 / 0.5, (2 / 6) / 0.5]
    assert table["gain"].tolist() == pytest.approx([0, math.log((0.5 / (2 / 6)) / (0.25 / 0.5))])
    assert (table["gain_low"] <= table["gain"]).all()
    assert table["auc_lost"].tolist() == pytest.approx([0, table["auc"][0] - table["auc"][1]])
    assert table["approval_rate"].tolist() == [0.4, 0.4]


def test_a_group_of_which_nobody_is_approved_has_no_gain():
    judge = Judge(ten(approved=[0, 4]), confidence=0.95)
    model = Candidate("model", "model", np.arange(10.0)[::-1])
    table = judge.table(model, [Candidate("other", "constraint", np.arange(10.0))])
    assert table["gain"].isna().all()
    assert table["evenness"].tolist() == [0, 0]


@pytest.mark.weekly
def test_the_interval_of_the_gain_holds_the_truth_as_often_as_it_says():
    # Both models approve half; women at rates 0.4 and 0.5, men at 0.6 and 0.5, from one true risk and noise.
    hits = []
    for seed in range(500):
        draw = np.random.default_rng(seed)
        rows = np.arange(1_000)
        men, risk = rows >= 500, draw.normal(size=1_000)
        margins = [risk - 0.4 * men, risk + draw.normal(size=1_000)]
        cases = Cases(margins[0] < np.median(margins[0]), np.full(1_000, 0.1), draw.random(1_000) < 0.2, rows)
        selection = Selection(
            np.zeros((1_000, 1)),
            cases,
            np.zeros(1_000, bool),
            {"sex": Grouping("sex", ("female", "male"), men.astype(int))},
            (WOMEN,),
        )
        model, other = (Candidate(name, "model", margin) for name, margin in zip("ab", margins, strict=True))
        found = Judge(selection, 0.95).table(model, [other]).iloc[1]
        hits.append(found["gain_low"] <= math.log(0.57926 / 0.42074) <= found["gain_high"])
    assert np.mean(hits) == pytest.approx(0.95, abs=0.025)


def test_only_what_nothing_beats_in_both_lies_on_the_frontier():
    marked = search.marked(FRONTIER, settings().alternatives)
    assert marked["candidate"][marked["on_frontier"]].tolist() == [
        "the model", "perhaps fairer", "fairest"
    ]  # fmt: skip


def test_report_marks_what_is_admissible_and_chooses_nothing():
    marked = search.marked(FRONTIER, settings().alternatives)
    assert marked["candidate"][marked["admissible"]].tolist() == ["clearly fairer", "fairer still"]
    assert not marked["chosen"].any()


def test_select_chooses_the_fairest_that_is_admissible_never_a_reduction():
    marked = search.marked(FRONTIER, settings("select", "Ada Lovelace").alternatives)
    assert marked["candidate"][marked["chosen"]].tolist() == ["fairer still"]
    none = search.marked(FRONTIER, settings("select", "Ada Lovelace", most_auc_lost=0.001).alternatives)
    assert not none["chosen"].any()


@pytest.mark.parametrize("name", [None, "", "legal", "  ", "n/a n/a", "Legal Team"])
def test_select_without_a_named_person_is_refused(name):
    with pytest.raises(NotSigned, match="Name the person who signs it off"):
        search.check_sign_off(settings("select", name).alternatives)


def test_a_contrast_with_too_few_selection_rows_cannot_judge():
    assert search.assessable(ten([0]), min_n=4) == (WOMEN,)
    assert search.assessable(ten([0]), min_n=5) == ()


@pytest.fixture(scope="module")
def searched():
    """The search on a lender whose women are riskier through their income alone."""
    config = load(CONFIG)
    book = lender(3_000, seed=3, gap=1.5).applications.dropna(subset=["status", "months_late"])
    book = book[book["status"].isin(["good", "bad"])]
    inputs = Inputs.of(config).table(book)
    features = Features.of(config)
    matrix, bad = features.matrix(features.columns(inputs)), (book["status"] == "bad").to_numpy()
    sexes = fairness.grouped("sex", book["sex"], Attribute())
    half = np.arange(len(bad)) % 2 == 0
    training = Training(matrix[half], bad[half], {"sex": Grouping("sex", sexes.names, sexes.code[half])})
    matrix, bad = matrix[~half], bad[~half]
    groupings = {"sex": Grouping("sex", sexes.names, sexes.code[~half])}

    def run(settings_, **changes):
        empty = Selection(matrix, None, np.zeros(len(bad), bool), groupings, (WOMEN,))
        margin = search._boosted(config, training, empty, trees=20)
        cases = Cases(margin < np.median(margin), np.full(len(bad), 0.1), bad, np.arange(len(bad)))
        selection = Selection(matrix, cases, np.zeros(len(bad), bool), groupings, (WOMEN,))
        challengers = {"a copy of the model": margin}
        said = []
        return search.search(config, settings_, training, selection, challengers, trees=20, progress=said.append)

    return config, run, run(settings())


@pytest.mark.slow
def test_the_search_tries_every_feature_sets_constraints_challengers_and_reductions(searched):
    config, _, table = searched
    assert table["candidate"][0] == search.AS_IT_STANDS
    tried = set(table["candidate"])
    assert {f"without {name}" for name in config.features} <= tried
    assert set(search.CONSTRAINTS) | set(search.REDUCTIONS) | {"a copy of the model"} <= tried
    assert table["dropped"].str.split().str.len().max() == search.LARGEST_SET
    assert table["candidate"].is_unique


def test_a_copy_of_the_model_neither_gains_nor_loses(searched):
    copy = searched[2].set_index("candidate").loc["a copy of the model"]
    assert (copy["auc_lost"], copy["gain"]) == (0, 0)


def test_the_feature_that_carries_the_gap_is_found(searched):
    table = searched[2]
    singles = table[table["dropped"].str.split().str.len() == 1]
    assert singles.loc[singles["evenness"].idxmax(), "dropped"] in ("income", "loan_to_income")
    assert table["evenness"].max() > table["evenness"][0] + 0.05


def test_a_reduction_comes_nearer_to_alike_than_the_model(searched):
    table = searched[2].set_index("candidate")
    reduced = table.loc["reduction: demographic parity"]
    assert reduced["evenness"] > table["evenness"].iloc[0]
    assert not table["admissible"][table["kind"] == "reduction"].any()


@pytest.mark.slow
def test_the_search_gives_the_same_table_again(searched):
    pd.testing.assert_frame_equal(searched[1](settings()), searched[2])


def test_select_without_a_signature_does_not_even_search(searched):
    with pytest.raises(NotSigned):
        searched[1](settings("select"))


def test_many_training_rows_are_sampled_in_their_order():
    training = Training(
        np.arange(50.0)[:, None], np.arange(50) % 2 == 0, {"sex": Grouping("sex", ("a", "b"), np.arange(50) % 2)}
    )
    sample = training.sample(10, seed=1)
    kept = sample.matrix[:, 0]
    assert len(kept) == 10
    assert (np.diff(kept) > 0).all()
    assert (sample.groupings["sex"].code == kept % 2).all()
    assert training.sample(50, seed=1) is training
