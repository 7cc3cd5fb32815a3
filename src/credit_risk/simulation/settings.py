"""The year that is played back: configs/simulation.yaml."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from credit_risk.config import environment
from credit_risk.config.section import Count, Positive, Section, Share, Text

Month = Annotated[int, Field(ge=1, le=12)]


class SlowDrift(Section):
    """From a month on, each month more: standard deviations of credit use, and log-odds of bad beyond the features."""

    month: Month
    a_month: float
    risk_a_month: float


class FeedFault(Section):
    """From a month on, until it is noticed, incomes come divided, and one purpose of a loan as another."""

    month: Month
    income_divided_by: Positive


class EventMonth(Section):
    month: Month


class YearSettings(Section):
    """lender: the folder of its configs. applications: a month. season: by which share December has more than average.

    not_worse: of the lender's gate on the comparison. most_bad_rate: of its retraining.
    """

    lender: Text
    applications: Count
    season: Share
    performance_window_months: Annotated[int, Field(ge=1, le=3)]
    not_worse: float
    most_bad_rate: Share
    drift: SlowDrift
    fault: FeedFault
    replica: EventMonth
    bad_candidate: EventMonth
    erasure: EventMonth


def load(path: Path) -> YearSettings:
    """Raises ConfigError with every problem; NotFound without the file."""
    return environment.whole(path, YearSettings)
