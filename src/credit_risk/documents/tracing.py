"""Numbers with where they come from: artefact, key and the artefact's SHA-256, as they stand in a document."""

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.config.dotted import value_at
from credit_risk.documents.settings import DocumentFigure, DocumentTable
from credit_risk.errors import CheckFailed
from credit_risk.report.figures import written


class NotTraced(CheckFailed, LookupError):
    """A figure of a document cannot be read from its artefact."""


@dataclass(frozen=True)
class Traced:
    """A value as it is written, and where it was read."""

    label: str
    artefact: str
    key: str
    kind: str
    sha256: str
    value: str


@dataclass
class Artefacts:
    """The files that figures are read from, below one root; each is read once, and what was hashed is what is read."""

    root: Path
    _read: dict[str, tuple[str, Mapping[str, Any]]]

    @classmethod
    def below(cls, root: Path) -> "Artefacts":
        return cls(root, {})

    def traced(self, figure: DocumentFigure) -> list[Traced]:
        """A figure, and with `interval` its two ends. Raises NotTraced where the artefact has no such key."""
        keys = [figure.key, *(f"{figure.key}{end}" for end in ("_low", "_high") if figure.interval)]
        return [self.single(figure.label, figure.artefact, key, figure.kind) for key in keys]

    def rows(self, table: DocumentTable) -> list[tuple[Traced, ...]]:
        """Every row of a table, cell by cell; a cell's key is its row, from 1, and its column. Raises NotTraced."""
        content = self.content(table.artefact)
        columns = table.columns.items()
        return [
            tuple(self.single(name, table.artefact, f"{row}.{name}", kind) for name, kind in columns) for row in content
        ]

    def single(self, label: str, artefact: str, key: str, kind: str) -> Traced:
        sha256, content = self._read_once(artefact)
        value = value_at(content, key)
        if value is None or isinstance(value, Mapping):
            raise NotTraced(f"{artefact} has no {key!r}: run `make run`, or mend configs/documents.yaml.")
        return Traced(label, artefact, key, kind, sha256, _written(value, kind))

    def content(self, artefact: str) -> Mapping[str, Any]:
        """What an artefact holds, by name. Raises NotTraced."""
        return self._read_once(artefact)[1]

    def _read_once(self, artefact: str) -> tuple[str, Mapping[str, Any]]:
        if artefact not in self._read:
            path = self.root / artefact
            if not path.is_file() or not path.resolve().is_relative_to(self.root.resolve()):
                raise NotTraced(f"the artefact {artefact} is not there: run `make run`.")
            content = path.read_bytes()
            self._read[artefact] = (hashlib.sha256(content).hexdigest(), _parsed(artefact, content))
        return self._read[artefact]


def fault_of(claim: Traced, artefacts: Artefacts) -> str | None:
    """Why a figure of a document does not hold, as where its artefact says another value; None if it does."""
    try:
        now = artefacts.single(claim.label, claim.artefact, claim.key, claim.kind)
    except NotTraced as reason:
        return str(reason)
    if now.value != claim.value:
        return f"the document says {claim.value!r}, the artefact {now.value!r}"
    return None if now.sha256 == claim.sha256 else "the artefact is another one than the document was made from"


def _parsed(artefact: str, content: bytes) -> Mapping[str, Any]:
    try:
        if artefact.endswith(".csv"):
            lines = csv.DictReader(content.decode("utf-8").splitlines(), strict=True)
            return {
                str(number): {name: _cell(text) for name, text in line.items()} for number, line in enumerate(lines, 1)
            }
        tree = json.loads(content) if artefact.endswith(".json") else YAML(typ="safe", pure=True).load(content)
    except (ValueError, YAMLError, csv.Error):
        raise NotTraced(f"the artefact {artefact} cannot be read.") from None
    if not isinstance(tree, Mapping):
        raise NotTraced(f"the artefact {artefact} holds no values by name.")
    return tree


def _cell(text: str) -> str | float:
    """A cell of a CSV file: a number where it is one. A gap stays a gap."""
    try:
        return float(text)
    except ValueError:
        return text


def _written(value: Any, kind: str) -> str:
    if kind == "text" or not isinstance(value, int | float) or isinstance(value, bool):
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return written(value, kind)  # type: ignore[arg-type]
