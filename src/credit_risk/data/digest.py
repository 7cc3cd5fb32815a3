"""Digests that name data, models and configs in every record."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_directory(path: Path) -> str:
    """SHA-256 over the sorted lines `relative/path sha256` of every file below: names count, times do not."""
    return of_files(path, (file for file in path.rglob("*") if file.is_file()))


def of_files(root: Path, files: Iterable[Path]) -> str:
    """The digest of a set of files, named relative to `root`."""
    lines = sorted(f"{file.relative_to(root).as_posix()} {of_file(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
