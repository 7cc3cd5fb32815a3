"""The rows of a CSV file, whatever its encoding and line ends, without what stands before and after them."""

import codecs
import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

from credit_risk.config.columns import Data
from credit_risk.data.inputs import spelled
from credit_risk.errors import DataError

Progress: TypeAlias = Callable[[int], object]
"""Called now and then with how many bytes were read since its last call."""

HEADER = 1 << 16  # bytes in which a header usually ends, and those in which it must
MOST_HEADER = 1 << 22
TAIL = 1 << 16  # bytes in which what stands after the last row must lie
FOOTER = re.compile(
    r"(?is)\W*(total|sum|summe|gesamt|count|rows?|records?|end|eof|generated|created|source|\(?\d+ rows)\b.*"
)
EXCEL_SIGN = re.compile(rb"\"?sep=(?P<sign>.)\"?\r?\n", re.IGNORECASE)


def column_name(written: str) -> str:
    """A column's name as the config has it: composed (NFC), with single blanks where blanks or line breaks stand."""
    return " ".join(spelled(written).split())


def header_cells(line: str, delimiter: str, quote: str = '"') -> list[str]:
    cells = next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter, quotechar=quote), [])
    return [column_name(cell) for cell in cells]


def empty_file(path: Path) -> DataError:
    return DataError(f"{path}: the file is empty. Export it again with a header line and rows.")


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


class CsvRows:
    """The rows of a CSV file as UTF-8 bytes with line feeds, without what stands before and after them.

    names: of the columns, from the header, which was read already. lines_before: how many lines stand before the rows
    that are read next.
    """

    def __init__(self, path: Path, data: Data, progress: Progress) -> None:
        self.path, self.data = path, data
        self._file = _Utf8(path, data.encoding, progress)
        self._ahead, self._ended = b"", False
        try:
            self._carriage_returns = self._ends_lines_with_carriage_returns()
            self._skip_to_header()
            self.header = self._take(self._header_end()).decode("utf-8").strip("\r\n")
        except BaseException:
            self._file.close()
            raise
        self.names = tuple(header_cells(self.header, data.delimiter, data.quote))

    def __enter__(self) -> "CsvRows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """About so many bytes of the rows; none when they have ended."""
        if self._ended:
            return b""
        tail = TAIL if self.data.footer_lines else 0
        while len(self._ahead) < size + tail:
            if not self._more(size):
                self._ended = True
                return self._without_footer(self._ahead)
        end = len(self._ahead) - tail
        content, self._ahead = self._ahead[:end], self._ahead[end:]
        return content

    def _without_footer(self, content: bytes) -> bytes:
        """Without the last lines that hold anything. Raises DataError where one of them is a row like others."""
        for _ in range(self.data.footer_lines):
            end = content.rstrip(b"\r\n").rfind(b"\n") + 1
            cells = header_cells(content[end:].decode("utf-8", "replace").strip(), self.data.delimiter, self.data.quote)
            if len(cells) == len(self.names) and all(cells) and not FOOTER.fullmatch(cells[0]):
                raise DataError(
                    f"{self.path}: its last line, which begins with {cells[0]!r}, has a cell in every column as a row "
                    "has, and would be lost: data.footer_lines says how many lines after the last row are none. Add "
                    "such lines to the file, or set it to 0."
                )
            content = content[:end]
        return content

    def _more(self, size: int) -> bool:
        """Read on; false where the file has ended."""
        content = self._file.read(size)
        self._ahead += content.replace(b"\r", b"\n") if self._carriage_returns else content
        return bool(content)

    def _ends_lines_with_carriage_returns(self) -> bool:
        self._carriage_returns = False
        self._more(HEADER)
        self._ahead = self._ahead.removeprefix(codecs.BOM_UTF8)
        outside = b"".join(self._ahead.split(self.data.quote.encode())[::2])
        is_old = b"\r" in outside and b"\n" not in outside
        if is_old:
            self._ahead = self._ahead.replace(b"\r", b"\n")
        return is_old

    def _skip_to_header(self) -> None:
        """Skip what the config says; where it says nothing, blank lines and the line that tells Excel the delimiter."""
        self.lines_before = 0
        for _ in range(self.data.header_line - 1):
            self._take(self._ahead.find(b"\n") + 1 or len(self._ahead))
        if self.data.header_line == 1:
            while self._ahead[:1] in (b"\r", b"\n"):
                self._take(self._ahead.find(b"\n") + 1 or len(self._ahead))
            if (sign := EXCEL_SIGN.match(self._ahead)) and sign["sign"].decode() == self.data.delimiter:
                self._take(sign.end())
        if not self._ahead.strip():
            raise empty_file(self.path)

    def _header_end(self) -> int:
        """Where the header ends: a line break within quotes ends none, a CR alone does though later lines end in LF."""
        quote, end = self.data.quote.encode(), 0
        while (end := self._ahead.find(b"\n", end) + 1) and self._ahead.count(quote, 0, end) % 2:
            pass
        if not end and len(self._ahead) <= MOST_HEADER and self._more(HEADER):
            return self._header_end()
        if not end and self._ahead.count(quote) % 2:
            raise DataError(
                f"{self.path}: a quote in the header (line {self.data.header_line}) is never closed: look for a "
                f"{self.data.quote!r} that has no second one."
            )
        alone = re.match(rb"(?:[^%b\r]|%b[^%b]*%b)*\r(?=[^\r\n])" % ((quote,) * 4), self._ahead[: end or None])
        return alone.end() if alone else end or len(self._ahead)

    def _take(self, end: int) -> bytes:
        content, self._ahead = self._ahead[:end], self._ahead[end:]
        self.lines_before += content.count(b"\n")
        return content
