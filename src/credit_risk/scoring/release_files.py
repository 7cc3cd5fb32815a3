"""The files of a release: scorer and gate record, each with its signature. Whoever copies a release copies these."""

import shutil
from pathlib import Path

from credit_risk.data.files import Files
from credit_risk.scoring import signing


def release_files(files: Files) -> tuple[Path, ...]:
    """models/scorer, models/scorer.sig, reports/gate.json and models/gate.sig below the root of `files`."""
    return tuple(path for pair in signing.signed(files) for path in pair)


def copy_release_files(files: Files, folder: Path) -> None:
    """Copy those that there are to the same paths below another root; what lacks is refused by who verifies it."""
    for path in release_files(files):
        if path.exists():
            copy(path, folder / path.relative_to(files.root))


def copy(path: Path, target: Path) -> None:
    """Copy a file or a whole directory, and make the folder that it goes to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)
