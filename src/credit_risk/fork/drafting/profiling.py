"""Every column of a table of texts profiled: its kind, limits, role and direction, and what to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from pandas import DataFrame, Series

from credit_risk.config.columns import KEY_ROLES
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.reading.numerals import is_number
from credit_risk.fork.drafting import directions, leaks, names, roles
from credit_risk.fork.drafting.names import AGE, DAY_WORDS, DAYS, MONEY, parts
from credit_risk.fork.drafting.profile import FEW_VALUES, Profile, Role, as_numbers
from credit_risk.fork.reading import cells, meanings

MANY_SHARES = 20  # numbers up to 1, and others above 2, in one column
FEWEST_ISOLATED, ISOLATED_SHARE = 3, 0.005  # rows that are too few to say a code, and enough to ask about
LARGE = 1_000  # whole numbers as large as this are amounts as likely as counts, and amounts may be broken


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
        _as_money(
            _as_key(
                _as_codes(_in_words(_with_century(roles.with_role(draft, columns[draft.name], named_roles, known))))
            )
        )
        for draft in drafts
    ]
    inputs = {draft.name: as_numbers(columns[draft.name], draft) for draft in drafts if draft.role == "feature"}
    drafts = [leaks.against_leaks(draft, inputs, bad, known) for draft in drafts]
    drafts = [leaks.with_proxies(draft, inputs, drafts, columns) for draft in drafts]
    drafts = [_range_of_amounts(draft) for draft in roles.with_a_day(roles.single_columns(drafts))]
    return [
        replace(draft, trend=directions.trend(inputs[draft.name][known], bad[known]))
        if draft.role == "feature" and draft.kind in ("number", "integer", "ordered", "boolean") and not draft.codes
        else draft
        for draft in drafts
    ]


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
    if formats := _formats(profile):
        note = f"days written {' or '.join(formats)}" + (": which of them?" if len(formats) > 1 else "")
        return replace(profile, kind="date", formats=formats, notes=(note,))
    if kind in ("number", "integer"):
        values = cells.numbers_of(words)
        known = values[~np.isnan(values)]
        span = (min(18.0, known.min()), max(110.0, known.max())) if parts(name) & AGE else limits(known, kind)
        codes = cells.codes_of(values)
        notes = (*_codes_note(codes, profile.groups), *_scales_note(known), *_isolated_note(known, codes))
        return replace(profile, range=span, codes=codes, notes=notes)
    if kind == "other date" and (strange := cells.no_days([*profile.groups])):
        rare = sorted(strange, key=profile.groups.__getitem__)[0]
        return replace(profile, notes=(f"{rare!r} ({profile.groups[rare]:,} rows) is no day as 2026-01-31 is",))
    if kind in ("category", "ordered"):
        given = cells.in_order(profile.groups) if kind == "ordered" else tuple(sorted(profile.groups))
        odd = cells.unordered_words(profile.groups) if kind == "category" else ()
        notes = (f"steps but for {', '.join(map(repr, odd))}: `ordered` once they have a place",) if odd else ()
        if len(measures := list(meanings.measures_of(profile.groups).values())) > 1:
            notes = (f"its numbers measure several things, as {measures[0]!r} and {measures[1]!r}: write them in one",)
        if switch := meanings.switch_words(profile.groups):
            notes = (f"it says yes and no in {len(switch)} words, {', '.join(map(repr, switch))}: write each in one",)
        return replace(profile, categories=given, notes=notes)
    return profile


def _formats(profile: Profile) -> tuple[str, ...]:
    """How its days may be written where they are not as 2026-01-31; none where it holds no days."""
    if profile.kind not in ("integer", "number", "other date", "category", "text"):
        return ()
    words = parts(profile.name)
    is_named, born = bool(words & (DAYS | DAY_WORDS)) and not words & MONEY, names.guarded(profile.name, switch=False)
    return cells.day_formats(profile.groups, named=is_named, born=born == "age")


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


def _scales_note(values: Matrix) -> tuple[str, ...]:
    """The note about numbers that end at 1 and go on far above: 0.45 and 45 of one share."""
    shares, beyond = ((values > 0.5) & (values < 1)).sum(), ((values > 1) & (values <= 1.5)).sum()
    if values.min() < 0 or shares < MANY_SHARES or (values > 2).sum() < MANY_SHARES or 10 * beyond > shares:
        return ()
    return (f"many up to 1, hardly any just above it, others up to {values.max():.12g}: shares and percents in one?",)


def _isolated_note(values: Matrix, codes: Sequence[float]) -> tuple[str, ...]:
    """The note about what would be codes if more rows said it, and about the only number below zero."""
    if codes:
        return ()
    isolated = cells.codes_of(values, fewest=FEWEST_ISOLATED, share=ISOLATED_SHARE)
    rows = {value: int((values == value).sum()) for value in isolated}
    if rows and min(rows.values()) > 1:  # different amounts do not repeat
        stated = ", ".join(f"{value:.12g} ({count:,} rows)" for value, count in rows.items())
        return (f"{stated}: far from all else, and in few rows: codes or slips?",)
    below = values[values < 0]
    if len(np.unique(below)) != 1 or len(np.unique(values)) <= cells.AS_MANY_BESIDE:
        return ()
    where = "one row" if len(below) == 1 else f"{len(below):,} rows"
    return (f"{below[0]:.12g} in {where}, and no other number is below zero: a code or a slip?",)


def _equals(word: str, code: float) -> bool:
    return is_number(word) and float(word) == code


def _with_century(profile: Profile) -> Profile:
    """A day of birth whose year has two digits as a text: 12/05/58 is read as 2058, and nobody would be of any age."""
    if profile.role != "protected" or not any(cells.NO_CENTURY in form for form in profile.formats):
        return profile
    note = "its years have two digits, which say no century: write every day as 1958-05-12"
    return replace(profile, kind="other date", formats=(), notes=(note,))


def _in_words(profile: Profile) -> Profile:
    """A protected column of few values by its words: as a boolean or a number they would be written another way.

    One with words among its numbers is kept as texts, of which a person has to make groups.
    """
    is_kept, are_numbers = profile.role in ("protected", "proxy"), profile.kind in ("integer", "number")
    if is_kept and are_numbers and not all(map(is_number, profile.groups)):
        return replace(profile, kind="text", range=None)
    coded = profile.kind == "boolean" or (are_numbers and len(profile.groups) <= FEW_VALUES)
    if profile.role != "protected" or not coded:
        return profile
    return replace(profile, kind="category", categories=tuple(sorted(profile.groups)), range=None, notes=())


def _as_codes(profile: Profile) -> Profile:
    """Numbers that name something, as branches and sectors, are categories: one more of them is nothing more."""
    few = profile.kind == "integer" and len(profile.groups) <= cells.MOST_CATEGORIES and not profile.codes
    if profile.role not in ("feature", "proxy") or not few or not names.is_code(profile.name):
        return profile
    note = "numbers that name something, as its name says: categories without an order"
    given = tuple(sorted(profile.groups, key=float))
    return replace(profile, kind="category", categories=given, range=None, notes=(*profile.notes, note))


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
