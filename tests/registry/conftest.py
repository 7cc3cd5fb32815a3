"""The fixtures of tests/registry_trial.py, a PostgreSQL server, and a folder with a development key to sign with."""

from pathlib import Path

import pytest

from credit_risk.scoring import signing
from postgresql import server
from registry_trial import empty_registry, files, opened, registered

__all__ = ["empty_registry", "files", "opened", "registered", "server"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    signing.private_key(tmp_path, {})
    return tmp_path
