"""The search for parameters: it resumes, it repeats itself, and it writes only what is truly better."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs
from credit_risk.modelling import training
from credit_risk.modelling.accounts import Weights
from credit_risk.scoring.features import Features
from credit_risk.tuning.search import SearchResult, Task, freeze, report, tune

COMMENTED = """\
# Tuned by hand.
learning_rate: 0.1   # slow
num_leaves: 8
max_depth: 4

# leaves
min_child_samples: 30
reg_alpha: 0.0
reg_lambda: 1.0
colsample_bytree: 0.8
subsample: 0.9
monotone_constraints_method: basic
"""


class StoppedError(Exception):
    """Stands for Ctrl-C."""


@pytest.fixture
def small(trained, tmp_path):
    """The simulated lender's training rows, a few trees, and a commented model.yaml."""
    _, files = trained
    for folder in ("configs", "artifacts/inputs", "artifacts/outcomes"):
        shutil.copytree(files.root / folder, tmp_path / folder)
    path = tmp_path / "configs" / "credit.yaml"
    path.write_text(re.sub(r"max_trees: \d+", "max_trees: 15", path.read_text()))
    (tmp_path / "configs" / "model.yaml").write_text(COMMENTED)
    return load(path), Files(tmp_path)


def copy_of(small, root: Path):
    shutil.copytree(small[1].root, root)
    return small[0], Files(root)


def test_a_stopped_search_that_goes_on_finds_what_a_whole_one_finds(small, tmp_path_factory):
    whole = copy_of(small, tmp_path_factory.mktemp("whole") / "root")
    outcome = tune(*whole, trials=3, progress=lambda *_: None)

    def stop(done, best):
        if done == 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        tune(*small, trials=3, progress=stop)
    seen = []
    assert tune(*small, trials=3, progress=lambda done, best: seen.append(done)) == outcome
    assert seen == [1, 2, 3]


def test_a_trial_under_way_when_the_process_died_leaves_no_trace_in_what_is_found(small, tmp_path_factory, monkeypatch):
    whole = copy_of(small, tmp_path_factory.mktemp("whole") / "root")
    outcome = tune(*whole, trials=3, progress=lambda *_: None)
    losses, calls = Task.losses, []

    def dying(task, parameters):
        calls.append(parameters)
        if len(calls) == 2:
            raise StoppedError
        return losses(task, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(Task, "losses", dying)
        with pytest.raises(StoppedError):
            tune(*small, trials=3, progress=lambda *_: None)
    assert tune(*small, trials=3, progress=lambda *_: None) == outcome


def test_more_trials_go_on_with_the_same_study_and_another_config_starts_another(small):
    config, files = small
    tune(config, files, trials=2, progress=lambda *_: None)
    seen = []
    tune(config, files, trials=3, progress=lambda done, _: seen.append(done))
    assert seen == [2, 3]
    other = config.model_copy(update={"model": config.model.model_copy(update={"patience": 5})})
    seen.clear()
    tune(other, files, trials=1, progress=lambda done, _: seen.append(done))
    assert seen == [1]


def test_the_search_reads_the_folds_that_train_reads(small):
    config, files = small
    task = Task.of(config, files)
    inputs, keys, bad, group = _training(config, files)
    matrix = Features.of(config).of_inputs(inputs)
    fold, ones = training.folds(config, keys, bad, group), Weights(np.ones(len(bad)), np.ones(len(bad)))
    fitted, curve = training.fit(config, matrix, bad, ones, fold=fold)
    assert np.isclose(task.losses(config.parameters).mean(), curve.mean.min(), rtol=1e-3)
    assert fitted


def _training(config, files):
    outcome = pd.read_parquet(files.outcomes("train"))
    inputs = Inputs.of(config).table(pd.read_parquet(files.inputs("train")))
    return inputs, *(outcome[name].to_numpy() for name in ("key", "bad", "group"))


def test_freezing_keeps_the_comments_and_the_order(small):
    config, files = small
    path = files.config.with_name("model.yaml")
    found = config.parameters.model_copy(update={"learning_rate": 0.05, "num_leaves": 12})
    freeze(path, found)
    assert path.read_text() == COMMENTED.replace("0.1 ", "0.05").replace("num_leaves: 8", "num_leaves: 12")
    assert load(files.config).parameters == found


@pytest.mark.parametrize(("gain", "is_written"), [(0.0021, True), (0.0019, False), (-0.01, False)])
def test_only_what_is_better_by_more_than_two_standard_errors_is_written(small, gain, is_written):
    config, files = small
    path = files.config.with_name("model.yaml")
    found = config.parameters.model_copy(update={"num_leaves": 12})
    report(SearchResult(3, 0.5, 0.5 - gain, gain, 0.001, found), path)
    assert (load(files.config).parameters == found) is is_written
    assert (path.read_text() == COMMENTED) is not is_written
