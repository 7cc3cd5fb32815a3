"""Whether bytes that must be gone still stand in files: a database, its log, copies of it."""

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 22
LEAST = 8
BUCKETS = 1 << 24


def count_in(path: Path, needles: Collection[bytes]) -> int:
    """How many of these byte strings stand in a file, wherever they begin. Each has LEAST bytes or more.

    One pass over the file, whatever their number: windows of eight bytes are compared, and each hit is looked at whole.
    """
    starts: dict[int, list[bytes]] = {}
    for needle in needles:
        starts.setdefault(int.from_bytes(needle[:LEAST], "little"), []).append(needle)
    firsts = np.sort(np.array(list(starts), dtype="<u8"))
    longest = max(map(len, needles), default=LEAST)
    present: set[bytes] = set()
    for piece in _pieces(path, longest):
        for position, first in _hits(piece, firsts):
            present |= {needle for needle in starts[first] if piece.startswith(needle, position)}
    return len(present)


def _pieces(path: Path, overlap: int) -> Iterator[bytes]:
    """The file in pieces, each with the last bytes of the one before it."""
    tail = b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield tail + chunk
            tail = (tail + chunk)[-(overlap - 1) :]


def _hits(piece: bytes, firsts: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Where windows of eight bytes are among `firsts` (sorted), and which they are."""
    if not firsts.size:
        return
    maybe = np.zeros(BUCKETS, dtype=bool)
    maybe[firsts % BUCKETS] = True
    for offset in range(min(LEAST, len(piece) - LEAST + 1)):
        windows = np.frombuffer(piece, dtype="<u8", count=(len(piece) - offset) // LEAST, offset=offset)
        positions = np.flatnonzero(maybe[windows % BUCKETS])
        windows = windows[positions]
        same = firsts[np.minimum(np.searchsorted(firsts, windows), firsts.size - 1)] == windows
        yield from zip((positions[same] * LEAST + offset).tolist(), windows[same].tolist(), strict=True)
