"""Special codes as tagged missing values: a NaN that says which code it was.

"No record" is neither a value nor a plain gap. As SAS's .A to .Z and the tagged_na of R's haven, a code stands as a NaN
with a number in the bits that IEEE 754 leaves to the user: whatever knows of no codes takes it for missing, and never
for a number. Copying keeps the tag, arithmetic ends in a plain NaN (see config.formulas).
"""

import struct

import numpy as np
from numpy.typing import NDArray

QUIET = 0x7FF8_5C0D_E000_0000  # a quiet NaN that no processor and no other program makes; the lowest bits are the tag
MASK = 0xFFFF


def tagged(tag: int) -> float:
    """The missing value of this tag, 1 and up: the number of a column's code (see Column.meanings)."""
    number: float = struct.unpack("<d", struct.pack("<Q", QUIET | tag))[0]
    return number


def tags(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """The tag of each value: 0 for a number and for what is plainly missing."""
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    return np.where(bits & ~np.uint64(MASK) == QUIET, bits & np.uint64(MASK), 0).astype(np.intp)


def tag_of(value: float) -> int:
    """The same for one number, about twenty times faster."""
    bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    return bits & MASK if bits & ~MASK == QUIET else 0
