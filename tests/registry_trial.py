"""A repository with a judged and signed scorer, a registry of its own beside it, and what tests do to both.

A conftest.py imports the fixtures that its tests ask for. Where the registry's MLflow side was taken out, tests that
need numbered versions are skipped, and the repository has no registry beside it.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.writing import write_text
from credit_risk.registry.settings import load as load_settings
from credit_risk.registry.versions import are_kept, mlflow_side, open_versions
from credit_risk.stages import assemble, gate
from judged import judge
from shared import built_once

WHY = "a reason of five words"
SETTINGS = """
registry:
  tracking: sqlite:///registry/mlflow.db
  artifacts: registry/artifacts
  history: sqlite:///registry/history.db
  four_eyes: names
  governance: reported
  signed_by: {public_key: build/signing/signing.pub}
"""


def assemble_again(files: Files, lgd: float) -> None:
    """Another scorer, under another policy."""
    config = files.config.read_text()
    files.config.write_text(config.replace(f"lgd: {load(files.config).policy.lgd}", f"lgd: {lgd}"))
    assert load(files.config).policy.lgd == lgd
    assemble.run(load(files.config), files)
    judge(files)


def kept_files(opened: Any, version: int) -> Path:
    """Where MLflow keeps a version's files, to be tampered with; the registry itself reads copies alone."""
    return Path(unquote(opened.tracking.address_of(version).removeprefix("file://")))


def move_version(opened: Any, move: str, version: str) -> Any:
    """Nominate, promote or retire a version as Ada Berg, who registered none."""
    return mlflow_side("promotion").move(opened, move, version, by="Ada Berg", reason=WHY)


@contextmanager
def registry(files: Files, **settings: Any) -> Iterator[Any]:
    if not are_kept():
        pytest.skip("the registry keeps no versions here: its MLflow side was taken out")
    found = load_settings(files.root / "configs" / "deploy" / "local.yaml", files.root)
    with open_versions("simulated-lender", found.model_copy(update=settings), files.root) as opened:
        yield opened


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """MLflow's tables take it some seconds: they are made once, and copied."""
    if not are_kept():
        return None
    return built_once(tmp_path_factory, "empty-registry", open_registry) / "registry"


def open_registry(folder: Path) -> None:
    write_text(folder / "local.yaml", SETTINGS)
    with open_versions("simulated-lender", load_settings(folder / "local.yaml", folder), folder):
        pass


@pytest.fixture
def files(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, trained: tuple[Config, Files], empty_registry: Path | None
) -> Files:
    """The simulated lender's repository, judged and signed."""
    return repository(tmp_path / "repository", tmp_path_factory, trained[1], empty_registry)


def repository(root: Path, factory: pytest.TempPathFactory, trained: Files, empty_registry: Path | None) -> Files:
    """A copy of the one that is judged and signed once."""
    judged = built_once(factory, "judged", lambda folder: judge_lender(folder, trained, empty_registry))
    return Files(shutil.copytree(judged, root))


def judge_lender(root: Path, trained: Files, empty_registry: Path | None) -> None:
    shutil.copytree(trained.root, root, dirs_exist_ok=True)
    if empty_registry:
        shutil.copytree(empty_registry, root / "registry")
    write_text(root / "configs" / "deploy" / "local.yaml", SETTINGS)
    write_text(root / gate.CODE / "scoring" / "model.py", "x = 1\n")
    judge(Files(root))


@pytest.fixture
def opened(files: Files) -> Iterator[Any]:
    with registry(files) as found:
        yield found


@pytest.fixture
def registered(opened: Any, files: Files) -> Callable[..., Any]:
    """Registers what stands in the repository now."""
    return partial(register, opened, files)


def register(opened: Any, files: Files, **changes: Any) -> Any:
    of = {"by": "Kim Lee", "reason": WHY} | changes
    return mlflow_side("register").register(opened, load(files.config), files, **of)
