"""How protected columns fall into groups, and which groups a first config compares."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from pandas import Series

from credit_risk.data.inputs import Matrix
from credit_risk.fork.drafting.names import AGE, parts
from credit_risk.fork.drafting.profile import FEW_VALUES, Profile
from credit_risk.fork.reading import cells

FEWEST_OF_A_GROUP = 30
AGES = (("under 25", 0.0, 24.0), ("25 to 61", 25.0, 61.0), ("62 and over", 62.0, 120.0))
NO_AGES = (("below 0", -np.inf, -1.0), ("above 120", 121.0, np.inf))  # codes, which a reader should look at


def groups_of(column: Profile, day: Profile | None = None) -> list[dict[str, Any]]:
    """How a protected column falls into groups: words, the age bands of law and house policy, or thirds of a number.

    A date of birth by the age on the day of application, which `day` holds; none without it, and none of more words
    than anybody lists: a person has to say.
    """
    if column.kind == "date":
        return _age_bands(column, day) if day else []
    if column.kind == "text":
        return []
    if column.kind == "number" or (column.kind == "integer" and len(column.groups) > FEW_VALUES):
        return _bands(column)
    rare = [word for word, count in column.groups.items() if count < FEWEST_OF_A_GROUP]
    frequent = [word for word in column.groups if word not in rare]
    groups = [{"name": word, "words": [word], "rows": column.groups[word]} for word in frequent]
    if rare:
        groups.append({"name": "others", "words": rare, "rows": sum(column.groups[word] for word in rare)})
    return groups


def _age_bands(column: Profile, day: Profile) -> list[dict[str, Any]]:
    """Bands of age; rows are counted by the age on the middle day of application, for the choice of a reference."""
    born, applied = (cells.days_of(Series(list(its.groups), dtype="str"), its.formats) for its in (column, day))
    if not born.notna().any() or not applied.notna().any():
        return []
    ages = np.floor((applied.median() - born).dt.days / 365.25).to_numpy()
    counts = np.array(list(column.groups.values()))
    return [
        {"name": name, "low": low, "high": high, "rows": _rows(ages, counts, low, high)} for name, low, high in AGES
    ]


def _bands(column: Profile) -> list[dict[str, Any]]:
    """Bands that hold the whole range of a number, so that the next applicants have one too."""
    values = cells.numbers_of(Series(list(column.groups), dtype="str"))
    known = ~np.isnan(values)
    values, counts = values[known], np.array(list(column.groups.values()))[known]
    if parts(column.name) & AGE and column.kind == "integer":
        ends = [*AGES, *(band for band in NO_AGES if _rows(values, counts, *band[1:]))]
    else:
        ends = _thirds(values, counts, whole=column.kind == "integer")
    least, most = column.range or (values.min(), values.max())
    return [
        {"name": name, "low": max(low, least), "high": min(high, most), "rows": _rows(values, counts, low, high)}
        for name, low, high in ends
    ]


def _thirds(values: Matrix, counts: Any, *, whole: bool) -> list[tuple[str, float, float]]:
    """Three bands of about as many rows; fewer where one value has more than a third of them."""
    thirds = np.quantile(np.repeat(values, counts), [1 / 3, 2 / 3], method="lower")
    below = values[values < values.max()]
    cuts = [float(cut) for cut in np.unique(np.minimum(thirds, below.max()))]
    return [
        (_span(low, high), low + 1 if whole else float(np.nextafter(low, np.inf)), high)
        for low, high in pairwise([-np.inf, *cuts, np.inf])
    ]


def _span(low: float, high: float) -> str:
    if np.isinf(low):
        return f"up to {high:.12g}"
    return f"above {low:.12g}" if np.isinf(high) else f"above {low:.12g} to {high:.12g}"


def _rows(values: Matrix, counts: Any, low: float, high: float) -> int:
    return int(counts[(values >= low) & (values <= high)].sum())


def contrasts(attributes: Sequence[tuple[Profile, Sequence[Mapping[str, Any]]]]) -> list[dict[str, str]]:
    """Each group of a column compared with its largest one, under a name that no other comparison has."""
    made: list[dict[str, str]] = []
    for column, groups in attributes:
        largest = max(groups, key=lambda group: group["rows"])
        for group in groups:
            if group is largest or group["rows"] < FEWEST_OF_A_GROUP:
                continue
            name, taken = slug(f"{column.name} {group['name']}"), [contrast["name"] for contrast in made]
            name = name if name not in taken else f"{name}_{len(taken) + 1}"
            made.append({"name": name, "attribute": column.name, "group": group["name"], "reference": largest["name"]})
    return made


def slug(name: str) -> str:
    """A name as gates and contrasts have it: lower-case letters, digits, underscores."""
    spelled = name.lower().replace("<", "below ").replace(">", "above ").replace("ß", "ss")
    ascii_only = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")) or "group"
