"""Backup and restore of a SQLite ledger."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from credit_risk.data.writing import InTheWay, refuse_in_the_way, replacing
from credit_risk.errors import NotFound
from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import Verification, verify
from credit_risk.scoring.signed_chain import Head

OF_THE_SERVER = (
    "this ledger is in PostgreSQL: back it up and restore it there (pg_dump, or a base backup with its log), "
    "then run `credit-risk ledger verify --head` with a head from before."
)
BESIDE = ("-wal", "-shm", "-journal")


def backup(ledger: Ledger, path: Path, *, key: bytes) -> Verification:
    """Copy a ledger while others write to it, and verify the copy; only a copy that holds replaces `path`.

    Raises LedgerRefused for PostgreSQL, LedgerUnavailable where copying fails, LedgerBroken for a copy with faults.
    """
    if ledger.store.path is None:
        raise LedgerRefused(OF_THE_SERVER)
    refuse_in_the_way(path)
    before = ledger.head()
    with replacing(path) as unfinished:
        return _copied(ledger.store.path, unfinished, key=key, remembered=[before])


def restore(copy: Path, url_path: Path, *, key: bytes, remembered: Sequence[Head] = ()) -> Verification:
    """Copy a backup to where no ledger is, once it is verified.

    Raises InTheWay if a ledger, or the log of one, is there: nothing recorded is ever replaced.
    """
    if not copy.is_file():
        raise NotFound(copy, "Name a file that `credit-risk ledger backup` wrote.")
    for path in (url_path, *(url_path.with_name(url_path.name + end) for end in BESIDE)):
        if path.exists():
            raise InTheWay(path, "no ledger where one is restored")
    with replacing(url_path) as unfinished:
        return _copied(copy, unfinished, key=key, remembered=remembered)


def _copied(source: Path, target: Path, *, key: bytes, remembered: Iterable[Head]) -> Verification:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
        with Ledger.open(f"sqlite:///{target.absolute()}", key=key, create=False) as ledger:
            verification = verify(ledger, list(remembered))
        _without_log(target)
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnavailable(f"{source} could not be copied to {target.parent}: {error}.") from error
    verification.raise_unless_it_holds()
    return verification


def _without_log(path: Path) -> None:
    """Make it one file without a log beside it, and sync it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
