"""What tests of several files start from is built once in a run, by whichever worker comes first."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

Listing = dict[str, tuple[int, int]]
_built: dict[Path, Listing] = {}  # what this worker uses, as it was when it was whole


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """The folder that `build` filled in this run, for all workers. Read it, copy it, never write into it.

    A worker that comes later waits for it; if building failed, it tries again and shows the same error.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a folder of its own below that of the run
        base = base.parent
    folder, whole = base / "shared" / name, base / "shared" / f"{name}.whole"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            whole.touch()
        _built.setdefault(folder, listing(folder))
    return folder


def listing(folder: str | Path) -> Listing:
    """Size and time of change of each file below a folder, by its path. After every test, so without pathlib."""
    states: Listing = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                states |= listing(entry.path)
            elif entry.is_file():
                states[entry.path] = ((state := entry.stat()).st_size, state.st_mtime_ns)
    return states


def written_into() -> list[str]:
    """Files of shared folders that are no longer what they were, each named once: other tests read them too."""
    changed = []
    for folder, before in _built.items():
        now = listing(folder)
        changed += [path for path in sorted({*before, *now}) if before.get(path) != now.get(path)]
        _built[folder] = now
    return changed
