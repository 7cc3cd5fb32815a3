"""JSON by the letter of RFC 8259, read with work that grows no faster than the body does.

A batch is read piece by piece: one call of the decoder sees one application and no more, so that the thread that reads
it gives way to the event loop between two of them, and can be ended there.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from credit_risk.serving.problems import MOST_FAULTS, Fault, Problem

R = TypeVar("R")
WHITESPACE = re.compile(r"[ \t\n\r]*")
SHOWN = 100  # characters of a value that are sent back
BATCH = 'A batch is {"applications": [...]}, with "applicants": [...] beside it if you have references.'


class _AmbiguousJson(ValueError):
    """JSON whose meaning would be a guess: a field twice in one object, a number that cannot be kept as it stands."""


def beginning(text: str) -> str:
    """The beginning of a text, as any reader can take it: JSON may hold halves of a character, UTF-8 may not."""
    return text[:SHOWN].encode("utf-8", "replace").decode()


def parsed(body: bytes) -> Any:
    """The JSON of a body: no NaN, no field twice, no fraction that would become a whole number. Raises Problem 400."""
    text = _text(body)
    return _decoded(lambda: DECODER.decode(text))


@dataclass
class BatchJson:
    """The lists of a batch's body, element by element. The decoder never sees more than `piece` characters at once.

    Raises Problem: 400 for what is no JSON, or an element that is longer than a piece; 422 for another shape, or
    a list longer than `most`, as soon as that shows. step: called between two elements; it may raise to end the work.
    """

    text: str
    piece: int
    most: int
    step: Callable[[], None]
    position: int = 0

    @classmethod
    def lists(cls, body: bytes, piece: int, most: int, step: Callable[[], None]) -> dict[str, Any]:
        """`applications`, and `applicants` if it is there; of another type each stands as it is.

        Lists and objects within a field of an application are empty.
        """
        reader = cls(_text(body), piece, most, step)
        return _decoded(reader._lists)

    def _lists(self) -> dict[str, Any]:
        if not self._take("{"):
            self._value()
            raise Problem(422, BATCH, [Fault("applications", "type", None, "a list of applications")])
        lists: dict[str, Any] = {}
        unknown: list[str] = []
        for name in self._names():
            if name in lists or name in unknown:
                raise _AmbiguousJson(f"These fields stand twice: {beginning(name)}.")
            if name in ("applications", "applicants"):
                lists[name] = list(self._elements(name)) if self._take("[") else self._value()
                continue
            unknown.append(name)
            if len(unknown) == MOST_FAULTS:
                break
            self._value()
        else:
            self._skip()
            if self.position < len(self.text):
                raise self._error("Extra data")
        if not isinstance(lists.get("applications"), list) and len(unknown) < MOST_FAULTS:
            raise Problem(422, BATCH, [Fault("applications", "type", None, "a list of applications")])
        if unknown:
            faults = [Fault(beginning(name), "unknown field", None, "no such field") for name in unknown]
            raise Problem(422, BATCH, faults)
        return lists

    def _names(self) -> Iterator[str]:
        """The names of an object whose brace was taken; whoever iterates reads the value of each."""
        if self._take("}"):
            return
        while True:
            self._skip()
            if self.text[self.position : self.position + 1] != '"':
                raise self._error("Expecting property name enclosed in double quotes")
            name = self._value()
            if not self._take(":"):
                raise self._error("Expecting ':' delimiter")
            yield name
            if self._take("}"):
                return
            if not self._take(","):
                raise self._error("Expecting ',' delimiter")

    def _elements(self, name: str) -> Iterator[Any]:
        """The elements of a list whose bracket was taken."""
        if self._take("]"):
            return
        for _ in range(self.most):
            self.step()
            yield _hollow(self._value())
            if self._take("]"):
                return
            if not self._take(","):
                raise self._error("Expecting ',' delimiter")
        expected_size = f"1 to {self.most:,} {name}"
        raise Problem(422, BATCH, [Fault(name, "size", f"more than {self.most:,} {name}", expected_size)])

    def _take(self, sign: str) -> bool:
        self._skip()
        if self.text[self.position : self.position + 1] != sign:
            return False
        self.position += 1
        return True

    def _skip(self) -> None:
        match = WHITESPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def _value(self) -> Any:
        self._skip()
        piece = self.text[self.position : self.position + self.piece]
        try:
            value, length = DECODER.raw_decode(piece)
        except json.JSONDecodeError as error:
            if self.position + self.piece < len(self.text):
                message = f"What begins here is no JSON, or longer than {self.piece:,} characters"
                raise self._error(message) from None
            raise json.JSONDecodeError(error.msg, self.text, self.position + error.pos) from None
        self.position += length
        return value

    def _error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self.text, self.position)


def _hollow(element: Any) -> Any:
    """An element without what its lists and objects hold: no field takes those, so that they are there says enough.

    Kept until the batch is read, millions of them would make the garbage collector stop every thread for a while.
    """
    if not isinstance(element, dict):
        return type(element)() if isinstance(element, list) else element
    for name, value in element.items():
        if isinstance(value, dict | list):
            element[name] = type(value)()
    return element


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, f"Byte {error.start} is not UTF-8.") from None


def _decoded(decode: Callable[[], R]) -> R:
    try:
        return decode()
    except json.JSONDecodeError as error:
        raise Problem(400, f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise Problem(400, "It is nested too deeply.") from None
    except _AmbiguousJson as error:
        raise Problem(400, str(error)) from None
    except ValueError:  # Python's own limit on the digits of a whole number
        raise Problem(400, "It holds a number with too many digits.") from None


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The fields of one object. Raises _AmbiguousJson for a field that stands twice."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        twice: dict[str, None] = {}
        for name, _ in pairs:
            if name in seen:
                twice[name] = None
            seen.add(name)
        named = [beginning(name) for name, _ in zip(twice, range(MOST_FAULTS), strict=False)]
        more = f", and {len(twice) - len(named):,} more" if len(twice) > len(named) else ""
        raise _AmbiguousJson(f"These fields stand twice: {', '.join(named)}{more}.")
    return fields


def _no_constant(name: str) -> Any:
    raise _AmbiguousJson(f"{name} is no JSON number; leave a field that is not known out, or send null.")


def _number(text: str) -> float:
    """A number with a point or an exponent. Raises _AmbiguousJson for a fraction that is too fine to be kept as one.

    1e-400 would be 0 and 3.00000000000000000001 would be 3: whole numbers, which fields of whole numbers accept.
    """
    value = float(text)
    if value.is_integer() and not text.endswith(".0") and not _is_whole(text):
        raise _AmbiguousJson(f"{beginning(text)} has more digits than a number can keep; send at most 17.")
    return value


def _is_whole(text: str) -> bool:
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).rstrip("0")
    # Places behind the point that are not zero, before the exponent moves the point.
    return not digits or len(digits) - len(whole) <= int(exponent or 0)


DECODER = json.JSONDecoder(object_pairs_hook=once, parse_constant=_no_constant, parse_float=_number)
