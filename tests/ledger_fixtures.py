"""A ledger in a new database, of either kind: what holds for one must hold for the other."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.ledger.ledger import Ledger
from postgresql import Server, server
from shared import built_once

__all__ = ["KEY", "file", "ledger", "run", "server", "url"]

KEY = bytes(range(32))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "ledger.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a ledger goes. Making tables takes longer than most tests: who asks for `ledger` gets a copy of one."""
    is_made = "ledger" in request.fixturenames
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        return server.new_database(made_on(server) if is_made else "")
    file = request.getfixturevalue("file")
    if is_made:
        shutil.copytree(built_once(tmp_path_factory, "ledger", make_in) / file.parent.name, file.parent)
    return f"sqlite:///{file}"


def make_in(folder: Path) -> None:
    Ledger.open(f"sqlite:///{folder / 'ledger' / 'ledger.db'}", key=KEY).close()


@cache
def made_on(server: Server) -> str:
    """The address of a ledger without an entry, which is only copied."""
    url = server.new_database()
    Ledger.open(url, key=KEY).close()
    return url


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, key=KEY) as ledger:
        yield ledger


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """What a command line of `credit-risk ledger` exits with, and says on both streams."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["ledger", *map(str, arguments), "--root", str(root)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run
