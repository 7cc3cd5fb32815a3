"""What compressed files and archives hold, member by member, so that nobody is overlooked because a file was packed.

gzip, bzip2, xz, zstd and LZ4, zip (spreadsheets and Word files too) and tar, one within another up to DEEPEST.
"""

import bz2
import gzip
import lzma
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

DEEPEST = 4
MOST_BYTES = 1 << 32  # of one file, unpacked: a few kilobytes can be made to unpack to more than any disk holds
CHUNK = 1 << 20
COULD_NOT = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
TAR_MAGIC = slice(257, 262)
STREAMS: dict[re.Pattern[bytes], Callable[[Path], Any]] = {
    re.compile(rb"\x1f\x8b\x08"): gzip.open,
    re.compile(rb"BZh[1-9]1AY&SY"): bz2.open,
    re.compile(rb"\xfd7zXZ\0"): lzma.open,
    re.compile(rb"\x28\xb5\x2f\xfd"): partial(pa.input_stream, compression="zstd"),
    re.compile(rb"\x04\x22\x4d\x18"): partial(pa.input_stream, compression="lz4"),
}


class CannotUnpack(OSError):
    """A packed file that cannot be looked into: torn, encrypted, too deep or too large."""


def contents(path: Path) -> Iterator[Path]:
    """The file itself, and everything packed in it as a file to read, which is gone with the next.

    Archives hold the names of their members as they are, so the file itself shows them.

    Raises CannotUnpack where something is packed and cannot be read, and FileNotFoundError for a file that went away.
    """
    yield from _contents(path, DEEPEST)


def _contents(path: Path, deeper: int) -> Iterator[Path]:
    yield path
    with path.open("rb") as stream:
        start = stream.read(TAR_MAGIC.stop)
    members = _kind(start)
    if members is None:
        return
    if not deeper:
        raise CannotUnpack(f"more than {DEEPEST} archives within each other")
    with tempfile.TemporaryDirectory(prefix="credit-risk-unpacked-") as folder:
        unpacked = Path(folder) / "member"
        try:
            for member in members(path):
                _keep(member, unpacked)
                yield from _contents(unpacked, deeper - 1)
        except CannotUnpack:
            raise
        except COULD_NOT as error:
            raise CannotUnpack(str(error)) from error


def _kind(start: bytes) -> Callable[[Path], Iterator[Any]] | None:
    """How a file that begins like this is unpacked, or None for one that is not packed."""
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return _zipped
    if start[TAR_MAGIC] == b"ustar":
        return _tarred
    for magic, opened in STREAMS.items():
        if magic.match(start):
            return partial(_stream, opened)
    return None


def _stream(opened: Callable[[Path], Any], path: Path) -> Iterator[Any]:
    with closing(opened(path)) as stream:
        yield stream


def _zipped(path: Path) -> Iterator[Any]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as stream:
                yield stream


def _tarred(path: Path) -> Iterator[Any]:
    with tarfile.open(path, mode="r:") as archive:
        for member in archive:
            if stream := archive.extractfile(member):
                yield stream


def _keep(stream: Any, path: Path) -> None:
    size = 0
    with path.open("wb") as written:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > MOST_BYTES:
                raise CannotUnpack(f"more than {MOST_BYTES} bytes unpacked")
            written.write(chunk)
