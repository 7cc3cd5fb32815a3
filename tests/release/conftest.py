"""A repository with a judged and signed scorer, and a registry of its own beside it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.writing import write_text
from credit_risk.records.registry.registry import Registry
from credit_risk.records.registry.settings import load as load_settings
from credit_risk.release.register import register
from credit_risk.stages import gate

sys.path.insert(0, str(Path(__file__).parent))

from release_trial import WHY, judge, registry

SETTINGS = """
registry:
  tracking: sqlite:///registry/mlflow.db
  artifacts: registry/artifacts
  history: sqlite:///registry/history.db
  signed_by: {public_key: build/signing/signing.pub}
"""


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables take it some seconds: they are made once, and copied."""
    folder = tmp_path_factory.mktemp("empty")
    write_text(folder / "local.yaml", SETTINGS)
    with Registry.opened("simulated-lender", load_settings(folder / "local.yaml", folder), folder):
        pass
    return folder / "registry"


@pytest.fixture
def files(tmp_path: Path, trained: tuple[Config, Files], empty_registry: Path) -> Files:
    """The simulated lender's repository, judged and signed."""
    found = Files(tmp_path / "repository")
    shutil.copytree(trained[1].root, found.root)
    shutil.copytree(empty_registry, found.root / "registry")
    write_text(found.root / "configs" / "deploy" / "local.yaml", SETTINGS)
    write_text(found.root / gate.CODE / "model.py", "x = 1\n")
    judge(found)
    return found


@pytest.fixture
def opened(files: Files) -> Iterator[Registry]:
    with registry(files) as found:
        yield found


@pytest.fixture
def registered(opened: Registry, files: Files) -> Callable[..., Any]:
    """Registers what stands in the repository now."""

    def run(**changes: Any) -> Any:
        return register(opened, load(files.config), files, **({"by": "Kim Lee", "reason": WHY} | changes))

    return run
