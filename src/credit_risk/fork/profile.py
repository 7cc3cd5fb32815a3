"""A stranger's data, column by column: what each holds, what it may be used for, and what a person must look at."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from pandas import DataFrame, Series

from credit_risk.config.schema import KEY_ROLES
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.fork import cells, directions
from credit_risk.fork.cells import Kind
from credit_risk.fork.directions import Trend
from credit_risk.measures import leak

Role = Literal["feature", "protected", "proxy", "id", "applicant", "date", "target", "ignore"]

MOSTLY_MISSING = 0.95
NEARLY_PERFECT = 0.9  # Gini of one column alone; honest columns of one lender reach 0.6
MARKED = 0.05  # share of the bads that one end of a column makes sure of (see measures.leak)
TELLS = 0.7  # Gini at which a column alone tells a protected group: an AUC of 0.85
CONFIDENCE = 0.95
FEW_VALUES = 10
LARGE = 1_000  # whole numbers as large as this are amounts as likely as counts, and amounts may be broken
_INDEX = re.compile(r"|unnamed: ?\d+|index|level_\d+|__index_level_\d+__|x|\.\.\.1", re.IGNORECASE)
MONEY = {"income", "amount", "debt", "salary", "balance", "price", "payment", "installment", "instalment", "savings",
         "assets", "wage", "wages", "revenue", "fee", "fees", "exposure", "betrag", "einkommen", "amt"}  # fmt: skip

GUARDED = {  # parts of names, in the languages that lenders' columns often have
    "sex": "sex", "gender": "sex", "geschlecht": "sex", "sexe": "sex", "sexo": "sex",
    "race": "race", "ethnicity": "race", "ethnic": "race", "religion": "religion",
    "nationality": "national origin", "nationalität": "national origin", "foreign": "national origin",
    "citizenship": "national origin", "marital": "marital status", "marriage": "marital status",
    "familienstand": "marital status", "age": "age", "alter": "age", "edad": "age", "birth": "age", "dob": "age",
    "disability": "health", "pregnant": "health",
}  # fmt: skip
AGE = {"age", "alter", "edad"}  # counted in years; a year or a day of birth is not
SEXES = {"male", "female", "man", "woman"}
IDS = {"id", "ids", "nr", "no", "number", "num", "key", "uuid", "index", "nummer", "kennung"}
PEOPLE = {"customer", "client", "applicant", "borrower", "member", "person", "kunde", "kunden", "cust"}
DAYS = {"application", "applied", "apply", "appl", "open", "opened", "issue", "issued", "orig", "origination", "start",
        "request", "created", "granted", "booked", "antrag", "antragsdatum"}  # fmt: skip
DAY_WORDS = {"date", "day", "on", "datum", "ym", "dt", "month", "birth", "dob"}
AFTERWARDS = {"recovery", "recoveries", "collection", "collections", "chargeoff", "charge", "writeoff", "default",
              "defaulted", "settlement", "outcome", "last", "final", "closed"}  # fmt: skip
UNREAD: Mapping[Kind, str] = {
    "date": "a day; if it is the day of application, give it role date",
    "other date": "looks like a day; write it as 2026-01-31 to use it",
    "decimal comma": "numbers with a decimal comma; write them with a point to use them",
}


@dataclass(frozen=True)
class Profile:
    """One column. why: what speaks for its role, where a reader may doubt it. notes: what to look at.

    suspected: a role that a person has to confirm, because the name alone speaks for it.
    formats: how its days may be written where that is not 2026-01-31; a person has to say which, if they are several.
    """

    name: str
    kind: Kind
    role: Role
    missing: float
    why: str | None = None
    suspected: bool = False
    range: tuple[float, float] | None = None
    categories: tuple[str, ...] | None = None
    trend: Trend = field(default_factory=lambda: Trend(None, (), ()))
    gini: float = 0.0
    notes: tuple[str, ...] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    missing_words: tuple[str, ...] | None = None
    formats: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name as a person would write it."""
        apart = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", " ", self.name)
        words = re.sub(r"[\s_.]+", " ", apart).strip() or self.name
        return words.lower() if words.isupper() else words


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
    drafts = [_as_money(_as_key(_in_words(_with_role(draft, columns[draft.name], named_roles)))) for draft in drafts]
    inputs = {draft.name: as_numbers(columns[draft.name], draft) for draft in drafts if draft.role == "feature"}
    drafts = [_against_leaks(draft, inputs, bad, known) for draft in drafts]
    drafts = [_not_a_proxy(draft, inputs, drafts, columns) for draft in drafts]
    drafts = _single_columns(drafts, named_roles)
    return [
        replace(draft, trend=directions.trend(inputs[draft.name][known], bad[known]))
        if draft.role == "feature" and draft.kind in ("number", "integer", "ordered", "boolean")
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
    if kind in ("integer", "other date", "category", "text"):
        formats = cells.day_formats(profile.groups, named=bool(parts(name) & (DAYS | DAY_WORDS)))
        if formats:
            note = f"days written {' or '.join(formats)}" + (": which of them?" if len(formats) > 1 else "")
            return replace(profile, kind="date", formats=formats, notes=(note,))
    if kind in ("number", "integer"):
        values = cells.numbers_of(words)
        unread = int(np.isnan(values).sum())
        notes = (f"{unread} cells are no number, as {words[np.isnan(values)].iloc[0]!r}",) if unread else ()
        known = values[~np.isnan(values)]
        span = (min(18.0, known.min()), max(110.0, known.max())) if parts(name) & AGE else limits(known, kind)
        return replace(profile, range=span, notes=(*notes, *_codes(values)))
    if kind in ("category", "ordered"):
        given = cells.in_order(profile.groups) if kind == "ordered" else tuple(sorted(profile.groups))
        odd = cells.unordered_words(profile.groups) if kind == "category" else ()
        notes = (f"steps but for {', '.join(map(repr, odd))}: `ordered` once they have a place",) if odd else ()
        return replace(profile, categories=given, notes=notes)
    return profile


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


def _codes(values: Matrix) -> tuple[str, ...]:
    """Numbers that probably stand for "not known": many nines, far from all others."""
    known = np.unique(values[~np.isnan(values)])
    for end, beside in ((known[-1], known[-2:-1]), (known[0], known[1:2])):
        nines = re.fullmatch(r"-?9{2,}", f"{end:g}") is not None
        if nines and len(beside) and abs(end) > 2 * abs(float(beside[0])):
            return (f"{end:g} may mean not known: then add it to data.missing",)
    return ()


def parts(name: str) -> set[str]:
    """The words a column's name is made of, in lower case."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return {part for part in re.split(r"[\W_\d]+", apart.lower()) if part}


def _with_role(profile: Profile, column: Series, named_roles: Mapping[str, Role]) -> Profile:
    """The role: what was said, or else what the column itself speaks for."""
    if (role := named_roles.get(profile.name)) is not None:
        return replace(profile, role=role, why=f"given the role {role} by whoever made this config")
    if profile.missing >= MOSTLY_MISSING:
        return replace(profile, role="ignore", why=f"{profile.missing:.0%} of its cells are missing")
    if len(profile.groups) == 1:
        return replace(profile, role="ignore", why=f"every row says {next(iter(profile.groups))!r}")
    return _by_name(profile, column) or _by_kind(profile, column) or profile


def _in_words(profile: Profile) -> Profile:
    """A protected column of few values by its words: as a boolean or a number they would be written another way."""
    coded = profile.kind == "boolean" or (profile.kind in ("number", "integer") and len(profile.groups) <= FEW_VALUES)
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
    words = parts(profile.name)
    if guarded := next((GUARDED[word] for word in sorted(words) if word in GUARDED), None):
        return replace(profile, role="protected", why=f"{guarded}, as its name says", suspected=True)
    if profile.categories and any(parts(word) & SEXES for word in profile.categories):
        return replace(profile, role="protected", why="sex, as its words say", suspected=True)
    unique = column.nunique() == column.notna().sum()
    if words & IDS and words & PEOPLE and not unique and profile.kind in ("integer", "text", "category"):
        return replace(profile, role="applicant", why="rows of one person share it")
    if words & IDS and unique and profile.kind in ("integer", "text"):
        return replace(profile, role="id")
    return None


def _by_kind(profile: Profile, column: Series) -> Profile | None:
    """Columns that no model can read as they are."""
    if profile.kind == "date" and parts(profile.name) & DAYS:
        return replace(profile, role="date")
    if profile.kind == "integer" and _INDEX.fullmatch(profile.name) and _is_saved_index(column):
        return replace(
            profile, role="ignore", why="a row number that was saved with the table, nothing of an applicant"
        )
    if profile.kind == "integer" and column.notna().all() and _counts_up(column):
        return replace(profile, role="id")
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


def _is_saved_index(column: Series) -> bool:
    """Whether a column numbers the rows, of which some may have been left out since."""
    return bool(column.notna().all() and (np.diff(cells.numbers_of(column)) > 0).all())


def _counts_up(column: Series) -> bool:
    """Whether a column numbers the rows one by one."""
    steps = np.diff(cells.numbers_of(column))
    return bool(len(steps) and (steps == 1).all())


def _against_leaks(profile: Profile, inputs: Mapping[str, Matrix], bad: Mask, known: Mask) -> Profile:
    """A feature that alone knows nearly all was probably written after the outcome: it is left out, and says so."""
    if profile.role != "feature":
        return profile
    values, outcome = inputs[profile.name][known], bad[known]
    if profile.kind == "category":
        values = leak.bad_rates(values, outcome, values)
    gini = leak.gini_alone(values, outcome)
    marks = leak.marked(values, outcome, confidence=CONFIDENCE)
    if gini >= NEARLY_PERFECT:
        return replace(
            profile,
            role="ignore",
            gini=gini,
            why=f"alone it ranks with a Gini of {gini:.2f}: known only after the outcome?",
        )
    if marks > MARKED:
        return replace(
            profile,
            role="ignore",
            gini=gini,
            why=f"one end of it makes sure of {marks:.0%} of the bads: known only after the outcome?",
        )
    if parts(profile.name) & AFTERWARDS:
        return replace(
            profile,
            gini=gini,
            notes=(*profile.notes, "its name speaks of after the outcome: is it known on the day of application?"),
        )
    return replace(profile, gini=gini)


def _not_a_proxy(
    profile: Profile, inputs: Mapping[str, Matrix], drafts: Sequence[Profile], columns: Mapping[str, Series]
) -> Profile:
    """A feature that alone tells a protected group is kept from the model too."""
    if profile.role != "feature":
        return profile
    for guarded in (draft for draft in drafts if draft.role == "protected"):
        for member in _groups(guarded, columns[guarded.name]):
            values = inputs[profile.name]
            if profile.kind == "category":
                values = leak.bad_rates(values, member, values)
            if (gini := leak.gini_alone(values, member)) >= TELLS:
                return replace(profile, role="proxy", why=f"alone it tells {guarded.name} with a Gini of {gini:.2f}")
    return profile


def _groups(guarded: Profile, column: Series) -> list[Mask]:
    """The larger groups of a protected column, or its upper half where it is a number."""
    if guarded.kind in ("number", "integer") and len(guarded.groups) > FEW_VALUES:
        values = cells.numbers_of(column)
        return [np.asarray(values > np.nanmedian(values))]
    frequent = [word for word, count in guarded.groups.items() if count >= 0.05 * len(column)]
    return [column.eq(word).to_numpy(dtype=np.bool_, na_value=False) for word in frequent[:10]]


def _single_columns(drafts: Sequence[Profile], named_roles: Mapping[str, Role]) -> list[Profile]:
    """Only one column is the id, the day, the person: the one that was named, or the first; others are left out."""
    first: dict[str, str] = {}
    for profile in sorted(drafts, key=lambda draft: draft.name not in named_roles):
        if profile.role in ("id", "date", "applicant"):
            first.setdefault(profile.role, profile.name)
    return [
        replace(profile, role="ignore", why=f"{first[profile.role]} is the {profile.role} already")
        if first.get(profile.role, profile.name) != profile.name
        else profile
        for profile in drafts
    ]
