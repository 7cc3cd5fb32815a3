"""The section `fairness` of the config: protected groups, those compared, and the search for alternatives."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from credit_risk.config.section import Section, Text


class AgeBand(Section):
    """A group of a protected number, both ends included."""

    name: Text
    low: float
    high: float


class Attribute(Section):
    """How a protected column falls into groups: words by group, or bands of a number."""

    groups: Mapping[str, tuple[str, ...]] | None = None
    bands: tuple[AgeBand, ...] | None = None


class Contrast(Section):
    """A comparison declared beforehand: the approval rate of `group` over that of `reference`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    attribute: Text
    group: Text
    reference: Text


class Alternatives(Section):
    """The search for less discriminatory alternatives; `select` needs a person of the legal department by name."""

    mode: Literal["off", "report", "select"]
    sign_off: str | None = None
    most_auc_lost: Annotated[float, Field(ge=0, le=1)]


class Fairness(Section):
    """Which groups are compared, at the operating cut-off, and how many rows a group must have to be compared.

    Without protected columns `unavailable` says why in words a regulator would accept, and no contrast is declared.
    """

    attributes: Mapping[str, Attribute]
    min_n: Annotated[int, Field(gt=0)]
    refer_counts_as: Literal["approve", "decline"]
    contrasts: tuple[Contrast, ...]
    intersections: tuple[tuple[str, str], ...] = ()
    alternatives: Alternatives | None = None
    unavailable: str | None = None
