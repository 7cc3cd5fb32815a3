"""Refusals as the API says them: problem details (RFC 9457) naming every field, what was got and what is expected."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

TITLES = {
    400: "The request cannot be read",
    401: "Who are you?",
    403: "Not allowed",
    404: "There is no such thing",
    405: "Not this method",
    408: "The request took too long to arrive",
    409: "This key belongs to another request",
    413: "The body is too large",
    415: "The body must be JSON",
    422: "The application is not valid",
    429: "Too many requests",
    431: "The head of the request is too large",
    503: "Not now",
}

MOST_FAULTS = 50  # that a refusal names; of the others it says how many there are


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field. rule: the kind of fault, the only part of it that is counted in the metrics."""

    field: str
    rule: str
    got: Any
    expected: str

    def as_dict(self) -> dict[str, Any]:
        return {"field": self.field, "got": self.got, "expected": self.expected}


@dataclass
class Problem(Exception):
    """A request that is not answered with a decision. retry_after: seconds after which another try makes sense."""

    status: int
    detail: str
    faults: Sequence[Fault] = ()
    retry_after: int | None = None
    more: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        detail = self.detail.encode("utf-8", "replace").decode()  # a token's words may hold halves of a character
        details = {"type": "about:blank", "title": TITLES[self.status], "status": self.status, "detail": detail}
        return details | ({"errors": [fault.as_dict() for fault in self.faults]} if self.faults else {})

    @property
    def headers(self) -> dict[str, str]:
        return self.more | ({"Retry-After": str(self.retry_after)} if self.retry_after is not None else {})
