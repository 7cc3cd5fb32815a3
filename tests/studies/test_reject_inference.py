"""Reject inference: what is inferred can be counted, the accepted alone stay as they were, nothing is silent."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from credit_risk.config.columns import Column
from credit_risk.errors import DataError, UsageError
from credit_risk.studies import reject_inference as study


def test_fuzzy_augmentation_weighs_each_application_as_bad_and_as_good():
    matrix, bad, weight = study.augmented(np.array([[1.0], [2.0]]), np.array([0.25, 0.9]))
    assert matrix[:, 0].tolist() == [1, 2, 1, 2]
    assert bad.tolist() == [True, True, False, False]
    assert weight.tolist() == pytest.approx([0.25, 0.9, 0.75, 0.1])


def test_parcels_hold_as_many_bads_as_their_pds_foretell():
    pds = np.repeat([0.1, 0.5], 50)
    bad = study.parcels(pds, seed=1)
    assert (bad[:50].sum(), bad[50:].sum()) == (5, 25)
    assert (study.parcels(pds, seed=1) == bad).all()
    assert (study.parcels(pds, seed=2) != bad).any()


def test_the_rejected_are_named_by_a_word_of_a_column():
    raw = pd.DataFrame({"decision": ["accepted", "rejected", None]})
    assert study.rejected_words(raw, "decision", "rejected").tolist() == [False, True, False]
    with pytest.raises(DataError, match="no row of decision says 'declined'; it says 'accepted', 'rejected'"):
        study.rejected_words(raw, "decision", "declined")


@pytest.fixture
def lender_with_rejected(raw_lender: Any) -> Any:
    """Every fourth applicant was rejected, and what became of them is not known."""

    def reject(table: pd.DataFrame) -> pd.DataFrame:
        rejected = table["applicant_id"] % 4 == 0
        return table.assign(status=table["status"].mask(rejected), decision=np.where(rejected, "rejected", "accepted"))

    config, files = raw_lender(2_000, reject)
    columns = {**config.columns, "decision": Column(role="ignore", why="what the lender decided")}
    return config.model_copy(update={"columns": columns}), files


def test_both_ways_stand_beside_the_accepted_alone_and_worse_odds_raise_the_pd(lender_with_rejected: Any):
    config, files = lender_with_rejected
    same, worse = (
        study.run(config, files, column="decision", word="rejected", factor=factor)["models"] for factor in (1.0, 8.0)
    )
    assert [*same] == [study.ACCEPTED, study.FUZZY, study.PARCELLED]
    for name in (study.FUZZY, study.PARCELLED):
        assert worse[name]["mean_pd_of_rejected"] > same[name]["mean_pd_of_rejected"]
    assert same[study.ACCEPTED] == worse[study.ACCEPTED]
    assert same[study.ACCEPTED]["difference"]["auc"] == 0
    assert files.part("reject_inference").is_file()


def test_of_everybody_who_applied_there_are_bounds(lender_with_rejected: Any):
    config, files = lender_with_rejected
    report = study.run(config, files, column="decision", word="rejected", factor=2.0)
    rate = report["bad_rate_of_everybody"]
    # A quarter was rejected, and could all have gone bad or none; some of the accepted cannot be modelled.
    assert rate["high"] - rate["low"] == pytest.approx(0.25, abs=0.01)
    for its in report["models"].values():
        assert its["auc_of_everybody"]["low"] < its["accepted"]["auc"] < its["auc_of_everybody"]["high"]
    assert f"between {rate['low']:.1%} and {rate['high']:.1%} were bads" in " ".join(study.sentences(report))


def test_an_outcome_of_a_rejected_application_is_refused(lender_with_rejected: Any):
    config, files = lender_with_rejected
    with pytest.raises(DataError, match="rejected applications have an outcome"):
        study.run(config, files, column="decision", word="accepted", factor=1.0)
    with pytest.raises(UsageError, match="income is an input of the model"):
        study.run(config, files, column="income", word="1", factor=1.0)
