"""A ledger in a new database, of either kind: what holds for one must hold for the other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.ledger.ledger import Ledger
from postgresql import server

__all__ = ["KEY", "file", "ledger", "run", "server", "url"]

KEY = bytes(range(32))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "ledger.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('file')}"
    return request.getfixturevalue("server").new_database()


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
