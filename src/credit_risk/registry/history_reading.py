"""The registry's history as it is read: moves and statements of one moment, and whether they hold together."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any, get_args

from credit_risk.registry.chain_file import unverified_notes
from credit_risk.registry.errors import RegistryBroken
from credit_risk.registry.lifecycle import HistoryEvent, Move, may_be_live
from credit_risk.scoring.live_statement import LiveStatement, LiveVersion
from credit_risk.scoring.signed_chain import (
    BEGINNING,
    ChainWalk,
    Head,
    SignedFacts,
    has_types,
    link,
    object_of,
)


@dataclass(frozen=True)
class HistoryReading:
    """Both tables at one moment: what a move or a statement is signed on."""

    move_rows: Sequence[Any]
    statement_rows: Sequence[Any]

    @property
    def events(self) -> list[HistoryEvent]:
        """Raises RegistryBroken for a move that cannot be read."""
        return [event_of(seq, body) for seq, body, _ in self.move_rows]

    @property
    def head(self) -> Head:
        """Where the history ends."""
        return _head(self.move_rows[-1]) if self.move_rows else BEGINNING

    @property
    def signed(self) -> SignedFacts | None:
        """The last statement."""
        return SignedFacts(*self.statement_rows[-1][1:]) if self.statement_rows else None

    @property
    def last_statement(self) -> int:
        """The number of the last statement, 0 before the first."""
        return int(self.statement_rows[-1][0]) if self.statement_rows else 0

    @property
    def statement_digest(self) -> str | None:
        """SHA-256 of the last statement with its signature, which the next one names; None before the first."""
        return statement_digest(self.statement_rows[-1]) if self.statement_rows else None

    @property
    def unverified(self) -> list[Mapping[str, Any]]:
        """What the last statement says that nobody vouches for; nothing where it cannot be read."""
        try:
            stated = object_of(self.signed.text).get("unverified", []) if self.signed else []
            return list(unverified_notes(stated, by=str))
        except ValueError:
            return []  # whoever takes it over then vouches for nothing before that day

    @property
    def also_live(self) -> tuple[LiveVersion, ...]:
        """What the last statement names beyond what the moves say: no move has followed it, so it still counts."""
        named = LiveStatement.of_facts(object_of(self.signed.text)).live if self.signed else ()
        return tuple(version for version in named if version not in may_be_live(self.events))


class MoveFacts(dict[str, Any]):
    """The evidence that a move stood on. RegistryBroken where some is asked for that does not stand there."""

    def __missing__(self, name: str) -> Any:
        raise RegistryBroken(f"the registry's history holds a move that does not say its {name}.")


def event_of(seq: int, body: str) -> HistoryEvent:
    try:
        fields = object_of(body)
        facts = {"gate_record": "", "digests": {}, **fields["facts"]}
        typed = has_types(fields, version=int, scorer=str, by=str, reason=str, facts=dict)
        typed = typed and has_types(facts, gate_record=str, digests=dict)
        read = {"at": datetime.fromisoformat(fields["at"]), "facts": MoveFacts(fields["facts"])}
        event = HistoryEvent(seq=seq, **(fields | read))
    except (ValueError, TypeError, LookupError):
        event, typed = None, False
    if event is None or not typed or event.move not in get_args(Move) or event.at.tzinfo is None:
        raise RegistryBroken(f"the registry's history does not hold: entry {seq} is no move.")
    return event


def walked(rows: Sequence[Any]) -> ChainWalk:
    """The chain of moves, walked. Raises RegistryBroken where it does not hold."""
    walk = ChainWalk(BEGINNING)
    for row in rows:
        head = _head(row)
        if fault := walk.fault_of(head, partial(_follows, row[1], head.hash)):
            raise RegistryBroken(f"the registry's history does not hold: {fault}.")
    return walk


def _head(row: Any) -> Head:
    try:
        hash_ = bytes.fromhex(row[2])
    except ValueError:
        hash_ = b""
    return Head(row[0], hash_ if hash_.hex() == row[2] else b"")  # capitals and blanks nobody wrote


def fault_of_numbers(reading: HistoryReading) -> str | None:
    """Why the statements are not numbered one behind the other, since the last that somebody took over unverified."""
    start = _taken_over(reading)
    numbers = [seq for seq, *_ in reading.statement_rows if seq > start or not start]
    if numbers == list(range(start + 1, start + 1 + len(numbers))):
        return None
    return f"its statements behind {start} have the numbers {numbers}: some were taken out, or put in"


def statement_digest(row: Any) -> str:
    """SHA-256 of a statement with its signature. row: as it stands in the table."""
    _, facts, signature = row
    return hashlib.sha256(f"{facts}\n{signature}".encode()).hexdigest()


def fault_of_statements(reading: HistoryReading) -> str | None:
    """Why the statements before the last are not those that were signed, since the last that was taken over unverified.

    Each names the one before it, and the last one's signature is verified; those from before they did stand for
    themselves.
    """
    start = _taken_over(reading)
    for before, row in pairwise(row for row in reading.statement_rows if row[0] > start):
        try:
            previous = object_of(row[1]).get("previous")
        except ValueError:
            return f"its statement {row[0]} cannot be read: it was changed"
        if previous is not None and previous != statement_digest(before):
            return f"its statement {row[0]} was not signed behind statement {before[0]}: one of them was changed"
    return None


def _taken_over(reading: HistoryReading) -> int:
    """The number of the last statement that somebody took over; 0 where nobody did."""
    numbers = (note.get("statements", 0) for note in reading.unverified)
    return max((number for number in numbers if isinstance(number, int)), default=0)


def _follows(body: str, hash_: bytes, previous: bytes) -> bool:
    return link(previous, body) == hash_
