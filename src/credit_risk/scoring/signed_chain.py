"""Chains of entries that only grow: hashes, heads, heads written down or signed, and what verifying finds.

The hash of an entry covers the one before, so the last one vouches for all. A head (number and hash of the last entry)
that is signed cannot be set by who lacks the key; one that was written down elsewhere shows an end that was cut off
since. The decision ledger, the registry's history and the audit trail of rollouts are such chains.
"""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from credit_risk.data.writing import write_text
from credit_risk.errors import NotFound, UsageError
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignatureRefused, SignedBy


@dataclass(frozen=True)
class Head:
    """Where a chain ends: what an auditor writes down to find a cut-off end later."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """The head as `str` wrote it. Raises ValueError for anything else."""
        seq, _, digest = text.strip().partition(":")
        head = cls(int(seq), bytes.fromhex(digest))
        if not 0 <= head.seq < 1 << 63 or len(head.hash) != 32:
            raise ValueError(f"expected SEQ:HASH of 64 hex digits, got {text!r}")
        return head


BEGINNING = Head(0, bytes(32))


def link(previous: bytes, body: str) -> bytes:
    """The hash (32 bytes) of an entry that is a text: over the hash before it, and the text to the byte."""
    return hashlib.sha256(f"{previous.hex()}\n{body}".encode("utf-8", "surrogatepass")).digest()


@dataclass
class ChainWalk:
    """Verifies a chain entry by entry, in one pass. last: the head of what was walked so far."""

    last: Head

    def fault_of(self, head: Head, follows: Callable[[bytes], bool]) -> str | None:
        """Why this is not the next entry, as a sentence; None if it is. follows: whether it was chained to a hash."""
        before, self.last = self.last, head
        if head.seq <= before.seq:
            return f"entry {head.seq} stands before the chain: it was put in"
        if head.seq != before.seq + 1:
            return f"entries {before.seq + 1} to {head.seq - 1} are missing"
        if not follows(before.hash):
            return f"entry {head.seq} is not what was recorded behind entry {before.seq}: one of them was changed"
        return None

    def fault_of_end(self, head: Head) -> str | None:
        """Why the chain does not end where its head says."""
        if self.last.seq < head.seq:
            return f"entries {self.last.seq + 1} to {head.seq} are missing: the end was cut off"
        if self.last.seq > head.seq:
            return f"entries {head.seq + 1} to {self.last.seq} stand behind the head: they were put in"
        return None if self.last == head else f"entry {head.seq} is not the one that the head names"


def fault_against(remembered: Head, end: Head, hash_there: bytes | None) -> str | None:
    """Why a chain is not the one whose head was written down. hash_there: of its entry of that number."""
    if remembered.seq > end.seq:
        return f"the chain once reached entry {remembered.seq} and now ends at {end.seq}: the end was cut off"
    if hash_there != remembered.hash:
        return f"entry {remembered.seq} is not the one that was written down: the chain was made anew"
    return None


def write_down(head: Head, path: Path) -> None:
    """Add a head to a file of heads, one a line, durably; keep that file where nobody who writes the chain writes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"{head}\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None


def written_down(path: Path) -> list[Head]:
    """The heads of a file of heads. Raises NotFound, or UsageError for a line that is none."""
    if not path.is_file():
        raise NotFound(path, "The command `head` writes heads down with --write-down FILE.")
    try:
        return [Head.parse(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError as error:
        raise UsageError(f"{path}: {error}.") from None


@dataclass(frozen=True)
class SignedFacts:
    """Facts with a signature over their exact text, as one file or one row: {"facts": TEXT, "signature": {…}}."""

    text: str
    signature: str

    @classmethod
    def sign(cls, facts: Mapping[str, Any], by: SignedBy, root: Path) -> "SignedFacts":
        """Sign as this process can: with the key that the environment names, or keyless where an identity counts.

        Raises SignatureRefused where that is not the signature that counts, UsageError, SigningUnavailable.
        """
        with tempfile.TemporaryDirectory(prefix="credit-risk-facts-") as folder:
            path = Path(folder) / "facts.json"
            path.write_text(json.dumps(facts, sort_keys=True, ensure_ascii=False), encoding="utf-8")
            signing.sign(path, path.with_suffix(".sig"), signing.private_key(root) if by.public_key else None)
            made = cls(path.read_text(encoding="utf-8"), path.with_suffix(".sig").read_text(encoding="utf-8"))
        try:
            made.verified(by, root)
        except SignatureRefused as refused:
            raise SignatureRefused(f"{refused} Sign with the key that counts here: {signing.VARIABLE}.") from None
        return made

    def verified(self, by: SignedBy, root: Path) -> dict[str, Any]:
        """The facts. Raises SignatureRefused unless `by` signed this very text; NotFound without the public key."""
        with tempfile.TemporaryDirectory(prefix="credit-risk-facts-") as folder:
            path = Path(folder) / "facts.json"
            path.write_text(self.text, encoding="utf-8")
            path.with_suffix(".sig").write_text(self.signature, encoding="utf-8")
            if sentence := signing.refusal(path, path.with_suffix(".sig"), by, root):
                raise SignatureRefused(sentence.replace(f"{folder}/", ""))
        facts: dict[str, Any] = json.loads(self.text)
        return facts

    def __str__(self) -> str:
        return json.dumps({"facts": self.text, "signature": json.loads(self.signature)}, ensure_ascii=False) + "\n"

    @classmethod
    def parse(cls, text: str) -> "SignedFacts":
        """What `str` wrote. Raises ValueError for anything else."""
        try:
            whole = json.loads(text)
            return cls(str(whole["facts"]), json.dumps(whole["signature"]))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise ValueError(f"expected signed facts as JSON ({type(error).__name__}: {error})") from None


def only_grows(table: str, dialect: str) -> list[str]:
    """The SQL by which a database refuses to change, remove or replace rows of a table with a number `seq`.

    Against slips: whoever owns the database can drop it. SQLite's REPLACE removes a row without a DELETE that a trigger
    would see, so a row may only come behind the last one there.
    """
    sentence = f"{table} only grows: entries are never changed or removed"
    if dialect == "sqlite":
        fail = f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        behind = f"WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM {table})"  # noqa: S608  (a table of ours)
        return [
            *(f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table} {fail}" for verb in _CHANGES),
            f"CREATE TRIGGER IF NOT EXISTS {table}_only_behind BEFORE INSERT ON {table} {behind} {fail}",
        ]
    return [
        f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{sentence}'; END $$",
        f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()",
    ]


_CHANGES = ("update", "delete")


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
        """The facts of every entry, the oldest first, as they stand there."""
        content = _whole_lines(self.path.read_bytes()) if self.path.is_file() else b""
        for line in content.splitlines():
            yield {name: value for name, value in json.loads(line).items() if name not in ("seq", "hash")}

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
            return walk.fault_of_end(Head.parse(facts["head"])), tuple(facts["unverified"])
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
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


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
