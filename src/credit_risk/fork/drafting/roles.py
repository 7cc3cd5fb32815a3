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
from credit_risk.data.reading.numerals import is_number
from credit_risk.errors import UsageError
from credit_risk.fork.drafting import names, questions
from credit_risk.fork.drafting.names import AFTERWARDS, CUSTOMERS, DAYS, IDS, parts
from credit_risk.fork.drafting.profile import FEW_VALUES, UNREAD, Profile, Role
from credit_risk.fork.reading import cells

MOSTLY_MISSING = 0.95
SURE = 0.005  # share of a word's rows that may not be as the others
_INDEX = re.compile(r"|unnamed: ?\d+|index|level_\d+|__index_level_\d+__|x|\.\.\.1", re.IGNORECASE)


def with_role(profile: Profile, column: Series, named_roles: Mapping[str, Role], known: Mask) -> Profile:
    """The role: what was said, or else what the column itself speaks for."""
    if (role := named_roles.get(profile.name)) is not None:
        _refuse_role(profile, role, column)
        return replace(profile, role=role, why=f"given the role {role} by whoever made this config", named=True)
    return (
        _by_gaps(profile, column)
        or _by_name(profile, column)
        or _by_outcomes(profile, column, known)
        or _by_order(profile, column)
        or _by_kind(profile, column)
        or profile
    )


def _by_gaps(profile: Profile, column: Series) -> Profile | None:
    """Columns that say nothing, or only one thing, of most rows."""
    if profile.kind not in ("number", "integer") and (question := questions.merged(column)):
        return replace(profile, role="ignore", why=question, suspected=True)
    if profile.missing >= MOSTLY_MISSING:
        return replace(profile, role="ignore", why=f"{profile.missing:.0%} of its cells are missing")
    return replace(profile, role="ignore", **_only_word(profile)) if len(profile.groups) == 1 else None


def _only_word(profile: Profile) -> dict[str, Any]:
    """Why a column that knows one word alone is left out; a blank beside it may say no, which a person has to say."""
    word = repr(next(iter(profile.groups)))
    if not profile.missing:
        return {"why": f"every row says {word}"}
    why = f"{1 - profile.missing:.1%} of the rows say {word}, the others nothing: if that means no, write no to use it"
    return {"why": why, "suspected": True}


def _refuse_role(profile: Profile, role: Role, column: Series) -> None:
    """Refuse a role that a column cannot have, rather than give it another one."""
    got = f"it holds {len(profile.groups):,} different texts, as {next(iter(profile.groups), '')!r}"
    if not profile.groups and role != "ignore":
        raise UsageError(f"--{role} {profile.name}: every cell of it is missing. Leave the flag out.")
    if role in KEY_ROLES and any(map(cells.is_shortened, profile.groups)):
        raise UsageError(f"--{role} {profile.name}: {got}: {LOST_DIGITS}.")
    if role in KEY_ROLES and (twins := questions.two_forms(profile.groups)):
        raise UsageError(f"--{role} {profile.name}: {twins}.")
    if role == "weight" and not (profile.kind in ("number", "integer") and _are_weights(profile)):
        raise UsageError(f"--weight {profile.name}: a weight is a number above 0 in every row, and here are others.")
    if role == "date" and profile.kind != "date":
        raise UsageError(
            f"--date {profile.name}: {got}, and no form of a day fits all of them. Write every day as 2026-01-31."
        )
    if role in ("id", "date") and (gap := questions.lacking(column)):
        raise UsageError(f"--{role} {profile.name}: {gap}.")
    if role == "feature" and profile.kind in ("text", *UNREAD):
        raise UsageError(
            f"--feature {profile.name}: {got}; a model reads numbers, switches, and at most {cells.MOST_CATEGORIES} "
            "categories. Make one of these of it in the file, or leave the flag out."
        )
    if role == "feature" and (question := questions.no_numbers(profile, column)):
        raise UsageError(f"--feature {profile.name}: {question}.")


def _are_weights(profile: Profile) -> bool:
    values = cells.numbers_of(Series(list(profile.groups), dtype="str"))
    return profile.missing == 0 and bool((values > 0).all())


def _by_name(profile: Profile, column: Series) -> Profile | None:
    if question := questions.by_name(profile, column) or questions.as_id(profile, column):
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
    if profile.kind == "integer" and is_index_name(profile.name) and questions.rises(column):
        return replace(
            profile, role="ignore", why="a row number that was saved with the table, nothing of an applicant"
        )
    if profile.kind == "integer" and column.notna().all() and _counts_up(column):
        return replace(profile, role="id")
    return None


def _by_kind(profile: Profile, column: Series) -> Profile | None:
    """Columns that no model can read as they are."""
    if profile.kind == "date" and parts(profile.name) & DAYS:
        question = questions.far_day(profile) or questions.lacking(column)
        role: Role = "ignore" if question else "date"
        return replace(profile, role=role, why=question, suspected=bool(question))
    if question := questions.by_values(profile, column):
        return replace(profile, role="ignore", why=question, suspected=True)
    others = [word for word in profile.groups if not is_number(word)]
    if others and len(others) < len(profile.groups) and set(others) <= set(cells.REAL):
        words = " and ".join(map(repr, others))
        return replace(
            profile,
            role="ignore",
            why=f"numbers and {words}, a word in other columns: leave these cells empty to use it",
        )
    if profile.kind == "text" and not profile.missing and questions.is_key(profile.groups, len(column)):
        why = f"every row has another, as {next(iter(profile.groups))!r}: its number? If so, --id {profile.name}"
        return replace(profile, role="ignore", why=why, suspected=True)
    if profile.kind == "text":
        return replace(profile, role="ignore", why=f"free text: {column.nunique():,} different values")
    return replace(profile, role="ignore", why=UNREAD[profile.kind]) if profile.kind in UNREAD else None


def is_index_name(name: str) -> bool:
    """Whether a column is called as programs call the numbers of rows."""
    return bool(_INDEX.fullmatch(name))


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

    Raises UsageError where two were named, and for an id that numbers several rows alike.
    """
    first: dict[str, Profile] = {}
    for profile in sorted(drafts, key=lambda draft: not draft.named):
        if profile.role in ("id", "date", "applicant", "weight"):
            chosen = first.setdefault(profile.role, profile)
            if profile.named and chosen is not profile:
                raise UsageError(
                    f"--{profile.role} {chosen.name} and --{profile.role} {profile.name}: only one column can be it."
                )
    for profile in drafts:
        word, rows = max(profile.groups.items(), key=lambda its: its[1], default=("", 0))
        if profile.named and profile.role == "id" and rows > 1:
            raise UsageError(
                f"--id {profile.name}: {word!r} stands in {rows:,} rows, and an id numbers them. Name another column; "
                f"to keep rows of one person together: --applicant {profile.name}."
            )
    return [
        replace(profile, role="ignore", why=f"{first[profile.role].name} is the {profile.role} already")
        if first.get(profile.role, profile).name != profile.name
        else profile
        for profile in drafts
    ]
