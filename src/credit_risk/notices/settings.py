"""How notices read, configs/notices.yaml: the lender, the law's texts, wordings by language, what may be varied."""

import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from credit_risk.config import Config, environment
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.config.section import Count, Positive, Section, Text
from credit_risk.config.yaml_positions import Loc
from credit_risk.errors import NotFound

FILE = Path("configs") / "notices.yaml"
FIELDS = frozenset({"lender", "address", "agency", "decided_on", "days", "score", "low", "high", "reference"})


class Sender(Section):
    """Who writes, and which agency watches over them: Regulation B has both in every notice."""

    lender: Text
    address: Text
    agency: Text


class Deadlines(Section):
    """Days from the decision: until a notice must have gone out, and until an applicant may ask to be decided again."""

    notice_days: Count
    appeal_days: Count


class ScoreDisclosure(Section):
    """Whether the score is disclosed with its range and its own key factors, and how many of these at most."""

    enabled: bool
    low: float
    high: float
    factors: Count


class NoticeWording(Section):
    """One language; a text may name what stands in FIELDS, in braces.

    reasons: each text of a reason, rule or factor as the config has it, and how it reads in this language; a text that
    is not there stops the notice. It may be left out for the language in which the config's own texts are written.
    """

    title: Text
    opening: Text
    reasons_heading: Text
    ecoa: Text
    score_heading: Text
    score: Text
    factors_heading: Text
    appeal: Text
    variation: Text
    reasons: Mapping[str, str] | None = None


class Variable(Section):
    """An input that an applicant can change: the way it goes, its step, how many at most, what each costs them.

    bound: a value that is never gone beyond, where the column's range lets through what nobody could do.
    """

    to: Literal["more", "less"]
    step: Positive
    most: Count
    cost: Positive
    bound: float | None = None
    text: Mapping[str, str]


class Notices(Section):
    """Everything of configs/notices.yaml. own: the language that the reasons of the config are written in."""

    version: Literal[1]
    own: Text
    sender: Sender
    deadlines: Deadlines
    score: ScoreDisclosure
    languages: Annotated[Mapping[str, NoticeWording], Field(min_length=1)]
    variable: Mapping[str, Variable] = {}


def load(root: Path, config: Config) -> Notices:
    """Raises NotFound without the file, ConfigError with every fault and its line."""
    path = root / FILE
    if not path.is_file():
        raise NotFound(path, "It says how notices read: see docs/notices.md.")
    settings = environment.whole(path, Notices)
    environment.refuse(path, faults(settings, config))
    return settings


def faults(settings: Notices, config: Config) -> Iterator[tuple[Loc, str]]:
    """What no form can say: unknown fields of a text, a missing translation, an input that may not be varied."""
    for language, wording in settings.languages.items():
        for name, text in wording.model_dump(exclude={"reasons"}).items():
            if unknown := fields_of(text) - FIELDS:
                yield ("languages", language, name), f"it names {', '.join(sorted(unknown))}; known: {sorted(FIELDS)}"
        lacking = (
            []
            if language == settings.own
            else [text for text in texts_of(config) if text not in (wording.reasons or {})]
        )
        if lacking:
            yield (
                ("languages", language, "reasons"),
                f"no translation of {lacking[0]!r}, and of {len(lacking) - 1} more",
            )
    if settings.own not in settings.languages:
        yield ("own",), f"{settings.own!r} is none of the languages"
    for name, variable in settings.variable.items():
        yield from ((("variable", name), fault) for fault in _faults_of(name, variable, settings, config))


def _faults_of(name: str, variable: Variable, settings: Notices, config: Config) -> Iterator[str]:
    column = config.columns.get(name)
    if column is None or name not in config.inputs:
        yield "no input of the config; only what the scorer reads can change a decision"
    elif column.role in GUARDED_ROLES:
        yield f"it is {column.role}: nobody is asked to change it"
    elif column.type not in ("number", "integer"):
        yield f"it is of type {column.type}; only numbers have steps"
    if lacking := [language for language in settings.languages if language not in variable.text]:
        yield f"it has no text in {', '.join(lacking)}"


def texts_of(config: Config) -> list[str]:
    """Every text that a notice may cite: of the reasons in each of their states, and of rules that decline."""
    families = [text for family in config.reasons.families for text, _ in config.reasons.wordings(family).values()]
    return [*dict.fromkeys([*families, *(rule.reason for rule in config.policy.rules if rule.decision == "decline")])]


def fields_of(text: str) -> set[str]:
    """What a text names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
