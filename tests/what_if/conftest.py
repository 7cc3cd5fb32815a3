"""The page of the simulated lender, made once."""

import shutil
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.config import load
from credit_risk.data.files import Files
from shared import built_once

SETTINGS = Path(__file__).parents[2] / "configs" / "what-if.yaml"


@pytest.fixture(scope="session")
def shown(trained, tmp_path_factory):
    """The trained lender with reports/what-if.html. Read it, copy it, never write into it."""

    def build(folder):
        shutil.copytree(trained[1].root, folder, dirs_exist_ok=True)
        shutil.copy(SETTINGS, folder / "configs")
        assert main(["what-if", "page", "--root", str(folder)]) == 0

    root = built_once(tmp_path_factory, "what-if", build)
    return load(root / "configs" / "credit.yaml"), Files(root)
