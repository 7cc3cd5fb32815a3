"""A PostgreSQL server for tests of what lasts: started here, and stopped again.

Its settings are PostgreSQL's own (fsync on): the ledger refuses a server that is set to lose what it called durable.
It lies in memory where there is room, because these tests kill processes and never the machine: what such a crash can
lose is lost there too, and a disk that is busy with other tests keeps nobody waiting.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tools import needed

MEMORY = Path("/dev/shm")
ROOM = 1 << 30  # bytes: a cluster with its log, and PostgreSQL's own shared memory beside it

_numbers = count()


def programs() -> Path | None:
    """Where PostgreSQL's programs are; Debian keeps them off the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)


def parent_folder() -> Path | None:
    """Memory, if there is such a folder with room that this process may write to; else None, the default."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        return MEMORY
    return None


class Server:
    """A PostgreSQL server on a socket of its own. It refuses to run as root, so root starts it as `nobody`."""

    def __init__(self, programs: Path, parent: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-", dir=parent or parent_folder()))
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
        while True:  # for as long as its process lives: how soon it answers is a matter of the machine's load
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, "the server did not start"
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """As a crash would: SIGQUIT, nothing flushed."""
        self.process.send_signal(3)
        self.process.wait()

    def url(self, database: str) -> str:
        return f"postgresql://test@/{database}?host={self.folder}"

    def new_database(self, copied: str = "") -> str:
        """An empty database, or a copy of the one at the address `copied`, to which nobody may be connected."""
        name, template = f"ledger_{next(_numbers)}", urlsplit(copied).path.strip("/") or "template1"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            # Copying files takes half the processor time of logging their pages; before 15 there was no other way.
            by_files = "STRATEGY FILE_COPY" if connection.info.server_version >= 15_00_00 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {by_files}")
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
