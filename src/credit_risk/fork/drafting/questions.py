"""What speaks against a column's likely role, so that a person has to say what it is: by its name, and by its cells."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from pandas import Series, Timestamp

from credit_risk.data.reading.cells import LOST_DIGITS
from credit_risk.data.reading.numerals import is_number
from credit_risk.fork.drafting import names
from credit_risk.fork.drafting.names import CUSTOMERS, DATES, DAYS, IDS, MONEY, YEARS, parts
from credit_risk.fork.drafting.profile import FEW_VALUES, Profile, Role
from credit_risk.fork.reading import cells
from credit_risk.fork.reading.meanings import CURRENCIES

FEWEST_IN_ORDER = 50  # rows in which a number that rises from each to the next does so by no chance
MOST_AMONG_NUMBERS = 3  # different words in a column of numbers
A_DAY = 10_000  # numbers that stand for days are larger, as 20240131, 45322 or seconds since 1970
SINCE_1970 = ((10**9, 22 * 10**8), (10**12, 22 * 10**11))  # 2001 to 2039, in seconds and in thousandths of them
WRITE_DAYS = "write it as 2024-01-31"
MEND = "leave these cells empty, write them as -1234.50, or give each word a number of its own and `special`"
FEWEST_MERGED = 3  # groups
FEWEST_DAYS, FAR_DAY = 20, 3_650  # different days of a column; days between one and all others
MERGED = 0.5  # share of cells that are blank where each group's first row alone has the group's name
_NEARLY = re.compile(
    rf"(?:\(|=\")?[-+\u2212]?(?:\W|{CURRENCIES})?\s?\d[\d.,'’ _·]*\s?"
    rf"(?:[kKmM%-]|/-|\W|(?i:cr|dr)|{CURRENCIES}|(?<=\s)[^\W\d_]+)?[)\"]?"
)
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
FEW_FORMS = 5  # of words around the numbers of a cell, as 3yrs 4mon and 3 yrs
_THOUSANDTHS = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}")
MANY_WHOLE, FAR_BELOW = 20, 50  # whole numbers, and how many times as large as the few with decimals
FEWEST_MARKED = 20  # different numbers of three decimals, among which none that ends in a zero is a sign
_BLANK = re.compile(r"\s")
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_OF_A_RANGE = re.compile(rf"\d{{1,2}}-{_MONTH}|{_MONTH}-\d{{2}}")


def as_id(profile: Profile, column: Series) -> tuple[Role, str] | None:
    """What keeps a column that is called as an id from being one, so that a person has to say what it is."""
    name, words, known = profile.name, parts(profile.name), int(column.notna().sum())
    repeated = known - len(profile.groups)
    if words & IDS and any(map(cells.is_shortened, profile.groups)):
        return "ignore", LOST_DIGITS
    if words & IDS and (twins := two_forms(profile.groups)):
        return "ignore", twins
    if names.is_personal(name) and len(profile.groups) > FEW_VALUES:
        return "ignore", f"it says who somebody is, as its name says; to keep rows of one together: --applicant {name}"
    if names.is_id(name) and not words & CUSTOMERS and profile.kind in ("integer", "text") and 0 < repeated < known / 2:
        what = f"its name says that it numbers the rows, and {repeated:,} repeat a number"
        return "ignore", f"{what}: rows that stand twice, or of one person? If so, --applicant {name}"
    return None


def is_key(words: Mapping[str, int], rows: int) -> bool:
    """Whether each row has a text of its own without blanks and with digits, as LR-000123: what a lender numbers by."""
    return len(words) == rows >= FEWEST_IN_ORDER and all(_has_digit(word) and not _BLANK.search(word) for word in words)


def two_forms(words: Iterable[str]) -> str | None:
    """Two texts of a key that are one number, as 007 and 7: whose rows would be taken for those of two people."""
    by_number: dict[str, str] = {}
    for word in words:
        bare = word.strip().lstrip("0")
        if word.strip().isdecimal() and by_number.setdefault(bare, word) != word:
            return f"{by_number[bare]!r} and {word!r} are two texts and one number: write each in one form"
    return None


def by_name(profile: Profile, column: Series) -> tuple[Role, str] | None:
    """A role that only a name speaks for, with the reason: a person has to say whether it is right."""
    name, values = profile.name, len(profile.groups)
    if ground := names.guarded(name, switch=values <= 2):
        return "protected", f"{ground}, as its name says"
    if profile.categories and names.of_sex(profile.categories):
        return "protected", "sex, as its words say"
    if what := names.substitute(name):
        return "proxy", f"{what}, as its name says: it can stand in for race or origin"
    since, made = names.afterwards(name), names.output(name, few=values <= FEW_VALUES)
    if since or made:
        why = "known only after the decision" if since else "nothing that an applicant brings"
        return "ignore", f"{since or made}, as its name says: {why}"
    if names.is_weight(name) and profile.kind in ("integer", "number") and cells.numbers_of(column.dropna()).min() > 0:
        what = "a weight, as its name says: how many applicants a row stands for, nothing of an applicant"
        return "ignore", f"{what}; to count rows by it: --weight {name}"
    return None


def by_values(profile: Profile, column: Series) -> str | None:
    """What speaks against a column as a feature though it could be one, so that a person has to say."""
    grounds = (no_numbers(profile, column), _of_a_day(profile, column), _of_ranges(profile), _of_numbers(profile))
    return next(filter(None, grounds), None)


def _of_a_day(profile: Profile, column: Series) -> str | None:
    """What speaks for a column being a day in a form that is not read."""
    words, example = parts(profile.name), next(iter(profile.groups))
    odd = [word for word in profile.groups if not cells.is_like_day(word)]
    is_mostly = profile.kind in ("other date", "text") and len(odd) <= (1 - cells.NEARLY_EVERY) * len(profile.groups)
    is_named, example = words & (DATES | DAYS if is_mostly else DATES), next(iter(odd if is_mostly else ()), example)
    if (
        profile.kind in ("category", "ordered", "text", "other date")
        and is_named
        and all(map(_has_digit, profile.groups))
    ):
        return f"its name speaks of a day, and not every cell is one in one form, as {example!r}: {WRITE_DAYS}"
    return _of_a_numeric_day(profile, column) if profile.kind in ("number", "integer") else None


def _of_a_numeric_day(profile: Profile, column: Series) -> str | None:
    """What speaks for a column of numbers being a day: how it rises, its name, or seconds since 1970."""
    words, example = parts(profile.name), next(iter(profile.groups))
    values, is_whole = cells.numbers_of(column.dropna()), profile.kind == "integer"
    if is_whole and len(column) >= FEWEST_IN_ORDER and rises(column):
        return "it rises from row to row: a row number, or a day?"
    years = bool(words & YEARS and words & DAYS) and bool(((values >= 1900) & (values < 2100)).all())
    is_moment = any(low <= values.min() and values.max() < high for low, high in SINCE_1970)
    is_day = bool(words & DATES or (words & DAYS and not words & MONEY)) and bool((values >= A_DAY).all())
    if not (years or is_day or (is_whole and is_moment)):
        return None
    ground = "it may be a day in seconds since 1970" if is_moment else "its name speaks of a day"
    return f"{ground}, and {example} is no form of one that is read: {WRITE_DAYS}"


def _of_ranges(profile: Profile) -> str | None:
    are_words = profile.kind in ("category", "ordered", "text")
    made = next(filter(_OF_A_RANGE.fullmatch, profile.groups), None) if are_words else None
    return (
        f"it says {made!r}, as a spreadsheet makes of a range like 1-2: write the ranges as they were" if made else None
    )


def _of_numbers(profile: Profile) -> str | None:
    """What speaks for texts being numbers, of which a few are none or all are written in an unusual form."""
    if profile.kind == "number":
        return _of_thousands(profile)
    if profile.kind != "text":
        return None
    if rest := _words_among_numbers(profile.groups):
        listed = ", ".join(f"{word!r} ({profile.groups[word]:,} rows)" for word in rest)
        return f"numbers but for {listed}: {MEND}"
    example = next(iter(profile.groups))
    if not _are_nearly_numbers(profile.groups):
        return _of_numbers_among_words(profile, example)
    beside = {word: re.sub(r"[\d.,]", "", word) for word in profile.groups}
    oddest = max(profile.groups, key=lambda word: (beside[word] != beside[example], len(beside[word])))
    form = f"not in one form, as {oddest!r}" if beside[oddest] != beside[example] else "in no form that is read"
    return f"nearly every cell is a number, as {example!r}, but {form}: write them as -1234.50"


def _of_numbers_among_words(profile: Profile, example: str) -> str | None:
    """What speaks for texts holding numbers among always the same words, as 3yrs 4mon, or being names of something."""
    forms = {_DIGITS.sub("#", word) for word in profile.groups}
    is_single = len(profile.groups) == sum(profile.groups.values())
    if is_single and not any(form.count("#") > 1 or re.search(r"\d[.,]\d", example) for form in forms):
        return None  # as note 1, note 2: every row another, and nothing to learn from
    if len(forms) > FEW_FORMS or not all("#" in form for form in forms):
        return None
    if forms == {"#"}:
        return f"numbers of which some begin with 0, as {min(profile.groups)!r}: names of something, or amounts?"
    if all(form[0].isalpha() and not re.search(r"\s", form) for form in forms):
        return f"each cell names something, as {example!r}: who applied? If so, --applicant {profile.name}"
    return f"each cell is numbers among the same words, as {example!r}: write one number a cell to use them"


def _of_thousands(profile: Profile) -> str | None:
    """What speaks for a point between thousands where the rest of the file has it before decimals: 3.643 beside 716."""
    marked = [word for word in profile.groups if "." in word]
    whole = [word for word in profile.groups if "." not in word]
    if not marked or not all(_THOUSANDTHS.fullmatch(word.strip()) for word in marked):
        return None
    has_no_decimals = len(marked) >= FEWEST_MARKED and (not whole or max(map(len, whole)) <= len("716"))
    if not _are_far_below(profile.groups, marked, whole) and not (
        has_no_decimals and (whole or parts(profile.name) & MONEY)
    ):
        return None
    examples = " and ".join(map(repr, [marked[0], *whole[:1]]))
    what = f"its numbers have three decimals{' or none' if whole else ''}, as {examples}: does the sign mark thousands?"
    return f"{what} Then write {marked[0].replace('.', '')!r}; if not, --feature {profile.name}"


def _are_far_below(rows: Mapping[str, int], marked: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether a few numbers with three decimals are far below all others, and among them once 3.643 is 3643."""
    if len(whole) < MANY_WHOLE or len(marked) > (1 - cells.NEARLY_EVERY) * len(whole):
        return False
    few, many = (
        np.abs(cells.numbers_of(Series(list(words), dtype="str"))).repeat([rows[word] for word in words])
        for words in (marked, whole)
    )
    return bool(
        np.median(many) > FAR_BELOW * np.median(few) and few.max() < np.quantile(many, 0.05) <= 1_000 * few.max()
    )


def no_numbers(profile: Profile, column: Series) -> str | None:
    """What cells of a column of numbers are none, or none in the digits 0 to 9; None where all are."""
    if profile.kind in ("number", "integer"):
        rest = [word for word in profile.groups if not is_number(word) or not np.isfinite(float(word))]
        if not rest:
            return None
        listed = ", ".join(f"{word!r} ({profile.groups[word]:,} rows)" for word in rest[:MOST_AMONG_NUMBERS])
        row = int(np.flatnonzero(column.isin(rest))[0]) + 1
        more = f" and {len(rest) - MOST_AMONG_NUMBERS} words more" if len(rest) > MOST_AMONG_NUMBERS else ""
        return f"numbers but for {listed}{more}, first in row {row:,}: {MEND}"
    if profile.kind in ("category", "ordered", "text") and not any(map(is_number, profile.groups)):
        in_ascii = ["".join(map(_digit, word)) for word in profile.groups]
        if all(map(is_number, in_ascii)):
            example = next(iter(profile.groups))
            return f"its numbers are written in digits that are not read here, as {example!r}: write {in_ascii[0]!r}"
    return None


def _digit(character: str) -> str:
    """A digit of any script as one from 0 to 9; the decimal sign that stands among such digits as a point."""
    value = unicodedata.decimal(character, None)
    return {"٫": ".", "．": ".", "−": "-", "－": "-"}.get(character, character) if value is None else str(value)


def merged(column: Series) -> str | None:
    """Whether a name stands in the first row of each group alone, as where cells of a spreadsheet were merged."""
    known = column.notna().to_numpy()
    at = np.flatnonzero(known)
    if len(at) < FEWEST_MERGED or at[0] != 0 or known.mean() > MERGED or (np.diff(at) == 1).any():
        return None
    if column.nunique() < len(at):
        return None
    return "each of its words stands in one row, and the rows after it are blank: merged cells? Fill every row"


def far_day(profile: Profile) -> str | None:
    """A day that is still to come, or lies years from all others, as 1900-01-01 where nobody knew it."""
    words = Series(list(profile.groups), dtype="str")
    days = cells.days_of(words, profile.formats).dropna().sort_values()
    if (late := days[days > Timestamp.now()]).size:
        century = " (two digits say no century)" if any(cells.NO_CENTURY in form for form in profile.formats) else ""
        return f"{words[late.index[-1]]!r} would be {late.iloc[-1]:%Y-%m-%d}, a day to come{century}: {WRITE_DAYS}"
    if len(days) < FEWEST_DAYS:
        return None
    for end, rest in ((days.iloc[0], days.iloc[1:]), (days.iloc[-1], days.iloc[:-1])):
        away = min(abs(end - rest.iloc[0]), abs(end - rest.iloc[-1])).days
        if away > max(FAR_DAY, (rest.iloc[-1] - rest.iloc[0]).days):
            word = str(words[days.index[0] if end is days.iloc[0] or end == days.iloc[0] else days.index[-1]])
            return (
                f"{word!r} ({profile.groups[word]:,} rows) lies years from all other days: known, or put for a blank?"
            )
    return None


def lacking(column: Series) -> str | None:
    """Where every row must say something: in how many nothing stands, and which is the first."""
    rows = np.flatnonzero(column.isna())
    where = f"nothing stands in {len(rows):,} of {len(column):,} rows, the first is row {rows[:1].sum() + 1:,}"
    return f"{where}: fill these cells, or take the rows out of the file" if len(rows) else None


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)


def _words_among_numbers(words: Mapping[str, int]) -> list[str]:
    """The few words of a column that else holds numbers, as k.A. or unlimited; empty where it holds something else."""
    rest = [word for word in words if not is_number(word)]
    rows = sum(words[word] for word in rest)
    return rest if len(rest) <= MOST_AMONG_NUMBERS and rows < sum(words.values()) / 2 else []


def _are_nearly_numbers(words: Mapping[str, int]) -> bool:
    """Whether words are numbers but for what stands around or within them, as (1,234.50), 2.4k or 12-; codes are not.

    words: how many rows say each.
    """
    alike = sum(rows for word, rows in words.items() if _NEARLY.fullmatch(word.strip()))
    return alike > cells.NEARLY_EVERY * sum(words.values()) and not any(
        word[:1] == "0" and word[1:2].isdigit() for word in words
    )


def rises(column: Series) -> bool:
    """Whether a column numbers the rows, of which some may have been left out since."""
    return bool(column.notna().all() and (np.diff(cells.numbers_of(column)) > 0).all())
