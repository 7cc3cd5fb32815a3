"""Stage train: it opens the training rows alone, and the same rows give the same files."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.modelling.accounts import read_inputs
from credit_risk.scoring import model
from credit_risk.scoring.features import Features
from credit_risk.stages import train

Trained = tuple[Config, Files]
CONTENT = ["boosting.csv", "logistic.json", "model.txt", "scorecard.json", "training.json"]


def content(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def test_it_needs_the_training_rows_and_no_other_file_and_gives_the_same_bytes_again(harmed: Trained):
    config, files = harmed
    before = content(files.model)
    assert list(before) == CONTENT
    for path in ("data", "models", "reports", "configs", "artifacts/protected", "artifacts/model"):
        shutil.rmtree(files.root / path)
    for name in ("selection", "test"):
        files.inputs(name).unlink()
        files.outcomes(name).unlink()
    train.run(config, files)
    assert content(files.model) == before


def test_what_lay_in_the_directory_before_is_gone(harmed: Trained):
    config, files = harmed
    (files.model / "stray.txt").write_text("of an older version")
    train.run(config, files)
    assert sorted(content(files.model)) == CONTENT


def test_the_facts_name_trees_calibrations_and_what_was_missing(trained: Trained):
    config, files = trained
    facts = read_json(files.model / "training.json")
    assert set(facts["calibration"]) == {"lightgbm", "scorecard", "logistic"}
    assert all(one["slope"] > 0 for one in facts["calibration"].values())
    # Income may be missing, and then the ratio that divides by it.
    missing = [name for name, seen in zip(config.features, facts["seen_missing"], strict=True) if seen]
    assert missing == ["income", "loan_to_income"]


def test_the_curve_has_its_lowest_point_at_the_number_of_trees(trained: Trained):
    _, files = trained
    curve = pd.read_csv(files.model / "boosting.csv")
    assert list(curve.columns) == ["trees", "log_loss", "spread"]
    assert_array_equal(curve["trees"], np.arange(1, len(curve) + 1))
    trees = read_json(files.model / "training.json")["trees"]
    assert curve.loc[curve["log_loss"].idxmin(), "trees"] == trees
    assert (files.model / "model.txt").read_text().count("Tree=") == trees


def test_every_model_can_be_read_again_and_reads_the_matrix(trained: Trained):
    config, files = trained
    matrix = Features.of(config).of_inputs(read_inputs(config, files, "train"))
    assert matrix.shape[1] == len(config.features)
    bad = pd.read_parquet(files.outcomes("train"))["bad"]
    for kind, one in model.KINDS.items():
        margin = model.read(kind, (files.model / one.file_name).read_text()).margin(matrix)
        assert margin[bad].mean() > margin[~bad].mean() + 0.5


def test_protected_columns_in_the_input_file_change_nothing(harmed: Trained):
    """Even if somebody wrote them there: the matrix is made of the columns that the config names."""
    config, files = harmed
    before = content(files.model)
    inputs = pd.read_parquet(files.inputs("train"))
    bad = pd.read_parquet(files.outcomes("train"))["bad"]
    inputs.assign(sex=np.where(bad, "female", "male"), age=bad * 50, status=bad).to_parquet(files.inputs("train"))
    train.run(config, files)
    assert content(files.model) == before
