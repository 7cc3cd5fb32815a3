"""What tests of several kinds need: programs that pip cannot install, and a port to serve on."""

import hashlib
import os
import random
import shutil
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
# Seconds until a test gives up what it waits for while the process behind it still lives. Only what is broken takes as
# long: how soon a server starts or answers is a matter of what else the machine does.
PATIENCE = 600
VENV = Path(sys.executable).parent.parent
# .dvc/config as this repository ships it: a fork's own default remote holds none of a test's data.
SAMPLE_REMOTE = (
    "[core]\n    analytics = false\n    check_update = false\n['remote \"sample\"']\n    url = ../sample-remote\n"
)


def needed(there: object, what: str) -> None:
    """A program that is not there is a listed skip on a laptop; in CI a test that was not run may not look passed."""
    if not there:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, as long as PATIENCE lasts. what: named where it does not come about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.02)


def processes() -> BaseContext:
    """Makes processes for tests: forks of one that has imported once what they would each import for seconds."""
    server = get_context("forkserver")
    server.set_forkserver_preload(["credit_risk.ledger.ledger", "credit_risk.data.reading.tables", "pytest"])
    return server


def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports(1)[0]


def free_ports(count: int, beside: int = 1) -> list[int]:
    """Ports that nobody listens on, each the first of `beside` such ones that nobody else here gets.

    They lie below those that the system hands out: a server's own sockets take from there.
    """
    found: list[int] = []
    with ExitStack() as held:
        for first in random.SystemRandom().sample(range(20_000, 32_000), 100):
            with suppress(OSError):
                for port in range(first, first + beside):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                found.append(first)
            if len(found) == count:
                return found
    raise OSError(f"{count} times {beside} ports are not free between 20000 and 32000")


def borrow_environment(venv: Path, root: Path) -> None:
    """The environment that runs this test at another place, stamped as made from that clone's lock."""
    venv.mkdir(parents=True)
    for name in ("bin", "lib", "include"):
        (venv / name).symlink_to(VENV / name)
    shutil.copy(VENV / "pyvenv.cfg", venv)
    lines = [f"python {sys.version_info[0]}.{sys.version_info[1]}"]
    made_from = ("requirements/dev.txt", "pyproject.toml")
    lines += [f"{name} {hashlib.sha256((root / name).read_bytes()).hexdigest()}" for name in made_from]
    (venv / ".stamp").write_text("\n".join(lines) + "\n", encoding="utf-8")


def decision_of_request(ledger, client, request):
    """The decision that a ledger keeps of a client's idempotency key, None for a key that was not used."""
    digest = ledger.secret.digest(b"request", client, request)
    with ledger.store.core() as connection:
        found = connection.exec_driver_sql("SELECT decision_id, request FROM entries WHERE request IS NOT NULL").all()
    return next((ledger.get(decision) for decision, kept in found if bytes(kept) == digest), None)
