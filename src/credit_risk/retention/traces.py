"""Where persons' references and decisions' ids still stand outside the ledger: working files, data versions, artefacts.

Tables are read cell by cell, everything else byte by byte; `unpacked` opens what is packed, but not git's own objects.
"""

import mmap
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

WORD = re.compile(rb"[0-9A-Za-z_]+")
LEFT_OUT = frozenset({".git", ".venv", "node_modules", "__pycache__"})
PARQUET = b"PAR1"
FEW = 8  # names that are searched for one by one; of more, those come first whose longest word stands in the file
PIECE = 1 << 22
LONGEST = 1_024  # bytes of a word that is looked up


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file that is searched: those named, and all below folders, but for LEFT_OUT. A link is not followed."""
    for path in paths:
        if path.is_symlink() or path.name in LEFT_OUT:
            continue
        if path.is_dir():
            yield from files_below(sorted(path.iterdir()))
        elif path.is_file():
            yield path


@dataclass(frozen=True)
class Names:
    """References and ids that are searched for, each as a word of its own, composed or decomposed.

    by_word: the names by their longest word, as bytes; those without a word in Latin letters or digits under b"".
    """

    forms: frozenset[str]
    by_word: Mapping[bytes, frozenset[str]]

    @classmethod
    def of(cls, names: Iterable[str]) -> "Names":
        forms = frozenset().union(*map(_forms, names))
        by_word: dict[bytes, set[str]] = {}
        for form in forms:
            words = WORD.findall(form.encode("utf-8", "replace"))
            by_word.setdefault(max(words, key=len, default=b""), set()).add(form)
        return cls(forms, {word: frozenset(these) for word, these in by_word.items()})

    def stand_in(self, content: bytes | mmap.mmap) -> bool:
        """Whether one of them stands in these bytes as a word of its own."""
        names = self.forms if len(self.forms) <= FEW else self._perhaps_in(content)
        return any(re.search(_word(name).pattern.encode("utf-8", "replace"), content) for name in names)

    def _perhaps_in(self, content: bytes | mmap.mmap) -> set[str]:
        """The names whose longest word stands there: one pass, whatever their number."""
        words = {b""}
        for start in range(0, len(content), PIECE):
            words |= self.by_word.keys() & WORD.findall(content[max(0, start - LONGEST) : start + PIECE])
        return set().union(*(self.by_word.get(word, ()) for word in words))


def stands_in(path: Path, names: Names) -> bool:
    """Whether a file holds one of the names as a word of its own; in Parquet as a whole cell."""
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(PARQUET)] == PARQUET == content[-len(PARQUET) :]:
            return _is_a_cell(path, names)
        return names.stand_in(content)


def named_by(path: Path, names: Names) -> bool:
    """Whether the file's own name, or a folder's above it, holds one of the names as a word of its own."""
    return names.stand_in(os.fsencode(path))


def without(text: str, reference: str) -> str:
    """A text in which the reference no longer stands."""
    return _word(reference).sub("[the person]", text)


def _forms(reference: str) -> set[str]:
    return {unicodedata.normalize(form, reference) for form in ("NFC", "NFD")}


def _word(reference: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Za-z_])(?:{'|'.join(map(re.escape, sorted(_forms(reference))))})(?![0-9A-Za-z_])")


def _is_a_cell(path: Path, names: Names) -> bool:
    """Whether a cell is one of the names, or one of lists and structures holds it as a word."""
    file, forms = pq.ParquetFile(path), pa.array(sorted(names.forms), pa.large_string())
    for batch in file.iter_batches():
        for cells in batch.columns:
            if pa.types.is_nested(cells.type):
                if any(names.stand_in(str(value).encode("utf-8", "replace")) for value in cells.to_pylist()):
                    return True
                continue
            text = pc.cast(cells, pa.large_string(), safe=False)
            if pc.any(pc.is_in(text, forms)).as_py():
                return True
    return False
