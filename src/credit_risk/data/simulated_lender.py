"""A simulated lender whose truth is known: applications as a lender keeps them, and beside them each true PD.

Real data never show the PD behind an outcome, so they cannot tell how often a gate is wrong. Here every fault
(unfairness, drift, miscalibration, selection) has a dose, and at dose zero the fault is absent by construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray
from pandas import DataFrame, Series, array
from scipy.optimize import brentq
from scipy.special import expit

FIRST_MONTH = np.datetime64("2021-01", "M")
PERFORMANCE_WINDOW = 12  # months between an application and its outcome
EMPLOYMENT = ("<1y", "1-4y", "4-7y", ">=7y")  # shortest service first
PURPOSES = ("car", "home", "education", "business")

_EMPLOYMENT_LOG_ODDS = {"<1y": 0.55, "1-4y": 0.25, "4-7y": 0.0, ">=7y": -0.35}
_PURPOSE_LOG_ODDS = {"car": 0.0, "home": -0.2, "education": 0.1, "business": 0.4}
_LOG_INCOME = -0.8  # log-odds for each unit of log income
_TYPICAL_USE = 0.45  # squared utilisation of those who are late, on average
_AGAIN = 0.08  # share of applications by somebody who has applied before or will again
_COPIES = 0.01  # share of rows that repeat the row before under new ids, as a double export does
_INDETERMINATE = 0.02

_BOUNDS = {
    "n": (1, 100_000_000),
    "bad_rate": (0.001, 0.999),
    "gap": (-3, 3),
    "drift": (-5, 5),
    "miscalibration": (-5, 5),
    "interaction": (0, 1),
    "missing": (0, 1),
    "declined": (0, 0.99),
    "months": (1, 600),
}


@dataclass(frozen=True)
class SimulatedBook:
    """One lender's applications, oldest first, and the truth about each: same rows, same index.

    applications: what a lender would hold. `status` is good, bad or indeterminate, and empty for the declined.
    truth: what nobody holds.
        application_id
        pd           probability that this application turns bad
        bad          the outcome drawn with that probability, also for declined and indeterminate applications
        booked       False where the lender declined and so never saw the outcome
        outcome_on   date on which the performance window ends and the outcome is known
        income       what the applicant earns, also where the application does not say
        is_copy      True where the row repeats the row above under other ids; it carries no outcome of its own
    """

    applications: DataFrame
    truth: DataFrame


def lender(
    n: int,
    *,
    seed: int,
    bad_rate: float = 0.17,
    gap: float = 0.0,
    drift: float = 0.0,
    miscalibration: float = 0.0,
    interaction: float = 1.0,
    missing: float = 0.05,
    declined: float = 0.0,
    months: int = 36,
) -> SimulatedBook:
    """Simulate `n` applications; the same seed draws the same applicants, so two books differ by the dose alone.

    bad_rate: mean true PD of all applicants when gap, drift and miscalibration are 0.
    gap: log-odds by which women's PD is higher, entirely through a lower income; 0 means that all sexes are alike.
    drift: standard deviations by which credit use has risen by the last month; PD given the features stays the same.
    miscalibration: log-odds by which PD given the features has risen by the last month; the features stay the same.
    interaction: share of lateness' weight that depends on how used-up the limit is; 0 makes the truth a scorecard.
    missing: share of incomes not recorded, unrelated to anything.
    declined: share of applicants turned down, riskiest first but for some noise, whose outcome nobody sees.
    months: number of months, starting in January 2021, over which the applications are spread evenly.
    Raises ValueError for a value outside its range.
    """
    _refuse_nonsense(n=n, months=months, bad_rate=bad_rate, missing=missing, declined=declined)
    _refuse_nonsense(gap=gap, drift=drift, miscalibration=miscalibration, interaction=interaction)
    # Four streams, and no dose changes how many draws any of them gives: a dose never reshuffles the applicants.
    applicants, loans, outcomes, blemishes = map(np.random.default_rng, SeedSequence(seed).spawn(4))
    month, day = np.divmod(np.sort(loans.integers(0, 28 * months, n)), 28)
    elapsed = month / max(months - 1, 1)
    features = _applicants(n, applicants, gap).join(_requests(loans, drift * elapsed))
    risk = log_odds(features, bad_rate=bad_rate, interaction=interaction).to_numpy()
    truth = DataFrame(
        {
            "pd": expit(risk + miscalibration * elapsed),
            "booked": _booked(risk, declined, outcomes),
            "outcome_on": _date(month + PERFORMANCE_WINDOW, day),
            "income": features["income"],
        }
    )
    truth.insert(1, "bad", outcomes.random(n) < truth["pd"])
    features.insert(1, "applied_on", _date(month, day))
    features["income"] = features["income"].mask(blemishes.random(n) < missing)
    return _with_copies(features.assign(status=_status(truth, outcomes)), truth, blemishes)


def log_odds(features: DataFrame, *, bad_rate: float = 0.17, interaction: float = 1.0) -> Series:
    """True log-odds of bad for any applicants: the smooth function, before miscalibration, that a model tries to find.

    features: the columns of `applications` that matter, with every income known.
    """
    return _intercept(bad_rate, interaction) + _effects(features, interaction)


def _effects(features: DataFrame, interaction: float) -> Series:
    lateness = 1 - np.exp(-features["months_late"] / 2)  # the first month late says most
    use = features["utilisation"] ** 2
    effects: Series = (
        _LOG_INCOME * np.log(features["income"] / 40_000)
        + 0.4 * np.log(features["loan_amount"] / 10_000)
        + 0.1 * features["term_months"] / 12
        + 0.5 * use
        + lateness * (0.2 + 4.8 * (_TYPICAL_USE + interaction * (use - _TYPICAL_USE)))
        + features["employment"].map(_EMPLOYMENT_LOG_ODDS)
        + features["purpose"].map(_PURPOSE_LOG_ODDS)
        - 0.4 * features["existing_customer"]
    )
    return effects


@cache
def _intercept(bad_rate: float, interaction: float) -> float:
    """Log-odds to add so that the mean PD is `bad_rate`.

    Solved on one fixed reference population, not on the rows asked for: all seeds and sizes share one truth.
    """
    applicants, loans = map(np.random.default_rng, SeedSequence(0).spawn(2))
    n = 200_000
    effects = _effects(_applicants(n, applicants, gap=0).join(_requests(loans, np.zeros(n))), interaction).to_numpy()
    return float(brentq(lambda level: expit(level + effects).mean() - bad_rate, -30, 30))


def _refuse_nonsense(**doses: float) -> None:
    for name, value in doses.items():
        low, high = _BOUNDS[name]
        if not low <= value <= high:  # also true of NaN
            raise ValueError(
                f"The simulated lender was asked for {name}={value}; it must lie between {low} and {high}."
            )


def _applicants(n: int, rng: Generator, gap: float) -> DataFrame:
    """Who stands behind each application; some stand behind two."""
    female = rng.random(n) < 0.5
    # Income enters the log-odds through its logarithm alone, so this moves each woman's log-odds by exactly `gap`.
    log_income = 0.55 * rng.standard_normal(n) + gap / _LOG_INCOME * female
    applicants = DataFrame(
        {
            "applicant_id": np.arange(1, n + 1),
            "sex": _labels(("male", "female"), female),
            "age": (18 + 62 * rng.beta(2, 3, n)).astype(int),
            "employment": _labels(EMPLOYMENT, rng.choice(4, n, p=[0.15, 0.3, 0.25, 0.3])),
            "income": np.round(40_000 * np.exp(log_income)),
        }
    )
    order, again = rng.permutation(n), round(n * _AGAIN / 2)
    behind = np.arange(n)
    behind[order[:again]] = order[again : 2 * again]
    return applicants.take(behind).reset_index(drop=True)


def _requests(rng: Generator, drift: NDArray[np.float64]) -> DataFrame:
    """What each application asks for and how the applicant has used credit so far."""
    n = len(drift)
    utilisation = np.round(1.2 * expit(1.3 * (rng.standard_normal(n) + drift) - 0.4), 3)
    # A skewed draw, cut to whole months: nearly three in four were never late, a few often, heavy users more.
    months_late = np.minimum((0.25 + 0.9 * utilisation) * rng.exponential(size=n) ** 1.5, 8).astype(int)
    return DataFrame(
        {
            "purpose": _labels(PURPOSES, rng.choice(4, n, p=[0.4, 0.3, 0.1, 0.2])),
            "loan_amount": np.ceil(100 * np.exp(0.6 * rng.standard_normal(n))) * 100,
            "term_months": rng.choice([12, 24, 36, 48, 60], n),
            "utilisation": utilisation,
            "months_late": months_late,
            "existing_customer": rng.random(n) < 0.35,
        }
    )


def _booked(risk: NDArray[np.float64], declined: float, rng: Generator) -> NDArray[np.bool_]:
    """True for the applications that an earlier policy booked: it saw the features, through noise, and no outcome."""
    seen = risk + rng.standard_normal(len(risk))
    return seen <= np.quantile(seen, 1 - declined)


def _status(truth: DataFrame, rng: Generator) -> Series:
    """The outcome as the lender knows it.

    Indeterminates strike good and bad alike, so that the bad rate among the rest still estimates the mean PD.
    """
    status = np.where(rng.random(len(truth)) < _INDETERMINATE, 2, truth["bad"])
    return _labels(("good", "bad", "indeterminate"), status).where(truth["booked"])


def _with_copies(applications: DataFrame, truth: DataFrame, rng: Generator) -> SimulatedBook:
    """Replace a few rows by the row before, and number the applications."""
    n = len(truth)
    is_copy = rng.random(n) < _COPIES
    is_copy[0] = False
    original = np.maximum.accumulate(np.where(is_copy, 0, np.arange(n)))
    applications = applications.take(original).reset_index(drop=True)
    truth = truth.take(original).reset_index(drop=True).assign(is_copy=is_copy)
    applications["applicant_id"] = applications["applicant_id"].where(~is_copy, n + is_copy.cumsum())
    for table in (applications, truth):
        table.insert(0, "application_id", np.arange(1, n + 1))
    return SimulatedBook(applications, truth)


def _labels(names: Sequence[str], codes: NDArray[np.integer] | NDArray[np.bool_]) -> Series:
    return Series(array(names, dtype="str").take(codes.astype(int)))


def _date(month: NDArray[np.integer], day: NDArray[np.integer]) -> NDArray[np.datetime64]:
    """The day (0 to 27) of a month counted from the first; 28 days, so that every month has the same ones."""
    date: NDArray[np.datetime64] = (FIRST_MONTH + month).astype("M8[D]") + day
    return date
