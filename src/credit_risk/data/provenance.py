"""Where data and code come from: git's commit, DVC's record of the data, counts taken without the reader."""

import csv
import hashlib
import json
import shutil
import subprocess
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from pandas import DataFrame, Series
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.config import Config
from credit_risk.config.columns import NUMERIC_TYPES, Data
from credit_risk.data.reading.raw import is_parquet


@dataclass(frozen=True)
class Tracked:
    """What a .dvc file says about a directory, and what the directory is: MD5s in DVC's own form, None if not there."""

    recorded: str | None
    measured: str | None
    untracked: tuple[str, ...]


OF_DATA = ("data", "outcome", "columns", "derived", "contract", "drift")


def config_digest(config: Config) -> str:
    """SHA-256 of what the config says of the data: comments, layout and the sections on the model do not count."""
    sections = config.as_dict()
    return hashlib.sha256(json.dumps({name: sections[name] for name in OF_DATA}, sort_keys=True).encode()).hexdigest()


def commit(root: Path) -> str | None:
    """The commit that is checked out; None outside a repository, and before the first commit."""
    return _git(root, "rev-parse", "--verify", "--quiet", "HEAD")


def author(root: Path) -> str | None:
    """Who commits here, as git knows them; None where it does not."""
    return _git(root, "config", "user.name")


def uncommitted(root: Path, *paths: str) -> tuple[str, ...]:
    """Files below these paths that differ from the commit, or are not in it."""
    return tuple(line[3:] for line in (_git(root, "status", "--porcelain", "--", *paths) or "").splitlines())


def not_committed(root: Path, paths: Iterable[Path]) -> list[str]:
    """Which files are not, to the byte, those of the commit that is checked out; all of them where git cannot say."""
    names = [path.relative_to(root).as_posix() for path in paths]
    there = (_git(root, "rev-parse", "--verify", "--quiet", f"HEAD:./{name}") for name in names)
    here = (_git(root, "hash-object", "--no-filters", "--", name) for name in names)
    return [name for name, *blobs in zip(names, there, here, strict=True) if None in blobs or blobs[0] != blobs[1]]


def tracked(record: Path, files: tuple[Path, ...]) -> Tracked:
    """Compare a directory with its .dvc file, without DVC. Files are untracked if they lie outside it."""
    output = _dvc_output(record)
    directory = record.parent / output.get("path", "")
    outside = tuple(path.name for path in files if not path.resolve().is_relative_to(directory.resolve()))
    recorded = output.get("md5")
    measured = dvc_md5(directory) if recorded and directory.is_dir() else None
    return Tracked(recorded, measured, outside)


def dvc_md5(directory: Path, but: Collection[str] = ()) -> str:
    """A directory's MD5 as DVC takes it: of the list of its files, each with its own, in the order of their names.

    but: folders that .dvcignore leaves out.
    """
    files = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    names = sorted(path.as_posix() for path in files if not set(but) & set(path.parts))
    listing = [{"md5": file_md5(directory / name), "relpath": name} for name in names]
    text = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"


def file_md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def rows(path: Path, data: Data) -> int | None:
    """The rows of a file, counted by another reader than the one that makes tables; None if it cannot count them."""
    if is_parquet(path):
        return int(pq.read_metadata(path).num_rows)
    with path.open(encoding=data.encoding, newline="") as stream:
        try:
            reader = csv.reader(stream, delimiter=data.delimiter, quotechar=data.quote, strict=True)
            return sum(1 for row in reader if row) - data.header_line - data.footer_lines
        except (csv.Error, UnicodeError):
            return None


def _dvc_output(record: Path) -> dict[str, str]:
    """The first output of a .dvc file; nothing if there is no such file, or it is none."""
    try:
        raw = YAML(typ="safe").load(record)
        return dict(raw["outs"][0])
    except (OSError, YAMLError, LookupError, TypeError, ValueError):
        return {}


def _git(root: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
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
