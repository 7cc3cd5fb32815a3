"""A policy that asks something of a scorer and of who runs it: what answers each control, and what that must show."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from credit_risk.compliance.policies import DataControl, DataWords, PolicyFile, Requirement
from credit_risk.config.section import Count, Scalar, Section, Text


class EvidenceSource(Section):
    """Where a control is answered: a report of a stage, a file of the repository or one of the scorer's own files.

    measure: the dotted name of a value inside it. contrasts_of: in its place, a basis of the policy's `words.bases`;
    then every contrast that the lender declares of it is held to the limits. where_held: of a lender that keeps no
    column with this basis nothing is asked; without it such a lender fails.
    """

    report: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    file: Text | None = None
    scorer: Text | None = None
    measure: Text | None = None
    contrasts_of: Text | None = None
    where_held: bool = False

    @model_validator(mode="after")
    def _single_source(self) -> Self:
        if sum(source is not None for source in (self.report, self.file, self.scorer)) != 1:
            raise ValueError("give one of report, file and scorer")
        if self.contrasts_of is not None and (self.measure is not None or self.report != "fairness"):
            raise ValueError("contrasts_of stands in the place of measure, and reads the report fairness")
        if self.where_held and self.contrasts_of is None:
            raise ValueError("where_held goes with contrasts_of")
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


class PersonalCheck(Section):
    """A question that only a person can answer; an answer holds for so many months (`credit-risk attest`)."""

    question: Text
    months: Count


class ScorerControl(Requirement):
    """A requirement, and how it is answered: by evidence, by a check of the repository, by a person, or not at all.

    status: in_force, coming (from `applies_from`), disputed in court, or house policy. applies_to: words of the
    inventory's `applies`, all of which must hold of the lender; without any the control applies to everybody.
    by: a check of the repository and its stores by name (governance.repository_checks). not_assessed: why nobody looks.
    """

    status: Literal["in_force", "coming", "disputed", "house"] = "in_force"
    applies_from: date | None = None
    applies_to: tuple[Text, ...] = ()
    evidence: EvidenceSource | None = None
    check: EvidenceCheck | None = None
    by: Text | None = None
    person: PersonalCheck | None = None
    not_assessed: Text | None = None

    @property
    def kind(self) -> Literal["computed", "human", "not assessed"]:
        if self.person is not None:
            return "human"
        return "not assessed" if self.not_assessed is not None else "computed"

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        ways = (self.evidence, self.by, self.person, self.not_assessed)
        if sum(way is not None for way in ways) != 1 or (self.evidence is None) != (self.check is None):
            raise ValueError("give evidence with check, by, person, or not_assessed")
        if (self.status == "coming") != (self.applies_from is not None):
            raise ValueError("status: coming and applies_from go together")
        if self.evidence is None or self.check is None:
            return self
        if ((self.evidence.measure or self.evidence.contrasts_of) is None) != (self.check.by is not None):
            raise ValueError("a check by name reads a whole file of the scorer; any other needs evidence.measure")
        if self.evidence.contrasts_of is not None and self.check.equals is not None:
            raise ValueError("contrasts are ratios: give limits")
        if self.check.by is not None and self.evidence.scorer is None:
            raise ValueError("a check by name reads the scorer's own config: evidence: {scorer: config.json}")
        return self


class NotCovered(Section):
    """What the framework also asks and this audit does not see, so that nobody takes it for granted."""

    source: Text
    why: Text


class ScorerWords(DataWords):
    """Parts of column names that are a prohibited basis, and phrases that are no specific reason.

    bases: by basis, the words of `prohibited` by which a column that holds it is known.
    """

    prohibited: tuple[str, ...] = ()
    bases: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    unspecific: tuple[str, ...] = ()


class ScorerPolicy(PolicyFile):
    """What one framework asks of a scorer. data_controls: what it asks of a data set, read in compliance.policies."""

    controls_key: ClassVar[str] = "controls"

    statements: Mapping[str, Scalar] = {}
    words: ScorerWords = ScorerWords()
    controls: Annotated[tuple[ScorerControl, ...], Field(min_length=1)]
    data_controls: tuple[DataControl, ...] = ()
    not_covered: tuple[NotCovered, ...] = ()

    @model_validator(mode="after")
    def _bases_are_known(self) -> Self:
        bases = {control.evidence.contrasts_of for control in self.controls if control.evidence} - {None}
        if unknown := sorted(map(str, bases - self.words.bases.keys())):
            raise ValueError(f"words.bases does not say by which words a column holds {', '.join(unknown)}")
        return self
