"""An erasure with its proof: the keys are destroyed, nothing can be read, and what still names the person is listed.

Once the keys are destroyed nothing stops the certificate: a file that cannot be read is on its list too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import select

from credit_risk.errors import CheckFailed
from credit_risk.ledger.database.schema import keys
from credit_risk.ledger.ledger import Ledger
from credit_risk.retention import byte_search, purge, traces
from credit_risk.retention.purge import Purged

NOT_SEEN = (
    "what a file system, an SSD, or PostgreSQL's log and archive keep of overwritten blocks",
    "archives, git's own objects, and files that are not on the list of what was searched",
    "copies that were not named; a copy that is restored brings the person back, and the erasure must be made again",
)


@dataclass(frozen=True)
class Erasure:
    """What an erasure did and what was seen after it, by file. not_read: those in which nobody could look."""

    decisions: int
    keys: int
    read_again: int
    head: str
    searched: int
    keys_stand_in: tuple[str, ...]
    named_in: tuple[str, ...]
    not_read: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not (self.keys_stand_in or self.named_in or self.not_read)

    def facts(self, at: datetime, applicant: str) -> Mapping[str, Any]:
        """The certificate's content, so that it can be kept: the person goes out of the files' names too."""
        files = {
            name: [traces.without(path, applicant) for path in vars(self)[name]]
            for name in ("keys_stand_in", "named_in", "not_read")
        }
        return {
            "what": "erasure",
            "at": at.isoformat(),
            "whole": self.is_whole,
            **vars(self),
            **files,
            "not_seen": list(NOT_SEEN),
        }

    def raise_unless_whole(self) -> None:
        """Raise CheckFailed with every file in which the person, or a key of theirs, still stands or may stand."""
        wrong = [f"a destroyed key still stands in {path}" for path in self.keys_stand_in]
        wrong += [f"the person is named in {path}" for path in self.named_in]
        wrong += [f"{path} could not be read" for path in self.not_read]
        if wrong:
            raise CheckFailed("\n  ".join(["The person's keys are destroyed, and not everything is gone:", *wrong]))


def erase(ledger: Ledger, applicant: str, searched: Sequence[Path]) -> Erasure:
    """Destroy a person's keys, read by a connection of its own that nothing can be read, and search these files.

    searched: files and folders; the ledger's own are always among them. Raises CheckFailed where nobody of this
    reference is in the ledger, or a decision can still be read; EntryError, LedgerRefused as `Ledger.erase` does.
    """
    wrapped = _wrapped(ledger, ledger.keys_of(applicant))
    decisions = ledger.erase(applicant)
    if not decisions:
        raise CheckFailed("The ledger holds nobody of this reference, or no more: there is nothing to certify.")
    with purge.opened_anew(ledger) as reader:
        read = purge.prove_unreadable(reader, Purged(wrapped, decisions))
    files = sorted({path.absolute() for path in traces.files_below([*_own(ledger), *searched])})
    seen = {str(path): _traces_in(path, set(wrapped.values()), applicant) for path in files}
    keys_in, named_in, not_read = (
        tuple(path for path, kinds in seen.items() if kind in kinds) for kind in ("key", "name", "unread")
    )
    return Erasure(
        decisions, len(wrapped), read, str(ledger.head()), len(files) - len(not_read), keys_in, named_in, not_read
    )


def _traces_in(path: Path, keys_gone: Collection[bytes], applicant: str) -> set[str]:
    """What of the person a file holds: `key`, `name`; or `unread`. A file that went away meanwhile holds nothing."""
    kinds = {"name"} if traces.named_by(path, applicant) else set()
    try:
        kinds |= {"key"} if byte_search.count_in(path, keys_gone) else set()
        kinds |= {"name"} if traces.stands_in(path, applicant) else set()
    except FileNotFoundError:
        return set()
    except (OSError, pa.ArrowException):
        kinds.add("unread")
    return kinds


def _wrapped(ledger: Ledger, numbers: Sequence[int]) -> dict[int, bytes]:
    """The keys as they stand in the table, to be searched for once they must be gone."""
    query = select(keys.c.number, keys.c.wrapped).where(keys.c.number.in_(numbers), keys.c.wrapped.is_not(None))
    with ledger.store.core() as connection:
        return {number: bytes(wrapped) for number, wrapped in connection.execute(query).all()}


def _own(ledger: Ledger) -> list[Path]:
    """The database's files and those of the stores beside it; none of a PostgreSQL that is elsewhere."""
    path = ledger.store.path
    return [] if path is None else [path.parent]
