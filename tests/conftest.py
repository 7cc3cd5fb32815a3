"""What many tests share: the simulated lender's files, and its pipeline run once to the end."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.simulated_lender import lender
from credit_risk.stages import assemble, prepare, select, train
from passed import hand_on

LENDER = Path(__file__).parent / "lender"
Raw = Callable[..., tuple[Config, Files]]


def write_lender(root: Path, rows: int = 4_000, **doses: object) -> tuple[Config, Files]:
    """A root with the simulated lender's config and data; doses as `simulate.lender` takes them."""
    (root / "data").mkdir(parents=True)
    shutil.copytree(LENDER, root / "configs")
    lender(rows, seed=7, **doses).applications.to_csv(root / "data" / "applications.csv", index=False)
    return load(root / "configs" / "credit.yaml"), Files(root)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Files]:
    """The simulated lender up to models/scorer. Read it, copy it, never write into it."""
    config, files = write_lender(tmp_path_factory.mktemp("lender"))
    hand_on(config, files)
    prepare.run(config, files)
    train.run(config, files)
    select.run(config, files)
    assemble.run(config, files)
    return config, files


@pytest.fixture
def raw_lender(tmp_path: Path) -> Raw:
    """Call it for a root with a config and raw applications; `change` edits the table before it is written."""

    def write(rows: int = 800, change: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> tuple[Config, Files]:
        (tmp_path / "data").mkdir()
        shutil.copytree(LENDER, tmp_path / "configs")
        table = lender(rows, seed=7).applications
        (change(table) if change else table).to_csv(tmp_path / "data" / "applications.csv", index=False)
        return load(tmp_path / "configs" / "credit.yaml"), Files(tmp_path)

    return write


@pytest.fixture
def harmed(tmp_path: Path, trained: tuple[Config, Files]) -> tuple[Config, Files]:
    """A copy of the trained lender, up to models/scorer, that a test may write into."""
    config, files = trained
    shutil.copytree(files.root, tmp_path / "copy")
    return config, Files(tmp_path / "copy")


@pytest.fixture
def changed() -> Callable[..., Config]:
    """A config with some values of a section changed: changed(config, "policy", lgd=0.9)."""

    def change(config: Config, section: str, **values: Any) -> Config:
        return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})

    return change
