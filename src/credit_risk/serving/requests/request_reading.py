"""The request contract: from the bytes of a body to an application that may be decided, or every fault of it at once.

Whether a value is missing or invalid is decided where every application is looked at (data.inputs); here stands only
what is particular to a request: JSON that is one object, and no field that nobody knows.
"""

import difflib
import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.data.inputs import Inputs, Matrix, expected
from credit_risk.ledger import reference
from credit_risk.ledger.reference import ReferenceRefused
from credit_risk.serving.problems import MOST_FAULTS, Fault, Problem
from credit_risk.serving.requests.json_reading import BATCH, BatchJson, beginning, parsed

NAMES_EXPLAINED = 3  # unknown fields for which the nearest name is looked for: each costs a look at every input
NEAREST = 4  # inputs with about the letters of an unknown field, of which the nearest is found letter by letter
Application = Mapping[str, Any]


@dataclass(frozen=True)
class ApplicationBatch:
    """The applications of a batch, their inputs as numbers (rows, inputs), and each applicant's reference or None."""

    applications: Sequence[Application]
    applicants: Sequence[str | None]
    inputs: Matrix


@dataclass(frozen=True)
class RequestReader:
    """Reads applications, single or in a batch, as the scorer's config says what they may hold."""

    config: Config

    @cached_property
    def inputs(self) -> Inputs:
        return Inputs.of(self.config)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.inputs.names)

    @cached_property
    def _longest_name(self) -> int:
        return max(map(len, self.inputs.names))

    def application(self, body: bytes) -> tuple[Application, Matrix]:
        """The application of a request, and its inputs as numbers (1, inputs). Raises Problem with its faults."""
        application = parsed(body)
        if not isinstance(application, dict):
            needed = "One application is needed: a JSON object with a field for each input."
            raise Problem(422, needed, [_kind(application)])
        matrix = self.inputs.single_row(application)
        if not (application.keys() <= self._known) or self.inputs.faults(matrix).any[0]:
            faults = FaultList()
            self._add_faults(faults, application, matrix)
            faults.refuse()
        return application, matrix

    def applications(self, body: bytes, piece: int, most: int, step: Callable[[], None]) -> ApplicationBatch:
        """The applications of a batch. Raises Problem with its faults.

        piece: characters of the longest application; most: how many applications a batch may have; step: called
        between two applications, and may raise to end the work.
        """
        lists = BatchJson.lists(body, piece, most, step)
        rows = lists["applications"]
        if not rows:
            size = Fault("applications", "size", "0 applications", f"1 to {most:,} applications")
            raise Problem(422, BATCH, [size])
        references = lists.get("applicants", [None] * len(rows))
        if not isinstance(references, list) or len(references) != len(rows):
            size = Fault("applicants", "size", None, "one reference or null for each application")
            raise Problem(422, BATCH, [size])
        canonical = [None if name is None else _canonical(name) for name in references]
        faults = FaultList()
        for index, name in enumerate(references):
            if name is not None and canonical[index] is None:
                faults.add(Fault(f"applicants[{index}]", "type", None, reference.EXPECTED))
        faults.refuse()
        matrix = np.vstack([self.inputs.single_row(row if isinstance(row, dict) else {}) for row in rows])
        suspect = self.inputs.faults(matrix).any
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                faults.add(_kind(row, f"applications[{index}]"))
            elif suspect[index] or not (row.keys() <= self._known):
                step()
                self._add_faults(faults, row, matrix[index : index + 1], f"applications[{index}].")
        faults.refuse()
        return ApplicationBatch(rows, canonical, matrix)

    def _add_faults(self, faults: "FaultList", application: Application, row: Matrix, prefix: str = "") -> None:
        """Add every fault for which an application is refused; values that the config refers to a person are none."""
        unknown = [name for name in application if name not in self._known]
        for name in unknown[: faults.room]:
            faults.unknown += 1
            near = self._nearest(name) if faults.unknown <= NAMES_EXPLAINED else None
            hint = f"no such field; did you mean {near!r}?" if near else "no such field"
            got = near and _shown(application[name])  # what is none of ours, as a sex, is not said again
            faults.add(Fault(prefix + beginning(name), "unknown field", got, hint), counted=False)
        faults.count += len(unknown)
        invalid_inputs = self.inputs.faults(row)
        if not invalid_inputs.any[0]:
            return
        for index, (name, column) in enumerate(zip(self.inputs.names, self.inputs.columns, strict=True)):
            if invalid_inputs.missing[0, index] and column.missing == "refuse":
                faults.add(Fault(prefix + name, "missing", None, expected(column)))
            elif invalid_inputs.invalid[0, index]:
                value = application[name]
                # A word that is no number was not meant for this field: no policy makes a case for a person of it.
                is_wrong_type = not math.isfinite(row[0, index]) and not (column.categories and isinstance(value, str))
                if is_wrong_type or self.inputs.refuse_invalid:
                    rule = "type" if is_wrong_type else "category" if column.categories else "range"
                    faults.add(Fault(prefix + name, rule, _shown(value), expected(column)))

    def _nearest(self, name: str) -> str | None:
        """The input whose name is most like this one, if one is. Few are compared letter by letter, as it is dear."""
        if not name or len(name) > 2 * self._longest_name:
            return None
        matcher = difflib.SequenceMatcher()
        matcher.set_seq2(name)

        def likeness(known: str) -> float:
            matcher.set_seq1(known)
            return matcher.quick_ratio()

        candidates = heapq.nlargest(NEAREST, self.inputs.names, key=likeness)
        return next(iter(difflib.get_close_matches(name, candidates, 1)), None)


@dataclass
class FaultList:
    """The first faults of a body, and how many there are. unknown: fields among the first that no config knows."""

    first: list[Fault] = field(default_factory=list)
    count: int = 0
    unknown: int = 0

    @property
    def room(self) -> int:
        return MOST_FAULTS - len(self.first)

    def add(self, fault: Fault, *, counted: bool = True) -> None:
        self.count += counted
        if self.room:
            self.first.append(fault)

    def refuse(self) -> None:
        """Raises Problem 422 if there are faults, with the first of them and the number of all."""
        if self.first:
            faults = "1 fault" if self.count == 1 else f"{self.count:,} faults"
            named = f" The first {len(self.first)} are named." if self.count > len(self.first) else ""
            raise Problem(422, f"{faults}; nothing was decided.{named}", self.first)


def _canonical(name: Any) -> str | None:
    """The one form of a person's reference; None for what cannot be one."""
    try:
        return reference.canonical(name) if isinstance(name, str) else None
    except ReferenceRefused:
        return None


REFERENCE = "1 to 200 visible characters"


def is_reference(value: Any) -> bool:
    """Whether a value is fit as an idempotency key."""
    return isinstance(value, str) and 1 <= len(value) <= 200 and value.isprintable() and value.strip() == value


OBJECT = "an object with a field for each input"


def _kind(value: Any, name: str = "") -> Fault:
    return Fault(name, "type", _shown(value), OBJECT)


def _shown(value: Any) -> Any:
    """A value as its sender is shown it: containers by their kind, a long text by its beginning."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return beginning(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Compared before anything is made of it: a whole number may be too long for a float.
        return value if abs(value) < 2**53 else "a number too large"
    return value
