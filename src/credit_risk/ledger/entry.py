"""What is recorded of a decision, in two parts: facts that may outlive the person, and what is personal."""

import hashlib
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from credit_risk.ledger.chain import DECISION, Row
from credit_risk.ledger.errors import EntryError
from credit_risk.ledger.reference import canonical
from credit_risk.ledger.sealing import Secret

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
IN_CLEAR = ("decision", "band", "rule")  # of what was decided; PD, score and reasons with their values are personal


@dataclass(frozen=True)
class DecidedBy:
    """SHA-256 digests of the scorer, the model in it, the config and the code that made a decision."""

    scorer: str
    model: str
    config: str
    code: str


@dataclass(frozen=True)
class Entry:
    """A decision to be recorded.

    inputs: the application as it was accepted. decided: the fields of scoring.decision.Decision.
    applicant: the lender's reference of the person; without one the decision has a key of its own. request_id: the
    client's idempotency key. latency_ms: until the entry was handed over; the ledger's own time comes on top.
    """

    inputs: Mapping[str, Any]
    decided: Mapping[str, Any]
    by: DecidedBy
    client: str = ""
    body_digest: str = ""
    applicant: str | None = None
    request_id: str | None = None
    latency_ms: float | None = None


class RecordedDecision(NamedTuple):
    """A durable decision. repeated: it was made and recorded for an earlier request with this idempotency key."""

    decision_id: str
    seq: int
    at: datetime
    decided: Mapping[str, Any]
    repeated: bool


@dataclass(frozen=True)
class StoredDecision:
    """A decision read back from the ledger. For an erased person only the facts are left: the last four are None."""

    seq: int
    decision_id: str
    at: datetime
    client: str
    by: DecidedBy
    decision: str
    band: str | None
    rule: str | None
    reasons: tuple[str, ...]
    latency_ms: float | None
    erased: bool
    applicant: str | None = None
    request_id: str | None = None
    inputs: Mapping[str, Any] | None = None
    decided: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values; the time in ISO 8601, UTC, with microseconds."""
        return {**vars(self), "by": vars(self.by), "reasons": list(self.reasons), "at": iso_time(self.at)}


class Prepared(NamedTuple):
    """An entry as bytes, not yet sealed: made outside the transaction, so that one bad entry fails alone."""

    entry: Entry
    row: Row
    subject: bytes
    period: str
    personal: bytes


def prepare(entry: Entry, secret: Secret) -> Prepared:
    """The entry as bytes, with its id and time. Raises EntryError for what could not be read back bit for bit.

    The person's reference is recorded in its canonical form.
    """
    decision_id, at = new_id()
    applicant = None if entry.applicant is None else canonical(entry.applicant)
    if _any_not_finite(entry.inputs):
        path, value = next(_not_finite(entry.inputs, "inputs"))
        raise EntryError(f"{path} is {value}; expected a finite number, or null for a missing one.")
    unknown = dict(_not_finite(entry.decided, "decided")) if _any_not_finite(entry.decided) else {}
    personal = {
        "applicant": applicant,
        "request_id": entry.request_id,
        "body_digest": entry.body_digest,
        "inputs": entry.inputs,
        "decided": entry.decided,  # orjson writes a number that is none as null; `unknown` says which it was
        **({"unknown": unknown} if unknown else {}),
    }
    of_person = ("decision", decision_id) if applicant is None else ("applicant", applicant)
    try:
        request = None if entry.request_id is None else secret.digest(b"request", entry.client, entry.request_id)
        row = Row(0, DECISION, at, decision_id, request, 0, orjson.dumps(facts(entry)).decode(), None)
        personal["in_clear"] = in_clear(row)
        return Prepared(entry, row, secret.digest(b"subject", *of_person), period_of(at), orjson.dumps(personal))
    except (TypeError, UnicodeEncodeError) as error:
        raise EntryError(f"an entry must be JSON, in valid Unicode, with whole numbers below 2^63: {error}.") from None


def facts(entry: Entry) -> dict[str, Any]:
    """What is stored in clear and stays: the decision and the model that made it; no number about the person."""
    decided = entry.decided
    return {
        "client": entry.client,
        **vars(entry.by),
        **{name: decided.get(name) for name in IN_CLEAR},
        "reasons": _reasons(decided),
        "latency_ms": entry.latency_ms,
    }


def _reasons(decided: Mapping[str, Any]) -> list[str]:
    return [reason["id"] for reason in decided.get("reasons", ())]


def in_clear(row: Row) -> str:
    """A digest (128 bits) of what a decision's row says in clear: the sealed part keeps it, which nobody can alter."""
    request = row.request.hex() if row.request else ""
    return hashlib.sha256(f"{row.at} {row.decision_id} {request} {row.facts}".encode()).hexdigest()[:32]


def is_of_row(personal: bytes, row: Row) -> bool:
    """Whether a sealed part, decrypted, was sealed with just this in clear beside it.

    One from before sealed parts kept a digest has at least to be of the same decision, band, rule and reasons.
    """
    sealed = orjson.loads(personal)
    if "in_clear" in sealed:
        return bool(sealed["in_clear"] == in_clear(row))
    kept, decided = orjson.loads(row.facts), sealed["decided"]
    return all(kept[name] == decided.get(name) for name in IN_CLEAR) and kept["reasons"] == _reasons(decided)


def client_of(row: Row) -> str | None:
    """The client that asked for a decision, as its row says; None for a row that does not say it any more."""
    try:
        kept = orjson.loads(row.facts)
    except (orjson.JSONDecodeError, TypeError):
        return None
    return kept.get("client") if isinstance(kept, dict) else None


def stored_decision(row: Row, decrypted: bytes | None) -> StoredDecision:
    """The decision of a row. decrypted: its personal part as JSON, None once that cannot be read any more."""
    kept = orjson.loads(row.facts)
    personal = orjson.loads(decrypted) if decrypted is not None else {}
    return StoredDecision(
        row.seq,
        row.decision_id,
        moment(row.at),
        kept["client"],
        DecidedBy(kept["scorer"], kept["model"], kept["config"], kept["code"]),
        kept["decision"],
        kept["band"],
        kept["rule"],
        tuple(kept["reasons"]),
        kept["latency_ms"],
        decrypted is None,
        *(personal.get(name) for name in ("applicant", "request_id", "inputs", "decided")),
    )


def new_id() -> tuple[str, int]:
    """A decision's id and its time in microseconds: a UUID of version 7, so that ids sort by time."""
    now = time.time_ns()
    number = int.from_bytes(os.urandom(10))
    tail = 0b10 << 62 | number >> 18 & (1 << 62) - 1
    digits = f"{now // 1_000_000:012x}7{number & 0xFFF:03x}{tail:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}", now // 1000


def moment(microseconds: int) -> datetime:
    """The time of a row, in UTC. microseconds: since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def period_of(microseconds: int) -> str:
    """The month (UTC) of a decision, as 2026-11: its person has a key for each, so that old months can be forgotten."""
    at = moment(microseconds)
    return f"{at.year}-{at.month:02}"  # by strftime it would take a fifth of an entry's preparation


def iso_time(at: datetime) -> str:
    """ISO 8601 with microseconds, UTC as Z."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _any_not_finite(value: Mapping[str, Any]) -> bool:
    """Whether `_not_finite` would find anything, in a tenth of its time; most entries have nothing of the kind."""
    left: list[Any] = [value]
    while left:
        whole = left.pop()
        for item in whole.values() if isinstance(whole, dict) else whole:
            kind = type(item)
            if kind is float:
                if item - item != 0:
                    return True
            elif kind in (dict, list, tuple):
                left.append(item)
    return False


def _not_finite(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path, str(value)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, float | Mapping | list | tuple):
                yield from _not_finite(item, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{path}[{index}]")
