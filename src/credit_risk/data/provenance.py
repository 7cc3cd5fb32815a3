"""Where data and code come from: git's commit, its author, and what can be compared of a table later."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pandas import DataFrame, Series

from credit_risk.config import Config
from credit_risk.config.columns import NUMERIC_TYPES

OF_DATA = ("data", "outcome", "columns", "derived", "contract", "drift")


def config_digest(config: Config) -> str:
    """SHA-256 of what the config says of the data: comments, layout and the sections on the model do not count."""
    sections = config.as_dict()
    return hashlib.sha256(json.dumps({name: sections[name] for name in OF_DATA}, sort_keys=True).encode()).hexdigest()


def commit(root: Path) -> str | None:
    """The commit that is checked out; None outside a repository, and before the first commit."""
    return git(root, "rev-parse", "--verify", "--quiet", "HEAD")


def author(root: Path) -> str | None:
    """Who commits here, as git knows them; None where it does not."""
    return git(root, "config", "user.name")


def uncommitted(root: Path, *paths: str) -> tuple[str, ...]:
    """Files below these paths that differ from the commit, or are not in it."""
    return tuple(line[3:] for line in (git(root, "status", "--porcelain", "--", *paths) or "").splitlines())


def not_committed(root: Path, paths: Iterable[Path]) -> list[str]:
    """Which files are not, to the byte, those of the commit that is checked out; all of them where git cannot say."""
    names = [path.relative_to(root).as_posix() for path in paths]
    there = (git(root, "rev-parse", "--verify", "--quiet", f"HEAD:./{name}") for name in names)
    here = (git(root, "hash-object", "--no-filters", "--", name) for name in names)
    return [name for name, *blobs in zip(names, there, here, strict=True) if None in blobs or blobs[0] != blobs[1]]


def git(root: Path, *arguments: str) -> str | None:
    """What git answers in this folder; None where it is not there or ends with an error."""
    if (program := shutil.which("git")) is None:
        return None
    done = subprocess.run([program, "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def control_totals(table: DataFrame, config: Config) -> dict[str, dict[str, float | int | None]]:
    """For each column of numbers its sum and its known cells, so that a later copy can be compared with this one.

    The sum is None where a cell is no number.
    """
    return {
        name: {"sum": _total(table[name]), "known": int(table[name].notna().sum())}
        for name, column in config.columns.items()
        if column.type in NUMERIC_TYPES and column.role not in ("ignore", "target")
    }


def _total(cells: Series) -> float | int | None:
    if cells.dtype.kind == "b":
        return int(cells.sum())
    if cells.dtype.kind in "iu":
        values = cells.dropna().to_numpy(dtype=np.int64)
        high, low = np.divmod(values, 1 << 32)  # ids of nineteen digits would overflow a sum of 64 bits
        return int(high.sum()) * (1 << 32) + int(low.sum())
    total = float(cells.sum())
    return total if np.isfinite(total) else None
