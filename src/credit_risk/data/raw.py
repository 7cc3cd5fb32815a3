"""Data files as they lie on disk: opened, their header read, their cells still as the file holds them.

Whatever makes a file unreadable as a whole (no file, another delimiter, another encoding, ragged rows …) ends
here in a DataError that says what was got, what was expected and how to mend it. A single cell that is not what
its column holds is no such thing: it is kept as text, and `cells` says what becomes of it.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from credit_risk.config.schema import Data
from credit_risk.data.inputs import FALSE_WORDS, TRUE_WORDS
from credit_risk.errors import DataError, NotFound

Progress: TypeAlias = Callable[[int], object]
"""Called now and then with how many bytes were read since its last call."""

BLOCK = 8 << 20  # bytes that are parsed at a time
DELIMITERS = (",", ";", "\t", "|")
_NO_CSV = {
    b"PAR1": "it is a Parquet file; give it the ending .parquet",
    b"PK\x03\x04": "it is a spreadsheet or zip file; export it as CSV",
    b"\x1f\x8b": "it is compressed; unpack it first",
}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def header(path: Path, data: Data, declared: tuple[str, ...]) -> tuple[str, ...]:
    """The column names of a file that can be read; nothing below the header is looked at.

    declared: the columns of the config, by which a wrong delimiter is distinguished from missing columns.
    """
    _refuse_unfit(path, data)
    names = _parquet(path).schema_arrow.names if is_parquet(path) else _csv_header(path, data, declared)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: {_listed(twice)} stands in the header more than once. Remove or rename the copies.")
    return tuple(names)


def whole(path: Path, data: Data, types: Mapping[str, pa.DataType], progress: Progress) -> pa.Table:
    """The columns named in `types`; those of a CSV file have these types, or are text if any cell refuses its type.

    Of data.missing the empty text alone counts here; `cells.without_gaps` knows the other words.
    """
    if is_parquet(path):
        table = _parquet(path).read(list(types))
        progress(path.stat().st_size)
    else:
        try:
            table = _parse(path, data, types, lambda: pa.PythonFile(_Utf8(path, data.encoding, progress), "r"))
        except UnicodeDecodeError:
            raise encoding_fault(path, data.encoding) from None
    if not table.num_rows:
        raise _no_rows(path)
    return table


def batches(
    path: Path, data: Data, types: Mapping[str, pa.DataType], rows: int, progress: Progress
) -> Iterator[pa.Table]:
    """The same in pieces of at most `rows` rows, of which only a few are held in memory at a time.

    Where the pieces are cut depends on the file alone, so a second reading gives the same ones.
    """
    pieces = (
        _parquet_pieces(path, types, rows, progress) if is_parquet(path) else _csv_pieces(path, data, types, progress)
    )
    empty = True
    for piece in pieces:
        for start in range(0, piece.num_rows, rows):
            empty = False
            yield piece.slice(start, rows)
    if empty:
        raise _no_rows(path)


def encoding_fault(path: Path, encoding: str) -> DataError:
    """The sentence about the first byte of a file that is not what its encoding allows."""
    offset, byte = _first_fault(path, encoding)
    with path.open("rb") as stream:
        start = stream.read(2)
        stream.seek(max(offset - 64, 0))
        around = stream.read(128)
    if start not in _UTF_16 and any(byte < 32 and byte not in b"\t\n\r" for byte in around):
        return DataError(f"{path}: byte {offset} is not {encoding}, and what is around it is no text. Name a CSV file.")
    likely = next((name for name in ("utf-8", "cp1252") if name != encoding and _decodes(around, name)), "latin-1")
    if start in _UTF_16:
        likely = "utf-16"
    reads = "" if likely == "utf-16" else f", in which this byte reads {byte.decode(likely, 'replace')!r}"
    return DataError(
        f"{path}: byte {offset} (0x{byte.hex()}) is not {encoding}. The file is probably {likely}{reads}; "
        f"set data.encoding in the config."
    )


def _refuse_unfit(path: Path, data: Data) -> None:
    if path.is_dir():
        raise DataError(f"{path}: this is a directory. Name the data file in it.")
    if not path.is_file():
        raise NotFound(
            path, "Correct the name, given or in data.sources; the pipeline's own data come with `make data`."
        )
    size = path.stat().st_size
    if size > data.max_bytes:
        raise DataError(
            f"{path}: the file has {size:,} bytes, data.max_bytes allows {data.max_bytes:,}. Nothing was read. "
            f"Split the file, or raise the limit if this machine has the memory."
        )
    if not size:
        raise _empty(path)


def _empty(path: Path) -> DataError:
    return DataError(f"{path}: the file is empty. Export it again with a header line and rows.")


def _no_rows(path: Path) -> DataError:
    return DataError(f"{path}: the file has a header and no rows. Export it again.")


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: this is no Parquet file ({str(error).splitlines()[0].rstrip('.')}).") from None


def _csv_header(path: Path, data: Data, declared: tuple[str, ...]) -> list[str]:
    with path.open("rb") as stream:
        start = stream.read(4)
    for magic, what in _NO_CSV.items():
        if start.startswith(magic):
            raise DataError(f"{path}: this is no CSV file: {what}.")
    try:
        first = _first_line(path, data.encoding)
    except UnicodeDecodeError:
        raise encoding_fault(path, data.encoding) from None
    except LookupError:
        raise DataError(
            f"data.encoding: Python knows no encoding {data.encoding!r}; utf-8 and cp1252 are usual."
        ) from None
    if "\0" in first:
        raise DataError(
            f"{path}: the header is not {data.encoding} text. The file is probably utf-16; set data.encoding."
        )
    if not first.strip():
        raise _empty(path)
    names = _split(first, data.delimiter)
    _refuse_delimiter(path, data.delimiter, first, declared)
    return names


def _first_line(path: Path, encoding: str) -> str:
    """The first line that holds anything, without the byte-order mark that Windows programs put before it."""
    source = io.BytesIO()
    stream = _Utf8(path, encoding, lambda _: None)
    try:
        while block := stream.read(1 << 16):
            source.write(block)
            if b"\n" in source.getvalue().lstrip(b"\xef\xbb\xbf\r\n"):
                break
    finally:
        stream.close()
    lines = source.getvalue().removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n").splitlines()
    return lines[0].decode("utf-8") if lines else ""


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _refuse_delimiter(path: Path, delimiter: str, first: str, declared: tuple[str, ...]) -> None:
    """Refuse a header in which another delimiter finds more of the config's columns."""
    declared_by = {
        candidate: len(set(_split(first, candidate)) & set(declared)) for candidate in (delimiter, *DELIMITERS)
    }
    likely = max(declared_by, key=lambda candidate: declared_by[candidate])
    if declared_by[likely] <= declared_by[delimiter]:
        return
    columns = len(_split(first, delimiter))
    raise DataError(
        f"{path}: with the delimiter {delimiter!r} the header has {columns} column{'s' * (columns != 1)}; "
        f"with {likely!r} it has {len(_split(first, likely))}, of which the config declares {declared_by[likely]}. "
        f"Set data.delimiter to {likely!r} in the config."
    )


def _parquet_pieces(path: Path, types: Mapping[str, pa.DataType], rows: int, progress: Progress) -> Iterator[pa.Table]:
    file, size = _parquet(path), path.stat().st_size
    for batch in file.iter_batches(batch_size=rows, columns=list(types)):
        yield pa.Table.from_batches([batch])
        progress(size * batch.num_rows // max(file.metadata.num_rows, 1))


def _csv_pieces(path: Path, data: Data, types: Mapping[str, pa.DataType], progress: Progress) -> Iterator[pa.Table]:
    """Every block is parsed by itself under the same header, so that one bad cell makes text of one block only."""
    head, rest, lines = b"", b"", 0
    stream = _Utf8(path, data.encoding, progress)
    try:
        fresh = b"\n"
        while fresh:
            fresh = stream.read(BLOCK)
            block = rest + fresh
            end = _last_row_end(block) if fresh else len(block)
            block, rest = block[:end], block[end:]
            if block and not head:
                head = block[: block.find(b"\n") + 1] or block
                block = block[len(head) :]
            if block.strip():
                content = pa.py_buffer(head + block)
                yield _parse(path, data, types, lambda content=content: pa.BufferReader(content), lines)  # type: ignore[misc]
            lines += block.count(b"\n")
    except UnicodeDecodeError:
        raise encoding_fault(path, data.encoding) from None
    finally:
        stream.close()


def _last_row_end(block: bytes) -> int:
    """Where the last whole row ends: a line break within quotes ends none."""
    end = block.rfind(b"\n") + 1
    while end and block.count(b'"', 0, end) % 2:
        end = block.rfind(b"\n", 0, end - 1) + 1
    return end


def _parse(
    path: Path, data: Data, types: Mapping[str, pa.DataType], source: Callable[[], Any], lines_before: int = 0
) -> pa.Table:
    """Parse CSV text into columns of these types, or, if a cell refuses its type, all of them into text."""
    try:
        table = _parse_as(path, data, types, source, lines_before)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):  # a header without a line break
            raise _no_rows(path) from None
        if "conversion error" not in str(error):
            raise DataError(f"{path}: the rows cannot be told apart ({_first_words(error)}).") from None
        table = None
    if table is not None and not _says_nan(table):
        return table
    try:
        return _parse_as(path, data, dict.fromkeys(types, pa.string()), source, lines_before)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise encoding_fault(path, data.encoding) from None
        raise DataError(f"{path}: the rows cannot be told apart ({_first_words(error)}).") from None


def _parse_as(
    path: Path, data: Data, types: Mapping[str, pa.DataType], source: Callable[[], Any], lines_before: int
) -> pa.Table:
    ragged: list[pa_csv.InvalidRow] = []

    def note(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    with source() as stream:
        table = _read_csv(stream, data, types, note, threads=True)
    if not ragged:
        return table
    count = len(ragged)
    ragged.clear()
    with source() as stream:
        _read_csv(stream, data, types, note, threads=False)  # only a reading in order knows the line numbers
    sample = ", ".join(f"line {row.number + lines_before} has {row.actual_columns}" for row in ragged[:5])
    raise DataError(
        f"{path}: {count} line{'s' * (count != 1)} {'have' if count != 1 else 'has'} another number of cells than the "
        f"header, which has {ragged[0].expected_columns}: {sample}. Look for a {data.delimiter!r} inside a text "
        f"without quotes, a quote that is never closed, or a row that was cut off."
    )


def _read_csv(
    source: Any, data: Data, types: Mapping[str, pa.DataType], note: Callable[[Any], str], *, threads: bool
) -> pa.Table:
    return pa_csv.read_csv(
        source,
        pa_csv.ReadOptions(block_size=BLOCK, use_threads=threads),
        pa_csv.ParseOptions(delimiter=data.delimiter, newlines_in_values=True, invalid_row_handler=note),
        pa_csv.ConvertOptions(
            include_columns=list(types),
            column_types=dict(types),
            null_values=[""] if "" in data.missing else [],
            strings_can_be_null=True,
            true_values=_spellings(TRUE_WORDS),
            false_values=_spellings(FALSE_WORDS),
        ),
    )


def _says_nan(table: pa.Table) -> bool:
    """Whether a number is the text "nan", which only data.missing may make a missing one."""
    columns = [column for column in table.columns if pa.types.is_floating(column.type)]
    return any(pc.any(pc.is_nan(column)).as_py() for column in columns)


def _spellings(words: tuple[str, ...]) -> list[str]:
    return sorted({spelling for word in words for spelling in (word, word.capitalize(), word.upper())})


def _first_words(error: Exception) -> str:
    return str(error).splitlines()[0][:120].rstrip(".")


def _first_fault(path: Path, encoding: str) -> tuple[int, bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    with path.open("rb") as stream:
        while True:
            block = stream.read(1 << 20)
            pending = decoder.getstate()[0]
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return position - len(pending) + error.start, (pending + block)[error.start : error.start + 1]
            if not block:
                return position, b""
            position += len(block)


def _decodes(around: bytes, encoding: str) -> bool:
    """Whether a piece of a file, cut anywhere, is text of this encoding."""
    whole_characters = around.lstrip(bytes(range(0x80, 0xC0))) if encoding == "utf-8" else around
    try:
        codecs.getincrementaldecoder(encoding)().decode(whole_characters)
    except UnicodeDecodeError:
        return False
    return True


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))


class _Utf8:
    """A file as UTF-8 bytes, whatever its encoding, that tells how far it was read."""

    def __init__(self, path: Path, encoding: str, progress: Progress) -> None:
        codec = codecs.lookup(encoding).name
        self._progress = progress
        self._file: BinaryIO = path.open("rb")
        self._text = (
            None if codec in ("utf-8", "ascii", "utf-8-sig") else io.TextIOWrapper(self._file, encoding, newline="")
        )
        self._reported = 0

    @property
    def closed(self) -> bool:
        return self._file.closed

    def read(self, size: int) -> bytes:
        content = self._file.read(size) if self._text is None else self._text.read(size).encode()
        position = self._file.tell()
        self._progress(position - self._reported)
        self._reported = position
        return content

    def close(self) -> None:
        self._file.close()
