"""A clone made once for each worker; every test harms its own copy."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # runner.py, also where a fork runs one file alone

from runner import Clone, make


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return make(tmp_path_factory.mktemp("act") / "pristine")


@pytest.fixture
def clone(pristine: Clone, tmp_path: Path) -> Clone:
    return pristine.copy(tmp_path / "room")
