"""The fixtures of tests/registry_trial.py, a PostgreSQL server, and commands on the registered repository."""

import pytest

from credit_risk.cli import main
from credit_risk.scoring import signing
from postgresql import server
from registry_trial import empty_registry, files, opened, registered

__all__ = ["empty_registry", "files", "opened", "registered", "server"]


@pytest.fixture
def run(files, capsys, monkeypatch):
    """Runs a command in the repository; returns exit code, screen and complaints."""
    monkeypatch.delenv(signing.VARIABLE, raising=False)

    def command(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--root", str(files.root)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command
