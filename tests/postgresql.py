"""A PostgreSQL server for tests of what lasts: started here, and stopped again."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tools import needed

_numbers = count()


def programs() -> Path | None:
    """Where PostgreSQL's programs are; Debian keeps them off the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)


class Server:
    """A PostgreSQL server on a socket of its own. It refuses to run as root, so root starts it as `nobody`."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-"))
        self.programs = programs
        self.who = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            self.who = {"user": "nobody", "group": 65534, "extra_groups": []}
        command = [programs / "initdb", "-D", self.folder / "data", "-U", "test", "--auth=trust", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self.who)

    def start(self, *settings: str) -> None:
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}", *settings]
        command = [self.programs / "postgres", "-D", self.folder / "data", *options]
        self.process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.DEVNULL, **self.who)
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, "the server did not start"
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """As a crash would: SIGQUIT, nothing flushed."""
        self.process.send_signal(3)
        self.process.wait(30)

    def url(self, database: str) -> str:
        return f"postgresql://test@/{database}?host={self.folder}"

    def new_database(self) -> str:
        name = f"ledger_{next(_numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    where = programs()
    needed(where, "PostgreSQL's server is not installed: apt-get install postgresql")
    server = Server(where)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.folder)
