"""What a batch file holds beside the decision: exposure that adds up, and points that make the score."""

import numpy as np
import pandas as pd
import pytest

from credit_risk.batch.additions import Additions, whole
from credit_risk.batch.score import score
from credit_risk.data.simulated_lender import lender
from credit_risk.errors import ScorerError, UsageError
from credit_risk.scoring import decision
from credit_risk.scoring.scorer import Scorer


@pytest.fixture(scope="module")
def card(trained):
    return Scorer.load(trained[1].challenger)


@pytest.fixture
def source(card, tmp_path):
    table = lender(300, seed=11).applications[["application_id", *card.config.inputs]]
    table.to_parquet(tmp_path / "in.parquet", index=False)
    return tmp_path / "in.parquet"


def test_points_by_characteristic_and_the_base_are_the_score(card, source, tmp_path):
    score(card, source, tmp_path / "out.parquet", points=True, batch_rows=70)
    table = pd.read_parquet(tmp_path / "out.parquet")
    points = table.filter(regex="^points ")
    assert list(points) == [f"points {card.config.features[column]}" for column in card.model.columns]
    offset, factor = decision.score_terms(card.config.policy.scale)
    base = offset - factor * (card.calibration.intercept + card.calibration.slope * card.model.intercept)
    scored = table["score"].notna()
    assert scored.sum() > 200
    np.testing.assert_allclose(base + points[scored].sum(axis=1), table["score"][scored], atol=1e-5)
    assert points[~scored].isna().all().all()


def test_an_exposure_is_carried_along_and_added_up_before_any_decision(card, source, tmp_path):
    summary = score(card, source, tmp_path / "out.parquet", exposure="loan_amount", batch_rows=70)
    given, table = pd.read_parquet(source), pd.read_parquet(tmp_path / "out.parquet")
    assert table["loan_amount"].tolist() == given["loan_amount"].tolist()
    assert (summary.read, summary.rows) == (300, 300)
    assert summary.exposure == whole(given["loan_amount"].to_numpy()) == 10_000 * int(given["loan_amount"].sum())


def test_a_sum_does_not_depend_on_the_order(card):
    values = np.array([0.1, 1e12, -1e12, 0.2, np.nan, np.inf])
    assert whole(values) == whole(values[::-1]) == 3_000


def test_what_cannot_stand_there_is_refused(card, trained):
    for name in ("purpose", "no such column", "application_id"):
        with pytest.raises(UsageError, match="must be a column of numbers"):
            Additions.of(card, name, points=False)
    with pytest.raises(ScorerError, match="a lightgbm scorer has no points"):
        Additions.of(Scorer.load(trained[1].scorer), None, points=True)
