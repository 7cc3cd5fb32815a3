"""A repository with a judged and signed scorer, a registry of its own beside it, and what tests do to both.

A conftest.py imports the fixtures that its tests ask for.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from credit_risk.config import Config, load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json, write_text
from credit_risk.registry.mlflow.register import register
from credit_risk.registry.mlflow.registry import Registry
from credit_risk.registry.settings import load as load_settings
from credit_risk.scoring import signing
from credit_risk.stages import assemble, gate

WHY = "a reason of five words"
SETTINGS = """
registry:
  tracking: sqlite:///registry/mlflow.db
  artifacts: registry/artifacts
  history: sqlite:///registry/history.db
  signed_by: {public_key: build/signing/signing.pub}
"""


def judge(files: Files, **test: float) -> None:
    """Write figures of exactly this scorer, judge them, and sign what comes of it."""
    measured = {"auc": 0.75, "auc_low": 0.71, "auc_high": 0.79} | test
    figures = {
        "scorer": digest.of_directory(files.scorer),
        "challenger": digest.of_directory(files.challenger),
        "test": measured,
        "monotone": {"violations": 0},
    }
    write_json(files.report("metrics"), figures)
    gate.run(load(files.config), files)
    signing.sign_release(files, signing.private_key(files.root, {}))


def assemble_again(files: Files, lgd: float) -> None:
    """Another scorer, under another policy."""
    config = files.config.read_text()
    files.config.write_text(config.replace(f"lgd: {load(files.config).policy.lgd}", f"lgd: {lgd}"))
    assert load(files.config).policy.lgd == lgd
    assemble.run(load(files.config), files)
    judge(files)


@contextmanager
def registry(files: Files, **settings: Any) -> Iterator[Registry]:
    found = load_settings(files.root / "configs" / "deploy" / "local.yaml", files.root)
    with Registry.opened("simulated-lender", found.model_copy(update=settings), files.root) as opened:
        yield opened


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
    write_text(found.root / gate.CODE / "scoring" / "model.py", "x = 1\n")
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
