"""Which words of the target column are bad, good or neither, and which words say that nothing is known."""

import re
from collections.abc import Collection, Sequence
from typing import TypeAlias

import numpy as np
from pandas import DataFrame, Series

from credit_risk.data.inputs import folded, word_of
from credit_risk.data.reading.numerals import is_number
from credit_risk.errors import UsageError
from credit_risk.fork.drafting.request import InitRequest
from credit_risk.fork.reading import cells

MOST_OUTCOMES = 10  # words for one side of an outcome
Words: TypeAlias = tuple[str, ...]


def own_missing_words(table: DataFrame, request: InitRequest, missing: Words) -> dict[str, Words]:
    """By column, where other words mean "not known" than in the rest: the outcome, and NA where it is Namibia."""
    own: dict[str, Words] = {}
    for name, column in table.items():
        words = set(column.dropna().unique())
        if name == request.target:
            named = {*map(outcome_word, (*request.bad, *request.good, *request.indeterminate))}
            gaps = tuple(word for word in cells.outcome_gaps(words) if word not in named)
            own |= {str(name): (*missing, *(word for word in gaps if word not in missing))}
        elif real := cells.real_gaps(words) & set(missing):
            own[str(name)] = tuple(word for word in missing if word not in real)
    return {name: words for name, words in own.items() if words != missing}


def outcomes_of(column: Series, request: InitRequest, missing: Sequence[str]) -> tuple[Words, Words, Words]:
    """Bad, good and indeterminate words, every word of the column in exactly one of them."""
    words = {outcome_word(word) for word in column.dropna().unique() if word not in missing}
    by_folded = {folded(word): word for word in words}
    bad, neither, good = (
        tuple(by_folded.get(folded(word), word) for word in map(outcome_word, given))
        for given in (request.bad, request.indeterminate, request.good)
    )
    good = good or tuple(sorted(words - set(bad) - set(neither)))
    _refuse_no_outcome(column, request, words)
    if strange := sorted({*bad, *good, *neither} - words):
        raise UsageError(
            f"the column {request.target!r} never says {', '.join(map(repr, strange))}; it says {_some(words)}."
        )
    if not request.good and 1 < len(good) <= MOST_OUTCOMES:
        raise UsageError(
            f"besides bad, the column {request.target!r} says {_some(good)}: good is never everything else. "
            "Name what is good with --good, what is neither (as an account that runs) with --indeterminate."
        )
    if rest := sorted(words - {*bad, *good, *neither}):
        raise UsageError(
            f"the column {request.target!r} says {_some(rest)} too: give each to --bad, --good or --indeterminate."
        )
    if not good:
        unknown = int((column.isna() | column.isin([*missing])).sum())
        mend = "is it the outcome? Name what is good with --good."
        if unknown:
            mend = (
                f"in {unknown:,} rows the outcome is not known, and a gap is never good. Where it stands for good, "
                "write a word for good in these cells; name a word that only looks like a gap, as -, with --good."
            )
        raise UsageError(f"besides bad, the column {request.target!r} says nothing: {mend}")
    return bad, good, neither


def _refuse_no_outcome(column: Series, request: InitRequest, words: Collection[str]) -> None:
    """Raise UsageError for a column that repeats the header, or says more than outcomes do."""
    if request.target in words:
        row = int(np.flatnonzero(column == request.target)[0]) + 1
        raise UsageError(
            f"{request.data}: row {row:,} holds the header again, as where files were put one below the other: take "
            "such lines out."
        )
    are_numbers = all(map(is_number, words))
    is_named = 0 < len(request.good) <= MOST_OUTCOMES and not are_numbers
    if len(words) <= MOST_OUTCOMES or is_named:
        return
    what = f"words, as {min(words)!r}"
    if are_numbers:
        numbers = sorted(map(float, words))
        what = f"numbers, from {numbers[0]:.12g} to {numbers[-1]:.12g}"
    raise UsageError(
        f"the column {request.target!r} holds {len(words):,} different {what}: is it the outcome? If the outcome is a "
        "number, as a loss, or a day of default, add a column to the file that says of each row whether it is bad (a "
        "loss above what you bear, a day within the performance window), and name it with --target; if these are words "
        "for outcomes, name the good ones with --good."
    )


def outcome_word(value: str) -> str:
    """The word by which the config names an outcome: 1.0 and 1 are one."""
    try:
        return word_of(float(value)) if re.fullmatch(r"-?\d+\.0*", value) else value
    except TypeError:
        return value


def _some(words: Sequence[str] | set[str]) -> str:
    return ", ".join(map(repr, sorted(words)[:12])) + (", …" if len(words) > 12 else "")
