"""Writing so that a reader sees the old file or the new one, whatever moment a process is killed at."""

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.data.rounding import all_rounded, rounded_table
from credit_risk.errors import CreditRiskError, DataError, NotFound, UsageError

EARLIER = "The stage that writes it has not run: run `make run`, or that stage first."


class InTheWay(CreditRiskError, FileExistsError):
    """Something stands where a result should go, and it is not ours to replace."""

    def __init__(self, path: Path, expected: str) -> None:
        super().__init__(f"{path} is in the way, expected {expected}. Name another path, or move it yourself.")


@contextmanager
def replacing(path: Path, *, mark: str | None = None) -> Iterator[Path]:
    """A path beside `path` to write to; it replaces `path` when the block ends without an error.

    The unfinished file of a killed process keeps its own name and is overwritten by the next try.
    mark: for a folder, the file by which an older one is known for ours; no other folder is ever replaced.
    Raises InTheWay for what must not be replaced, before anything is written.
    """
    refuse_in_the_way(path, mark=mark)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    remove(unfinished)
    try:
        yield unfinished
        if unfinished.is_dir():
            remove(path)
        unfinished.replace(path)
    finally:
        remove(unfinished)


def refuse_in_the_way(path: Path, *, mark: str | None = None) -> None:
    """Raise InTheWay if `replacing` would not write to this path: worth asking before long work."""
    if mark is None:
        if path.is_dir():
            raise InTheWay(path, "a file")
    elif path.exists() and not (path.is_dir() and ((path / mark).is_file() or not any(path.iterdir()))):
        raise InTheWay(path, f"a folder that is new, empty or holds {mark}")


def remove(path: Path) -> None:
    """Remove a file or a directory if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def append_line(path: Path, line: str) -> None:
    """Add a line to a file of lines, which is made if there is none; it is on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:  # one write, so that lines of two processes do not mix
        file.write(f"{line}\n".encode())
        os.fsync(file.fileno())
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Sorted and indented, so that equal content is an equal file; NaN, which JSON does not know, becomes null."""
    write_text(path, json_text(value, sort_keys=True) + "\n")


def json_text(value: object, *, sort_keys: bool = False) -> str:
    """Indented JSON of numbers, texts, mappings and sequences, numpy's too; NaN, which JSON does not know, is null."""
    return json.dumps(_as_json(value), indent=2, sort_keys=sort_keys, ensure_ascii=False, allow_nan=False)


def write_report(path: Path, value: Mapping[str, Any]) -> None:
    """JSON of measured figures, each rounded to what it means: who judges them reads what people read."""
    write_json(path, all_rounded(value))


def read_json(path: Path) -> Any:
    """A JSON file of an earlier stage. Raises NotFound if that has not run, DataError for what is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(path, EARLIER) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON that a stage wrote ({error}). Run its stage again: `make run`.") from None


def read_parquet(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A table of an earlier stage. Raises NotFound if that has not run."""
    if not path.is_file():
        raise NotFound(path, EARLIER)
    return pd.read_parquet(path, columns=columns)


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    with replacing(path) as unfinished:
        table.to_parquet(unfinished, index=False)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    with replacing(path) as unfinished:
        table.to_csv(unfinished, index=False, lineterminator="\n")


def write_figures(path: Path, table: pd.DataFrame) -> None:
    """CSV of measured figures, rounded as `write_report` rounds them."""
    write_csv(path, rounded_table(table))


def write_directory(path: Path, fill: Callable[[Path], None], *, mark: str) -> None:
    """A directory that is there whole or not at all; `fill` writes into an empty one, the file `mark` among others."""
    with replacing(path, mark=mark) as unfinished:
        unfinished.mkdir()
        fill(unfinished)


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_as_json(item) for item in value]
    if isinstance(value, np.generic):
        return _as_json(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def between_marks(page: str, begin: str, end: str, generated: str) -> str:
    """A page with another text between two marks. Raises UsageError where it has lost them."""
    before, begins, rest = page.partition(begin)
    _, ends, after = rest.partition(end)
    if not (begins and ends):
        raise UsageError(f"The page has lost the marks {begin} and {end}: put them back where the text is to stand.")
    return f"{before}{begin}\n\n{generated}\n\n{end}{after}"
