"""What retraining goes by: configs/retraining.yaml."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from credit_risk.config import environment
from credit_risk.config.names import is_person
from credit_risk.config.section import Count, Positive, Section, Share, Text
from credit_risk.errors import NotFound


def _day(written: object) -> object:
    return date.fromisoformat(written) if isinstance(written, str) else written


class Plan(Section):
    """Who has approved that models are retrained by this file without being asked each time, and until when."""

    approved_by: Text | None
    until: Annotated[date | None, BeforeValidator(_day)]

    @model_validator(mode="after")
    def _is_signed_whole(self) -> "Plan":
        if (self.approved_by is None) != (self.until is None):
            raise ValueError("approved_by and until go together: who approves says until when")
        if self.approved_by is not None and not is_person(self.approved_by):
            raise ValueError(f"approved_by is {self.approved_by!r}, expected a first and a last name")
        return self


class Triggers(Section):
    """What makes a training due. most_auc_lost: a difference in AUC. most_level_off: in log-odds, either way.

    most_bad_rate: of a month's approvals as their PDs foretell it, within the performance window; None for no limit.
    """

    schedule_months: Count
    most_auc_lost: Annotated[float, Field(ge=0, lt=0.5)]
    most_level_off: Positive
    most_bad_rate: Share | None
    approval_months: Count
    approval_lead_months: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _lead_is_shorter(self) -> "Triggers":
        if self.approval_lead_months >= self.approval_months:
            raise ValueError("approval_lead_months must be below approval_months, or every day is due")
        return self


class TrainingLimits(Section):
    """How often, and for how much, at most, over twelve months; when a training that never ended counts as killed."""

    cool_down_days: Annotated[int, Field(ge=0)]
    most_a_year: Count
    cpu_hours_a_year: Positive
    abandoned_after_hours: Positive


class DataWindow(Section):
    """Which accounts may be learned from, and what must be known of them."""

    window_months: Count
    newest_months: Count
    least_newest: Count
    least_newest_bads: Count
    raw: bool
    protected: Text | None
    least_known: Share
    most_narrowing: Share


class RetrainingSettings(Section):
    """plan: who approved it. triggers, limits: when. data: on which accounts."""

    plan: Plan
    triggers: Triggers
    limits: TrainingLimits
    data: DataWindow


def load(path: Path) -> RetrainingSettings:
    """Raises ConfigError with every problem; NotFound without the file."""
    if not path.is_file():
        raise NotFound(path, "docs/retraining.md says what stands in it.")
    return environment.whole(path, RetrainingSettings)
