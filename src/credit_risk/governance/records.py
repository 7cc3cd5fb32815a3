"""What persons put on record about a model: answers to controls, findings, opinions. A chain that only grows.

It lies in the repository (governance/records.jsonl) and is committed like code. Each entry says who, proved by an
identity where the environment asks for it, and the head of the chain is signed by the key of the registry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from credit_risk.config.names import is_person
from credit_risk.errors import CheckFailed
from credit_risk.registry.chain_file import ChainFile
from credit_risk.scoring.signed_chain import SignedFacts, has_types
from credit_risk.scoring.signing import SignedBy

FILE = Path("governance") / "records.jsonl"
Kind: TypeAlias = Literal["attest", "open", "answer", "verify", "close", "opinion", "refused"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LEAST_WORDS = 3


class RecordsBroken(CheckFailed, ValueError):
    """The records of governance were altered, or nobody vouches for them."""


class RecordRefused(CheckFailed, ValueError):
    """Something may not be put on record like this: by this person, now, or without a reason."""


@dataclass(frozen=True)
class Entered:
    """An entry: what was done (kind) about what (a control, a finding, a scorer), when, by whom, why."""

    at: datetime
    kind: Kind
    about: str
    by: str
    reason: str
    facts: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "at": self.at.isoformat(timespec="seconds"), "facts": dict(self.facts)}


@dataclass(frozen=True)
class Records:
    """The records of one repository. signed_by: whose signature the head must carry."""

    root: Path
    signed_by: SignedBy

    @property
    def chain(self) -> ChainFile:
        return ChainFile(self.root / FILE)

    def read(self) -> list[Entered]:
        """Every entry, the oldest first; none before the first. Raises RecordsBroken where the chain does not hold."""
        if not self.chain.path.is_file() and not self.chain.head_file.is_file():
            return []
        if not self.chain.path.is_file():
            raise RecordsBroken(f"{FILE.as_posix()} is not there, and its signed head is: it was removed.")
        verified = self.chain.verify(self.signed_by, self.root)
        faults = [*verified.faults, *(str(each.get("why")) for each in verified.unverified)]
        if faults:
            raise RecordsBroken(f"{FILE.as_posix()} does not hold: {'; '.join(faults)}.")
        return [_entered(facts) for facts in self.chain.entries()]

    def add(self, kind: Kind, about: str, *, by: str, reason: str, **facts: Any) -> Entered:
        """Record an entry, durable and signed. Raises RecordRefused, RecordsBroken, SignatureRefused."""
        if not is_person(by):
            raise RecordRefused(f"{by!r} is no person; expected a first and a last name (--by).")
        if len(reason.split()) < LEAST_WORDS:
            raise RecordRefused(f"the reason is {reason!r}, expected a sentence that an examiner can read (--reason).")
        self.read()
        SignedFacts.sign({"about": about}, self.signed_by, self.root)  # without the key nothing is written
        entry = Entered(datetime.now(UTC), kind, about, by, reason, facts)
        self.chain.append(entry.as_dict(), (self.signed_by, self.root))
        return entry


def last(entries: Iterable[Entered], kind: Kind, about: str) -> Entered | None:
    """The latest entry of a kind about something."""
    return next((entry for entry in reversed(list(entries)) if (entry.kind, entry.about) == (kind, about)), None)


def _entered(facts: Mapping[str, Any]) -> Entered:
    if not has_types(facts, at=str, kind=str, about=str, by=str, reason=str, facts=dict):
        raise RecordsBroken(f"{FILE.as_posix()} holds an entry of another form: its fields are not of their types.")
    try:
        at = datetime.fromisoformat(facts["at"]).astimezone(UTC)
        return Entered(at, facts["kind"], facts["about"], facts["by"], facts["reason"], facts["facts"])
    except (LookupError, TypeError, ValueError) as error:
        raise RecordsBroken(f"{FILE.as_posix()} holds an entry of another form: {error}.") from None
