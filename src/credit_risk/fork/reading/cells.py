"""What the texts of one column look like: numbers, days, words with an order, or free text."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas import Series

from credit_risk.config.columns import Column
from credit_risk.data.inputs import Matrix
from credit_risk.data.reading.cells import typed
from credit_risk.data.reading.numerals import Numerals, is_number
from credit_risk.fork.reading.meanings import measures_of

Kind = Literal["integer", "number", "boolean", "ordered", "category", "date", "other date", "text"]

MOST_CATEGORIES = 50  # beyond this words are free text, or codes that nobody lists
NEARLY_EVERY = 0.95  # one bad cell in twenty does not make a column of numbers one of words; the contract names it
GAPS = (
    "NA",
    "N/A",
    "n/a",
    "NaN",
    "nan",
    "NULL",
    "null",
    "#N/A",
    "<NA>",
    "\\N",
    "(null)",
    "#DIV/0!",
    "N.A.",
    "n.a.",
    "NA.",
    "#NULL!",
    "#VALUE!",
    "#REF!",
    "#NAME?",
    "#NUM!",
    "1.#QNAN",
    "-1.#IND",
    "1.#IND",
    "-nan",
    "-nan(ind)",
)  # never a value, whatever stands around them
DOUBTFUL = ("None", "none", "?", ".", "-", "missing", "unknown")  # a gap among numbers, perhaps a word among words
OUTCOME_GAPS = ("na", "Missing", "Unknown", "NONE")
REAL = ("None", "none")  # these say "not one" as often as "not known"
SWITCHES = ({"true", "false"}, {"yes", "no"}, {"y", "n"})
SCALES = (  # words that have an order wherever they stand together
    ("none", "very low", "low", "medium", "moderate", "high", "very high"),
    ("very small", "small", "medium", "large", "very large"),
    ("little", "moderate", "quite rich", "rich"),
    ("very poor", "poor", "fair", "good", "very good", "excellent"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("primary", "secondary", "tertiary"),
    tuple("ABCDEFG"),
)
_NUMBER = r"[-+]?[0-9][0-9,]*(?:\.[0-9]+)?"
_INTEGER = re.compile(r"[-+]?[0-9]+(?:\.0*)?")
_SAS_GAP = re.compile(r"\.[A-Z_]")
WRITTEN_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%b-%Y",
                "%b-%y", "%B %Y", "%d%b%Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y",
                "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%Y年%m月%d日")  # fmt: skip
TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")  # of a day, after it
OF_SAS = "%d%b%Y:%H:%M:%S"
NO_CENTURY = "%y"  # 58 may be 1958 or 2058
TRIED_FIRST = 50  # words of a column, before all of them
MANY_DAYS = 20
EXCEL_DAYS = (14_000, 60_000)  # 1938 to 2064
FIRST_DAY_BUT_OF_BIRTH = 31_048  # 1985; as days since 1960 or 1970, other programs' numbers of today lie before
MOST_CODES = 5  # different codes at one end of a column
FEWEST_OF_A_CODE, CODE_SHARE = 10, 0.002  # rows that say codes, and their share
FEWEST_BESIDE, MANY_BESIDE = 3, 20  # other values, without which nothing is far from them
AS_MANY_BESIDE = 4  # times as many values from zero up as one, or a few beyond a gap, below it
FAR = 5
FAR_OF_NINES, OFTEN = 20, 5  # 999 beyond a gap, this often as often as other values
_MANY_NINES = re.compile(r"-?9{3,}")
_NINES = re.compile(r"-?9{2,}")
_CODE = re.compile(r"[A-Z]{2}")
_PADDED = re.compile(r"0[0-9]+")
_POWER = re.compile(r"[0-9]+[eE][0-9]+")
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d{2}")
_SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ][\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?")
_OTHER_DAY = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}/\d{1,2}/\d{1,2}|[^\W\d]{3,4}[./-]{1,2}\d{2,4}"
    r"|\d{1,2}(?:\. ?|-| )?[^\W\d]{3,10}\.?(?:-| )?\d{2,4}"  # 12. März 2024, 05-ene-2022
    r"|\d{4}[-/ ]?[QHSTqhst][1-4]|[QHSTqhst][1-4][-/ ']{0,2}\d{2,4}"  # quarters and halves of a year
    r"|\d{4}[-/ ]?W\d{1,2}|(?:KW|W) ?\d{1,2}[-/ ]\d{2,4}"
    r"|\w{1,3}\d{0,4}年\d{1,2}月\d{1,2}日"  # 令和5年7月3日
)
_STEP = re.compile(
    rf"(?P<sign><=?|>=?|≤|≥|under|over|up to|less than|more than)?\s*(?P<low>{_NUMBER})(?P<open>\s*\+)?.*",
    re.IGNORECASE,
)
_GRADE = re.compile(r"(?P<letter>[A-H])[1-9]")  # A1 to G5
_BELOW = ("<", "<=", "≤", "under", "up to", "less than")
_ABOVE = (">", ">=", "≥", "over", "more than")


def missing_words(columns: Mapping[str, Series]) -> tuple[str, ...]:
    """Cell texts that mean "not known" in these data: the empty one, and what stands where only numbers should.

    They hold for every column, so "none" is no gap among numbers where another column says it among words.
    """
    gaps, real_words = {""}, set[str]()
    for cells in columns.values():
        words = set(cells.dropna().unique())
        gaps |= words & set(GAPS) - real_gaps(words)
        of_sas = {word for word in words if _SAS_GAP.fullmatch(word)}
        rest = words - set(GAPS) - set(DOUBTFUL) - of_sas - {""}
        if rest and all(map(is_number, rest)):
            gaps |= (words & set(DOUBTFUL)) | of_sas
        else:
            real_words |= words & set(REAL)
    return ("", *sorted(gaps - real_words - {""}))


def real_gaps(words: Collection[str]) -> set[str]:
    """Words for a gap that are none here: NA among codes of two letters is Namibia."""
    codes = {word for word in words if _CODE.fullmatch(word)}
    return {"NA"} & codes if len(codes) > 2 and codes >= set(words) - {*GAPS, *DOUBTFUL, ""} else set()


def outcome_gaps(words: Iterable[str]) -> tuple[str, ...]:
    """The words of a target that say that the outcome is not known: never good, whatever else the column says."""
    return tuple(sorted(word for word in set(words) if word.strip() in ("", *GAPS, *DOUBTFUL, *OUTCOME_GAPS)))


def kind_of(words: Series) -> Kind:
    """What a column holds, from its known cells as texts."""
    distinct = words.unique()
    if {word.lower() for word in distinct} in SWITCHES:
        return "boolean"
    numeric = [is_number(word) and np.isfinite(float(word)) and not _PADDED.fullmatch(word) for word in distinct]
    if all(map(_POWER.fullmatch, distinct)):  # 1E5, 2E1: no program writes amounts so, and products are called so
        numeric = [False] * len(distinct)
    if words.isin(distinct[np.array(numeric, dtype=bool)]).mean() >= NEARLY_EVERY:
        return "integer" if all(_INTEGER.fullmatch(word) for word in distinct if is_number(word)) else "number"
    if all(map(is_like_day, distinct)):
        return "other date" if no_days([*distinct]) else "date"
    if len(distinct) > MOST_CATEGORIES:
        return "text"
    return "ordered" if in_order(distinct) else "category"


def is_like_day(word: str) -> bool:
    """Whether a word is written as a day or month is somewhere, whatever day that would be."""
    return bool(_ISO_DAY.fullmatch(word) or _OTHER_DAY.fullmatch(word))


def no_days(words: Sequence[str]) -> list[str]:
    """The words that are no day from 1900 to 2099 written as 2026-01-31, as 0000-00-00 and 9999-12-31."""
    days = pd.to_datetime(Series(words, dtype="str"), format="ISO8601", errors="coerce", utc=True)
    are_days = days.dt.year.between(1900, 2099) & Series(words, dtype="str").str.fullmatch(_ISO_DAY.pattern)
    return [word for word, is_day in zip(words, are_days, strict=True) if not is_day]


def day_formats(words: Iterable[str], *, named: bool, born: bool = False) -> tuple[str, ...]:
    """The forms in which every one of these words is a day or month of 1900 to 2099; several where they do not tell.

    named: whether the column's name speaks of a day; without it few words of six digits, or five, may be anything.
    born: whether of birth, which may have been before what else a lender has a day of.
    """
    distinct = [word.strip().removesuffix(".0") for word in words]
    if named and distinct and all(_SERIAL.fullmatch(word) for word in distinct):  # with the time of day as a fraction
        first = EXCEL_DAYS[0] if born else FIRST_DAY_BUT_OF_BIRTH
        return ("excel",) if all(first <= float(word) <= EXCEL_DAYS[1] for word in distinct) else ()
    if distinct and all(word.isascii() and word.isdecimal() for word in distinct):
        return _formats_of_digits(distinct) if named or len(distinct) >= MANY_DAYS else ()
    return _written_formats(distinct)


def _written_formats(distinct: Sequence[str]) -> tuple[str, ...]:
    """The forms with signs between day, month and year, with the time of day where the first word has one."""
    shape = _shape(distinct[0]) if distinct else ""
    forms = [*(f"{day} {time}" for day, time in product(WRITTEN_DAYS, TIMES)), OF_SAS] if ":" in shape else WRITTEN_DAYS
    likely = [form for form in forms if _shape(form) == shape and _are_days(distinct[:TRIED_FIRST], form)]
    return tuple(form for form in likely if _are_days(distinct, form))


def _shape(text: str) -> str:
    """A word, or a form of days, by its runs of digits and letters and the signs between: 5 Mar 2024 is `0 a 0`."""
    names_as_letters = re.sub("%[bBp]", "a", text)
    digits_as_zero = re.sub(r"(%.|\d)+", "0", names_as_letters)
    return re.sub(r"\s+", " ", re.sub(r"[^\W\d_]+", "a", digits_as_zero))


def _formats_of_digits(words: Sequence[str]) -> tuple[str, ...]:
    """The form of days that are digits alone, all of them of one length."""
    lengths = {len(word) for word in words}
    form = {8: "%Y%m%d", 6: "%Y%m"}.get(lengths.pop()) if len(lengths) == 1 else None
    return (form,) if form and _are_days(words, form) else ()


def days_of(words: Series, formats: Sequence[str]) -> Series:
    """The days that words stand for, as the pipeline will read them; missing where one is none.

    formats: of `day_formats`; the first counts.
    """
    declared = Column(role="date", type="date", format=formats[0] if formats else None)
    texts = pa.chunked_array([pa.array(words, pa.string(), from_pandas=True)])
    days, _ = typed(str(words.name), texts, declared, Numerals())
    return days.set_axis(words.index)


def _are_days(words: Sequence[str], form: str) -> bool:
    days = pd.to_datetime(Series(words, dtype="str"), format=form, errors="coerce")
    return bool(len(days) and days.notna().all() and days.dt.year.between(1900, 2099).all())


def numbers_of(words: Series) -> Matrix:
    """A column of numbers; NaN where a cell is missing or none, as inf is."""
    values = pd.to_numeric(words, errors="coerce").to_numpy(dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def in_order(words: Iterable[str]) -> tuple[str, ...] | None:
    """Words from low to high, if they are steps of one number (`<1`, `1-4`, `>=7`) or of a scale everybody knows."""
    given = tuple(words)
    for scale in SCALES:
        ranks = {word: scale.index(key) for word in given if (key := _key(word, scale)) in scale}
        if len(given) > 2 and len(ranks) == len(given) == len(set(ranks.values())):
            return tuple(sorted(given, key=ranks.__getitem__))
    grades = [_GRADE.fullmatch(word.strip()) for word in given]
    if len(given) > 2 and all(grades) and len({grade["letter"] for grade in grades if grade}) > 1:
        return tuple(sorted(given, key=str.strip))
    return _steps_in_order(given)


def _steps_in_order(given: Sequence[str]) -> tuple[str, ...] | None:
    """Words by the number that each holds, if each holds another; two are enough where all else in them is the same."""
    if len(measures_of(given)) > 1:  # 6 months and 1 year: the smaller number is no lower step
        return None
    steps = {word: _step(word) for word in given}
    known = {word: step for word, step in steps.items() if step is not None}
    beside = {re.sub(_NUMBER, "", word).strip() for word in given}
    alike = len(beside) == 1 and beside != {""}  # two steps of one measure, as 36 and 60 months
    if len(given) < (2 if alike else 3) or len(known) < len(given) or len(set(known.values())) < len(given):
        return None
    return tuple(sorted(given, key=known.__getitem__))


def unordered_words(words: Iterable[str]) -> tuple[str, ...]:
    """The words that keep a column from being ordered, where most are steps of a number; empty otherwise."""
    given = tuple(words)
    odd = tuple(word for word in given if _step(word) is None)
    return odd if len(given) - len(odd) >= 3 and len(odd) <= 2 else ()


def codes_of(values: Matrix, *, fewest: int = FEWEST_OF_A_CODE, share: float = CODE_SHARE) -> tuple[float, ...]:
    """Whole numbers that stand far from all others and in many rows: codes, as -9 for "no record", rather than amounts.

    At either end: at most a few values, further from the rest than the rest extends; or below zero where all else is
    zero or more and has many values: -2, -1, 0, 1 are steps of one scale. Nines that are twice as large as all else are
    codes in few rows too, and so is the only number below zero if it repeats; 999 beyond a gap if many say it.
    fewest, share: rows that say codes at the least, and their share.
    """
    known, rows = np.unique(values[~np.isnan(values)], return_counts=True)
    many = max(fewest, share * rows.sum())
    codes: set[float] = set()
    for order in (slice(None), slice(None, None, -1)):  # from the lowest up, and from the highest down
        values_in_order, counts = known[order], rows[order]
        for count in range(1, min(MOST_CODES, len(known) - FEWEST_BESIDE) + 1):
            if _are_codes(values_in_order, counts, count, many):
                codes |= set(values_in_order[:count].tolist())
    return tuple(sorted(code for code in codes if code % 1 == 0))


def _are_codes(values: Matrix, counts: NDArray[np.intp], count: int, many: float) -> bool:
    """Whether the first `count` of these values stand apart from the rest, as `codes_of` says.

    values: distinct, from one end to the other; counts: rows of each; many: rows below which all but nines are amounts.
    """
    ends, rest = values[:count], values[count:]
    away, extent = abs(ends[-1] - rest[0]), abs(rest[-1] - rest[0])
    is_single, written = count == 1, f"{ends[0]:.12g}"
    if is_single and _NINES.fullmatch(written) and abs(ends[0]) > 2 * np.abs(rest).max():
        return True
    if is_single and ends[0] < 0 <= rest.min() and counts[0] > 1 and len(rest) >= MANY_BESIDE:
        return True
    if counts[:count].sum() < many:
        return False
    alone = (is_single or away > 1) and len(rest) >= AS_MANY_BESIDE * count
    below_zero = ends[-1] < 0 <= rest.min() and (len(rest) >= MANY_BESIDE or away >= FAR or alone)
    apart = is_single and _MANY_NINES.fullmatch(written) and away > extent / FAR_OF_NINES
    return bool(below_zero or away > extent or (apart and counts[0] > OFTEN * np.median(counts[1:])))


def _key(word: str, scale: tuple[str, ...]) -> str:
    return word if scale[0] == "A" else word.strip().lower().replace("_", " ")


def _step(word: str) -> tuple[float, int] | None:
    """Where a step begins; `<5` lies before `5-10`, which lies before `>5`."""
    match = _STEP.fullmatch(word.strip())
    if match is None or _PADDED.fullmatch(word.strip()):  # 007 is the name of a branch
        return None
    low, sign = float(match["low"].replace(",", "")), (match["sign"] or "").lower()
    return low, -1 if sign in _BELOW else int(sign in _ABOVE or bool(match["open"]))


def is_exact(word: str) -> bool:
    """Whether a key is a whole number that 64 bits hold, of which nothing is lost as one: 007 is not 7."""
    if _PADDED.fullmatch(word.strip()):
        return False
    return bool(_INTEGER.fullmatch(word.strip())) and abs(int(word.strip().split(".")[0])) < 2**63


def is_shortened(word: str) -> bool:
    """Whether a key is what a spreadsheet leaves of a long number, as 1.23457E+17."""
    return bool(_SHORTENED.fullmatch(word.strip()))
