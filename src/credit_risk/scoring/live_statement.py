"""Which versions may be live: what the registry states, signs and dates at each move, and the service asks for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from credit_risk.scoring.signed_chain import Head, has_types

KIND = "versions that may be live, 1"


@dataclass(frozen=True)
class LiveVersion:
    """A version that may be live, and as what. scorer: its digest; gate_record: SHA-256 of the gate's record of it."""

    version: int
    role: str
    scorer: str
    gate_record: str


@dataclass(frozen=True)
class LiveStatement:
    """What one project may serve, as the registry knew it at a moment.

    head: where its history ended. unverified: what of that history nobody vouches for.
    """

    project: str
    at: datetime
    head: Head
    live: tuple[LiveVersion, ...]
    unverified: tuple[Mapping[str, Any], ...] = ()

    def as_facts(self) -> dict[str, Any]:
        facts = {"statement": KIND, "project": self.project, "at": self.at.isoformat(timespec="microseconds")}
        live = [asdict(version) for version in self.live]
        return facts | {"head": str(self.head), "live": live, "unverified": list(self.unverified)}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "LiveStatement":
        """What `as_facts` gave, and somebody signed. Raises ValueError for what is no such statement."""
        try:
            if facts["statement"] != KIND:
                raise ValueError(f"it says {facts['statement']!r}, expected {KIND!r}")
            live = tuple(LiveVersion(**version) for version in facts["live"])
            at, notes = datetime.fromisoformat(facts["at"]), facts["unverified"]
            of_form = [has_types(vars(version), **LiveVersion.__annotations__) for version in live]
            of_form += [has_types(note, before=str, up_to=int, by=str) for note in notes]
            if not all((*of_form, at.tzinfo, has_types(facts, project=str, unverified=list))):
                raise ValueError(f"its project, time, versions or what is unverified ({notes}) are of another form")
            return cls(facts["project"], at, Head.parse(facts["head"]), live, tuple(notes))
        except (LookupError, TypeError) as error:
            raise ValueError(f"it is no statement of what may be live ({type(error).__name__}: {error})") from None
