"""Search LightGBM's parameters by cross-validation inside the training rows: resumable, seeded, frozen in a file."""

import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import optuna
from optuna.trial import TrialState
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from ruamel.yaml import YAML
from scipy.special import log_expit
from sqlalchemy import URL

from credit_risk.config import Config
from credit_risk.config.schema import Parameters, Tune
from credit_risk.data import digest, split
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs, Mask, Matrix
from credit_risk.data.writing import read_parquet, write_text
from credit_risk.errors import ConfigError
from credit_risk.modelling import fitting, training
from credit_risk.modelling.accounts import Weights
from credit_risk.scoring.features import Features

log = logging.getLogger(__name__)

Watch: TypeAlias = Callable[[int, float], object]
"""Called after each trial with how many are done and the lowest log loss so far."""

STANDARD_ERRORS = 2.0  # the found parameters replace the frozen ones if they are better by more than this
DIGITS = 3  # significant digits of a parameter; more would be noise in the file


def declared(config: Config) -> Tune:
    """How far to search, as the config's `tune` says. Raises ConfigError where it says nothing."""
    if config.tune is None:
        raise ConfigError("configs/credit.yaml", ["tune is missing: write `tune: {trials: 60, seed: 42}`"])
    return config.tune


@dataclass(frozen=True)
class SearchResult:
    """What a search found. `gain` is how much lower the log loss is than with the frozen parameters, row by row."""

    trials: int
    frozen: float
    best: float
    gain: float
    standard_error: float
    parameters: Parameters

    @property
    def is_better(self) -> bool:
        """Whether the gain is more than what chance gives rows alike; the search's own luck is not in this."""
        return self.gain > STANDARD_ERRORS * self.standard_error


@dataclass(frozen=True)
class Task:
    """The rows on which parameters are compared: training rows, in the folds in which `train` stops the boosting."""

    config: Config
    matrix: Matrix
    bad: Mask
    weight: Matrix
    fold: split.Labels

    @classmethod
    def of(cls, config: Config, files: Files) -> "Task":
        inputs = Inputs.of(config).table(read_parquet(files.inputs("train")))
        outcome = read_parquet(files.outcomes("train"))
        bad, group = outcome["bad"].to_numpy(), outcome["group"].to_numpy()
        drawn, matrix = Weights.of(outcome).drawn, Features.of(config).of_inputs(inputs)
        fold = training.folds(config, outcome["key"].to_numpy(), bad, group)
        return cls(config, matrix, bad, drawn / drawn.mean(), fold)

    def losses(self, parameters: Parameters) -> Matrix:
        """The weighed log loss of each row by the model that did not see it, at as many trees as `train` would take."""
        config = self.config.model_copy(update={"parameters": parameters})
        margin, _ = fitting.cross_validated(
            config, self.matrix, self.bad, self.weight, fold=self.fold, progress=log.debug
        )
        return np.asarray(-log_expit(np.where(self.bad, margin, -margin)) * self.weight)


def tune(config: Config, files: Files, *, trials: int, progress: Watch | None = None) -> SearchResult:
    """Search until the study has `trials` finished trials; write the best to configs/model.yaml if it is truly better.

    The study lies in artifacts/tuning.db: interrupted or killed, the next call goes on after the last finished trial
    and finds what an uninterrupted one finds, as each trial is drawn from a seed of its own and the trials before.
    Other data or another config is another study. Calling again with more trials goes on with the same one.
    """
    task = Task.of(config, files)
    study = _study(config, files)
    with _watching(progress, trials) as watch:
        while (done := len(_finished(study))) < trials:
            if done:
                watch(done, study.best_value)
            study.sampler = optuna.samplers.TPESampler(seed=_seed(declared(config).seed, done))
            trial = study.ask()
            study.tell(trial, float(task.losses(_suggested(trial, config.parameters)).mean()))
        watch(done, study.best_value)
    outcome = _compare(task, study, len(_finished(study)))
    report(outcome, files.config.with_name("model.yaml"))
    return outcome


def report(outcome: SearchResult, path: Path) -> None:
    """Say how the best parameters do against the frozen ones, and freeze them if they are better."""
    log.info("Cross-validated log loss: %.5f frozen, %.5f best of %s", outcome.frozen, outcome.best, outcome.trials)
    difference = f"{outcome.gain:.5f} lower (standard error {outcome.standard_error:.5f})"
    if outcome.is_better:
        freeze(path, outcome.parameters)
        log.info("%s: written to %s; `make run` trains with it", difference, path.name)
    else:
        log.info("%s: not beyond chance, so %s stays as it is. Best: %s", difference, path.name, outcome.parameters)


def freeze(path: Path, parameters: Parameters) -> None:
    """Write the parameters into model.yaml and leave its comments and order as they are."""
    yaml = YAML(typ="rt")
    tree = yaml.load(path.read_text(encoding="utf-8"))
    tree.update(parameters.model_dump())
    text = StringIO()
    yaml.dump(tree, text)
    write_text(path, text.getvalue())


def _suggested(trial: optuna.Trial, frozen: Parameters) -> Parameters:
    """One point of the search space. How monotone constraints are kept is a choice of method, not searched."""

    def number(name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(f"{trial.suggest_float(name, low, high, log=log):.{DIGITS}g}")

    return Parameters(
        learning_rate=number("learning_rate", 0.01, 0.2, log=True),
        num_leaves=trial.suggest_int("num_leaves", 4, 63, log=True),
        max_depth=trial.suggest_int("max_depth", 3, 8),
        min_child_samples=trial.suggest_int("min_child_samples", 10, 400, log=True),
        reg_alpha=number("reg_alpha", 1e-3, 10, log=True),
        reg_lambda=number("reg_lambda", 1e-2, 100, log=True),
        colsample_bytree=number("colsample_bytree", 0.3, 1.0),
        subsample=number("subsample", 0.5, 1.0),
        monotone_constraints_method=frozen.monotone_constraints_method,
    )


def _compare(task: Task, study: optuna.Study, trials: int) -> SearchResult:
    fixed = optuna.trial.FixedTrial(study.best_params)
    parameters = _suggested(fixed, task.config.parameters)  # type: ignore[arg-type]
    frozen, best = task.losses(task.config.parameters), task.losses(parameters)
    gains = frozen - best
    error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
    return SearchResult(trials, float(frozen.mean()), float(best.mean()), float(gains.mean()), error, parameters)


def _study(config: Config, files: Files) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = files.root / "artifacts" / "tuning.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = str(URL.create("sqlite", database=str(path)))
    study = optuna.create_study(storage=storage, study_name=_name(config, files), load_if_exists=True)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
        study.tell(trial.number, state=TrialState.FAIL)  # was under way when an earlier run was stopped
    if done := len(_finished(study)):
        log.info("Going on after %s finished trials in %s", done, path.name)
    return study


def _name(config: Config, files: Files) -> str:
    """Names all that a trial's value depends on, so that only comparable trials stand in one study."""
    facts: dict[str, Any] = config.model_dump(mode="json", include={"columns", "derived", "model"})
    facts |= {"seed": declared(config).seed, "method": config.parameters.monotone_constraints_method}
    facts |= {"inputs": digest.of_file(files.inputs("train")), "outcomes": digest.of_file(files.outcomes("train"))}
    return "lightgbm-" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _seed(seed: int, done: int) -> int:
    """A seed for the next trial: by the count of finished trials, as a killed one has used up its number."""
    return int(np.random.SeedSequence([seed, done]).generate_state(1)[0])


@contextmanager
def _watching(progress: Watch | None, trials: int) -> Iterator[Watch]:
    """Progress goes to the caller, to a person at a terminal, or to the log."""
    if progress is not None:
        yield progress
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            line = bar.add_task("Trials", total=trials)
            yield lambda done, best: bar.update(line, completed=done, description=f"best log loss {best:.5f}")
    else:
        yield lambda done, best: log.info("%s of %s trials, lowest log loss %.5f", done, trials, best)
