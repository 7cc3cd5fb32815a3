"""A scorer as an MLflow model directory: code, scorer, signatures and gate record, and no pickle."""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType
from mlflow.types import Schema as MlflowSchema
from mlflow.types.schema import AnyType, Array, Object, Property

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.registry.mlflow.schemas import OUTPUTS, Field, Schema, as_stored
from credit_risk.scoring.decision import field_schemas, reason_field_schemas
from credit_risk.scoring.release_files import release_files

CODE = Path(__file__).parents[2]
TYPES = {
    "number": DataType.double,
    "integer": DataType.long,
    "boolean": DataType.boolean,
    "text": DataType.string,
}
ANY = AnyType()


def pack(files: Files, schema: Schema, example: Mapping[str, Any], to: Path) -> None:
    """Write the directory that is registered: scorer, gate record and signatures of `files`, what decides, the schema.

    example: one application, made up. The model is loaded and asked once with it before anything is uploaded.
    """
    with tempfile.TemporaryDirectory() as scratch:
        mlflow.pyfunc.save_model(
            to,
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            code_paths=[str(what_decides(Path(scratch) / CODE.name))],
            artifacts={name: str(path) for name, path in artefacts(files).items()},
            signature=ModelSignature(_inputs(schema), _outputs()),
            input_example=table(schema, [example]),
            pip_requirements=requirements(),
        )


def what_decides(to: Path) -> Path:
    """A copy of our package that loads a scorer and decides, and does nothing else."""
    to.mkdir()
    for path in (CODE / name for name in ("__init__.py", *digest.DECIDES)):
        if path.is_dir():
            shutil.copytree(path, to / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, to / path.name)
    return to


def artefacts(files: Files) -> dict[str, Path]:
    """What of a release lies in the model's artefacts, by its file name."""
    return {path.name: path for path in release_files(files)}


def table(schema: Schema, applications: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Applications as the table that MLflow's signature asks for: it takes no integer for a number."""
    types = {"number": "float64", "integer": "int64", "boolean": "bool", "text": "str"}
    columns = {
        field.name: pd.Series(
            [application.get(field.name) for application in applications], dtype=types[as_stored(field)]
        )
        for field in schema.inputs
    }
    return pd.DataFrame(columns)


def requirements() -> list[str]:
    """What decides, each at the version that is installed: what is needed to load the model elsewhere."""
    needed = (line for line in requires("credit-risk") or () if "extra ==" not in line or '"serving"' in line)
    names = [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in needed]
    return [f"{name}=={version(name)}" for name in names]


def _inputs(schema: Schema) -> MlflowSchema:
    return MlflowSchema(
        [ColSpec(TYPES[as_stored(field)], field.name, required=field.needed) for field in schema.inputs]
    )


def _outputs() -> MlflowSchema:
    return MlflowSchema([ColSpec(_answered(field), field.name, required=field.needed) for field in OUTPUTS])


def _answered(field: Field) -> Any:
    if field.kind in TYPES:
        return TYPES[field.kind]
    of_reasons = "$ref" in field_schemas()[field.name]["items"]
    return Array(_reason() if of_reasons else DataType.string)


def _reason() -> Object:
    return Object([_property(name, schema) for name, schema in reason_field_schemas().items()])


def _property(name: str, schema: Mapping[str, Any]) -> Property:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    known = [kind for kind in types if kind != "null"]
    # What may be a number or a text, MLflow cannot name.
    kind = {"string": DataType.string, "number": DataType.double}[known[0]] if len(known) == 1 else ANY
    return Property(name, kind, required=len(known) == len(types))
