"""An erasure with its proof: the keys are destroyed, nothing can be read, and what still names the person is listed.

Once the keys are destroyed nothing stops the certificate: a file that cannot be read is on its list too. What was begun
stands in a file before anything is destroyed, so an erasure that was killed is finished, and searched for, later.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import select

from credit_risk.errors import CheckFailed
from credit_risk.ledger.chain import DECISION, ERASURE
from credit_risk.ledger.database.schema import entries, keys
from credit_risk.ledger.ledger import Ledger
from credit_risk.retention import byte_search, purge, traces, unpacked
from credit_risk.retention.purge import Purged
from credit_risk.retention.traces import Names

BEGUN, DONE = "erasure begun", "erasure"
SQLITE = b"SQLite format 3\0"
LOGS = ("-wal", "-shm", "-journal")
WITH_IDS = ("keys", "outcome_facts")  # tables of a ledger, and of what stands beside it
NOT_SEEN = (
    "what a file system, an SSD, or PostgreSQL's log and archive keep of overwritten blocks",
    "git's own objects, and files that are not on the list of what was searched",
    "what a PDF draws, as its letters stand nowhere as text: the list beside notices in PDF is searched",
    "copies that were not named; a copy that is restored brings the person back: `credit-risk ledger erase-again`",
)


class ErasedKey(NamedTuple):
    """A key of the person. made: microseconds since 1970; it tells the key from a later one of the same number."""

    number: int
    made: int | None


class Copy(NamedTuple):
    """A file in which a key of the person still stands, and the day on which it was last written (UTC)."""

    path: str
    written: date


@dataclass(frozen=True)
class Erasure:
    """What an erasure did and what was seen after it, by file. not_read: those in which nobody could look.

    keys: all of the person's that were destroyed, now or by the erasure that this one goes on with.
    """

    decisions: int
    keys: tuple[ErasedKey, ...]
    read_again: int
    head: str
    searched: int
    keys_stand_in: tuple[Copy, ...]
    named_in: tuple[str, ...]
    not_read: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not (self.keys_stand_in or self.named_in or self.not_read)

    def facts(self, at: datetime, applicant: str, copies_kept: timedelta | None = None) -> Mapping[str, Any]:
        """The certificate's content, so that it can be kept: the person goes out of the files' names too.

        copies_kept: how long a copy of the ledger is kept, by which it says when the last one will have gone.
        """
        return {
            "what": DONE,
            "at": at.isoformat(),
            "whole": self.is_whole,
            **vars(self),
            "keys": [key._asdict() for key in self.keys],
            "keys_stand_in": [
                {
                    "path": traces.without(copy.path, applicant),
                    "written": copy.written.isoformat(),
                    "gone_by": None if copies_kept is None else (copy.written + copies_kept).isoformat(),
                }
                for copy in self.keys_stand_in
            ],
            "named_in": [traces.without(path, applicant) for path in self.named_in],
            "not_read": [traces.without(path, applicant) for path in self.not_read],
            "not_seen": list(NOT_SEEN),
        }

    def raise_unless_whole(self) -> None:
        """Raise CheckFailed with every file in which the person, or a key of theirs, still stands or may stand."""
        wrong = [f"a destroyed key still stands in {copy.path}, written {copy.written}" for copy in self.keys_stand_in]
        wrong += [f"the person, or a decision about them, is named in {path}" for path in self.named_in]
        wrong += [f"{path} could not be read" for path in self.not_read]
        if wrong:
            raise CheckFailed("\n  ".join(["The person's keys are destroyed, and not everything is gone:", *wrong]))


def begun(at: datetime, of: Sequence[ErasedKey]) -> Mapping[str, Any]:
    """What is written before anything is destroyed. It names nobody."""
    return {"what": BEGUN, "at": at.isoformat(), "keys": [key._asdict() for key in of]}


def keys_in(facts: Mapping[str, Any]) -> tuple[ErasedKey, ...]:
    """The keys that a statement of an erasure names. Raises ValueError for any other statement."""
    try:
        if facts["what"] in (BEGUN, DONE):
            return tuple(ErasedKey(int(key["number"]), key["made"]) for key in facts["keys"])
    except (LookupError, TypeError) as error:
        raise ValueError(f"expected keys, each with number and made ({error})") from None
    raise ValueError(f"expected {DONE!r} or {BEGUN!r}, got {facts['what']!r}")


def keys_of(ledger: Ledger, applicant: str, earlier: Sequence[ErasedKey] = ()) -> tuple[ErasedKey, ...]:
    """The person's keys: those in the ledger, or those that an earlier erasure, killed or not whole, has destroyed.

    Raises CheckFailed where nobody of this reference is in the ledger and nothing was begun, and where the ledger
    holds keys of this person that the earlier statement does not name: it is somebody else's, or they applied again.
    """
    query = select(keys.c.number, keys.c.made).where(keys.c.number.in_(ledger.keys_of(applicant)))
    with ledger.store.core() as connection:
        there = {ErasedKey(*row) for row in connection.execute(query).all()}
    if earlier and there - set(earlier):
        raise CheckFailed("The ledger holds a key of this person that the earlier certificate does not name.")
    if not earlier and not there:
        raise CheckFailed("The ledger holds nobody of this reference, or no more: there is nothing to certify.")
    return tuple(earlier) or tuple(sorted(there))


def erase(ledger: Ledger, applicant: str, these: Sequence[ErasedKey], searched: Sequence[Path], *, by: str) -> Erasure:
    """Destroy a person's keys, read by a connection of its own that nothing can be read, and search these files.

    these: as `keys_of` says; searched: files and folders, the ledger's own are always among them; by: who does it.
    Raises CheckFailed where a decision can still be read; EntryError, LedgerRefused as `Ledger.erase` does.
    """
    wrapped = _wrapped(ledger, these)
    # Also where no key is left: an earlier erasure may have stopped before copies were gone.
    ledger.erase(applicant, by=by)
    return _erasure(ledger, these, wrapped, applicant, searched)


def _erasure(
    ledger: Ledger, these: Sequence[ErasedKey], wrapped: Mapping[int, bytes], applicant: str, searched: Sequence[Path]
) -> Erasure:
    numbers = [key.number for key in these]
    with purge.opened_anew(ledger) as reader:
        read = purge.prove_unreadable(reader, Purged({number: wrapped.get(number, b"") for number in numbers}))
    names, of_decisions = Names.of([applicant]), Names.of([applicant, *_decisions_of(ledger, numbers)])
    files = sorted({path.absolute() for path in traces.files_below([*_own(ledger), *searched])})
    seen = {path: traces_in(path, set(wrapped.values()), these, names, of_decisions) for path in files}
    copies, named_in, not_read = (
        [path for path, kinds in seen.items() if kind in kinds] for kind in ("key", "name", "unread")
    )
    return Erasure(
        decisions=_sealed_by(ledger, numbers),
        keys=tuple(these),
        read_again=read,
        head=str(ledger.head()),
        searched=len(files) - len(not_read),
        keys_stand_in=tuple(Copy(str(path), _written(path)) for path in copies),
        named_in=tuple(map(str, named_in)),
        not_read=tuple(map(str, not_read)),
    )


def again(ledger: Ledger, of: Sequence[ErasedKey], *, by: str) -> dict[int, int]:
    """Destroy keys that came back with a restored copy; of each, how many decisions it had sealed.

    A key of the same number that was made at another time is somebody else's, given after the copy was made: it stays.
    """
    query = select(keys.c.number, keys.c.made).where(keys.c.wrapped.is_not(None))
    with ledger.store.core() as connection:
        there = {ErasedKey(*row) for row in connection.execute(query).all()}
    return ledger.destroy([key.number for key in of if key in there], {}, by=by)


def traces_in(
    path: Path, gone: Collection[bytes], these: Sequence[ErasedKey], names: Names, of_decisions: Names
) -> set[str]:
    """What a file holds of what must be gone: `key`, `name`; or `unread`. A file that went away holds nothing.

    gone: keys as they stood; these: keys by number; names: of persons; of_decisions: names and decisions' ids, which
    may stand in a ledger, and with outcomes, where nothing leads from them to the person.
    """
    kinds = {"name"} if traces.named_by(path, of_decisions) else set()
    try:
        for file in unpacked.contents(path):
            kinds |= {"key"} if byte_search.count_in(file, gone) or _has_keys(file, these) else set()
            kinds |= {"name"} if traces.stands_in(file, names if _keeps_ids(file, path) else of_decisions) else set()
    except FileNotFoundError:
        return set()
    except (OSError, sqlite3.Error, pa.ArrowException):
        kinds.add("unread")
    return kinds


def _has_keys(path: Path, these: Sequence[ErasedKey]) -> bool:
    """Whether a file is a ledger, or a copy of one, in which one of these keys has not been destroyed."""
    if "keys" not in _tables_of(path):
        return False
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        query = "SELECT 1 FROM keys WHERE number = ? AND made IS ? AND wrapped IS NOT NULL"
        return any(connection.execute(query, key).fetchone() for key in these)


def _keeps_ids(file: Path, named: Path) -> bool:
    """Whether a file is a ledger, what stands beside one, or a log of these. named: itself, or what it is packed in."""
    if named.name.endswith(LOGS):
        file = named.with_name(named.name.rpartition("-")[0])
    return any(table.startswith(WITH_IDS) for table in _tables_of(file))


def _tables_of(path: Path) -> set[str]:
    """The tables of a SQLite database; none for any other file."""
    if not path.is_file():
        return set()
    with path.open("rb") as stream:
        if stream.read(len(SQLITE)) != SQLITE:
            return set()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _decisions_of(ledger: Ledger, numbers: Sequence[int]) -> list[str]:
    """The ids of the decisions that these keys had sealed, as the chain keeps them."""
    query = select(entries.c.decision_id).where(entries.c.kind == DECISION, entries.c.key.in_(numbers))
    with ledger.store.core() as connection:
        return list(connection.execute(query).scalars())


def _wrapped(ledger: Ledger, these: Sequence[ErasedKey]) -> dict[int, bytes]:
    """The keys as they stand in the table, to be searched for once they must be gone."""
    numbers = [key.number for key in these]
    query = select(keys.c.number, keys.c.wrapped).where(keys.c.number.in_(numbers), keys.c.wrapped.is_not(None))
    with ledger.store.core() as connection:
        return {number: bytes(wrapped) for number, wrapped in connection.execute(query).all()}


def _sealed_by(ledger: Ledger, numbers: Sequence[int]) -> int:
    """How many decisions these keys had sealed, as the chain's entries of their erasure say."""
    query = select(entries.c.facts).where(entries.c.kind == ERASURE, entries.c.key.in_(numbers))
    with ledger.store.core() as connection:
        return sum(json.loads(facts)["decisions"] for facts in connection.execute(query).scalars())


def _own(ledger: Ledger) -> list[Path]:
    """The database's files and those of the stores beside it; none of a PostgreSQL that is elsewhere."""
    path = ledger.store.path
    return [] if path is None else [path.parent]


def _written(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
