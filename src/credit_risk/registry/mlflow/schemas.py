"""What an application and a decision look like, as the config declares it, MLflow recorded it and the API serves it.

The three must agree: a caller written against one of them would otherwise be decided on other inputs than it sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from credit_risk.config import Config
from credit_risk.config.columns import Column
from credit_risk.errors import CheckFailed
from credit_risk.scoring.decision import field_schemas

Kind: TypeAlias = Literal["number", "integer", "boolean", "text", "list"]


@dataclass(frozen=True)
class Field:
    """One input or output. needed: an application without it is refused; an output that is always there."""

    name: str
    kind: Kind
    needed: bool


@dataclass(frozen=True)
class Schema:
    """Inputs, in the order of the scorer's columns, and outputs."""

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]


class SchemaMismatch(CheckFailed, ValueError):
    """Two descriptions of the same scorer disagree."""


class InputMissing(SchemaMismatch):
    """An input that the config declares is not there."""


class InputUnknown(SchemaMismatch):
    """An input that the config does not declare."""


class TypeDiffers(SchemaMismatch):
    """An input is declared as one kind of value and described as another."""


class NeedDiffers(SchemaMismatch):
    """An input is declared to be needed and described as optional, or the other way round."""


class OrderDiffers(SchemaMismatch):
    """The inputs stand in another order: by position, one would be taken for another."""


class OutputDiffers(SchemaMismatch):
    """A part of the decision is missing or of another kind."""


class SchemasDisagree(SchemaMismatch):
    """More than one disagreement, each on its line; `mismatches` holds them one by one."""

    def __init__(self, mismatches: Sequence[SchemaMismatch]) -> None:
        self.mismatches = tuple(mismatches)
        super().__init__("\n".join(map(str, mismatches)))


def declared(config: Config) -> Schema:
    """What the config says of an application."""
    columns = {name: config.columns[name] for name in config.inputs}
    return Schema(
        tuple(Field(name, _kind(column), column.missing == "refuse") for name, column in columns.items()), OUTPUTS
    )


def of_signature(signature: Mapping[str, Any]) -> Schema:
    """What MLflow wrote down (signature.inputs and .outputs, as lists of its column specifications)."""
    return Schema(*(tuple(map(_of_mlflow, signature[part])) for part in ("inputs", "outputs")))


def served(openapi: Mapping[str, Any]) -> Schema:
    """What the API's description says of an application and a decision."""
    schemas = openapi["components"]["schemas"]
    sent, answered = schemas["Application"], schemas["Decision"]
    inputs = (_of_json(name, value, name in sent["required"]) for name, value in sent["properties"].items())
    known = {field.name for field in OUTPUTS}
    outputs = {name: value for name, value in answered["properties"].items() if name in known}
    return Schema(
        tuple(inputs), tuple(_of_json(name, value, not _may_be_null(value)) for name, value in outputs.items())
    )


def agree(expected: Schema, got: Schema, where: str) -> None:
    """Raise the SchemaMismatch that fits, or SchemasDisagree with each of several. where: who says `got`."""
    mismatches = list(_mismatches(expected, got, where))
    if mismatches:
        raise mismatches[0] if len(mismatches) == 1 else SchemasDisagree(mismatches)


def as_stored(field: Field) -> Kind:
    """The kind that a table can hold: integers with gaps are numbers there."""
    return "number" if field.kind == "integer" and not field.needed else field.kind


def _mismatches(expected: Schema, got: Schema, where: str) -> Iterator[SchemaMismatch]:
    theirs = {field.name: field for field in got.inputs}
    ours = {field.name: field for field in expected.inputs}
    for name, field in ours.items():
        described = theirs.get(name)
        if described is None:
            yield InputMissing(f"{where} lacks the input {name!r}, which the config declares.")
            continue
        if not _same_kind(field, described):
            yield TypeDiffers(f"{where} takes {name!r} as {described.kind}, the config declares {field.kind}.")
        if field.needed != described.needed:
            words = {True: "needed", False: "optional"}
            yield NeedDiffers(f"{where} says {name!r} is {words[described.needed]}, the config {words[field.needed]}.")
    for name in theirs.keys() - ours.keys():
        yield InputUnknown(f"{where} takes an input {name!r} that the config does not declare.")
    if theirs.keys() == ours.keys() and list(theirs) != list(ours):
        yield OrderDiffers(f"{where} has the inputs in another order: {', '.join(theirs)}; config: {', '.join(ours)}.")
    answered = {field.name: field for field in got.outputs}
    for field in expected.outputs:
        if field != answered.get(field.name):
            got_field = answered.get(field.name)
            how = f"as {got_field.kind}, {'always' if got_field.needed else 'maybe'}" if got_field else "not at all"
            yield OutputDiffers(f"{where} answers {field.name!r} {how}; expected {field.kind}.")


def _kind(column: Column) -> Kind:
    if column.categories:
        return "text"
    kinds: dict[str, Kind] = {"integer": "integer", "boolean": "boolean"}
    return kinds.get(column.type, "number")


def _same_kind(ours: Field, theirs: Field) -> bool:
    return theirs.kind in (ours.kind, as_stored(ours))


def _of_mlflow(column: Mapping[str, Any]) -> Field:
    kinds: dict[str, Kind] = {"double": "number", "long": "integer", "boolean": "boolean", "string": "text"}
    return Field(column["name"], kinds.get(column["type"], "list"), column["required"])


def _of_json(name: str, described: Mapping[str, Any], needed: bool) -> Field:
    if "enum" in described:
        return Field(name, "text", needed)
    types = described["type"] if isinstance(described["type"], list) else [described["type"]]
    kinds: dict[str, Kind] = {"string": "text", "integer": "integer", "boolean": "boolean", "array": "list"}
    return Field(name, kinds.get(types[0], "number"), needed)


def _may_be_null(described: Mapping[str, Any]) -> bool:
    return None in described.get("enum", ()) or "null" in described.get("type", ())


OUTPUTS = tuple(_of_json(name, schema, not _may_be_null(schema)) for name, schema in field_schemas().items())
