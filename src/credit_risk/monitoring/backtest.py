"""What was foretold of booked accounts against what came: by band, over all, and by vintage. Booked accounts only.

Nothing here says anything of the declined. Where an account's outcome by a month was not looked up, an interval holds
whatever it was: its lower end takes it for good, its upper end for bad.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pandas import DataFrame
from scipy.stats import beta, norm

from credit_risk.config.schema import Evaluation
from credit_risk.measures.figure import Figure, Figures
from credit_risk.measures.intervals import bootstrap, jeffreys, wilson
from credit_risk.measures.metrics import Sample
from credit_risk.monitoring.accounts import outcome_by

OPEN = "not_known_by_window"
FIGURES = ("auc", "gini", "ks", "brier", "calibration_slope", "calibration_in_the_large")
NODES, GRID, TINY = 400, 2001, 1e-12  # of the integrals over this year and over an average one
NOBODY = "no matured account has a known outcome"


def jeffreys_correlated(bads: int, rows: int, *, correlation: float, confidence: float) -> tuple[float, float]:
    """`jeffreys` where the accounts share one year: the interval of the bad rate of an average year.

    Whether an account turns bad hangs on a factor of its own and, by the asset correlation, on one that all share
    (Vasicek 2002, the model behind Basel's formula for retail). The prior is that of `jeffreys`, which it comes to as
    the correlation goes to 0. However many accounts one year has, its interval does not shrink to a point.
    correlation: above 0, below 1.
    """
    at = (np.arange(NODES) + 0.5) / NODES
    in_year = np.clip(beta.ppf(at, bads + 0.5, rows - bads + 0.5), TINY, 1 - TINY)  # bad rates of this year
    means, spread = np.sqrt(1 - correlation) * norm.ppf(in_year), np.sqrt(correlation)
    average = np.linspace(means.min() - 6 * spread, means.max() + 6 * spread, GRID)  # probits of the average bad rate
    likelihood = (
        np.exp(norm.ppf(in_year) ** 2 / 2)
        * np.sqrt(in_year * (1 - in_year))
        * norm.pdf((average[:, None] - means) / spread)
    ).mean(axis=1)
    prior = norm.pdf(average) / np.sqrt(norm.cdf(average) * norm.sf(average))
    weight = likelihood * prior
    share = np.cumsum(weight) - weight / 2
    tail = (1 - confidence) / 2
    low, high = (float(norm.cdf(np.interp(end, share / weight.sum(), average))) for end in (tail, 1 - tail))
    return 0.0 if bads == 0 else low, 1.0 if bads == rows else high


def why_withheld(accounts: DataFrame, most_without_outcome: float) -> str:
    """Why no figure of matured accounts is given; empty if nothing is in the way.

    Where only some outcomes were delivered, they may be those of the bad accounts.
    """
    open_ = accounts["state"].isin((OPEN, "no_outcome_approve")).sum()
    known = accounts["state"].isin(("good", "bad", "indeterminate")).sum()
    if not known:
        return NOBODY
    share = open_ / (open_ + known)
    if share <= most_without_outcome:
        return ""
    return (
        f"{open_} of {open_ + known} matured approvals have no known outcome ({share:.1%}), and at most "
        f"{most_without_outcome:.1%} may lack one"
    )


def by_band(
    accounts: DataFrame, names: Sequence[str], *, confidence: float, correlation: float
) -> list[dict[str, Any]]:
    """Each band: matured accounts, bads, what was foretold (mean PD), what came with its intervals, and a verdict.

    verdict: IN where the interval holds the mean PD, OUT where there are more or fewer bads than that. `correlated` has
    the same where accounts share a year (`jeffreys_correlated`): a bad year alone is then no fault of the scorer.
    """
    return [_band(name, accounts[accounts["band"] == name], confidence, correlation) for name in names]


def overall(accounts: DataFrame, evaluation: Evaluation) -> Figures:
    """The figures of FIGURES over all matured accounts, applicants drawn with replacement."""
    rows = accounts[accounts["state"].isin(("good", "bad"))]
    if rows.empty:
        return {name: Figure.unknown(0, NOBODY) for name in FIGURES}
    sample = Sample.of(rows["state"] == "bad", rows["pd"], rows["person"])
    how = {"replicates": evaluation.replicates, "seed": evaluation.seed, "confidence": evaluation.confidence}
    figures = bootstrap(sample, **how)  # type: ignore[arg-type]
    return {name: figures[name] for name in FIGURES}


def vintages(accounts: DataFrame, *, confidence: float, most_not_known: float) -> dict[str, list[Figure]]:
    """By month of decision: the share of booked accounts that were ever bad by month 1, 2, … on book.

    Booked: an outcome of the account was delivered. A curve ends where its youngest account is. A month by which more
    than `most_not_known` of booked accounts and approvals were not looked up has no figure: the known may be the bad.
    """
    approved = (accounts["decision"] == "approve") | accounts["known"].astype(bool)
    booked = accounts[approved & ~accounts["erased"]]
    return {
        str(vintage): [
            _ever_bad(rows, month, confidence, most_not_known) for month in range(1, int(rows["age"].min()) + 1)
        ]
        for vintage, rows in booked.groupby("vintage", sort=True)
    }


def _band(name: str, rows: DataFrame, confidence: float, correlation: float) -> dict[str, Any]:
    measured = rows[rows["state"].isin(("good", "bad"))]
    bads, open_ = int((rows["state"] == "bad").sum()), int((rows["state"] == OPEN).sum())
    counts = {"band": name, "rows": len(measured), "bads": bads, "not_known": open_}
    if measured.empty:
        unknown = {"mean_pd": np.nan, "bad_rate": Figure.unknown(0, NOBODY), "verdict": "CANNOT SAY"}
        return {**counts, **unknown, "correlated": {"low": np.nan, "high": np.nan, "verdict": "CANNOT SAY"}}
    whole = len(measured) + open_
    low, high = jeffreys(bads, whole, confidence=confidence)[0], jeffreys(bads + open_, whole, confidence=confidence)[1]
    mean_pd = float(measured["pd"].mean())
    figure = Figure(bads / len(measured), low, high, len(measured), _not_looked_up(open_))
    shared = {"correlation": correlation, "confidence": confidence}
    least, most = jeffreys_correlated(bads, whole, **shared)[0], jeffreys_correlated(bads + open_, whole, **shared)[1]
    return {
        **counts,
        "mean_pd": mean_pd,
        "bad_rate": figure,
        "verdict": _holds(low, mean_pd, high),
        "correlated": {"low": least, "high": most, "verdict": _holds(least, mean_pd, most)},
    }


def _holds(low: float, mean_pd: float, high: float) -> str:
    return "IN" if low <= mean_pd <= high else "OUT"


def _ever_bad(rows: DataFrame, month: int, confidence: float, most_not_known: float) -> Figure:
    outcomes = [outcome_by(known, month) for known in rows["known"]]
    bads, goods, not_known = outcomes.count("bad"), outcomes.count("good"), outcomes.count(None)
    if not bads + goods or not_known / len(rows) > most_not_known:
        return Figure.unknown(bads + goods, _not_looked_up(not_known) or "all accounts are indeterminate")
    open_ = not_known - int((~rows["known"].astype(bool)).sum())  # without those that may never have been taken up
    whole = bads + goods + open_
    low, _ = wilson(bads / whole, whole, confidence=confidence)
    _, high = wilson((bads + open_) / whole, whole, confidence=confidence)
    return Figure(bads / (bads + goods), float(low), float(high), bads + goods, _not_looked_up(open_))


def _not_looked_up(count: int) -> str:
    return f"{count} accounts were not looked up by that month" if count else ""
