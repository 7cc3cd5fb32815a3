"""The reason families of a first config: which columns share a reason, what it says, and of whom it is true."""

import json
import keyword
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pandas import Series

from credit_risk.config.formulas import MAX_LENGTH
from credit_risk.config.open_decisions import OPEN
from credit_risk.data.inputs import Matrix
from credit_risk.fork.drafting.profile import Profile
from credit_risk.fork.reading import cells


def families(features: Sequence[Profile], *, accept: bool = True) -> list[dict[str, Any]]:
    """Reasons of a first version: columns that are numbered alike and go the same way share one.

    accept: whether a text may stand where only a person knows what a code means.
    """
    grouped: dict[tuple[str, str | None], list[Profile]] = {}
    for column in features:
        stem = re.sub(r"[\W_]*\d+$", "", column.name) or column.name
        grouped.setdefault((stem, column.trend.direction), []).append(column)
    return [
        {"id": f"R{number:02d}", "features": [column.name for column in members], **_wording(members, accept)}
        for number, members in enumerate(grouped.values(), start=1)
    ]


def _wording(members: Sequence[Profile], accept: bool) -> dict[str, Any]:
    """What a family says, by the state of what it is about, and of whom it is true: of the worse half, or of all."""
    first = members[0]
    label = first.label if len(members) == 1 else re.sub(r"[\s\d]+$", "", first.label)
    subject = f"{label[0].upper()}{label[1:]}"
    words = ("yes", "no") if first.kind == "boolean" else ("is high", "is low")
    side = dict(zip(("increasing", "decreasing"), words, strict=True)).get(first.trend.direction or "")
    text = f"{subject} {side} compared with {{population}}" if side else f"{subject}, compared with {{population}}"
    value = f"{subject}: {side}" if side and first.kind == "boolean" else text
    others = {"missing": f"{subject}: not stated"} if any(column.missing > 0 for column in members) else {}
    codes = {name: code for column in members for code, name in column.special.items()}
    others |= {name: f"{subject}: recorded as {code:.12g}" if accept else OPEN for name, code in codes.items()}
    return {
        "text": {"value": value, **others} if others else value,
        "true_when": _any_of(map(_counts_against, members)),
        "prompt": f"{subject}: is it correct, and is there a cause that has ended?",
    }


def _any_of(formulas: Iterable[str]) -> str:
    """The formulas joined by `or`, as many as a formula may be long."""
    joined = ""
    for formula in formulas:
        longer = f"{joined} or {formula}" if joined else formula
        if len(longer) > MAX_LENGTH:
            break
        joined = longer
    return joined


def _counts_against(column: Profile) -> str:
    """The formula true of the half of the population that has the higher PD; without a direction, of every value."""
    name, rises = flow_name(column.name), column.trend.direction == "increasing"
    counts = column.weighed or column.groups
    if column.trend.direction is None:
        return f"not is_missing({name})"
    if column.kind == "boolean":
        formula = f"{name} == {int(rises)}"
    elif column.kind == "ordered":
        given = list(column.categories or ())
        rows = np.array([counts.get(word, 0) for word in given])
        middle = _worse_from(np.arange(len(given), dtype=float), rows, rises=rises)
        worse = given[int(middle) :] if rises else given[: int(middle) + 1]
        formula = " or ".join(f"{name} == {json.dumps(word, ensure_ascii=False)}" for word in worse)
    else:
        values = cells.numbers_of(Series(list(counts), dtype="str"))
        known = ~np.isnan(values)
        middle = _worse_from(values[known], np.array(list(counts.values()))[known], rises=rises)
        formula = f"{name} {'>=' if rises else '<='} {middle:.12g}"
    return f"fill({formula}, 0)" if column.missing > 0 else formula


def _worse_from(values: Matrix, rows: Any, *, rises: bool) -> float:
    """The value in the middle of all rows, from which on it is the worse half; where most have the best, the next one.

    values: (values,); rows: how many rows have each. rises: whether a larger value is the worse.
    """
    order = np.argsort(values)
    middle = float(values[order][np.searchsorted(np.cumsum(rows[order]), rows.sum() / 2)])
    worse = values[(values > middle) if rises else (values < middle)]
    if len(worse) and middle == (values.min() if rises else values.max()):
        return float(worse.min() if rises else worse.max())
    return middle


def flow_name(name: str) -> str:
    """A column as a formula names it."""
    in_formulas = name.isidentifier() and name.isascii() and not keyword.iskeyword(name)
    return name if in_formulas else f"col[{json.dumps(name, ensure_ascii=False)}]"
