"""A data set as it lies there, seen without the reader that makes tables: DVC's record of it, its rows."""

import csv
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.config.columns import Data
from credit_risk.data.reading.raw import is_parquet


@dataclass(frozen=True)
class Tracked:
    """What a .dvc file says about a directory, and what the directory is: MD5s in DVC's own form, None if not there."""

    recorded: str | None
    measured: str | None
    untracked: tuple[str, ...]


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
        raw = YAML(typ="safe", pure=True).load(record)
        return dict(raw["outs"][0])
    except (OSError, YAMLError, LookupError, TypeError, ValueError):
        return {}
