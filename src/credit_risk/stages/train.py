"""Fit the model and both challengers on the training rows alone (DVC stage `train`)."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import read_parquet, write_csv, write_directory, write_json
from credit_risk.domain import fitting, split
from credit_risk.domain.features import Features
from credit_risk.domain.fitting import Curve, Fitted
from credit_risk.domain.inputs import Inputs, Mask, Matrix

log = logging.getLogger(__name__)


def run(config: Config, files: Files) -> None:
    """Fit, calibrate and write to artifacts/model; no protected column is among the files this stage opens."""
    inputs = Inputs.of(config).table(read_parquet(files.inputs("train")))
    outcome = read_parquet(files.outcomes("train"))
    fitted, curve = fit(config, inputs, outcome["bad"].to_numpy(), outcome["group"].to_numpy())
    write(files, fitted, curve, seen_missing(config, inputs))


def matrix_of(config: Config, inputs: Matrix) -> Matrix:
    """The feature matrix of applications that are numbers already."""
    features = Features.of(config)
    return features.matrix(features.columns(inputs))


def seen_missing(config: Config, inputs: Matrix) -> list[bool]:
    """Which features were missing at least once in training: only these may be missing when a decision is asked for."""
    missing: Mask = np.isnan(matrix_of(config, inputs))
    return [bool(column.any()) for column in missing.T]


def folds(config: Config, inputs: Matrix, bad: Mask, group: split.Labels) -> split.Labels:
    """The fold of each training row for cross-validation; rows that belong together are in one."""
    shares = [1 / config.model.folds] * config.model.folds
    return split.at_random(group, split.row_keys(inputs), bad, shares, config.model.seed + 1)


def fit(config: Config, inputs: Matrix, bad: Mask, group: split.Labels) -> tuple[dict[str, Fitted], Curve]:
    """The model and its challengers, all fitted and calibrated on the same rows and folds."""
    matrix = matrix_of(config, inputs)
    fold = folds(config, inputs, bad, group)
    log.info("LightGBM on %s rows, %s features, %s folds", f"{len(bad):,}", matrix.shape[1], config.model.folds)
    # The last bits of a sum depend on how many BLAS threads share it; the model must not depend on a machine's cores.
    with threadpool_limits(limits=1, user_api="blas"):
        boosted, curve = fitting.boosted(config, matrix, bad, fold, log.info)
        log.info("%s trees; the scorecard is next", curve.trees)
        fitted = {"lightgbm": boosted}
        for kind, recipe in (("scorecard", fitting.scorecard(config)), ("logistic", fitting.logistic(config))):
            fitted[kind] = fitting.challenger(recipe, matrix, bad, fold)
    return fitted, curve


def write(files: Files, fitted: dict[str, Fitted], curve: Curve, missing: list[bool]) -> None:
    """Write the models as text, their calibrations, and the curve behind the number of trees."""

    def fill(directory: Path) -> None:
        for one in fitted.values():
            (directory / one.model.file_name).write_text(one.model.text(), encoding="utf-8")
        calibrations = {kind: one.calibration.as_dict() for kind, one in fitted.items()}
        facts = {"calibration": calibrations, "seen_missing": missing, "trees": curve.trees}
        write_json(directory / "training.json", facts)
        trees = np.arange(1, len(curve.mean) + 1)
        table = pd.DataFrame({"trees": trees, "log_loss": curve.mean, "spread": curve.spread})
        write_csv(directory / "boosting.csv", table)

    write_directory(files.model, fill, mark="training.json")
