"""The file of API keys: made, revoked and read, by several people at once and by the service.

A key is `ck_ID_SECRET`; the file holds SHA-256 of the secret, which is 256 random bits and so needs no slow hash.
Beside the file lies a record of what was done to keys, to which lines are only ever added. A revocation in it counts
whatever the file says, so that no older copy of the file brings a key back.
"""

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from credit_risk.data.signers import account
from credit_risk.data.writing import json_text, replacing
from credit_risk.errors import NotFound, UsageError
from credit_risk.serving.requests.request_reading import REFERENCE, is_reference

LONGEST = 3_650  # days that a key may be valid
READ_ALL = "read:all"  # the scope that reads every client's decisions; `read` reads those of its own client
VERSION = 2  # of a key; before, `read` read everything
LATEST = 1 << 37  # seconds since 1970: a later moment is no time of a key


def add_key(path: Path, client: str, scopes: list[str], days: int) -> str:
    """Make a key, keep its hash, and return it: this is the only time that anybody sees it.

    Raises UsageError for a name that the ledger could not keep, and for a number of days that is none.
    """
    if not is_reference(client):
        raise UsageError(f"A client's name is {REFERENCE}, without blanks at its ends; got {client!r:.100}.")
    if not 0 <= days <= LONGEST:
        raise UsageError(f"A key is valid for at most {LONGEST:,} days; got {days}.")
    identifier, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    now = int(time.time())
    with _changing(path) as keys:
        keys[identifier] = {
            "client": client,
            "scopes": sorted(scopes),
            "version": VERSION,
            "sha256": hashed(secret),
            "made": now,
            "expires": now + days * 86_400,
            "revoked": None,
        }
        _record(path, {"at": now, "did": "add", "id": identifier, "client": client, "scopes": sorted(scopes)})
    return f"ck_{identifier}_{secret}"


def change_scopes(path: Path, identifier: str, scopes: list[str]) -> None:
    """Say anew what a key is for; that also ends the review of one from before there was `read:all`."""
    with _changing(path) as keys:
        _known(path, keys, identifier)
        keys[identifier] |= {"scopes": sorted(scopes), "version": VERSION}
        _record(path, {"at": int(time.time()), "did": "scopes", "id": identifier, "scopes": sorted(scopes)})


def revoke_key(path: Path, identifier: str) -> None:
    """End a key. It stays in the file, so that the client names of the ledger keep their meaning."""
    with _changing(path) as keys:
        _known(path, keys, identifier)
        if keys[identifier]["revoked"] is None:
            keys[identifier]["revoked"] = int(time.time())
            _record(path, {"at": keys[identifier]["revoked"], "did": "revoke", "id": identifier})


def read_keys(path: Path) -> dict[str, dict[str, Any]]:
    """The keys: id → client, scopes, hash and times. Raises NotFound, and UsageError for a file that is none.

    A key from before there was `read:all` has it if it could read: nobody loses what they had. Its version stays 1.
    """
    try:
        keys = {
            identifier: {"made": None, "version": 1} | key
            for identifier, key in json.loads(path.read_text("utf-8")).items()
        }
        for entry in _entries(path):
            if entry["did"] == "revoke" and entry["id"] in keys and keys[entry["id"]]["revoked"] is None:
                keys[entry["id"]]["revoked"] = entry["at"]
            if entry["did"] == "scopes" and entry["id"] in keys:
                keys[entry["id"]] |= {"scopes": list(entry["scopes"]), "version": VERSION}
        for key in keys.values():
            _check(key)
            if key["version"] < VERSION and "read" in key["scopes"]:
                key["scopes"] = sorted({*key["scopes"], READ_ALL})
    except FileNotFoundError:
        raise NotFound(path, "Make a key first: credit-risk keys add NAME --scope decide") from None
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise UsageError(
            f"{path} is no file of keys, or {record_of(path).name} beside it is no record. "
            "Restore both, or make a new one with credit-risk keys add."
        ) from None
    return keys


def to_review(key: dict[str, Any]) -> bool:
    """Whether a valid key reads everything only because it is from before keys read their own client's decisions."""
    return key["version"] < VERSION and READ_ALL in key["scopes"] and key["revoked"] is None


def record_of(path: Path) -> Path:
    """The record of what was done to the keys of a file, one line of JSON each."""
    return path.with_name(f"{path.stem}.record.jsonl")


def stamp(path: Path) -> tuple[int, ...]:
    """Changes whenever the keys do. Raises FileNotFoundError without a file of keys."""
    status = path.stat()
    try:
        recorded = record_of(path).stat()
    except FileNotFoundError:
        return status.st_mtime_ns, status.st_ino, status.st_size
    return status.st_mtime_ns, status.st_ino, status.st_size, recorded.st_mtime_ns, recorded.st_size


def day(moment: int | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).date().isoformat()


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(key: dict[str, Any]) -> None:
    """Raises KeyError, TypeError or ValueError for what is no key."""
    times = [key["expires"], *(key[name] for name in ("made", "revoked") if key[name] is not None)]
    texts = [key["client"], key["sha256"], *key["scopes"]]
    if not (
        isinstance(key["scopes"], list)
        and "".join(texts).encode()  # raises where one is no text, or none that UTF-8 can hold
        and key["sha256"].isascii()
        and type(key["version"]) is int
        and all(isinstance(moment, int | float) and 0 <= moment < LATEST for moment in times)
    ):
        raise ValueError(key["client"])


def _known(path: Path, keys: dict[str, dict[str, Any]], identifier: str) -> None:
    if identifier not in keys:
        raise UsageError(f"{path}: there is no key {identifier!r}; there are {', '.join(keys) or 'none'}.")


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """The keys of a file, to be changed alone: until they are written, once the block succeeds, nobody else writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = read_keys(path) if path.is_file() else {}
        yield keys
        _write(path, keys)
    finally:
        os.close(lock)


def _entries(path: Path) -> list[dict[str, Any]]:
    """The lines of the record. One that was cut off by a crash was never acted upon, and is left out."""
    try:
        text = record_of(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def _record(path: Path, entry: dict[str, Any]) -> None:
    """Add a line with whose account does it, durable before the keys change. One that a crash cut off goes first."""
    descriptor = os.open(record_of(path), os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(json.dumps({**entry, "by": f"account:{account()}"}).encode() + b"\n")
        file.flush()
        os.fsync(descriptor)


def _write(path: Path, keys: dict[str, dict[str, Any]]) -> None:
    with replacing(path) as unfinished:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json_text(keys, sort_keys=True) + "\n")
            file.flush()
            os.fsync(descriptor)
