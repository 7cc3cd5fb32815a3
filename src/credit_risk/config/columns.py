"""What the config says of the data: which files, what each column may hold and is used for, what the outcome is."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from credit_risk.config.section import Count, Scalar, Section, Share, Text


def _by_code(codes: Any) -> Any:
    """Codes as JSON has its keys, each in one form: -9, -9.0 and "-9" are one code."""
    if not isinstance(codes, Mapping):
        return codes
    by_code = {_code(key): meaning for key, meaning in codes.items()}
    if len(by_code) < len(codes):
        raise ValueError("a code stands here twice")
    return by_code


def _code(key: Any) -> Any:
    try:
        number = float(key)
    except ValueError:
        return key
    return str(int(number)) if number.is_integer() else repr(number)


Meaning = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
# In quotes too: DVC, which records a config's values as JSON, takes no other.
Day = Annotated[date, BeforeValidator(lambda value: date.fromisoformat(value) if isinstance(value, str) else value)]
Codes = Annotated[Mapping[str, Meaning], BeforeValidator(_by_code)]
INPUT_ROLES = ("feature", "input_only")
GUARDED_ROLES = ("protected", "proxy")
KEY_ROLES = ("id", "applicant")
NUMERIC_TYPES = ("number", "integer", "boolean")
CATEGORY_TYPES = ("category", "ordered")
Sign = Annotated[str, Field(min_length=1, max_length=1)]
Thousands = Literal[",", ".", " ", "'"]


class Source(Section):
    """One data file; every file after the first is joined to it by `join_on`.

    What stands beside the path says how this file is written, where that is not as `data` says of all.
    query, database: what it was frozen from, and the environment variable with that database's address.
    """

    path: Text
    join_on: str | None = None
    delimiter: Sign | None = None
    quote: Sign | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Thousands | None = None
    header_line: Count | None = None
    footer_lines: Annotated[int, Field(ge=0)] | None = None
    query: Text | None = None  # part: extracts
    database: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None  # part: extracts


class Data(Section):
    """Which files hold the data and how they are written.

    header_line: the line of the column names, counted from 1; what stands before it is skipped.
    footer_lines: how many lines after the last row are none. decimal, thousands: the signs within a number.
    weight: the column that says what a row stands for.
    """

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    delimiter: Sign = ","
    quote: Sign = '"'
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Thousands | None = None
    header_line: Count = 1
    footer_lines: Annotated[int, Field(ge=0)] = 0
    missing: tuple[str, ...] = ("",)
    max_bytes: Annotated[int, Field(gt=0)] = 10_000_000_000
    weight: str | None = None

    def of(self, source: Source) -> "Data":
        """How one of the files is written: as it says itself, or as all are."""
        own = source.model_dump(include=set(Data.model_fields), exclude_none=True)
        return self.model_copy(update=own) if own else self


class Exclusion(Section):
    """Applications that the model is not meant for, taken out before anything is counted."""

    name: Text
    where: Text
    reason: Text


class Outcome(Section):
    """What counts as a bad account, over which time, and for whom that is known.

    population_bad_rate: where bads and goods were drawn at different rates, the bad rate among all accounts.
    observed_until: the last day on which outcomes were looked up; an account younger than the window is left out.
    """

    definition: Text
    favourable: Text
    bad: Annotated[tuple[Scalar, ...], Field(min_length=1)]
    good: Annotated[tuple[Scalar, ...], Field(min_length=1)]
    indeterminate: tuple[Scalar, ...] = ()
    performance_window_months: Annotated[int, Field(gt=0)]
    population: Literal["booked", "all"]
    exclusions: tuple[Exclusion, ...] = ()
    bad_rate: tuple[Share, Share] = (0.0, 1.0)
    population_bad_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    observed_until: Day | None = None


class Column(Section):
    """One column of the data: what it may hold, and what it may be used for.

    known_at: when its value is known: with the application, or only `later`; an input must be known with it.
    missing_words: cell texts that mean "not known" in this column, in the place of data.missing.
    unit: what stands beside each number in a file, before or after it, as $ or %; it is read away.
    special: numbers that stand for no amount but for a state, each with its meaning, as {-9: no_record}.
    format: how a date is written, as %d/%m/%Y, or `excel` for the day numbers of a spreadsheet; else as 2026-01-31.
    """

    role: Literal[
        "feature", "input_only", "protected", "proxy", "id", "applicant", "date", "target", "weight", "ignore"
    ]
    type: Literal["number", "integer", "boolean", "category", "ordered", "date", "text"] = "text"
    known_at: Literal["application", "later"] = "application"
    range: tuple[float, float] | None = None
    categories: tuple[str, ...] | None = None
    missing: Literal["allow", "refer", "refuse"] = "refuse"
    missing_words: tuple[str, ...] | None = None
    special: Codes = Field(default_factory=dict)
    format: Text | None = None
    unit: Text | None = None
    label: str | None = None
    why: str | None = None

    @property
    def is_input(self) -> bool:
        """Whether an application carries this column."""
        return self.role in INPUT_ROLES

    @property
    def meanings(self) -> tuple[str, ...]:
        """What the special codes mean, each once: the code of tag n (see config.tags) has meaning n - 1."""
        return tuple(dict.fromkeys(self.special.values()))

    @property
    def tag_of_code(self) -> dict[float, int]:
        """The tag of each special code."""
        return {float(code): self.meanings.index(meaning) + 1 for code, meaning in self.special.items()}


class Derived(Section):
    """A feature computed from the columns of the same application."""

    formula: Text
    label: str | None = None


class Rule(Section):
    """A relation between columns that sound data obeys; `allowed` is the share of rows that may break it."""

    name: Text
    must: Text
    allowed: Share = 0.0
    reason: Text


class Contract(Section):
    """What a data set must satisfy as a whole."""

    min_rows: Annotated[int, Field(gt=0)]
    max_duplicates: Share
    rules: tuple[Rule, ...] = ()
