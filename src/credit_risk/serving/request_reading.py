"""The request contract: from the bytes of a body to an application that may be decided, or every fault of it at once.

Whether a value is missing or invalid is decided where every application is looked at (data.inputs); here stands only
what is particular to a request: JSON that is one object, and no field that nobody knows.
"""

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.data.inputs import Inputs, Matrix, expected
from credit_risk.ledger import reference
from credit_risk.ledger.reference import ReferenceRefused
from credit_risk.serving.problems import Fault, Problem

SHOWN = 100  # characters of a value that are sent back
Application = Mapping[str, Any]


class _AmbiguousJson(ValueError):
    """JSON whose meaning would be a guess: a field twice in one object, or a constant that JSON does not know."""


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

    def application(self, body: bytes) -> tuple[Application, Matrix]:
        """The application of a request, and its inputs as numbers (1, inputs). Raises Problem with all faults."""
        application = parsed(body)
        if not isinstance(application, dict):
            needed = "One application is needed: a JSON object with a field for each input."
            raise Problem(422, needed, [_kind(application)])
        matrix = self.inputs.single_row(application)
        if faults := list(self.faults(application, matrix)):
            raise Problem(422, _counted(faults), faults)
        return application, matrix

    def applications(self, body: bytes, most: int) -> tuple[list[Application], Sequence[str | None], Matrix]:
        """The applications of a batch, the reference of each applicant or None, and their inputs (rows, inputs).

        most: how many applications a batch may have. Raises Problem with all faults.
        """
        rows, references = _batch(parsed(body), most)
        matrix = np.vstack([self.inputs.single_row(row if isinstance(row, dict) else {}) for row in rows])
        faults = list(self._batch_faults(rows, matrix))
        if faults:
            raise Problem(422, _counted(faults), faults)
        return rows, references, matrix

    def faults(self, application: Application, row: Matrix) -> Iterator[Fault]:
        """Every fault for which an application is refused; values that the config refers to a person are no fault."""
        if not (application.keys() <= self._known):
            yield from (self._unknown(name) for name in application if name not in self._known)
        invalid_inputs = self.inputs.faults(row)
        if not invalid_inputs.any[0]:
            return
        for index, (name, column) in enumerate(zip(self.inputs.names, self.inputs.columns, strict=True)):
            if invalid_inputs.missing[0, index] and column.missing == "refuse":
                yield Fault(name, "missing", None, expected(column))
            elif invalid_inputs.invalid[0, index]:
                value = application[name]
                # A word that is no number was not meant for this field: no policy makes a case for a person of it.
                is_wrong_type = not math.isfinite(row[0, index]) and not (column.categories and isinstance(value, str))
                if is_wrong_type or self.inputs.refuse_invalid:
                    rule = "type" if is_wrong_type else "category" if column.categories else "range"
                    yield Fault(name, rule, _shown(value), expected(column))

    def _batch_faults(self, rows: Sequence[Any], matrix: Matrix) -> Iterator[Fault]:
        for index, row in enumerate(rows):
            faults = self.faults(row, matrix[index : index + 1]) if isinstance(row, dict) else iter([_kind(row)])
            for fault in faults:
                name = f"applications[{index}]" + (f".{fault.field}" if fault.field else "")
                yield Fault(name, fault.rule, fault.got, fault.expected)

    def _unknown(self, name: str) -> Fault:
        near = difflib.get_close_matches(name, self.inputs.names, 1)
        hint = f"no such field; did you mean {near[0]!r}?" if near else "no such field"
        return Fault(_text(name), "unknown field", None, hint)


def parsed(body: bytes) -> Any:
    """The JSON of a body, by the letter of RFC 8259: no NaN, no field twice. Raises Problem."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Problem(400, f"Byte {error.start} is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Problem(400, f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise Problem(400, "It is nested too deeply.") from None
    except _AmbiguousJson as error:
        raise Problem(400, str(error)) from None
    except ValueError:  # Python's own limit on the digits of a whole number
        raise Problem(400, "It holds a number with too many digits.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({_text(name) for name in names if names.count(name) > 1})
        raise _AmbiguousJson(f"These fields stand twice: {', '.join(twice)}.")
    return fields


def _no_constant(name: str) -> Any:
    raise _AmbiguousJson(f"{name} is no JSON number; leave a field that is not known out, or send null.")


def _batch(content: Any, most: int) -> tuple[list[Any], Sequence[str | None]]:
    shape = 'A batch is {"applications": [...]}, with "applicants": [...] beside it if you have references.'
    if not isinstance(content, dict) or not isinstance(content.get("applications"), list):
        raise Problem(422, shape, [Fault("applications", "type", None, "a list of applications")])
    if unknown := sorted(content.keys() - {"applications", "applicants"}):
        raise Problem(422, shape, [Fault(_text(name), "unknown field", None, "no such field") for name in unknown])
    rows = content["applications"]
    if not 1 <= len(rows) <= most:
        expected_size = f"1 to {most:,} applications"
        raise Problem(422, shape, [Fault("applications", "size", f"{len(rows):,} applications", expected_size)])
    references = content.get("applicants", [None] * len(rows))
    if not isinstance(references, list) or len(references) != len(rows):
        raise Problem(422, shape, [Fault("applicants", "size", None, "one reference or null for each application")])
    canonical = [None if name is None else _canonical(name) for name in references]
    wrong = [index for index, name in enumerate(references) if name is not None and canonical[index] is None]
    if wrong:
        faults = [Fault(f"applicants[{index}]", "type", None, reference.EXPECTED) for index in wrong]
        raise Problem(422, shape, faults)
    return rows, canonical


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


def _kind(value: Any) -> Fault:
    return Fault("", "type", _shown(value), "an object with a field for each input")


def _shown(value: Any) -> Any:
    """A value as its sender is shown it: containers by their kind, a long text by its beginning."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if math.isfinite(value) and abs(value) < 2**53 else "a number too large"
    return value


def _text(value: str) -> str:
    """The beginning of a text, as any reader can take it: JSON may hold halves of a character, UTF-8 may not."""
    return value[:SHOWN].encode("utf-8", "replace").decode()


def _counted(faults: Sequence[Fault]) -> str:
    return "1 fault; nothing was decided." if len(faults) == 1 else f"{len(faults)} faults; nothing was decided."
