"""A chain of entries in a file, its signed head beside it: the trail of rollouts is one (scoring.signed_chain)."""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from credit_risk.data.writing import write_text
from credit_risk.errors import DataError, NotFound
from credit_risk.scoring.signed_chain import (
    BEGINNING,
    ChainWalk,
    Head,
    SignedFacts,
    fault_against,
    has_types,
    link,
    object_of,
)
from credit_risk.scoring.signing import SignedBy

Entry = TypeVar("Entry")


def unverified_notes(notes: object, **types: type) -> tuple[Mapping[str, Any], ...]:
    """What a head or statement says that nobody vouches for: before when, up to which entry, and fields of `types`.

    Raises ValueError for what are no such notes.
    """
    if not isinstance(notes, list) or not all(has_types(note, before=str, up_to=int, **types) for note in notes):
        names = ", ".join(("before", "up_to", *types))
        raise ValueError(f"it says that {notes!r} is unverified; expected objects with {names}")
    return tuple(notes)


@dataclass(frozen=True)
class VerifiedChain:
    """What verifying found. unverified: what nobody vouches for, as each signed head since has said."""

    head: Head
    faults: tuple[str, ...]
    unverified: tuple[Mapping[str, Any], ...]

    def to_sign(self, today: str) -> list[Mapping[str, Any]]:
        """What the next signed head must say is unverified: what was, and what has faults now."""
        faulty = [{"before": today, "up_to": self.head.seq, "why": "; ".join(self.faults)}] if self.faults else []
        return [*self.unverified, *faulty]


@dataclass(frozen=True)
class ChainFile:
    """A chain in a file: an entry a line, as JSON, with its number and hash; its signed head lies beside it.

    Lines from before there was a chain have neither: they stay as they are, and the first entry covers them.
    """

    path: Path

    @property
    def head_file(self) -> Path:
        return self.path.with_suffix(".head.json")

    def append(self, facts: Mapping[str, Any], sign: tuple[SignedBy, Path] | None = None) -> Head:
        """Add an entry, durable before this returns; several processes may do so at once.

        sign: whose signature the head must carry, and the root. What does not hold by then is never signed silently:
        the head says from when on it vouches, and why. Without the key the entry stands, and the head lags behind:
        that is a CreditRiskError, raised once the entry is durable.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            content = _whole_lines(file.read())
            before = _end_of(content)
            body = dict(facts) | {"seq": before.seq + 1}
            head = Head(before.seq + 1, link(before.hash, _canonical(body)))
            file.truncate(len(content))
            file.seek(0, os.SEEK_END)
            file.write(_canonical(body | {"hash": head.hash.hex()}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            if sign:
                self._sign(head, self._verified(content, *sign) if content else None, *sign)
        return head

    def _sign(self, head: Head, before: VerifiedChain | None, by: SignedBy, root: Path) -> None:
        now = datetime.now(UTC)
        unverified = before.to_sign(now.date().isoformat()) if before else []
        facts = {"chain": self.path.name, "head": str(head), "at": now.isoformat(), "unverified": unverified}
        write_text(self.head_file, str(SignedFacts.sign(facts, by, root)))

    def entries(self) -> Iterator[dict[str, Any]]:
        """The facts of every entry, the oldest first, as they stand there. Raises DataError for a line that is none."""
        content = _whole_lines(self.path.read_bytes()) if self.path.is_file() else b""
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                fields = object_of(line)
            except ValueError as error:
                raise DataError(f"{self.path}: line {number} is no entry of a chain: {error}.") from None
            yield {name: value for name, value in fields.items() if name not in ("seq", "hash")}

    def entries_as(self, kind: Callable[..., Entry]) -> Iterator[Entry]:
        """`entries`, each made into what it was written from. Raises DataError for one with other fields."""
        for facts in self.entries():
            try:
                yield kind(**facts)
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                raise DataError(f"{self.path} holds an entry of another form: {error}.") from None

    def verify(self, by: SignedBy, root: Path, remembered: Sequence[Head] = ()) -> VerifiedChain:
        """Everything that is wrong with the chain, also against heads written down earlier. Raises NotFound."""
        if not self.path.is_file():
            raise NotFound(self.path, "Nothing was recorded yet.")
        return self._verified(_whole_lines(self.path.read_bytes()), by, root, remembered)

    def _verified(self, content: bytes, by: SignedBy, root: Path, remembered: Sequence[Head] = ()) -> VerifiedChain:
        lines = content.splitlines(keepends=True)
        parsed = [_parsed(line) for line in lines]
        first = next((index for index, line in enumerate(parsed) if "hash" in line), len(lines))
        walk = ChainWalk(_before(lines[:first]))
        hashes, faults = {walk.last.seq: walk.last.hash}, []
        for line in parsed[first:]:
            head = _head_of(line)
            body = _canonical({name: value for name, value in line.items() if name != "hash"})
            faults.append(walk.fault_of(head, partial(_is_linked, body, head.hash)))
            hashes[head.seq] = head.hash
        fault, unverified = self._fault_of_head(walk, by, root)
        faults += [fault, *(fault_against(head, walk.last, hashes.get(head.seq)) for head in remembered)]
        return VerifiedChain(walk.last, tuple(fault for fault in faults if fault), unverified)

    def _fault_of_head(
        self, walk: ChainWalk, by: SignedBy, root: Path
    ) -> tuple[str | None, tuple[Mapping[str, Any], ...]]:
        if not self.head_file.is_file():
            return f"nothing is signed: there is no {self.head_file.name}", ()
        try:
            facts = SignedFacts.parse(self.head_file.read_text(encoding="utf-8")).verified(by, root)
            if facts.get("chain") != self.path.name:
                return f"{self.head_file.name} is the head of another chain, {facts.get('chain')}", ()
            return walk.fault_of_end(Head.parse(facts["head"])), unverified_notes(facts["unverified"], why=str)
        except (ValueError, LookupError) as error:
            return f"{self.head_file.name} does not count: {error}", ()


def _canonical(body: Mapping[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=False)


def _is_linked(body: str, hash_: bytes, previous: bytes) -> bool:
    return link(previous, body) == hash_


def _whole_lines(content: bytes) -> bytes:
    """Without a line that a crash cut off, which was never acted upon."""
    return content[: content.rfind(b"\n") + 1]


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return object_of(line)
    except ValueError:
        return {}


def _head_of(line: Mapping[str, Any]) -> Head:
    """The number and hash that a line says it has; what is none follows nothing."""
    try:
        return Head(int(line["seq"]), bytes.fromhex(line["hash"]))
    except (ValueError, LookupError, TypeError):
        return BEGINNING


def _end_of(content: bytes) -> Head:
    lines = content.splitlines(keepends=True)
    head = _head_of(_parsed(lines[-1])) if lines else BEGINNING
    return _before(lines) if head == BEGINNING else head


def _before(lines: Sequence[bytes]) -> Head:
    """What the first entry is chained to: nothing, or the lines from before there was a chain, as they are."""
    return Head(len(lines), hashlib.sha256(b"".join(lines)).digest()) if lines else BEGINNING
