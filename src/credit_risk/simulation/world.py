"""The applicants of the year, month by month, with the truth about each: what no lender has."""

import math
from dataclasses import dataclass

import numpy as np
from pandas import DataFrame, DateOffset, Timestamp, concat

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.simulated_lender import SimulatedBook, lender
from credit_risk.simulation.settings import YearSettings

YEAR, MONTHS = 2022, 12
OTHERS = 100_000_000  # between the ids of two months: nobody comes twice but within one
VANISHED, SENT_INSTEAD = "education", "business"


@dataclass(frozen=True)
class ApplicationMonth:
    """One month of applications as they are. pd: the true one, of each row; bad: what was drawn with it."""

    month: int
    applications: DataFrame
    pd: Matrix
    bad: Mask


def history(settings: YearSettings, seed: int) -> SimulatedBook:
    """The year before: what the first champion is fitted to."""
    return lender(MONTHS * settings.applications, seed=seed, months=MONTHS)


def month_of(settings: YearSettings, seed: int, month: int) -> ApplicationMonth:
    """The applications of one month (1 to 12) of the year."""
    season = 1 + settings.season * math.cos(2 * math.pi * month / MONTHS)
    since = max(month - settings.drift.month + 1, 0)
    doses = {"drift": since * settings.drift.a_month, "miscalibration": since * settings.drift.risk_a_month}
    # A dose grows over the months of a book: the second of two has it whole.
    book = lender(2 * round(settings.applications * season), seed=seed * 1_000 + month, months=2, **doses)
    second = (book.applications["applied_on"] >= Timestamp(2021, 2, 1)).to_numpy() & ~book.truth["is_copy"].to_numpy()
    rows = book.applications[second]
    moved = rows.assign(
        applied_on=rows["applied_on"] + DateOffset(months=MONTHS + month - 2),
        application_id=rows["application_id"] + month * OTHERS,
        applicant_id=rows["applicant_id"] + month * OTHERS,
    ).reset_index(drop=True)
    truth = book.truth[second]
    return ApplicationMonth(month, moved, truth["pd"].to_numpy(), truth["bad"].to_numpy(dtype=bool))


def as_fed(settings: YearSettings, applications: DataFrame, *, is_faulty: bool) -> DataFrame:
    """The applications as the feed delivers them: a unit changes, and one category comes under another's name."""
    if not is_faulty:
        return applications
    purpose = applications["purpose"].where(applications["purpose"] != VANISHED, SENT_INSTEAD)
    return applications.assign(income=applications["income"] / settings.fault.income_divided_by, purpose=purpose)


def together(months: list[ApplicationMonth]) -> ApplicationMonth:
    """Several months as one."""
    return ApplicationMonth(
        months[-1].month,
        concat([each.applications for each in months], ignore_index=True),
        np.concatenate([each.pd for each in months]),
        np.concatenate([each.bad for each in months]),
    )
