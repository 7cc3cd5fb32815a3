"""The first config of a fork, written from what its data look like and what its owner has said."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from pandas import Series

from credit_risk.config.migration import VERSION
from credit_risk.config.open_decisions import DECISIONS, OPEN
from credit_risk.config.schema import Scale
from credit_risk.data.inputs import Matrix
from credit_risk.fork import cells
from credit_risk.fork.profile import AGE, FEW_VALUES, Profile, parts
from credit_risk.scoring.decision import scores

Answers = Mapping[str, Any]
"""Decisions by their place in the config, as far as the owner has said them."""

DRAFT = "0-draft"  # the version of wordings that nobody has read
FEWEST_OF_A_GROUP = 30
SCALE = Scale(base=600, odds=50, pdo=20)
AGES = (("under 25", 0.0, 24.0), ("25 to 61", 25.0, 61.0), ("62 and over", 62.0, 120.0))
NO_AGES = (("below 0", -np.inf, -1.0), ("above 120", 121.0, np.inf))  # codes, which a reader should look at
TYPES = {"other date": "text", "decimal comma": "text"}
PLAIN = re.compile(r"[^\W\d][\w ./-]*[\w)%]|[^\W\d]")
NO_PLAIN = {"true", "false", "null", "yes", "no", "on", "off", "nan", "inf"}


@dataclass(frozen=True)
class Facts:
    """The data set as a whole: its file, its rows, its outcomes."""

    name: str
    path: str
    delimiter: str
    encoding: str
    missing: tuple[str, ...]
    max_bytes: int
    rows: int
    bad: tuple[str, ...]
    good: tuple[str, ...]
    indeterminate: tuple[str, ...]
    bad_rate: float
    duplicates: float


def suggestions(facts: Facts) -> dict[str, Any]:
    """What a trial run takes where nobody has decided: a cut-off at the bad rate, where approving all just pays."""
    odds = facts.bad_rate / (1 - facts.bad_rate)
    return {
        "project.legal_basis": "not stated: a trial run",
        "outcome.definition": f"the outcome column says {' or '.join(facts.bad)}",
        "outcome.favourable": "the application is approved",
        "outcome.performance_window_months": 12,
        "outcome.population": "booked",
        "policy.margin": float(f"{0.5 * odds:.4g}"),
        "policy.lgd": 0.5,
        "policy.cost": 0.0,
        "fairness.unavailable": "not stated: a trial run without protected columns",
    }


def text(facts: Facts, found: Sequence[Profile], answers: Answers, *, accept: bool) -> str:
    """The commented configs/credit.yaml. accept: fill open decisions with suggestions, and list them as such."""
    protected = [one for one in found if one.role == "protected"]
    asked = [
        one.path
        for one in DECISIONS
        if one.path not in answers and not (one.path == "fairness.unavailable" and protected)
    ]
    doubted = [f"columns.{one.name}.why" for one in found if one.suspected]
    proposed = suggestions(facts) if accept else {}
    values = {path: proposed.get(path, OPEN) for path in asked} | dict(answers)
    features = [one for one in found if one.role == "feature"]
    attributes = [(one, groups) for one in protected if len(groups := groups_of(one)) > 1]
    rendered: str = _template().render(
        version=VERSION,
        facts=facts,
        outcomes={kind: list(map(_scalar, getattr(facts, kind))) for kind in ("bad", "good", "indeterminate")},
        columns=[_column(one, accept) for one in found],
        suggested=[*asked, *doubted] if accept else [],
        decided=values,
        directed=[one for one in features if one.trend.direction],
        families=families(features),
        draft=DRAFT,
        segments=[one.name for one in sorted(features, key=lambda one: -one.gini)[:2]],
        attributes=attributes,
        contrasts=contrasts(attributes),
        stress=stress(features),
        by_time=any(one.role == "date" for one in found),
        scale=SCALE.model_dump(),
        bands=bands(facts.bad_rate),
        bad_rate=(float(f"{facts.bad_rate / 2:.2g}"), min(1.0, float(f"{facts.bad_rate * 2:.2g}"))),
    )
    return rendered


def families(features: Sequence[Profile]) -> list[dict[str, Any]]:
    """Reasons of a first version: columns that are numbered alike and go the same way share one."""
    grouped: dict[tuple[str, str | None], list[Profile]] = {}
    for one in features:
        stem = re.sub(r"[\W_]*\d+$", "", one.name) or one.name
        grouped.setdefault((stem, one.trend.direction), []).append(one)
    return [
        {"id": f"R{place:02d}", "features": [one.name for one in members], **_wording(members)}
        for place, members in enumerate(grouped.values(), start=1)
    ]


def _wording(members: Sequence[Profile]) -> dict[str, str]:
    first = members[0]
    label = first.label if len(members) == 1 else re.sub(r"[\s\d]+$", "", first.label)
    said = f"{label[0].upper()}{label[1:]}"
    side = {"increasing": "is high", "decreasing": "is low"}.get(first.trend.direction or "")
    return {
        "text": f"{said} {side} compared with accepted applications"
        if side
        else f"{said}, compared with accepted applications",
        "prompt": f"{said}: is it correct, and is there a cause that has ended?",
    }


def groups_of(one: Profile) -> list[dict[str, Any]]:
    """How a protected column falls into groups: words, the age bands of law and house policy, or thirds of a number."""
    if one.kind in ("number", "integer") and len(one.groups) > FEW_VALUES:
        return _bands(one)
    rare = [word for word, count in one.groups.items() if count < FEWEST_OF_A_GROUP]
    frequent = [word for word in one.groups if word not in rare]
    groups = [{"name": word, "words": [word], "rows": one.groups[word]} for word in frequent]
    if rare:
        groups.append({"name": "others", "words": rare, "rows": sum(one.groups[word] for word in rare)})
    return groups


def _bands(one: Profile) -> list[dict[str, Any]]:
    """Bands that hold the whole range of a number, so that the next applicants have one too."""
    values = cells.numbers_of(Series(list(one.groups), dtype="str"))
    known = ~np.isnan(values)
    values, counts = values[known], np.array(list(one.groups.values()))[known]
    if parts(one.name) & AGE and one.kind == "integer":
        ends = [*AGES, *(band for band in NO_AGES if _rows(values, counts, *band[1:]))]
    else:
        ends = _thirds(values, counts, whole=one.kind == "integer")
    least, most = one.range or (values.min(), values.max())
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
    found: list[dict[str, str]] = []
    for one, groups in attributes:
        largest = max(groups, key=lambda group: group["rows"])
        for group in groups:
            if group is largest or group["rows"] < FEWEST_OF_A_GROUP:
                continue
            name, taken = slug(f"{one.name} {group['name']}"), [each["name"] for each in found]
            name = name if name not in taken else f"{name}_{len(taken) + 1}"
            found.append({"name": name, "attribute": one.name, "group": group["name"], "reference": largest["name"]})
    return found


def slug(name: str) -> str:
    """A name as gates and contrasts have it: lower-case letters, digits, underscores."""
    spelled = name.lower().replace("<", "below ").replace(">", "above ").replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9]+", "_", plain).strip("_")) or "group"


def bands(bad_rate: float) -> list[tuple[str, int]]:
    """Five score bands around the score of the mean odds, 20 points apart: that is twice the odds."""
    middle = round(float(scores(np.array([bad_rate]), SCALE)[0]) / 10) * 10
    return [("A", middle + 40), ("B", middle + 20), ("C", middle), ("D", middle - 20), ("E", 0)]


def stress(features: Sequence[Profile]) -> dict[str, str] | None:
    """The column that ranks best, a fifth worse for everybody; None if no column of numbers has a direction."""
    fit = [one for one in features if one.kind in ("number", "integer") and one.trend.direction and one.range]
    if not fit:
        return None
    one = max(fit, key=lambda each: each.gini)
    low, high = one.range or (0.0, 0.0)
    worse = f"{flow_name(one.name)} * {1.2 if one.trend.direction == 'increasing' else 0.8}"
    whole = f"floor({worse} + 0.5)" if one.kind == "integer" else worse
    return {one.name: f"clip({whole}, {low:.12g}, {high:.12g})"}


def flow_name(name: str) -> str:
    """A column as a formula names it."""
    return name if name.isidentifier() and name.isascii() else f"col[{json.dumps(name, ensure_ascii=False)}]"


def _scalar(word: str) -> str | int:
    """An outcome as a person writes it: 1, not "1"."""
    return int(word) if re.fullmatch(r"-?(0|[1-9]\d*)", word) else word


def _column(one: Profile, accept: bool) -> dict[str, Any]:
    """A line of `columns:`, with what a reader should look at as its comment."""
    entry: dict[str, Any] = {"role": one.role}
    kind = TYPES.get(one.kind, one.kind)
    if kind != "text" and (one.role != "target" or kind in ("integer", "number")):
        entry["type"] = kind
    if one.role != "target":
        entry |= {"range": list(one.range)} if one.range and one.role not in ("id", "applicant") else {}
        entry |= {"categories": list(one.categories)} if one.categories else {}
        entry |= {"missing": "allow"} if one.missing > 0 and one.role != "ignore" else {}
        entry |= {"label": one.label} if one.role == "feature" else {}
    if one.why and one.role in ("protected", "proxy", "ignore"):
        entry["why"] = OPEN if one.suspected and not accept else one.why
    notes = [*one.notes, *([f"{one.missing:.1%} missing"] if one.missing else [])]
    if one.suspected:
        notes.append(f"proposed: {one.why}")
    return {"name": one.name, "entry": entry, "comment": "; ".join(notes)}


def flow(value: Any) -> str:
    """A value in YAML's one-line style, quoted where it could be taken for something else."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        whole = int(value) if float(value).is_integer() else value
        return f"{whole:_}" if isinstance(whole, int) and abs(whole) >= 10_000 else repr(whole)
    plain = PLAIN.fullmatch(value) and value.lower() not in NO_PLAIN and not value.endswith(" ")
    return value if plain else json.dumps(value, ensure_ascii=False)


def _template() -> Any:
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 (no HTML)
    environment.filters["flow"] = flow
    return environment.from_string((files("credit_risk.fork") / "credit.yaml.j2").read_text(encoding="utf-8"))
