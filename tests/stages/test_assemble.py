"""Stage assemble: policy and model together; a change of policy trains nothing."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from credit_risk.config import Config
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import DataError
from credit_risk.modelling import training_record
from credit_risk.modelling.assembly import reference
from credit_risk.scoring.decision import APPROVE
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import assemble, evaluate, prepare, train

Trained = tuple[Config, Files]
Change = Callable[..., Config]


def test_it_makes_both_scorers_of_the_fitted_models_and_the_same_ones_again(harmed: Trained):
    config, files = harmed
    before = [digest.of_directory(path) for path in (files.scorer, files.challenger)]
    assemble.run(config, files)
    assert [digest.of_directory(path) for path in (files.scorer, files.challenger)] == before
    assert Scorer.load(files.scorer).model.kind == "lightgbm"
    assert Scorer.load(files.challenger).model.kind == "scorecard"
    assert (files.scorer / "model.txt").read_bytes() == (files.model / "model.txt").read_bytes()


def test_a_change_of_policy_changes_the_scorer_and_not_the_model(harmed: Trained, changed: Change):
    config, files = harmed
    before = Scorer.load(files.scorer)
    model = digest.of_directory(files.model)
    assemble.run(changed(config, "policy", lgd=0.9), files)
    after = Scorer.load(files.scorer)
    assert digest.of_directory(files.model) == model
    assert after.digest != before.digest
    rows = pd.read_parquet(files.inputs("selection"))
    assert_array_equal(after.decide(rows).pd, before.decide(rows).pd)
    assert (after.decide(rows).outcome == APPROVE).sum() < (before.decide(rows).outcome == APPROVE).sum()


def test_it_reads_neither_outcomes_nor_protected_columns(harmed: Trained):
    """What a training row stands for lies beside its outcome; the outcome itself makes no difference."""
    config, files = harmed
    before = digest.of_directory(files.scorer)
    train = pd.read_parquet(files.outcomes("train"))
    train.assign(bad=~train["bad"]).to_parquet(files.outcomes("train"))
    for name in ("selection", "test"):
        files.outcomes(name).unlink()
    for name in ("train", "selection", "test"):
        files.protected(name).unlink()
    assemble.run(config, files)
    assert digest.of_directory(files.scorer) == before


def test_the_reference_counts_the_training_rows_and_their_scores(trained: Trained):
    config, files = trained
    scorer = Scorer.load(files.scorer)
    rows = pd.read_parquet(files.inputs("train"))
    score = scorer.decide(rows).score
    assert not np.isnan(score).any()
    matrix = Inputs.of(config).table(rows)
    assert reference(config, matrix, score) == scorer.reference
    assert sum(scorer.reference["score"]["columns"]["score"]["counts"]) == len(rows)
    gaps = int(rows["income"].isna().sum())
    assert gaps > 0
    assert scorer.reference["inputs"]["columns"]["income"]["counts"][-2:] == [gaps, 0]  # missing, invalid


def test_the_scorers_copy_of_the_config_is_the_config(trained: Trained):
    config, files = trained
    assert Scorer.load(files.scorer).config == config
    assert list(Scorer.load(files.scorer).config.columns) == list(config.columns)  # the order is the matrix's


def test_a_model_of_other_training_rows_is_refused_by_every_stage_that_uses_it(harmed: Trained, changed: Change):
    """As after `dvc freeze train` and another split seed: its own training rows would stand among the test rows."""
    config, files = harmed
    other = changed(config, "split", seed=config.split.seed + 1)
    prepare.run(other, files)
    for stage in (assemble, evaluate):
        with pytest.raises(DataError, match=r"trained on other inputs .*`dvc unfreeze train`"):
            stage.run(other, files)
    train.run(other, files)
    with pytest.raises(DataError, match="is not the model that was trained last"):
        evaluate.run(other, files)


def test_other_parameters_or_no_record_are_refused_and_another_wording_is_not(harmed: Trained, changed: Change):
    config, files = harmed
    training_record.refuse_other(changed(config, "policy", lgd=0.9), files)
    training_record.refuse_other(changed(config, "reasons", version="9"), files)
    with pytest.raises(DataError, match="other parameters"):
        training_record.refuse_other(changed(config, "parameters", num_leaves=3), files)
    write_json(files.model / "training.json", read_json(files.model / "training.json") | {"trained_on": None})
    with pytest.raises(DataError, match="does not record what it was trained on"):
        assemble.run(config, files)
