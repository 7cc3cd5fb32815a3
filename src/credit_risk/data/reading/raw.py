"""Data files as they lie on disk: opened, their header read, their cells still as the file holds them.

Whatever makes a file unreadable as a whole (no file, another delimiter, another encoding, ragged rows …) ends
here in a DataError that says what was got, what was expected and how to mend it. A single cell that is not what
its column holds is no such thing: it is kept as text, and `cells` says what becomes of it.
"""

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from credit_risk.config.columns import Data
from credit_risk.data.inputs import FALSE_WORDS, TRUE_WORDS
from credit_risk.data.reading.csv_rows import CsvRows, Progress, column_name, empty_file, header_cells
from credit_risk.errors import DataError, NotFound

BLOCK = 8 << 20  # bytes that are parsed at a time
DELIMITERS = (",", ";", "\t", "|")
_ZIP = b"PK\x03\x04"
_NO_CSV = {
    b"PAR1": "it is a Parquet file; give it the ending .parquet",
    _ZIP: "it is a spreadsheet or zip file; export it as CSV",
    b"\x1f\x8b": "it is compressed; unpack it first",
}
_NO_CSV[_ZIP] += ", or `credit-risk extract --workbook FILE --sheet NAME --output NEW.parquet`"  # part: extracts
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def header(path: Path, data: Data, declared: tuple[str, ...]) -> tuple[str, ...]:
    """The column names of a file that can be read; nothing below the header is looked at.

    declared: the columns of the config, by which a wrong delimiter is distinguished from missing columns.
    """
    _refuse_unfit(path, data)
    names = list(_parquet_names(path)) if is_parquet(path) else _csv_header(path, data, declared)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: {listed(twice)} stands in the header more than once. Remove or rename the copies.")
    return tuple(names)


def whole(path: Path, data: Data, types: Mapping[str, pa.DataType], progress: Progress) -> pa.Table:
    """The columns named in `types`; those of a CSV file have these types, or are text if any cell refuses its type.

    Of data.missing the empty text alone counts here; `gaps.without_gaps` knows the other words.
    """
    if is_parquet(path):
        names = _parquet_names(path)
        table = _parquet(path).read([names[name] for name in types]).rename_columns(list(types))
        progress(path.stat().st_size)
    else:
        try:
            with CsvRows(path, data, lambda _: None) as rows:
                table = _parse(rows, types, lambda: pa.PythonFile(CsvRows(path, data, progress), "r"))
        except UnicodeError:
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
    try:
        offset, byte = _first_fault(path, encoding)
    except UnicodeError:  # utf-16 without the mark that it begins with
        begins = f"{path}: it does not begin as {encoding} text does."
        return DataError(f"{begins} The file is probably utf-8; set data.encoding in the config.")
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
        raise empty_file(path)


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
        with CsvRows(path, data, lambda _: None) as rows:
            names, first = rows.names, rows.header
    except UnicodeError:
        raise encoding_fault(path, data.encoding) from None
    except LookupError:
        raise DataError(
            f"data.encoding: Python knows no encoding {data.encoding!r}; utf-8 and cp1252 are usual."
        ) from None
    if "\0" in first:
        raise DataError(
            f"{path}: the header is not {data.encoding} text. The file is probably utf-16; set data.encoding."
        )
    _refuse_delimiter(path, data.delimiter, first, declared)
    return list(names)


def _parquet_names(path: Path) -> dict[str, str]:
    """Each column's name as the config has it, with its name in the file. Raises DataError where two become one."""
    written = _parquet(path).schema_arrow.names
    names = {column_name(name): name for name in written}
    if len(names) < len(written):
        raise DataError(f"{path}: two columns have one name among {listed(written[:30])}. Rename one of them.")
    return names


def _refuse_delimiter(path: Path, delimiter: str, first: str, declared: tuple[str, ...]) -> None:
    """Refuse a header in which another delimiter finds more of the config's columns."""
    declared_by = {
        candidate: len(set(header_cells(first, candidate)) & set(declared)) for candidate in (delimiter, *DELIMITERS)
    }
    likely = max(declared_by, key=lambda candidate: declared_by[candidate])
    if declared_by[likely] <= declared_by[delimiter]:
        return
    columns, better = len(header_cells(first, delimiter)), len(header_cells(first, likely))
    raise DataError(
        f"{path}: with the delimiter {delimiter!r} the header has {columns} column{'s' * (columns != 1)}; "
        f"with {likely!r} it has {better}, of which the config declares {declared_by[likely]}. "
        f"Set data.delimiter to {likely!r} in the config."
    )


def _parquet_pieces(path: Path, types: Mapping[str, pa.DataType], rows: int, progress: Progress) -> Iterator[pa.Table]:
    file, size, names = _parquet(path), path.stat().st_size, _parquet_names(path)
    columns = [names[name] for name in types]
    for batch in file.iter_batches(batch_size=rows, columns=columns):
        yield pa.Table.from_batches([batch]).select(columns).rename_columns(list(types))
        progress(size * batch.num_rows // max(file.metadata.num_rows, 1))


def _csv_pieces(path: Path, data: Data, types: Mapping[str, pa.DataType], progress: Progress) -> Iterator[pa.Table]:
    """Every block is parsed by itself under the same header, so that one bad cell makes text of one block only."""
    rest = b""
    try:
        with CsvRows(path, data, progress) as rows:
            fresh = b"\n"
            while fresh:
                fresh = rows.read(BLOCK)
                block = rest + fresh
                end = _last_row_end(block, data.quote.encode()) if fresh else len(block)
                block, rest = block[:end], block[end:]
                if block.strip():
                    content = pa.py_buffer(block)
                    yield _parse(rows, types, lambda content=content: pa.BufferReader(content))  # type: ignore[misc]
                rows.lines_before += block.count(b"\n")
    except UnicodeError:
        raise encoding_fault(path, data.encoding) from None


def _last_row_end(block: bytes, quote: bytes) -> int:
    """Where the last whole row ends: a line break within quotes ends none."""
    end = block.rfind(b"\n") + 1
    while end and block.count(quote, 0, end) % 2:
        end = block.rfind(b"\n", 0, end - 1) + 1
    return end


def _parse(rows: CsvRows, types: Mapping[str, pa.DataType], source: Callable[[], Any]) -> pa.Table:
    """Parse CSV text into columns of these types, or, if a cell refuses its type, all of them into text."""
    path = rows.path
    try:
        table = _parse_as(rows, types, source)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):  # nothing stands below the header
            raise _no_rows(path) from None
        if "conversion error" not in str(error):
            raise _no_ends(path, error) from None
        table = None
    if table is not None and not _says_nan(table):
        return table
    try:
        return _parse_as(rows, dict.fromkeys(types, pa.string()), source)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise encoding_fault(path, rows.data.encoding) from None
        raise _no_ends(path, error) from None


def _no_ends(path: Path, error: pa.ArrowInvalid) -> DataError:
    return DataError(f"{path}: where one row ends and the next begins cannot be seen ({_first_words(error)}).")


def _parse_as(rows: CsvRows, types: Mapping[str, pa.DataType], source: Callable[[], Any]) -> pa.Table:
    ragged: list[pa_csv.InvalidRow] = []

    def note(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    with source() as stream:
        table = _read_csv(stream, rows, types, note, threads=True)
    if not ragged:
        return table
    count = len(ragged)
    ragged.clear()
    with source() as stream:
        _read_csv(stream, rows, types, note, threads=False)  # only a reading in order knows the line numbers
    sample = ", ".join(f"line {row.number + rows.lines_before} has {row.actual_columns}" for row in ragged[:5])
    raise DataError(
        f"{rows.path}: {count} line{'s' * (count != 1)} {'have' if count != 1 else 'has'} another number of cells than "
        f"the header, which has {ragged[0].expected_columns}: {sample}. Look for a {rows.data.delimiter!r} inside a "
        f"text without quotes, a quote that is never closed, or a row that was cut off; for lines before the header or "
        f"after the last row, set data.header_line or data.footer_lines."
    )


def _read_csv(
    source: Any, rows: CsvRows, types: Mapping[str, pa.DataType], note: Callable[[Any], str], *, threads: bool
) -> pa.Table:
    return pa_csv.read_csv(
        source,
        pa_csv.ReadOptions(block_size=BLOCK, use_threads=threads, column_names=list(rows.names)),
        pa_csv.ParseOptions(
            delimiter=rows.data.delimiter, quote_char=rows.data.quote, newlines_in_values=True, invalid_row_handler=note
        ),
        pa_csv.ConvertOptions(
            include_columns=list(types),
            column_types=dict(types),
            null_values=[""] if "" in rows.data.missing else [],
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
    except UnicodeError:
        return False
    return True


def listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
