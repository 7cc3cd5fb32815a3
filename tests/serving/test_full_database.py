"""PostgreSQL whose disk is full or nearly so: /health says so, nothing answered is lost, room mends it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient

from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from credit_risk.serving import engine, web
from credit_risk.serving.clients import access
from credit_risk.serving.settings import Serving
from postgresql import Server, programs, server
from tools import needed

__all__ = ["server"]
KEY = "5e" * 32
ENOUGH = 2_000  # decisions, which need more than any page that is free in the tables


def settings_of(url: str) -> Serving:
    return Serving.model_validate(
        {
            "ledger": {"url": url, "busy_timeout_s": 5},
            "access": {"mode": "off"},
            "gate": "reported",
            "limits": {"probe_seconds": 0.000001, "per_client_per_second": 1e6, "burst": 100_000},
        }
    )


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 96 MB in memory. Only root mounts: a runner of CI becomes it without being asked."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    path = tmp_path / "disk"
    path.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        [*as_root, "mount", "-t", "tmpfs", "-o", "size=96m,mode=1777", "tmpfs", path], check=False, capture_output=True
    )
    needed(mounted and mounted.returncode == 0, "this account may mount no disk, so none of a few megabytes is tried")
    yield path
    subprocess.run([*as_root, "umount", path], check=True)


def open_way(path: Path) -> None:
    """PostgreSQL does not run as root: another account has to get through to its folder."""
    for folder in (path, *path.parents):
        if folder.owner() == "root" and os.geteuid() == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)


@pytest.fixture
def small(disk) -> Iterator[Server]:
    """A server on that disk, whose temporary files would go to another if the probe let them."""
    where = programs()
    needed(where, "PostgreSQL's server is not installed: apt-get install postgresql")
    open_way(disk)
    server, elsewhere = Server(where, disk), Server(where).folder
    server.start()
    tables = elsewhere / "elsewhere"
    tables.mkdir()
    if server.who:
        shutil.chown(tables, "nobody")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE elsewhere LOCATION '{tables}'")
        connection.execute("ALTER ROLE test SET temp_tablespaces = 'elsewhere'")
    yield server
    server.stop()
    shutil.rmtree(elsewhere)


def fill(file: Path, *, but: int) -> None:
    """Write until the disk has so many bytes left."""
    free = shutil.disk_usage(file.parent).free
    with file.open("ab") as ballast:
        ballast.write(bytes(max(free - but, 0)))


@pytest.mark.weekly
def test_a_full_disk_of_the_database_is_503_before_a_decision_is_lost_and_room_mends_it(root, small, disk, application):
    url, ballast = small.new_database(), disk / "ballast"
    settings = settings_of(url)

    def made() -> web.Service:
        started = engine.start(root, settings, {"CREDIT_RISK_LEDGER_KEY": KEY})
        return web.Service.of(settings, started, access.guard(settings.access, root))

    with TestClient(web.application(made)) as client:
        answered: list[str] = []

        def decide() -> int:
            answer = client.post("/decide", json=application, headers={"X-Applicant-Id": f"p{len(answered)}"})
            answered.extend([answer.json()["decision_id"]] if answer.status_code == 200 else [])
            return answer.status_code

        assert (decide(), client.get("/health").status_code) == (200, 200)
        fill(ballast, but=1 << 20)
        assert (decide(), client.get("/health").status_code) == (
            200,
            503,
        )  # the next may find room
        fill(ballast, but=0)
        while (status := decide()) == 200:
            assert len(answered) < ENOUGH
        assert (status, client.get("/health").status_code) == (503, 503)
        ballast.unlink()
        assert (client.get("/health").status_code, decide()) == (200, 200)
    with Ledger.open(url, key=bytes.fromhex(KEY)) as ledger:
        verified = verify(ledger)
        assert (verified.faults, verified.entries) == ([], len(answered))
        assert all(ledger.get(each) for each in answered)


def test_the_probe_asks_postgresql_for_the_room_of_a_transaction_and_changes_nothing(root, server):
    """The head's row finds room in its page on a full disk too: what the probe needs is a file of four megabytes."""
    url = server.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        database = connection.info.dbname
        connection.execute(f"ALTER DATABASE {database} SET work_mem = '64MB'")
        connection.execute(f"ALTER DATABASE {database} SET temp_file_limit = '4095kB'")
        started = engine.opened(root, settings_of(url), {"CREDIT_RISK_LEDGER_KEY": KEY})
        before = started.ledger.head()
        with pytest.raises(LedgerUnavailable, match="temporary file size exceeds temp_file_limit"):
            started.probe()
        connection.execute(f"ALTER DATABASE {database} RESET temp_file_limit")
    for _ in range(10):  # the driver prepares what it is given often
        started.probe()
    assert (started.ledger.head(), verify(started.ledger).holds) == (before, True)
    started.close()
