"""A stranger's data, column by column: what each holds, what it may be used for, and what a person must look at."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from pandas import DataFrame, Series

from credit_risk.config.columns import KEY_ROLES
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.reading.cells import LOST_DIGITS
from credit_risk.errors import UsageError
from credit_risk.fork.drafting import directions, names
from credit_risk.fork.drafting.directions import Trend
from credit_risk.fork.drafting.names import AFTERWARDS, AGE, CUSTOMERS, DATES, DAY_WORDS, DAYS, IDS, MONEY, YEARS, parts
from credit_risk.fork.reading import cells
from credit_risk.fork.reading.cells import Kind
from credit_risk.measures import leak

Role = Literal["feature", "protected", "proxy", "id", "applicant", "date", "weight", "target", "ignore"]

MOSTLY_MISSING = 0.95
NEARLY_PERFECT = 0.9  # Gini of one column alone; honest columns of one lender reach 0.6
MARKED = 0.05  # share of the bads that one end of a column makes sure of (see measures.leak)
TELLS = 0.7  # Gini at which a column alone tells a protected group: an AUC of 0.85
CONFIDENCE = 0.95
SURE = 0.005  # share of a word's rows that may not be as the others
FEW_VALUES = 10
FEWEST_IN_ORDER = 50  # rows in which a number that rises from each to the next does so by no chance
MOST_AMONG_NUMBERS = 3  # different words in a column of numbers
A_DAY = 10_000  # numbers that stand for days are larger, as 20240131, 45322 or seconds since 1970
SINCE_1970 = ((10**9, 22 * 10**8), (10**12, 22 * 10**11))  # 2001 to 2039, in seconds and in thousandths of them
LARGE = 1_000  # whole numbers as large as this are amounts as likely as counts, and amounts may be broken
_NEARLY = re.compile(r"(?:\(|=\")?[-+]?\W?\d[\d.,'’ ]*(?:[kKmM%]|-|CR|DR|cr|dr)?[)\"]?")
_INDEX = re.compile(r"|unnamed: ?\d+|index|level_\d+|__index_level_\d+__|x|\.\.\.1", re.IGNORECASE)
UNREAD: Mapping[Kind, str] = {
    "date": "a day; if it is the day of application, give it role date",
    "other date": "looks like a day; write it as 2026-01-31 to use it",
}


@dataclass(frozen=True)
class Profile:
    """One column. why: what speaks for its role, where a reader may doubt it. notes: what to look at.

    suspected: a role that a person has to confirm, because the name alone speaks for it.
    named: whether the owner gave it its role, which nothing then takes away.
    unit: what stands beside each number in the file.
    codes: numbers that probably stand for something else than an amount.
    formats: how its days may be written where that is not 2026-01-31; a person has to say which, if they are several.
    """

    name: str
    kind: Kind
    role: Role
    missing: float
    why: str | None = None
    suspected: bool = False
    named: bool = False
    range: tuple[float, float] | None = None
    categories: tuple[str, ...] | None = None
    trend: Trend = field(default_factory=lambda: Trend(None, (), ()))
    gini: float = 0.0
    notes: tuple[str, ...] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    missing_words: tuple[str, ...] | None = None
    formats: tuple[str, ...] = ()
    codes: tuple[float, ...] = ()
    unit: str | None = None

    @property
    def label(self) -> str:
        """The name as a person would write it."""
        apart = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", " ", self.name)
        words = re.sub(r"[\s_.]+", " ", apart).strip() or self.name or "column without a name"
        return words.lower() if words.isupper() else words

    @property
    def special(self) -> dict[float, str]:
        """A feature's codes, each under a name that says no more than the number does: a person knows what it means."""
        signed = {code: f"{'minus_' if code < 0 else ''}{abs(code):.0f}" for code in self.codes}
        return {code: f"code_{name}" for code, name in signed.items()} if self.role == "feature" else {}


def profiles(
    table: DataFrame,
    bad: Mask,
    known: Mask,
    named_roles: Mapping[str, Role],
    missing: Sequence[str],
    *,
    own: Mapping[str, Sequence[str]] | None = None,
) -> list[Profile]:
    """Every column of a table of texts.

    bad, known: (rows,), which rows are bad, and which have an outcome at all.
    named_roles: by column, what the fork's owner has said.
    missing: the texts that mean "not known"; own: those of the columns in which others do.
    """
    own = own or {}
    columns = {str(name): cells.where(~cells.isin([*own.get(str(name), missing)])) for name, cells in table.items()}
    drafts = [
        replace(_typed(name, column), missing_words=tuple(own[name]) if name in own else None)
        for name, column in columns.items()
    ]
    drafts = [
        _as_money(_as_key(_in_words(_with_century(_with_role(draft, columns[draft.name], named_roles, known)))))
        for draft in drafts
    ]
    inputs = {draft.name: as_numbers(columns[draft.name], draft) for draft in drafts if draft.role == "feature"}
    drafts = [_against_leaks(draft, inputs, bad, known) for draft in drafts]
    drafts = [_with_proxies(draft, inputs, drafts, columns) for draft in drafts]
    drafts = [_range_of_amounts(draft) for draft in _with_a_day(_single_columns(drafts))]
    return [
        replace(draft, trend=directions.trend(inputs[draft.name][known], bad[known]))
        if draft.role == "feature" and draft.kind in ("number", "integer", "ordered", "boolean") and not draft.codes
        else draft
        for draft in drafts
    ]


def as_numbers(column: Series, profile: Profile) -> Matrix:
    """A column as numbers to rank by: categories by their index, a boolean as 0 and 1, NaN where nothing is known."""
    if profile.kind in ("number", "integer"):
        return cells.numbers_of(column)
    words = profile.categories or tuple(sorted(column.dropna().unique(), key=str.lower))  # no before yes, n before y
    numbers = column.map({word: float(index) for index, word in enumerate(words)})
    return np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def _typed(name: str, column: Series) -> Profile:
    """What a column holds and within which limits."""
    words = column.dropna()
    if words.empty:
        return Profile(name, "text", "feature", 1.0)
    kind = cells.kind_of(words)
    profile = Profile(
        name,
        kind,
        "feature",
        float(column.isna().mean()),
        groups={str(word): int(rows) for word, rows in words.value_counts().items()},
    )
    if kind in ("integer", "number", "other date", "category", "text"):
        is_named = bool(parts(name) & (DAYS | DAY_WORDS)) and not parts(name) & MONEY
        formats = cells.day_formats(profile.groups, named=is_named)
        if formats:
            note = f"days written {' or '.join(formats)}" + (": which of them?" if len(formats) > 1 else "")
            return replace(profile, kind="date", formats=formats, notes=(note,))
    if kind in ("number", "integer"):
        values = cells.numbers_of(words)
        unread = int(np.isnan(values).sum())
        notes = (f"{unread} cells are no number, as {words[np.isnan(values)].iloc[0]!r}",) if unread else ()
        known = values[~np.isnan(values)]
        span = (min(18.0, known.min()), max(110.0, known.max())) if parts(name) & AGE else limits(known, kind)
        codes = cells.codes_of(values)
        return replace(profile, range=span, codes=codes, notes=(*notes, *_codes_note(codes, profile.groups)))
    if kind in ("category", "ordered"):
        given = cells.in_order(profile.groups) if kind == "ordered" else tuple(sorted(profile.groups))
        odd = cells.unordered_words(profile.groups) if kind == "category" else ()
        notes = (f"steps but for {', '.join(map(repr, odd))}: `ordered` once they have a place",) if odd else ()
        return replace(profile, categories=given, notes=notes)
    return profile


def _range_of_amounts(profile: Profile) -> Profile:
    """The range without the codes, which stand under `special`."""
    if not profile.special:
        return profile
    values = cells.numbers_of(Series(list(profile.groups), dtype="str"))
    amounts = values[~np.isnan(values) & ~np.isin(values, profile.codes)]
    return replace(profile, range=limits(amounts, profile.kind))


def limits(values: Matrix, kind: str) -> tuple[float, float]:
    """A range that the next applicants keep to: grades from 1 as they are, counts and amounts with room at the ends."""
    low, high = float(values.min()), float(values.max())
    if kind == "integer" and low >= 1 and len(np.unique(values)) <= FEW_VALUES:
        return low, high
    return (0.0 if low >= 0 else -_room(-low)), (0.0 if high <= 0 else _room(high))


def _room(size: float) -> float:
    """Twice as much, rounded up to one digit: 74,000 becomes 200,000."""
    digits = 10.0 ** np.floor(np.log10(2 * size))
    return float(np.ceil(2 * size / digits) * digits)


def _codes_note(codes: Sequence[float], groups: Mapping[str, int]) -> tuple[str, ...]:
    """The note about numbers that are probably codes."""
    if not codes:
        return ()
    rows = {code: sum(count for word, count in groups.items() if _equals(word, code)) for code in codes}
    stated = ", ".join(f"{code:.12g} ({count:,} rows)" for code, count in rows.items())
    return (f"{stated}: far from all else, so probably codes and no amounts: no direction is proposed over them",)


def _equals(word: str, code: float) -> bool:
    return cells.is_number(word) and float(word) == code


def _with_role(profile: Profile, column: Series, named_roles: Mapping[str, Role], known: Mask) -> Profile:
    """The role: what was said, or else what the column itself speaks for."""
    if (role := named_roles.get(profile.name)) is not None:
        _refuse_role(profile, role)
        return replace(profile, role=role, why=f"given the role {role} by whoever made this config", named=True)
    if profile.missing >= MOSTLY_MISSING:
        return replace(profile, role="ignore", why=f"{profile.missing:.0%} of its cells are missing")
    if len(profile.groups) == 1:
        return replace(profile, role="ignore", **_only_word(profile))
    return (
        _by_name(profile, column)
        or _by_outcomes(profile, column, known)
        or _by_order(profile, column)
        or _by_kind(profile, column)
        or profile
    )


def _only_word(profile: Profile) -> dict[str, Any]:
    """Why a column that knows one word alone is left out; a blank beside it may say no, which a person has to say."""
    word = repr(next(iter(profile.groups)))
    if not profile.missing:
        return {"why": f"every row says {word}"}
    why = f"{1 - profile.missing:.1%} of the rows say {word}, the others nothing: if that means no, write no to use it"
    return {"why": why, "suspected": True}


def _refuse_role(profile: Profile, role: Role) -> None:
    """Refuse a role that a column cannot have, rather than give it another one."""
    got = f"it holds {len(profile.groups):,} different texts, as {next(iter(profile.groups), '')!r}"
    if not profile.groups and role != "ignore":
        raise UsageError(f"--{role} {profile.name}: every cell of it is missing. Leave the flag out.")
    if role in KEY_ROLES and any(map(cells.is_shortened, profile.groups)):
        raise UsageError(f"--{role} {profile.name}: {got}: {LOST_DIGITS}.")
    if role == "weight" and not (profile.kind in ("number", "integer") and _are_weights(profile)):
        raise UsageError(f"--weight {profile.name}: a weight is a number above 0 in every row, and here are others.")
    if role == "date" and profile.kind != "date":
        raise UsageError(
            f"--date {profile.name}: {got}, and no form of a day fits all of them. Write every day as 2026-01-31."
        )
    if role == "feature" and profile.kind in ("text", *UNREAD):
        raise UsageError(
            f"--feature {profile.name}: {got}; a model reads numbers, switches, and at most {cells.MOST_CATEGORIES} "
            "categories. Make one of these of it in the file, or leave the flag out."
        )


def _are_weights(profile: Profile) -> bool:
    values = cells.numbers_of(Series(list(profile.groups), dtype="str"))
    return profile.missing == 0 and bool((values > 0).all())


def _with_century(profile: Profile) -> Profile:
    """A day of birth whose year has two digits as a text: 12/05/58 is read as 2058, and nobody would be of any age."""
    if profile.role != "protected" or not any(cells.NO_CENTURY in form for form in profile.formats):
        return profile
    note = "its years have two digits, which say no century: write every day as 1958-05-12"
    return replace(profile, kind="other date", formats=(), notes=(note,))


def _in_words(profile: Profile) -> Profile:
    """A protected column of few values by its words: as a boolean or a number they would be written another way."""
    coded = profile.kind == "boolean" or (profile.kind in ("integer", "number") and len(profile.groups) <= FEW_VALUES)
    if profile.role != "protected" or not coded:
        return profile
    return replace(profile, kind="category", categories=tuple(sorted(profile.groups)), range=None, notes=())


def _as_money(profile: Profile) -> Profile:
    """Whole amounts as numbers: the next applicant's may be broken."""
    largest = max(map(abs, profile.range)) if profile.range else 0.0
    if profile.role != "feature" or profile.kind != "integer" or not (parts(profile.name) & MONEY or largest > LARGE):
        return profile
    return replace(profile, kind="number")


def _as_key(profile: Profile) -> Profile:
    """An id or applicant as a whole number where every one fits into 64 bits, else as text, which holds anything."""
    if profile.role not in KEY_ROLES:
        return profile
    fits = profile.kind == "integer" and all(map(cells.is_exact, profile.groups))
    return replace(profile, kind="integer" if fits else "text", categories=None, range=None, notes=())


def _by_name(profile: Profile, column: Series) -> Profile | None:
    if question := _asked_by_name(profile, column) or _asked_as_id(profile, column):
        role, why = question
        return replace(profile, role=role, why=why, suspected=True)
    words, unique = parts(profile.name), column.nunique() == column.notna().sum()
    if words & IDS and words & CUSTOMERS and not unique and profile.kind in ("integer", "text", "category"):
        return replace(profile, role="applicant", why="rows of one person share it")
    if (words & IDS or names.is_id(profile.name)) and unique and profile.kind in ("integer", "text"):
        if not profile.missing:
            return replace(profile, role="id")
        if words & CUSTOMERS:
            return replace(profile, role="applicant", why="rows of one person share it")
        return replace(profile, role="ignore", why=f"it numbers the rows, but {profile.missing:.1%} have none")
    return None


def _asked_as_id(profile: Profile, column: Series) -> tuple[Role, str] | None:
    """What keeps a column that is called as an id from being one, so that a person has to say what it is."""
    name, words, known = profile.name, parts(profile.name), int(column.notna().sum())
    repeated = known - len(profile.groups)
    if words & IDS and any(map(cells.is_shortened, profile.groups)):
        return "ignore", LOST_DIGITS
    if names.is_personal(name) and len(profile.groups) > FEW_VALUES:
        return "ignore", f"it says who somebody is, as its name says; to keep rows of one together: --applicant {name}"
    if names.is_id(name) and not words & CUSTOMERS and profile.kind in ("integer", "text") and 0 < repeated < known / 2:
        what = f"its name says that it numbers the rows, and {repeated:,} repeat a number"
        return "ignore", f"{what}: rows that stand twice, or of one person? If so, --applicant {name}"
    return None


def _asked_by_name(profile: Profile, column: Series) -> tuple[Role, str] | None:
    """A role that only a name speaks for, with the reason: a person has to say whether it is right."""
    name, values = profile.name, len(profile.groups)
    if ground := names.guarded(name, switch=values <= 2):
        return "protected", f"{ground}, as its name says"
    if profile.categories and names.of_sex(profile.categories):
        return "protected", "sex, as its words say"
    if what := names.substitute(name):
        return "proxy", f"{what}, as its name says: it can stand in for race or origin"
    if what := names.output(name, few=values <= FEW_VALUES):
        return "ignore", f"{what}, as its name says: nothing that an applicant brings"
    if names.is_weight(name) and profile.kind in ("integer", "number") and cells.numbers_of(column.dropna()).min() > 0:
        what = "a weight, as its name says: how many applicants a row stands for, nothing of an applicant"
        return "ignore", f"{what}; to count rows by it: --weight {name}"
    return None


def _by_outcomes(profile: Profile, column: Series, known: Mask) -> Profile | None:
    """A column whose words say whether the outcome is known: what was decided, not what was applied for."""
    if len(profile.groups) > FEW_VALUES or known.all():
        return None
    share = Series(known).groupby(column.fillna("").to_numpy()).mean()
    if not (share.between(SURE, 1 - SURE).any() or share.min() > SURE or share.max() < 1 - SURE):
        without = ", ".join(repr(word) for word in share.index[share <= SURE])
        why = f"no row that says {without} has an outcome: the lender's decision?"
        return replace(profile, role="ignore", why=why, suspected=True)
    return None


def _by_order(profile: Profile, column: Series) -> Profile | None:
    """Columns that number the rows."""
    if profile.kind == "integer" and is_index_name(profile.name) and _is_saved_index(column):
        return replace(
            profile, role="ignore", why="a row number that was saved with the table, nothing of an applicant"
        )
    if profile.kind == "integer" and column.notna().all() and _counts_up(column):
        return replace(profile, role="id")
    return None


def _by_kind(profile: Profile, column: Series) -> Profile | None:
    """Columns that no model can read as they are."""
    if profile.kind == "date" and parts(profile.name) & DAYS:
        return replace(profile, role="date")
    if question := _asked_by_values(profile, column):
        return replace(profile, role="ignore", why=question, suspected=True)
    others = [word for word in profile.groups if not cells.is_number(word)]
    if others and len(others) < len(profile.groups) and set(others) <= set(cells.REAL):
        words = " and ".join(map(repr, others))
        return replace(
            profile,
            role="ignore",
            why=f"numbers and {words}, a word in other columns: leave these cells empty to use it",
        )
    if profile.kind == "text":
        return replace(profile, role="ignore", why=f"free text: {column.nunique():,} different values")
    return replace(profile, role="ignore", why=UNREAD[profile.kind]) if profile.kind in UNREAD else None


def _asked_by_values(profile: Profile, column: Series) -> str | None:
    """What speaks against a column as a feature though it could be one, so that a person has to say."""
    words, example = parts(profile.name), next(iter(profile.groups))
    if profile.kind in ("number", "integer"):
        values = cells.numbers_of(column.dropna())
        if profile.kind == "integer" and len(column) >= FEWEST_IN_ORDER and _is_saved_index(column):
            return "it rises from row to row: a row number, or a day?"
        years = bool(words & YEARS and words & DAYS) and bool(((values >= 1900) & (values < 2100)).all())
        is_moment = any(low <= values.min() and values.max() < high for low, high in SINCE_1970)
        if years or (words & DATES and (values >= A_DAY).all()) or (profile.kind == "integer" and is_moment):
            ground = "it may be a day in seconds since 1970" if is_moment else "its name speaks of a day"
            return f"{ground}, and {example} is no form of one that is read: write it as 2024-01-31"
    elif profile.kind in ("category", "ordered", "text") and words & DATES and all(map(_has_digit, profile.groups)):
        return (
            f"its name speaks of a day, and not every cell is one in one form, as {example!r}: write it as 2024-01-31"
        )
    if profile.kind == "text" and (rest := _words_among_numbers(profile.groups)):
        listed = ", ".join(f"{word!r} ({profile.groups[word]:,} rows)" for word in rest)
        return f"numbers but for {listed}: leave these cells empty, or give each a number of its own and `special`"
    if profile.kind == "text" and _are_nearly_numbers(profile.groups):
        oddest = max(profile.groups, key=lambda word: len(re.sub(r"[\d.,]", "", word)))
        return (
            f"nearly every cell is a number, as {example!r}, but not in one form, as {oddest!r}: write them as -1234.50"
        )
    return None


def is_index_name(name: str) -> bool:
    """Whether a column is called as programs call the numbers of rows."""
    return bool(_INDEX.fullmatch(name))


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)


def _words_among_numbers(words: Mapping[str, int]) -> list[str]:
    """The few words of a column that else holds numbers, as k.A. or unlimited; empty where it holds something else."""
    rest = [word for word in words if not cells.is_number(word)]
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


def _is_saved_index(column: Series) -> bool:
    """Whether a column numbers the rows, of which some may have been left out since."""
    return bool(column.notna().all() and (np.diff(cells.numbers_of(column)) > 0).all())


def _counts_up(column: Series) -> bool:
    """Whether a column numbers the rows one by one."""
    steps = np.diff(cells.numbers_of(column))
    return bool(len(steps) and (steps == 1).all())


def _against_leaks(profile: Profile, inputs: Mapping[str, Matrix], bad: Mask, known: Mask) -> Profile:
    """A feature that alone knows nearly all was probably written after the outcome: it is left out, and says so.

    One that the owner named stays a feature, with what speaks against it as a note.
    """
    if profile.role != "feature":
        return profile
    values, outcome = inputs[profile.name][known], bad[known]
    if profile.kind == "category":
        values = leak.bad_rates(values, outcome, values)
    gini = leak.gini_alone(values, outcome)
    marks = leak.marked(values, outcome, confidence=CONFIDENCE)
    why = None
    if gini >= NEARLY_PERFECT:
        why = f"alone it ranks with a Gini of {gini:.2f}: known only after the outcome?"
    elif marks > MARKED:
        why = f"one end of it makes sure of {marks:.0%} of the bads: known only after the outcome?"
    if why:
        noted = replace(profile, gini=gini, notes=(*profile.notes, why))
        return noted if profile.named else replace(profile, role="ignore", gini=gini, why=why, suspected=True)
    if parts(profile.name) & AFTERWARDS:
        note = "its name speaks of after the outcome: is it known on the day of application?"
        return replace(profile, gini=gini, notes=(*profile.notes, note))
    return replace(profile, gini=gini)


def _with_proxies(
    profile: Profile, inputs: Mapping[str, Matrix], drafts: Sequence[Profile], columns: Mapping[str, Series]
) -> Profile:
    """A feature by which alone a protected group can be guessed is kept from the model too, unless the owner named it.

    How well is noted for every proxy, and for a feature from half of that on.
    """
    if profile.role not in ("feature", "proxy") or profile.kind in ("text", *UNREAD):
        return profile
    values = inputs.get(profile.name, as_numbers(columns[profile.name], profile))
    strongest, ground = 0.0, ""
    for guarded in (draft for draft in drafts if draft.role == "protected"):
        for member in _groups(guarded, columns[guarded.name]):
            ranked = leak.bad_rates(values, member, values) if profile.kind == "category" else values
            strongest, ground = max((strongest, ground), (leak.gini_alone(ranked, member), guarded.name))
    if not ground:
        return profile
    why = f"alone it tells {ground} with a Gini of {strongest:.2f}"
    if profile.role == "proxy":
        return replace(profile, why=f"{profile.why}; {why}")
    if strongest >= TELLS and not profile.named:
        return replace(profile, role="proxy", why=why)
    return replace(profile, notes=(*profile.notes, why)) if strongest >= TELLS / 2 else profile


def _groups(guarded: Profile, column: Series) -> list[Mask]:
    """The larger groups of a protected column, or its upper half where it is a number."""
    if guarded.kind in ("number", "integer") and len(guarded.groups) > FEW_VALUES:
        values = cells.numbers_of(column)
        return [np.asarray(values > np.nanmedian(values))]
    frequent = [word for word, count in guarded.groups.items() if count >= 0.05 * len(column)]
    return [column.eq(word).to_numpy(dtype=np.bool_, na_value=False) for word in frequent[:10]]


def _with_a_day(drafts: Sequence[Profile]) -> list[Profile]:
    """Without a day of application, days that may be it are asked about: else the test would be no later one."""
    if any(draft.role == "date" for draft in drafts):
        return list(drafts)
    return [
        replace(draft, suspected=True)
        if draft.role == "ignore" and draft.why == UNREAD.get(draft.kind) and not parts(draft.name) & AFTERWARDS
        else draft
        for draft in drafts
    ]


def _single_columns(drafts: Sequence[Profile]) -> list[Profile]:
    """Only one column is the id, the day, the person: the one that was named, or the first; others are left out.

    Raises UsageError where two were named.
    """
    first: dict[str, Profile] = {}
    for profile in sorted(drafts, key=lambda draft: not draft.named):
        if profile.role in ("id", "date", "applicant", "weight"):
            chosen = first.setdefault(profile.role, profile)
            if profile.named and chosen is not profile:
                raise UsageError(
                    f"--{profile.role} {chosen.name} and --{profile.role} {profile.name}: only one column can be it."
                )
    return [
        replace(profile, role="ignore", why=f"{first[profile.role].name} is the {profile.role} already")
        if first.get(profile.role, profile).name != profile.name
        else profile
        for profile in drafts
    ]
