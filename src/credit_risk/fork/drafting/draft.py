"""The first config of a fork, written from what its data look like and what its owner has said."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from credit_risk.config.columns import KEY_ROLES, Source
from credit_risk.config.migration import VERSION
from credit_risk.config.open_decisions import DECISIONS, OPEN
from credit_risk.config.schema import DRAFT, Scale
from credit_risk.data.reading.tables import Joined
from credit_risk.fork.drafting.maturity import Immature
from credit_risk.fork.drafting.profile import Profile
from credit_risk.fork.drafting.protected_groups import contrasts, groups_of
from credit_risk.fork.drafting.reason_families import families, flow_name
from credit_risk.scoring.decision import scores

Answers = Mapping[str, Any]
"""Decisions by their key in the config, as far as the owner has said them."""

MOST_BAD = 0.5  # beyond it an outcome is probably coded the wrong way round
WINDOW = 12  # months that a trial run takes for the performance window
SCALE = Scale(base=600, odds=50, pdo=20)
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
        proposed_until=_proposed_until(facts) if asked_until and accept else OPEN,
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
        accept=accept,
        open=OPEN,
        reversed=facts.bad_rate > MOST_BAD,
        bad_rate=(float(f"{facts.bad_rate / 2:.2g}"), min(1.0, float(f"{facts.bad_rate * 2:.2g}"))),
    )
    return rendered


def _proposed_until(facts: Facts) -> date | str:
    """The day until which outcomes can have been looked up, where some accounts are too young."""
    return facts.immature.until if facts.immature else OPEN


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
    doubts += ["outcome.bad_rate"] if facts.bad_rate > MOST_BAD else []
    return [*doubts, "data.decimal"] if facts.doubtful_numbers else doubts


def identity(columns: Sequence[Profile]) -> list[str]:
    """What says which application a row is: nothing beside an id; else its applicant, or all that it has."""
    if any(column.role == "id" for column in columns):
        return []
    applicants = [column.name for column in columns if column.role == "applicant"]
    return applicants or [column.name for column in columns if column.role == "feature"]


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
    notes = [*column.notes, *([f"{column.missing:.1%} missing"] if column.missing and column.groups else [])]
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
