"""Chains of entries that only grow: hashes, heads, heads written down or signed, and what verifying finds.

The hash of an entry covers the one before, so the last one vouches for all. A head (number and hash of the last entry)
that is signed cannot be set by who lacks the key; one that was written down elsewhere shows an end that was cut off
since. The decision ledger is such a chain, and so are the histories that parts keep.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit_risk.data.writing import append_line
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
        seq, _, digest = str(text).strip().partition(":")
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
        append_line(path, str(head))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None


def written_down(path: Path) -> list[Head]:
    """The heads of a file of heads. Raises NotFound, or UsageError for a line that is none, and where there is none."""
    if not path.is_file():
        raise NotFound(path, "The command `head` writes heads down with --write-down FILE.")
    try:
        heads = [Head.parse(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError as error:
        raise UsageError(f"{path}: {error}.") from None
    if not heads:  # against none, a chain that was cut off would hold
        raise UsageError(f"{path} holds no head: it was emptied, or none was written down yet.")
    return heads


def object_of(text: str | bytes) -> dict[str, Any]:
    """An object of JSON. Raises ValueError for anything else."""
    try:
        return dict(json.loads(text).items())
    except (AttributeError, RecursionError):
        raise ValueError(f"expected an object of JSON, got {text[:100]!r}") from None


def has_types(fields: object, **types: type) -> bool:
    """Whether this is an object of JSON with these fields, each of its type alone; others may stand there too."""
    return isinstance(fields, dict) and all(type(fields.get(name)) is kind for name, kind in types.items())


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
        return object_of(self.text)

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
