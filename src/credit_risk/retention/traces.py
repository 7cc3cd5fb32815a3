"""Where a person's reference still stands outside the ledger: working files, data versions, the registry's artefacts.

Tables are read cell by cell, everything else byte by byte; `unpacked` opens what is packed, but not git's own objects.
"""

import mmap
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

LEFT_OUT = frozenset({".git", ".venv", "node_modules", "__pycache__"})
PARQUET = b"PAR1"


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file that is searched: those named, and all below folders, but for LEFT_OUT. A link is not followed."""
    for path in paths:
        if path.is_symlink() or path.name in LEFT_OUT:
            continue
        if path.is_dir():
            yield from files_below(sorted(path.iterdir()))
        elif path.is_file():
            yield path


def stands_in(path: Path, reference: str) -> bool:
    """Whether a file holds the reference as a word of its own, composed or decomposed; in Parquet as a whole cell."""
    if path.stat().st_size == 0:
        return False
    forms, word = _forms(reference), _word(reference)
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(PARQUET)] == PARQUET == content[-len(PARQUET) :]:
            return _is_a_cell(path, forms, word)
        return re.search(word.pattern.encode(), content) is not None


def named_by(path: Path, reference: str) -> bool:
    """Whether the file's own name, or a folder's above it, holds the reference as a word of its own."""
    return _word(reference).search(str(path)) is not None


def without(text: str, reference: str) -> str:
    """A text in which the reference no longer stands."""
    return _word(reference).sub("[the person]", text)


def _forms(reference: str) -> set[str]:
    return {unicodedata.normalize(form, reference) for form in ("NFC", "NFD")}


def _word(reference: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Za-z_])(?:{'|'.join(map(re.escape, sorted(_forms(reference))))})(?![0-9A-Za-z_])")


def _is_a_cell(path: Path, forms: set[str], word: re.Pattern[str]) -> bool:
    """Whether a cell is the reference, or one of lists and structures holds it as a word."""
    file = pq.ParquetFile(path)
    for batch in file.iter_batches():
        for cells in batch.columns:
            if pa.types.is_nested(cells.type):
                if any(word.search(str(value)) for value in cells.to_pylist()):
                    return True
                continue
            text = pc.cast(cells, pa.large_string(), safe=False)
            if pc.any(pc.is_in(text, pa.array(sorted(forms), pa.large_string()))).as_py():
                return True
    return False
