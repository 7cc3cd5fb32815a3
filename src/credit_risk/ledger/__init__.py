"""The decision ledger: durable before the reply, hash-chained, each person's data under a key of its own."""

from credit_risk.ledger.chain import Head
from credit_risk.ledger.entry import DecidedBy, Entry, Record, Recorded
from credit_risk.ledger.errors import (
    Conflict,
    EntryError,
    LedgerBroken,
    LedgerBusy,
    LedgerRefused,
    LedgerUnavailable,
    Overloaded,
)
from credit_risk.ledger.event_loop_commit import CommitInLoop, group_commit
from credit_risk.ledger.group import GroupCommit
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.sealing import make_key_file, master_key

__all__ = [
    "CommitInLoop",
    "Conflict",
    "DecidedBy",
    "Entry",
    "EntryError",
    "GroupCommit",
    "Head",
    "Ledger",
    "LedgerBroken",
    "LedgerBusy",
    "LedgerRefused",
    "LedgerUnavailable",
    "Overloaded",
    "Record",
    "Recorded",
    "group_commit",
    "make_key_file",
    "master_key",
]
