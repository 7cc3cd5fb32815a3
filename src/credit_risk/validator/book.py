"""The book that would be approved: bads and profit foretold against what came, and under worse times."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.measures.figure import Figure, flat
from credit_risk.measures.intervals import jeffreys, mean
from credit_risk.measures.metrics import Economics
from credit_risk.validator.grades import jeffreys_p

ODDS = (1.0, 1.25, 1.5, 2.0)  # of bad, against what the PDs foretell

Numbers = dict[str, float | int | str]


def backtest(
    approved: Mask, bad: Mask, pd_: Matrix, applicant: Labels, economics: Economics, *, confidence: float
) -> Numbers:
    """Approvals by the final decision: bad rate and profit foretold against what came, of test rows.

    Profit is per approval, in shares of the exposure: margin of a good, loss of a bad, the cost of each.
    approved, bad, pd_, applicant: (rows,).
    """
    rows, bads = int(approved.sum()), int(bad[approved].sum())
    if not rows:
        return {"approved": 0, "why": "no test row was approved"}
    foretold, group = pd_[approved], applicant[approved]
    came = _profit(bad[approved].astype(float), economics)
    rate = Figure(bads / rows, *jeffreys(bads, rows, confidence=confidence), rows)
    return {
        "approved": rows,
        "approval_rate": rows / len(bad),
        "bads": bads,
        "bads_foretold": float(foretold.sum()),
        **flat(
            {
                "bad_rate": rate,
                "bads_ratio": over(rate, float(foretold.mean())),
                "profit": mean(came, group, confidence=confidence),
            }
        ),
        "mean_pd": float(foretold.mean()),
        "jeffreys_p": jeffreys_p(bads, rows, float(foretold.mean())),
        "profit_foretold": float(_profit(foretold, economics).mean()),
    }


def over(rate: Figure, foretold: float) -> Figure:
    """A rate that came over the one foretold, with its interval: 1 is right, above 1 there were more."""
    return Figure(rate.value / foretold, rate.low / foretold, rate.high / foretold, rate.n)


def by_pd_and_by_policy(approved: Mask, pd_: Matrix, economics: Economics) -> Numbers:
    """Approvals by the PD alone and by the final decision, and what rules and referrals made of the difference."""
    by_pd = pd_ < economics.cut_off
    return {
        "approved_by_pd": int(by_pd.sum()),
        "taken_by_rules_or_referral": int((by_pd & ~approved).sum()),
        "approved_against_the_pd": int((~by_pd & approved).sum()),
        "approved": int(approved.sum()),
    }


def stressed(approved: Mask, pd_: Matrix, economics: Economics, odds: Sequence[float] = ODDS) -> pd.DataFrame:
    """The approved book if the odds of bad of everybody were so many times what the PDs foretell.

    still_pays: the share of the book whose PD stays below the cut-off.
    """
    book, lines = pd_[approved], []
    for times in odds:
        worse = expit(logit(book) + np.log(times))
        lines.append(
            {
                "odds_times": times,
                "bad_rate": worse.mean() if len(book) else np.nan,
                "profit": _profit(worse, economics).mean() if len(book) else np.nan,
                "still_pays": (worse < economics.cut_off).mean() if len(book) else np.nan,
            }
        )
    return pd.DataFrame(lines)


def _profit(chance_of_bad: Matrix, economics: Economics) -> Matrix:
    """What each approval earns, a share of its exposure; a bad that came has a chance of 1."""
    return (1 - chance_of_bad) * economics.margin - chance_of_bad * economics.lgd - economics.cost
