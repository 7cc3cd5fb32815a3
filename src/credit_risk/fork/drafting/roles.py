"""What a column may be used for: what its owner said, or else what its name, words, order and outcomes speak for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pandas import Series

from credit_risk.config.columns import KEY_ROLES
from credit_risk.data.inputs import Mask
from credit_risk.data.reading.cells import LOST_DIGITS
from credit_risk.errors import UsageError
from credit_risk.fork.drafting import names
from credit_risk.fork.drafting.names import AFTERWARDS, CUSTOMERS, DATES, DAYS, IDS, YEARS, parts
from credit_risk.fork.drafting.profile import FEW_VALUES, UNREAD, Profile, Role
from credit_risk.fork.reading import cells

MOSTLY_MISSING = 0.95
SURE = 0.005  # share of a word's rows that may not be as the others
FEWEST_IN_ORDER = 50  # rows in which a number that rises from each to the next does so by no chance
MOST_AMONG_NUMBERS = 3  # different words in a column of numbers
A_DAY = 10_000  # numbers that stand for days are larger, as 20240131, 45322 or seconds since 1970
SINCE_1970 = ((10**9, 22 * 10**8), (10**12, 22 * 10**11))  # 2001 to 2039, in seconds and in thousandths of them
_NEARLY = re.compile(r"(?:\(|=\")?[-+]?\W?\d[\d.,'’ ]*(?:[kKmM%]|-|CR|DR|cr|dr)?[)\"]?")
_INDEX = re.compile(r"|unnamed: ?\d+|index|level_\d+|__index_level_\d+__|x|\.\.\.1", re.IGNORECASE)


def with_role(profile: Profile, column: Series, named_roles: Mapping[str, Role], known: Mask) -> Profile:
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
    if profile.kind in ("number", "integer"):
        return _asked_of_numbers(profile, column)
    may_be_days = profile.kind in ("category", "ordered", "text") and parts(profile.name) & DATES
    if may_be_days and all(map(_has_digit, profile.groups)):
        what = f"its name speaks of a day, and not every cell is one in one form, as {next(iter(profile.groups))!r}"
        return f"{what}: write it as 2024-01-31"
    return _asked_of_text(profile.groups) if profile.kind == "text" else None


def _asked_of_numbers(profile: Profile, column: Series) -> str | None:
    """Numbers that may number the rows, or stand for days."""
    words, example, whole = parts(profile.name), next(iter(profile.groups)), profile.kind == "integer"
    if whole and len(column) >= FEWEST_IN_ORDER and _is_saved_index(column):
        return "it rises from row to row: a row number, or a day?"
    values = cells.numbers_of(column.dropna())
    years = bool(words & YEARS and words & DAYS) and bool(((values >= 1900) & (values < 2100)).all())
    is_moment = any(low <= values.min() and values.max() < high for low, high in SINCE_1970)
    if years or (words & DATES and (values >= A_DAY).all()) or (whole and is_moment):
        ground = "it may be a day in seconds since 1970" if is_moment else "its name speaks of a day"
        return f"{ground}, and {example} is no form of one that is read: write it as 2024-01-31"
    return None


def _asked_of_text(words: Mapping[str, int]) -> str | None:
    """Texts that would be numbers, but for a few words or the form. words: how many rows say each."""
    if rest := _words_among_numbers(words):
        listed = ", ".join(f"{word!r} ({words[word]:,} rows)" for word in rest)
        return f"numbers but for {listed}: leave these cells empty, or give each a number of its own and `special`"
    if _are_nearly_numbers(words):
        oddest = max(words, key=lambda word: len(re.sub(r"[\d.,]", "", word)))
        what = f"nearly every cell is a number, as {next(iter(words))!r}, but not in one form, as {oddest!r}"
        return f"{what}: write them as -1234.50"
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


def with_a_day(drafts: Sequence[Profile]) -> list[Profile]:
    """Without a day of application, days that may be it are asked about: else the test would be no later one."""
    if any(draft.role == "date" for draft in drafts):
        return list(drafts)
    return [
        replace(draft, suspected=True)
        if draft.role == "ignore" and draft.why == UNREAD.get(draft.kind) and not parts(draft.name) & AFTERWARDS
        else draft
        for draft in drafts
    ]


def single_columns(drafts: Sequence[Profile]) -> list[Profile]:
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
