"""Training on one file and measuring on another: the seed's train_risk_model.py."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from credit_risk.comparison import train_files
from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import read_json
from credit_risk.errors import DataError, NotFound
from credit_risk.scoring.scorer import Scorer

Trained = tuple[Config, Files]


@pytest.fixture(scope="module")
def config(trained: Trained) -> Config:
    """Few trees and few replicates: quick, and enough for every claim here."""
    model = trained[0].model.model_copy(update={"max_trees": 30, "patience": 5})
    evaluation = trained[0].evaluation.model_copy(update={"replicates": 100})
    return trained[0].model_copy(update={"model": model, "evaluation": evaluation})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Path:
    """Training rows, validation rows of which 100 repeat training rows, and the scorer that came of them."""
    root = tmp_path_factory.mktemp("files")
    old, new = lender(1_200, seed=1).applications, lender(600, seed=2).applications
    old.to_csv(root / "old.csv", index=False)
    pd.concat([new, old.head(100)]).to_csv(root / "new.csv", index=False)
    train_files.run(config, root / "old.csv", root / "new.csv", root / "trial" / "scorer")
    return root


def test_it_writes_a_whole_scorer_and_its_figures_beside_it(root: Path, config: Config):
    assert sorted(path.name for path in (root / "trial").iterdir()) == ["scorer", "scorer.metrics.json"]
    scorer = Scorer.load(root / "trial" / "scorer")
    assert scorer.model.kind == "lightgbm"
    assert scorer.config == config
    test = read_json(root / "trial" / "scorer.metrics.json")["test"]
    for name in ("auc", "ks", "brier", "calibration_slope"):
        assert test[f"{name}_low"] < test[f"{name}_high"]
    assert test["auc_low"] <= test["auc"] <= test["auc_high"]
    assert 0.6 < test["auc"] < 0.9


def test_validation_rows_that_equal_a_training_row_are_not_measured_on(root: Path, config: Config):
    new = pd.read_csv(root / "new.csv")
    old = pd.read_csv(root / "old.csv")
    measured = read_json(root / "trial" / "scorer.metrics.json")["rows"]["test"]
    known = new[new["status"].isin(["good", "bad"])]
    names = list(config.inputs)
    seen = known.merge(old[names].drop_duplicates(), on=names, how="inner")
    assert len(seen) >= 90
    assert measured == len(known) - len(seen)


def test_the_same_files_give_the_same_scorer(root: Path, config: Config, tmp_path: Path):
    train_files.run(config, root / "old.csv", root / "new.csv", tmp_path / "scorer")
    assert Scorer.load(tmp_path / "scorer").digest == Scorer.load(root / "trial" / "scorer").digest


def test_validation_rows_decide_nothing_about_the_scorer(root: Path, config: Config, tmp_path: Path):
    lender(300, seed=9).applications.to_csv(tmp_path / "other.csv", index=False)
    train_files.run(config, root / "old.csv", tmp_path / "other.csv", tmp_path / "scorer")
    assert Scorer.load(tmp_path / "scorer").digest == Scorer.load(root / "trial" / "scorer").digest


def test_validating_on_the_training_file_is_refused(root: Path, config: Config, tmp_path: Path):
    with pytest.raises(DataError, match=r"every validation row equals a training row"):
        train_files.run(config, root / "old.csv", root / "old.csv", tmp_path / "scorer")


def test_a_file_that_is_not_there_is_named(root: Path, config: Config, tmp_path: Path):
    with pytest.raises(NotFound, match=r"nothing\.csv"):
        train_files.run(config, tmp_path / "nothing.csv", root / "new.csv", tmp_path / "scorer")


def test_rows_are_taken_and_left_out_as_prepare_does(root: Path, config: Config):
    accounts = train_files.read_accounts(config, root / "old.csv")
    raw = pd.read_csv(root / "old.csv")
    assert len(accounts.bad) == raw["status"].isin(["good", "bad"]).sum()
    assert accounts.bad.sum() == (raw["status"] == "bad").sum()
    assert not np.isinf(accounts.inputs).any()
