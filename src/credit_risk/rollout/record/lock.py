"""One process at a time: a lock file that is free again as soon as its holder has ended, however it ended."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from credit_risk.errors import CreditRiskError


class Locked(CreditRiskError, RuntimeError):
    """Another process does this work here."""


@contextmanager
def lock(path: Path, refusal: str) -> Iterator[None]:
    """Alone in here, on this machine, until the block or the process ends. Raises Locked with the refusal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(refusal) from None
        yield


def is_locked(path: Path) -> bool:
    """Whether somebody is in there now."""
    if not path.is_file():
        return False
    try:
        with lock(path, ""):
            return False
    except Locked:
        return True
