"""A lender whose champion has decided for two years, for tests of what retraining makes of it."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "monitoring"))
sys.path.insert(0, str(Path(__file__).parent))

from matured_book import build

from credit_risk.config import Config
from credit_risk.data.files import Files
from shared import built_once


@pytest.fixture(scope="session")
def shared_book(tmp_path_factory: pytest.TempPathFactory, trained: tuple[Config, Files]) -> Path:
    return built_once(tmp_path_factory, "retraining", lambda root: build(root, trained))


@pytest.fixture
def files(tmp_path: Path, shared_book: Path) -> Files:
    """A lender of its own, to write into."""
    shutil.copytree(shared_book, tmp_path / "copy")
    return Files(tmp_path / "copy")
