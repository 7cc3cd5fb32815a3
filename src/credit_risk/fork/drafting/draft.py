"""The first config of a fork, written from what its data look like and what its owner has said."""

import json
import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from pandas import Series

from credit_risk.config.columns import KEY_ROLES, Source
from credit_risk.config.formulas import MAX_LENGTH
from credit_risk.config.migration import VERSION
from credit_risk.config.open_decisions import DECISIONS, OPEN
from credit_risk.config.schema import DRAFT, Scale
from credit_risk.data.inputs import Matrix
from credit_risk.data.reading.tables import Joined
from credit_risk.fork.drafting.maturity import Immature
from credit_risk.fork.drafting.names import AGE, parts
from credit_risk.fork.drafting.profile import FEW_VALUES, Profile
from credit_risk.fork.reading import cells
from credit_risk.scoring.decision import scores

Answers = Mapping[str, Any]
"""Decisions by their key in the config, as far as the owner has said them."""

FEWEST_OF_A_GROUP = 30
WINDOW = 12  # months that a trial run takes for the performance window
SCALE = Scale(base=600, odds=50, pdo=20)
AGES = (("under 25", 0.0, 24.0), ("25 to 61", 25.0, 61.0), ("62 and over", 62.0, 120.0))
NO_AGES = (("below 0", -np.inf, -1.0), ("above 120", 121.0, np.inf))  # codes, which a reader should look at
TYPES = {"other date": "text"}
UNQUOTED = re.compile(r"[^\W\d][\w ./-]*[\w)%]|[^\W\d]")
NEEDS_QUOTES = {"true", "false", "null", "yes", "no", "on", "off", "nan", "inf"}


@dataclass(frozen=True)
class Facts:
    """The data set as a whole: its file, its rows, its outcomes.

    outcomes: every word of the target, how many rows say it, and what it became.
    doubtful_numbers: whether marked numbers, as 3,375, may be read in two ways.
    weight: the column that says what a row stands for. weighed_bad_rate: what weights, or a declared rate of all
    accounts, make of the bad rate.
    immature: what speaks for it that the youngest accounts cannot be judged yet, if anything does.
    joined: the files after the first. joins: how each met those before it.
    coarse: whether equal inputs are the rule, so that they do not speak for one applicant.
    """

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
    duplicates: float = 1.0
    outcomes: tuple[tuple[str, int, str], ...] = ()
    coarse: bool = False
    quote: str = '"'
    decimal: str = "."
    thousands: str | None = None
    header_line: int = 1
    footer_lines: int = 0
    doubtful_numbers: bool = False
    immature: Immature | None = None
    weight: str | None = None
    weighed_bad_rate: float | None = None
    joined: tuple[Source, ...] = ()
    joins: tuple[Joined, ...] = ()

    @property
    def true_bad_rate(self) -> float:
        """The bad rate of what the rows stand for."""
        return self.bad_rate if self.weighed_bad_rate is None else self.weighed_bad_rate


def suggestions(facts: Facts) -> dict[str, Any]:
    """What a trial run takes where nobody has decided: a cut-off at the bad rate, where approving all just pays."""
    odds = facts.true_bad_rate / (1 - facts.true_bad_rate)
    return {
        "project.legal_basis": "not stated: a trial run",
        "outcome.definition": f"the outcome column says {' or '.join(facts.bad)}",
        "outcome.favourable": "the application is approved",
        "outcome.performance_window_months": WINDOW,
        "outcome.population": "booked",
        "policy.margin": float(f"{0.5 * odds:.4g}"),
        "policy.lgd": 0.5,
        "policy.cost": 0.0,
        "fairness.unavailable": "not stated: a trial run without protected columns",
    }


def text(facts: Facts, columns: Sequence[Profile], answers: Answers, *, accept: bool) -> str:
    """The commented configs/credit.yaml. accept: fill open decisions with suggestions, and list them as such."""
    attributes, ungrouped = _protected(columns)
    asked_groups = [] if accept else ungrouped
    unanswered = _unanswered(answers, by_group=bool(attributes or asked_groups))
    asked_until = facts.immature and "outcome.observed_until" not in answers
    proposed = suggestions(facts) if accept else {}
    values = {path: proposed.get(path, OPEN) for path in unanswered} | dict(answers)
    doubted = [*_doubted(facts, columns, ungrouped), *(["outcome.observed_until"] if asked_until else [])]
    features = [column for column in columns if column.role == "feature"]
    rendered: str = _template().render(
        version=VERSION,
        facts=facts,
        decimal=OPEN if facts.doubtful_numbers and not accept else facts.decimal,
        proposed_until=facts.immature.until if facts.immature and asked_until and accept else OPEN,
        asked_until=asked_until,
        outcome_words=outcome_words(facts),
        outcomes={kind: list(map(_scalar, getattr(facts, kind))) for kind in ("bad", "good", "indeterminate")},
        joined=[_joined(*its) for its in zip(facts.joined, facts.joins, strict=True)],
        columns=[_column(column, accept) for column in columns],
        suggested=[*unanswered, *doubted] if accept else [],
        decided=values,
        directed=[column for column in features if column.trend.direction],
        families=families(features, accept=accept),
        draft=DRAFT,
        segments=[column.name for column in sorted(features, key=lambda column: -column.gini)[:2]],
        attributes=attributes,
        asked_groups=asked_groups,
        contrasts=contrasts(attributes),
        stress=stress(features),
        by_time=any(column.role == "date" for column in columns),
        identity=identity(columns),
        scale=SCALE.model_dump(),
        bands=bands(facts.true_bad_rate),
        bad_rate=(float(f"{facts.bad_rate / 2:.2g}"), min(1.0, float(f"{facts.bad_rate * 2:.2g}"))),
    )
    return rendered


def _protected(columns: Sequence[Profile]) -> tuple[list[tuple[Profile, list[dict[str, Any]]]], list[str]]:
    """The protected columns with their groups, and the names of those that fall into no two groups by themselves."""
    day = next((column for column in columns if column.role == "date"), None)
    grouped = [(column, groups_of(column, day)) for column in columns if column.role == "protected"]
    attributes = [(column, groups) for column, groups in grouped if len(groups) > 1]
    return attributes, [column.name for column, groups in grouped if len(groups) <= 1]


def _unanswered(answers: Answers, *, by_group: bool) -> list[str]:
    """The decisions that nobody has taken; why fairness cannot be measured is none where groups are there or asked."""
    settled = {*answers, "fairness.unavailable"} if by_group else answers
    return [decision.path for decision in DECISIONS if decision.path not in settled]


def _doubted(facts: Facts, columns: Sequence[Profile], ungrouped: Sequence[str]) -> list[str]:
    """What was read off the data and may be wrong, so that a trial's config lists it among its suggestions."""
    doubts = [f"columns.{column.name}.why" for column in columns if column.suspected]
    doubts += [f"columns.{column.name}.format" for column in columns if len(column.formats) > 1 and is_read(column)]
    doubts += [f"columns.{column.name}.special" for column in columns if column.special]
    doubts += [f"fairness.attributes.{name}" for name in ungrouped]
    return [*doubts, "data.decimal"] if facts.doubtful_numbers else doubts


def identity(columns: Sequence[Profile]) -> list[str]:
    """What says which application a row is: nothing beside an id; else its applicant, or all that it has."""
    if any(column.role == "id" for column in columns):
        return []
    applicants = [column.name for column in columns if column.role == "applicant"]
    return applicants or [column.name for column in columns if column.role == "feature"]


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
    """The formula that is true of the half of the rows that has the higher PD; without a direction, of every value."""
    name, rises = flow_name(column.name), column.trend.direction == "increasing"
    if column.trend.direction is None:
        return f"not is_missing({name})"
    if column.kind == "boolean":
        formula = f"{name} == {int(rises)}"
    elif column.kind == "ordered":
        given = list(column.categories or ())
        rows = np.array([column.groups.get(word, 0) for word in given])
        middle = _worse_from(np.arange(len(given), dtype=float), rows, rises=rises)
        worse = given[int(middle) :] if rises else given[: int(middle) + 1]
        formula = " or ".join(f"{name} == {json.dumps(word, ensure_ascii=False)}" for word in worse)
    else:
        values = cells.numbers_of(Series(list(column.groups), dtype="str"))
        known = ~np.isnan(values)
        middle = _worse_from(values[known], np.array(list(column.groups.values()))[known], rises=rises)
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


def bands(bad_rate: float) -> list[tuple[str, int]]:
    """Five score bands around the score of the mean odds, 20 points apart: that is twice the odds."""
    middle = round(float(scores(np.array([bad_rate]), SCALE)[0]) / 10) * 10
    return [("A", middle + 40), ("B", middle + 20), ("C", middle), ("D", middle - 20), ("E", 0)]


def stress(features: Sequence[Profile]) -> dict[str, str] | None:
    """The column that ranks best, a fifth worse for everybody; None if no column of numbers has a direction."""
    movable = [
        column
        for column in features
        if column.kind in ("number", "integer") and column.trend.direction and column.range
    ]
    if not movable:
        return None
    column = max(movable, key=lambda each: each.gini)
    low, high = column.range or (0.0, 0.0)
    worse = f"{flow_name(column.name)} * {1.2 if column.trend.direction == 'increasing' else 0.8}"
    whole = f"floor({worse} + 0.5)" if column.kind == "integer" else worse
    return {column.name: f"clip({whole}, {low:.12g}, {high:.12g})"}


def flow_name(name: str) -> str:
    """A column as a formula names it."""
    in_formulas = name.isidentifier() and name.isascii() and not keyword.iskeyword(name)
    return name if in_formulas else f"col[{json.dumps(name, ensure_ascii=False)}]"


def outcome_words(facts: Facts) -> list[str]:
    """Each word of the target with its rows and what it became, the most frequent first."""
    return [f"{word!r}: {rows:,} rows, {became}" for word, rows, became in facts.outcomes]


def _scalar(word: str) -> str | int:
    """An outcome as a person writes it: 1, not "1"."""
    return int(word) if re.fullmatch(r"-?(0|[1-9]\d*)", word) else word


def _joined(source: Source, joined: Joined) -> dict[str, Any]:
    """A line of `sources:`, with how its rows met those of the files before it."""
    met = f"{joined.unmatched:,} rows before it find none here, {joined.unused:,} rows here belong to none"
    return {"entry": source.model_dump(exclude_none=True), "comment": met}


def is_read(column: Profile) -> bool:
    return column.role not in ("ignore", "target")


def _values(column: Profile) -> dict[str, Any]:
    """What a column may hold; of a target that is words, `outcome:` says it."""
    kind = TYPES.get(column.kind, column.kind)
    may_miss = {"missing": "allow"} if column.missing > 0 and column.role != "ignore" else {}
    if column.role == "target":  # an outcome that is not known is counted, and left out of the training
        return ({"type": kind} if kind in ("integer", "number") else {}) | may_miss
    declared = {
        "type": kind if kind != "text" else None,
        "range": list(column.range) if column.range and column.role not in (*KEY_ROLES, "weight") else None,
        "categories": list(column.categories) if column.categories else None,
        **may_miss,
        "special": column.special or None,
        "label": column.label if column.role == "feature" else None,
    }
    return {key: value for key, value in declared.items() if value is not None}


def _column(column: Profile, accept: bool) -> dict[str, Any]:
    """A line of `columns:`, with what a reader should look at as its comment."""
    entry = {"role": column.role, **_values(column)}
    if column.missing_words is not None and column.role != "ignore":
        entry["missing_words"] = list(column.missing_words)
    if column.unit and is_read(column):
        entry["unit"] = column.unit
    if column.formats and is_read(column):
        entry["format"] = column.formats[0] if len(column.formats) == 1 or accept else OPEN
    if column.why and column.role in ("protected", "proxy", "ignore"):
        entry["why"] = OPEN if column.suspected and not accept else column.why
    notes = [*column.notes, *([f"{column.missing:.1%} missing"] if column.missing else [])]
    if column.suspected:
        notes.append(f"proposed: {column.why}")
    return {"name": column.name, "entry": entry, "comment": "; ".join(notes)}


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
    unquoted = UNQUOTED.fullmatch(value) and value.lower() not in NEEDS_QUOTES and not value.endswith(" ")
    return value if unquoted else json.dumps(value, ensure_ascii=False)


@cache
def _template() -> Any:
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 (no HTML)
    environment.filters["flow"] = flow
    return environment.from_string((files("credit_risk.fork") / "credit.yaml.j2").read_text(encoding="utf-8"))
