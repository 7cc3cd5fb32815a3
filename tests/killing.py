"""Commands killed (SIGKILL) at a moment that can be named again: beside a call that reaches a database or a file."""

import io
import os
import signal
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from tools import processes

REACHING = frozenset(
    ("execute", "executemany", "commit", "rollback", "close", "write", "fsync", "replace", "unlink", "mkdir")
)
Moment = str
"""`before commit`, `after fsync`: what a process was about to do, or had just done. COMMIT is one of rows written."""


def moments(words: Sequence[str], environment: Mapping[str, str], folder: Path) -> list[Moment]:
    """Every moment of a whole run of `credit-risk`, in their order. folder: where a list of them may be written."""
    told = folder / "moments"
    assert _run(words, environment, told, None) in (0, 1)
    return told.read_text(encoding="utf-8").splitlines()


def killed(words: Sequence[str], environment: Mapping[str, str], moment: int | Moment) -> None:
    """Run `credit-risk` and kill it at a moment: the first of that name, or by its index in `moments`."""
    assert _run(words, environment, None, moment) == -signal.SIGKILL


def _run(
    words: Sequence[str], environment: Mapping[str, str], told: Path | None, at: int | Moment | None
) -> int | None:
    process = processes().Process(target=_command, args=(list(words), dict(environment), told, at))
    process.start()
    process.join()
    return process.exitcode


def _command(words: list[str], environment: dict[str, str], told: Path | None, at: int | Moment | None) -> None:
    from credit_risk.cli import main  # noqa: PLC0415  (in the process that is killed alone)

    os.environ.update(environment)
    met: list[Moment] = []
    changes: dict[sqlite3.Connection, int] = {}

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event not in ("c_call", "c_return") or not _reaches(argument):
            return
        if frame.f_code.co_filename.startswith("<frozen importlib"):  # reads modules, and keeps them compiled
            return
        name, connection = getattr(argument, "__name__", ""), getattr(argument, "__self__", None)
        if name == "commit" and isinstance(connection, sqlite3.Connection):
            changed = connection.total_changes != changes.get(connection, 0)
            name = "COMMIT" if changed else name
            if event == "c_return":
                changes[connection] = connection.total_changes
        moment = f"{'before' if event == 'c_call' else 'after'} {name}"
        if at in (moment, len(met)):
            os.kill(os.getpid(), signal.SIGKILL)
        met.append(moment)

    sys.setprofile(look)
    code = main(words)
    sys.setprofile(None)
    if told is not None:
        told.write_text("\n".join(met), encoding="utf-8")
    sys.exit(code)


def _reaches(function: object) -> bool:
    """Whether a function in C is of SQLite, of a file, or of the operating system."""
    if getattr(function, "__name__", "") not in REACHING:
        return False
    of = getattr(function, "__self__", None)
    return isinstance(of, sqlite3.Connection | sqlite3.Cursor | io.IOBase) or getattr(of, "__name__", "") == "posix"
