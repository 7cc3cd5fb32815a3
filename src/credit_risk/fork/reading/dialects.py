"""How a stranger's CSV file is written, found by trying: encoding, delimiter, quotes, header, footer, numerals.

What is found here stands as keys in the config; `data.reading.raw` and `data.reading.numerals` obey those and try
nothing.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from pandas import DataFrame

from credit_risk.config.columns import Data, Source
from credit_risk.data.reading import raw
from credit_risk.data.reading.csv_rows import FOOTER
from credit_risk.data.reading.numerals import PLAIN_SIGNS, Numerals, is_number
from credit_risk.errors import DataError
from credit_risk.fork.reading import encodings
from credit_risk.fork.reading.cells import DOUBTFUL, GAPS, MOST_CATEGORIES, NEARLY_EVERY
from credit_risk.fork.reading.meanings import CURRENCIES

DELIMITERS = (*raw.DELIMITERS, "^", "~")
OTHER_KINDS = {  # by how a file begins
    b"PK\x03\x04": "a spreadsheet or zip file",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of an old form (.xls)",
    b"\x1f\x8b": "compressed (gzip); unpack it first",
    b"BZh": "compressed (bzip2); unpack it first",
    b"PAR1": "a Parquet file; give it the ending .parquet",
    b"ARROW1": "an Arrow file",
    b"%PDF": "a PDF",
    b"SQLite format 3": "a SQLite database",
    b"$FL2": "an SPSS file (.sav)",
    b"<": "HTML or XML, whatever its name says",
    b"{": "JSON",
    b"[{": "JSON",
}
QUOTES = ('"', "'")
HEAD = 1 << 16
MOST_LINES = 200
MOST_BEFORE, MOST_AFTER = 30, 5  # lines that stand before a header and after the last row
LARGEST = 10_000_000_000
ENOUGH = 0.8  # of the lines have as many cells as the header
_EXCEL = re.compile(r"sep=.?", re.IGNORECASE)
_UNIT = re.compile(
    rf"[-+]?\s*(?P<before>{CURRENCIES})?\s*\d[\d.,' \u00a0]*?(?:\s*(?P<after>%|{CURRENCIES})|\s(?P<word>[^\W\d_]+))?"
)
_ESCAPED = re.compile(r'(?:^|[,;|\t])"[^"\n]*(?<!\\)\\"(?![,;|\t]|$)', re.MULTILINE)
_GROUPED = re.compile(r"[-+]?(0|[1-9]\d{0,2}(\.\d{3})?)")  # three decimals or none, or thousands
_SIGNS = tuple((point, mark) for point, mark in product((".", ","), (None, ",", ".", " ", "'")) if point != mark)


@dataclass(frozen=True)
class Cut:
    """A sample of a file cut by one delimiter and quote: how well it falls into columns, and where the header is."""

    delimiter: str
    quote: str
    share: float
    width: int
    header_line: int

    @property
    def fit(self) -> tuple[bool, bool, int, float, int]:
        """Better is larger: a table at all, by an early header, in most lines, of most columns."""
        return self.width > 1, self.share >= ENOUGH, -self.header_line, self.share, self.width


def dialect(path: Path, named: str | None = None) -> Data:
    """How a file is written, as the config will declare it. Raises DataError where it is no text.

    named: its encoding, where somebody knows it.
    """
    described = Data(sources=(Source(path=path.name),), missing=(), max_bytes=max(4 * path.stat().st_size, LARGEST))
    if raw.is_parquet(path):
        return described
    _refuse_other_kinds(path)
    encoding = encodings.encoding(path, named)
    with path.open(encoding=encoding, newline="") as stream:
        text = stream.read(HEAD).removeprefix("\ufeff")
        is_whole = not stream.read(1)
    sample = _with_line_feeds(text)
    if not is_whole:
        sample = sample[: sample.rfind("\n") + 1]
    _refuse_escapes(path, sample)
    cut = max((_cut(sample, *signs) for signs in product(DELIMITERS, QUOTES)), key=lambda each: each.fit)
    keys = {"delimiter": cut.delimiter, "quote": cut.quote, "encoding": encoding, "header_line": cut.header_line}
    return described.model_copy(update=keys | {"footer_lines": _footer(path, encoding, cut)})


def _refuse_other_kinds(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(16).removeprefix(b"\xef\xbb\xbf").lstrip()
    what = next((what for sign, what in OTHER_KINDS.items() if start.startswith(sign)), None)
    if what is None:
        return
    advice = "Export it as CSV."
    # of the part: extracts
    if start.startswith(b"PK"):
        command = f"credit-risk extract --workbook {path} --sheet NAME --output {path.stem}.parquet"
        advice = f"`{command}` freezes a sheet of a workbook: name what it writes, or export it as CSV."
    # end of part
    raise DataError(f"{path}: this is {what}. {advice}")


def _refuse_escapes(path: Path, sample: str) -> None:
    """Raise DataError for quotes within a text that a backslash goes before: CSV writes two of them."""
    if escaped := _ESCAPED.search(sample):
        line = sample.count("\n", 0, escaped.start()) + 1
        raise DataError(
            f'{path}: line {line} has \\" within a text in quotes. Write two quotes for one in a text, as CSV does, or '
            "export it with another quoting."
        )


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _rows(text: str, delimiter: str, quote: str) -> list[tuple[int, list[str]]]:
    """Each row that holds anything, with the line it begins in."""
    rows, begins = [], 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    try:
        for cells in reader:
            if any(cells):
                rows.append((begins, cells))
            begins = reader.line_num + 1
            if len(rows) >= MOST_LINES:
                break
    except csv.Error:
        return []
    return rows


def _cut(sample: str, delimiter: str, quote: str) -> Cut:
    """How a sample falls into columns. The header is the first line of the usual width, if it could name columns."""
    rows = _rows(sample, delimiter, quote)
    if not rows:
        return Cut(delimiter, quote, 0.0, 0, 1)
    width = Counter(len(cells) for _, cells in rows).most_common(1)[0][0]
    index = next(index for index, (_, cells) in enumerate(rows) if len(cells) == width)
    line, header = rows[index]
    is_named = sum(map(is_number, header)) * 2 < len(header)
    if _is_heading_above(rows[index : index + 3]):
        index += 1
        line, header = rows[index]
    before = [cells for _, cells in rows[:index] if not _EXCEL.fullmatch(cells[0])]
    if before and (not is_named or index > MOST_BEFORE):  # then the first line is the header, as usual
        index, line, width = 0, 1, len(rows[0][1])
    share = sum(len(cells) == width for _, cells in rows[index:]) / len(rows[index:])
    if quote == "'" and not _is_quoted(sample, delimiter):
        share = 0.0
    line = line if before else 1
    return Cut(delimiter, quote, share, width, line)


def _is_heading_above(rows: list[tuple[int, list[str]]]) -> bool:
    """Whether the first of three rows groups the names in the second, as the merged cells of a spreadsheet do."""
    if len(rows) < 3 or len({len(cells) for _, cells in rows}) > 1:
        return False
    above, names, values = (cells for _, cells in rows)
    are_names = all(name.strip() and not is_number(name) for name in names) and len(set(names)) == len(names)
    return sum(not cell.strip() for cell in above) > 1 and are_names and any(map(is_number, values))


def _is_quoted(sample: str, delimiter: str) -> bool:
    """Whether a sample has texts in single quotes, and none in double ones."""
    quoted = re.findall(rf"(?:^|{re.escape(delimiter)})'[^'\n]*'(?={re.escape(delimiter)}|$)", sample, re.MULTILINE)
    return len(quoted) > 1 and f'{delimiter}"' not in sample


def _footer(path: Path, encoding: str, cut: Cut) -> int:
    """How many lines after the last row are none: fewer cells than a row, or a total, and words at their beginning."""
    content = path.read_bytes() if encoding.startswith("utf-16") else path.read_bytes()[-HEAD:]
    text = _with_line_feeds(content.decode(encoding, "ignore"))
    lines = [line for line in text.split("\n")[1:] if line.strip()]
    count = 0
    for line in reversed(lines[-MOST_AFTER:]):
        cells = next(csv.reader([line], delimiter=cut.delimiter, quotechar=cut.quote), [])
        if not FOOTER.fullmatch(cells[0].strip() if cells else ""):
            break
        count += 1
    return count


def numerals_of(
    table: DataFrame, data: Data, skip: Collection[str] = ()
) -> tuple[tuple[Numerals, ...], dict[str, str]]:
    """How the numbers of a file may be written, surest first, and the unit that stands beside those of a column.

    Several where the cells do not tell, as in a file whose only marked numbers are like 3,375, or like 3.375.
    """
    units: dict[str, str] = {}
    fits: dict[str, set[tuple[str, str | None]]] = {}
    grouped = False
    for name, words in _numeric_words(table, skip):
        if unit := _unit(words):
            units[name] = unit
        own = {signs for signs in _SIGNS if _all_are(words, Numerals(*signs, unit))}
        if own and len(own) < len(_SIGNS):
            fits[name] = own
        grouped |= any("." in word for word in words) and all(_GROUPED.fullmatch(word.strip()) for word in words)
    marked = {name: own for name, own in fits.items() if (".", None) not in own}
    if not marked and grouped and (",", ".") in set(_SIGNS).intersection(*fits.values()):
        return (Numerals(), Numerals(",", ".")), units
    if not marked:
        return (Numerals(),), units
    # The numbers with a point alone speak too, unless one of them contradicts.
    common = set.intersection(*fits.values()) or set.intersection(*marked.values()) or {(".", None)}
    return tuple(Numerals(*signs) for signs in _simplest(common, data.delimiter)), units


def _numeric_words(table: DataFrame, skip: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """The distinct words of each column whose first one holds a digit, without those for a gap."""
    for name, cells in table.items():
        words = [word for word in map(str, cells.dropna().unique()) if word not in (*GAPS, *DOUBTFUL, "")]
        if name not in skip and words and any(char.isdigit() for char in words[0]):
            yield str(name), words


def _simplest(common: set[tuple[str, str | None]], delimiter: str) -> list[tuple[str, str | None]]:
    """The readings that differ in what they make of a number: a sign that stands nowhere is not declared."""
    points = {}
    for point in (".", ","):
        marks = [mark for its, mark in common if its == point]
        if marks:
            points[point] = None if None in marks else sorted(map(str, marks))[0]
    readings = list(points.items())
    return readings[::-1] if delimiter == ";" else readings  # written where the comma is the decimal sign, likely


def _all_are(words: list[str], numerals: Numerals) -> bool:
    fitting = sum(numerals.with_point(word) is not None for word in words)
    return fitting >= NEARLY_EVERY * len(words)


def _unit(words: list[str]) -> str | None:
    """What stands beside every number of a column; None where something else stands there, or nothing."""
    matches = [_UNIT.fullmatch(word.translate(PLAIN_SIGNS).strip()) for word in words]
    is_measure = len(words) > MOST_CATEGORIES  # a few words like 36 months are steps, and stay as they are written
    beside = {
        match["before"] or match["after"] or (match["word"] if is_measure else None) for match in matches if match
    }
    if len(beside) != 1 or sum(match is not None for match in matches) < NEARLY_EVERY * len(words):
        return None
    return beside.pop()


def in_other_numerals(
    table: DataFrame, numerals: Numerals, units: Mapping[str, str], skip: Collection[str] = ()
) -> dict[str, str]:
    """The columns whose numbers are written with a point where the file's are written otherwise, each with a number."""
    others = {}
    for name, cells in table.items():
        own = Numerals(numerals.decimal, numerals.thousands, units.get(str(name)))
        words = [word for word in map(str, cells.dropna().unique()) if word not in (*GAPS, *DOUBTFUL, "")]
        with_point = [word for word in words if is_number(word)]
        unread = [word for word in with_point if own.with_point(word) is None]
        if name not in skip and unread and not own.unit and len(with_point) >= NEARLY_EVERY * len(words):
            others[str(name)] = unread[0]
    return others


def in_plain_numerals(
    table: DataFrame, numerals: Numerals, units: Mapping[str, str], skip: Collection[str] = ()
) -> DataFrame:
    """The table with every number written as any program reads it; other cells as they are."""
    columns = {}
    for name, cells in table.items():
        own = Numerals(numerals.decimal, numerals.thousands, units.get(str(name)))
        words = [word for word in map(str, cells.dropna().unique()) if word not in (*GAPS, *DOUBTFUL, "")]
        if name in skip or own.are_plain or not words or not _all_are(words, own):
            columns[str(name)] = cells
            continue
        plain_words = {word: own.with_point(word) or word for word in words}
        columns[str(name)] = cells.map(lambda word, plain_words=plain_words: plain_words.get(word, word))
    return DataFrame(columns)
