"""Digests that name data, models, configs and code in every record."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from credit_risk.errors import NotFound

# Parts of the package, as the digest of code covers them: what decides an application, and what makes and judges a
# scorer. A comment edited anywhere else changes no decision and voids no verdict.
DECIDES = ("config", "data", "errors.py", "scoring")
JUDGES = (*DECIDES, "measures", "modelling", "stages")


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises NotFound where it is not there."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise NotFound(path, "Name one that is there; what a stage writes comes back with `make run`.") from None


def of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def of_directory(path: Path) -> str:
    """SHA-256 over the sorted lines `relative/path sha256` of every file below: names count, times do not."""
    return of_files(path, (file for file in path.rglob("*") if file.is_file()))


def of_files(root: Path, files: Iterable[Path]) -> str:
    """The digest of a set of files, named relative to `root`."""
    lines = sorted(f"{file.relative_to(root).as_posix()} {of_file(file)}\n" for file in files)
    return of_text("".join(lines))


def of_code(package: Path, parts: Iterable[str]) -> str:
    """The digest of the modules of some parts of a package: folders with all below them, or single modules."""
    below = (path for part in parts for path in (package / part, *(package / part).rglob("*.py")))
    return of_files(package, (path for path in below if path.is_file()))
