"""What monitoring judges by: configs/monitoring.yaml. Confidence, replicates and PSI limit are those of credit.yaml."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from credit_risk.config import environment
from credit_risk.config.names import is_person
from credit_risk.config.section import Count, Positive, Section, Share, Text
from credit_risk.errors import NotFound

AT_RANDOM = "approved_at_random"  # the reason of an override by chance, which no person may give


class DriftRule(Section):
    """A series of months is OUT where `out` of the last `of` are, the latest included."""

    out: Count
    of: Count

    @model_validator(mode="after")
    def _can_be_reached(self) -> "DriftRule":
        if self.out > self.of:
            raise ValueError(f"out is {self.out} of {self.of} months: expected at most {self.of}, or it is never OUT")
        return self


class ShiftRule(Section):
    """baseline: how many of a scorer's first months its later ones are compared with.

    most: by how much a share may move: of decisions, and of values missing or never seen; 0.04 is four points.
    """

    baseline: Count
    most: Annotated[float, Field(gt=0, lt=1)]


class Detection(Section):
    """How small steady changes are looked for in single decisions.

    delta: the chance that ADWIN may err by at one look. seasons: what the share of a day is compared within; holidays
    are a season of their own.
    """

    delta: Annotated[float, Field(gt=0, lt=1)]
    seasons: tuple[Literal["weekday", "third_of_month"], ...] = ()
    holidays: tuple[date, ...] = ()


class RandomApprovals(Section):
    """A budget by which some of the declined are approved at random, to learn how they pay.

    share: of those declined by a PD of at most most_pd. exposure: the input that says how much an account may lose;
    most_exposure: of one account, exposure_a_month: of all. approved_by: who answers for it.
    """

    share: Annotated[float, Field(gt=0, le=0.5)]
    most_pd: Annotated[float, Field(gt=0, lt=1)]
    exposure: Text
    most_exposure: Positive
    exposure_a_month: Positive
    approved_by: Text

    @model_validator(mode="after")
    def _is_signed(self) -> "RandomApprovals":
        if not is_person(self.approved_by):
            raise ValueError(f"approved_by is {self.approved_by!r}, expected a first and a last name")
        return self


class Appeals(Section):
    """Days within which a person answers: a decision that its applicant contests, and one that was referred."""

    answer_days: Count
    referral_days: Count


class MonitoringSettings(Section):
    """most_without_outcome: share of matured approvals whose outcome is not known beyond which no figure is given.

    asset_correlation: of accounts of one year, for the second interval of a band's bad rate.
    shift, detection: how decisions are compared with a scorer's first months, and day by day; without, they are not.
    override_reasons: what may be given for a person's decision against the scorer's; without any, none is recorded.
    override_by: how who overrides is known: by an identity of configs/policies/identities.yaml, or as typed (`names`,
    on a developer's machine alone). random_approvals: without it nobody is approved at random. appeals: without it
    nobody watches how long what is contested or referred waits.
    smallest_window: compared decisions of a month below which no counts by bin are kept, as they could be somebody's.
    """

    most_without_outcome: Share
    asset_correlation: Annotated[float, Field(gt=0, lt=1)]
    smallest_window: Count
    drift: DriftRule
    shift: ShiftRule | None = None
    detection: Detection | None = None
    override_reasons: tuple[Text, ...] = ()
    override_by: Literal["identities", "names"] = "identities"
    random_approvals: RandomApprovals | None = None
    appeals: Appeals | None = None

    @model_validator(mode="after")
    def _chance_has_its_own_reason(self) -> "MonitoringSettings":
        if AT_RANDOM in self.override_reasons:
            raise ValueError(f"override_reasons has {AT_RANDOM}, which is the reason of random_approvals alone")
        return self


def load(path: Path) -> MonitoringSettings:
    """Raises ConfigError with every problem; NotFound without the file."""
    if not path.is_file():
        raise NotFound(path, "docs/monitoring.md says what stands in it.")
    return environment.whole(path, MonitoringSettings)
