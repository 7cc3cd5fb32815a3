"""A policy that asks something of a scorer: which evidence answers each control, and what it must show."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from credit_risk.config.policies import PolicyFile, Requirement
from credit_risk.config.section import Scalar, Section, Text


class EvidenceSource(Section):
    """Where a control is answered: a report of a stage, a file of the repository or one of the scorer's own files.

    measure: the dotted name of a value inside it.
    """

    report: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    file: Text | None = None
    scorer: Text | None = None
    measure: Text | None = None

    @model_validator(mode="after")
    def _single_source(self) -> Self:
        if sum(source is not None for source in (self.report, self.file, self.scorer)) != 1:
            raise ValueError("give one of report, file and scorer")
        return self


class EvidenceCheck(Section):
    """What the evidence must show: a number with its interval inside limits, a value, or what a check by name finds."""

    at_least: float | None = None
    at_most: float | None = None
    exact: bool = False
    equals: Scalar | None = None
    by: Literal["prohibited_bases_apart", "reasons_are_specific"] | None = None

    @model_validator(mode="after")
    def _single_way(self) -> Self:
        has_limits = self.at_least is not None or self.at_most is not None
        if has_limits + (self.equals is not None) + (self.by is not None) != 1:
            raise ValueError("give limits, equals, or by")
        return self


class ScorerControl(Requirement):
    """A requirement of a scorer, and how it is answered."""

    evidence: EvidenceSource
    check: EvidenceCheck

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if (self.evidence.measure is None) != (self.check.by is not None):
            raise ValueError("a check by name reads a whole file of the scorer; any other needs evidence.measure")
        if self.check.by is not None and self.evidence.scorer is None:
            raise ValueError("a check by name reads the scorer's own config: evidence: {scorer: config.json}")
        return self


class NotCovered(Section):
    """What the framework also asks and this audit does not see, so that nobody takes it for granted."""

    source: Text
    why: Text


class ScorerWords(Section):
    """Parts of column names that are a prohibited basis, and phrases that are no specific reason."""

    prohibited: tuple[str, ...] = ()
    unspecific: tuple[str, ...] = ()


class ScorerPolicy(PolicyFile):
    """What one framework asks of a scorer."""

    controls_key: ClassVar[str] = "controls"

    statements: Mapping[str, Scalar] = {}
    words: ScorerWords
    controls: Annotated[tuple[ScorerControl, ...], Field(min_length=1)]
    not_covered: tuple[NotCovered, ...] = ()
