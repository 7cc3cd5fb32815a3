"""Fit the model and both challengers on the training rows alone (DVC stage `train`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import read_parquet, write_csv, write_directory, write_json
from credit_risk.modelling import training_record
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.modelling.fitting import Curve, Fitted
from credit_risk.modelling.training import fit, folds, seen_missing, unused
from credit_risk.scoring.features import Features


def run(config: Config, files: Files) -> None:
    """Fit, calibrate and write to artifacts/model; no protected column is among the files this stage opens."""
    inputs = read_inputs(config, files, "train")
    outcome = read_parquet(files.outcomes("train"))
    trained_on = training_record.record(config, files, inputs)
    bad, group = outcome["bad"].to_numpy(), outcome["group"].to_numpy()
    matrix = Features.of(config).of_inputs(inputs)
    weights = Weights.of(outcome)
    fitted, curve = fit(config, matrix, bad, weights, fold=folds(config, outcome["key"].to_numpy(), bad, group))
    facts = {
        "calibration": {kind: its.calibration.as_dict() for kind, its in fitted.items()},
        "unused": {kind: unused(config, matrix, bad, weights, its) for kind, its in fitted.items()},
        "seen_missing": seen_missing(config, matrix),
        "trees": curve.trees,
        "trained_on": dict(trained_on),
    }
    write(files, fitted, curve, facts)


def write(files: Files, fitted: Mapping[str, Fitted], curve: Curve, facts: Mapping[str, Any]) -> None:
    """Write the models as text, the facts about them, and the curve behind the number of trees."""

    def fill(directory: Path) -> None:
        for kind_fitted in fitted.values():
            path = directory / kind_fitted.model.file_name
            path.write_text(kind_fitted.model.text(), encoding="utf-8")
        write_json(directory / "training.json", facts)
        trees = np.arange(1, len(curve.mean) + 1)
        table = pd.DataFrame({"trees": trees, "log_loss": curve.mean, "spread": curve.spread})
        write_csv(directory / "boosting.csv", table)

    write_directory(files.model, fill, mark="training.json")
