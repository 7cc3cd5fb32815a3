"""What many tests share: the simulated lender's files, and its pipeline run once to the end."""

import shutil
from pathlib import Path

import pytest

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.simulate import lender
from credit_risk.stages import assemble, prepare, select, train

LENDER = Path(__file__).parent / "lender"


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
    prepare.run(config, files)
    train.run(config, files)
    select.run(config, files)
    assemble.run(config, files)
    return config, files
