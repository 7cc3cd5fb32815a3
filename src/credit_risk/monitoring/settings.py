"""What monitoring judges by: configs/monitoring.yaml. Confidence, replicates and PSI limit are those of credit.yaml."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from credit_risk.config import environment
from credit_risk.config.section import Count, Section, Share, Text
from credit_risk.errors import NotFound


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


class MonitoringSettings(Section):
    """most_without_outcome: share of matured approvals whose outcome is not known beyond which no figure is given.

    asset_correlation: of accounts of one year, for the second interval of a band's bad rate.
    shift, detection: how decisions are compared with a scorer's first months, and day by day; without, they are not.
    override_reasons: what may be given for a person's decision against the scorer's; without any, none is recorded.
    smallest_window: compared decisions of a month below which no counts by bin are kept, as they could be somebody's.
    """

    most_without_outcome: Share
    asset_correlation: Annotated[float, Field(gt=0, lt=1)]
    smallest_window: Count
    drift: DriftRule
    shift: ShiftRule | None = None
    detection: Detection | None = None
    override_reasons: tuple[Text, ...] = ()


def load(path: Path) -> MonitoringSettings:
    """Raises ConfigError with every problem; NotFound without the file."""
    if not path.is_file():
        raise NotFound(path, "docs/monitoring.md says what stands in it.")
    return environment.whole(path, MonitoringSettings)
