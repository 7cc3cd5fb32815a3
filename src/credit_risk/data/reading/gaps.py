"""Cells that say "not known": the words by which a file says it, as missing cells."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credit_risk.config import Column
from credit_risk.data.reading.numerals import Numerals, is_number

_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")


def without_gaps(
    cells: pa.ChunkedArray, words: Sequence[str], column: Column, numerals: Numerals
) -> tuple[pa.ChunkedArray, frozenset[str]]:
    """The cells with every word for "not known" as a missing one, and which of the words were met.

    Blanks around a cell do not count. A word that is a whole number means that number, however it is written: -999
    is the text -999.0 too, and the number in a Parquet file.
    """
    cells = _plain_text(cells)
    if not words:
        return cells, frozenset()
    if not pa.types.is_dictionary(cells.type):
        masks = _gaps(cells, words, column, numerals.decimal)
        for mask in masks.values():
            cells = pc.if_else(mask, pa.scalar(None, cells.type), cells)
        return cells, frozenset(masks)
    met: frozenset[str] = frozenset()
    chunks = []
    for chunk in cells.chunks:
        masks = _gaps(chunk.dictionary, words, column, numerals.decimal)
        codes = chunk.indices
        for mask in masks.values():
            gaps = pa.array(np.flatnonzero(np.asarray(mask)), codes.type)
            codes = pc.if_else(pc.is_in(codes, gaps), pa.scalar(None, codes.type), codes)
        met |= frozenset(masks)
        chunks.append(pa.DictionaryArray.from_arrays(codes, chunk.dictionary, ordered=cells.type.ordered))
    return pa.chunked_array(chunks, cells.type), met


def _plain_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts as every later step knows them, whichever way the file keeps them."""
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    if any(its(kind) for its in (pa.types.is_string_view, pa.types.is_binary, pa.types.is_large_binary)):
        return text if (text := cast(cells, pa.string())) is not None else cells
    return cells


def _gaps(cells: Any, words: Sequence[str], column: Column, point: str) -> dict[str, Any]:
    """By the words that are met: which cells say them."""
    masks = {}
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        trimmed = pc.utf8_trim_whitespace(cells)
        for word in words:
            masks[word] = pc.equal(trimmed, pa.scalar(word.strip(), cells.type))
            if _WHOLE.fullmatch(word.strip()) and column.type not in ("text", "date"):
                sign, digits = ("-" if word.strip()[0] == "-" else r"\+?"), word.strip().lstrip("+-0") or "0"
                pattern = rf"^{sign}0*{digits}({re.escape(point)}0*)?$"
                masks[word] = pc.or_(masks[word], pc.match_substring_regex(trimmed, pattern))
    elif any(its(cells.type) for its in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)):
        numbers_of_cells = cells.cast(pa.float64()) if pa.types.is_decimal(cells.type) else cells
        for word in filter(is_number, words):
            number = int(word) if _WHOLE.fullmatch(word.strip()) else float(word)
            masks[word] = pc.equal(numbers_of_cells, pa.scalar(number))
    return {word: pc.fill_null(mask, False) for word, mask in masks.items() if pc.any(mask).as_py()}


def cast(cells: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """None where one cell does not fit, or none can: the caller then goes through them and names those that do not."""
    try:
        return cells.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
