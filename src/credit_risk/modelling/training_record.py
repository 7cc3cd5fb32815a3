"""What a model was trained on, by digest: written with the model, compared wherever the model is used or judged."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.config.tags import tags
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.inputs import Matrix
from credit_risk.data.writing import read_json
from credit_risk.errors import DataError
from credit_risk.modelling.accounts import read_inputs

# Sections and keys of the config that decide what is fitted; wording, policy and gates do not.
OF_MODEL = ("seed", "folds", "max_trees", "patience", "directions")
OF_POLICY = ("invalid", "max_missing")
NO_NUMBER = {"label", "why", "known_at"}  # of a column: words for people
OF_PREPARATION = ("data", "outcome", "derived", "split")
REMEDY = "Train again: `dvc unfreeze train` if it is frozen, then `dvc repro`, or `credit-risk train`."


def record(config: Config, files: Files, train: Matrix | None = None, *, outcomes: bool = True) -> dict[str, str]:
    """Digests of the training inputs, their outcomes and the parameters, as they are now.

    The inputs as the model reads them: 64-bit floats row by row, so that no other column of their file counts.
    train: those inputs, where the stage has read them. outcomes: False for a stage that opens no outcome.
    """
    of_outcomes = {"outcomes": digest.of_file(files.outcomes("train"))} if outcomes else {}
    inputs = np.array(read_inputs(config, files, "train") if train is None else train, dtype="<f8", order="C")
    inputs[np.isnan(inputs) & (tags(inputs) == 0)] = np.nan  # one of many
    return {"inputs": hashlib.sha256(inputs.tobytes()).hexdigest(), **of_outcomes, "parameters": _parameters(config)}


def preparation(config: Config) -> str:
    """The digest of what `prepare` reads of the config: another outcome, split or column makes other tables."""
    sections = config.as_dict()
    return _digest({"columns": _columns(sections), **{name: sections[name] for name in OF_PREPARATION}})


def _columns(sections: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {key: value for key, value in column.items() if key not in NO_NUMBER}
        for name, column in sections["columns"].items()
    }


def _digest(sections: Mapping[str, Any]) -> str:
    return digest.of_text(json.dumps(sections, sort_keys=True))


def _parameters(config: Config) -> str:
    sections = config.as_dict()
    fitted = {
        "columns": _columns(sections),
        "derived": [[name, derived["formula"]] for name, derived in sections["derived"].items()],
        "model": {key: sections["model"][key] for key in OF_MODEL},
        "policy": {key: sections["policy"][key] for key in OF_POLICY},
        "parameters": sections["parameters"],
    }
    return _digest(fitted)


def of_model(files: Files) -> Mapping[str, Any] | None:
    """What artifacts/model says that it was trained on; None if it does not say."""
    recorded = read_json(files.model / "training.json").get("trained_on")
    return recorded if isinstance(recorded, Mapping) else None


def differing(trained_on: object, now: Mapping[str, str]) -> list[str]:
    """A sentence for each input of the training that is another now than when the model was made.

    A model that does not say what it was trained on differs: nobody could tell its test rows from its training rows.
    """
    if not isinstance(trained_on, Mapping):
        return ["artifacts/model does not record what it was trained on"]
    return [
        f"artifacts/model was trained on other {name} than the training {name} are now"
        for name, value in now.items()
        if trained_on.get(name) != value
    ]


def refuse_other(config: Config, files: Files, train: Matrix | None = None, *, outcomes: bool = True) -> None:
    """Raise DataError unless the model was trained on the training rows and parameters as they are now.

    Otherwise some of its own training rows could stand among those it is chosen or tested on.
    """
    if differences := differing(of_model(files), record(config, files, train, outcomes=outcomes)):
        raise DataError(f"{'; '.join(differences)}: rows it has seen may stand among the test rows. {REMEDY}")


def refuse_other_models(files: Files, scorers: Mapping[Path, str]) -> None:
    """Raise DataError for a scorer (by its folder: its model's file) that does not hold the model of artifacts/model.

    What training.json says of training rows, it says of that model alone.
    """
    for folder, name in scorers.items():
        if digest.of_file(folder / name) != digest.of_file(files.model / name):
            raise DataError(
                f"{folder / name} is not the model that was trained last, so nobody knows which rows it has seen. "
                "Run `dvc unfreeze assemble` if it is frozen, then `dvc repro`, or `credit-risk assemble`."
            )
