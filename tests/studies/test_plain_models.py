"""The candidate beside plain models: the same rows, and a difference that is the difference."""

import pytest
from sklearn.metrics import roc_auc_score

from credit_risk.data.writing import read_json
from credit_risk.modelling.assembly import load_scorers
from credit_risk.modelling.scored_split import read_scored
from credit_risk.studies import plain_models


def test_both_plain_models_rank_the_candidates_own_test_rows(harmed):
    config, files = harmed
    report = plain_models.run(config, files)
    assert read_json(files.part("plain_models"))["rows"] == report["rows"]
    test = read_scored(config, files, load_scorers(config, files), "test")
    assert report["auc"] == pytest.approx(roc_auc_score(test.bad, test.pd(test.model)), abs=1e-9)
    pds = plain_models.plain_pds(config, files, test.scored)
    assert [*report["candidate_minus"]] == [*pds] == ["plain LightGBM", "plain logistic"]
    for name, difference in report["candidate_minus"].items():
        auc = roc_auc_score(test.bad, pds[name])
        assert auc > 0.6
        assert difference["auc"] == pytest.approx(report["auc"] - auc, abs=1e-9)


def test_a_candidate_that_ranks_lower_is_said():
    figures = {"auc": -0.006, "auc_low": -0.01, "auc_high": -0.002}
    report = {"kind": "scorecard", "auc": 0.75, "rows": 1_000, "candidate_minus": {"plain LightGBM": figures}}
    assert plain_models.sentences({**report, "within": False}) == [
        "plain LightGBM: the candidate (scorecard, AUC 0.7500 on 1,000 test rows) ranks by "
        "-0.0060 (-0.0100 to -0.0020).",
        "It ranks lower than the better of them by more than 0.005.",
    ]
