"""What the approved of a month will come to if their PDs are right, before they mature; and what then came true.

An estimate is made of PDs alone. It sees a change of who applies, and is blind to a change of the relation between
inputs and outcome: that shows only when accounts mature, as a truth outside the interval that was foretold.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pandas import DataFrame
from scipy.stats import norm

from credit_risk.config.schema import Evaluation, Policy
from credit_risk.measures.figure import Figure, Figures
from credit_risk.measures.metrics import Floats, Sample, measure
from credit_risk.monitoring.performance import backtest
from credit_risk.monitoring.performance.book import Book

ASSUMPTION = (
    "Made of the PDs of approvals alone, as if each were right: blind to a change of the relation between inputs and "
    "outcome. The interval holds what this many accounts come to, by chance and by a fortune that they share."
)
NAMES = ("bad_rate", "auc", "gini", "profit")
NO_PDS = "no approval of this month was counted with its PD"


@dataclass(frozen=True)
class Assumed:
    """How outcomes are drawn from PDs. correlation: of accounts of one year, by Vasicek's one-factor model."""

    policy: Policy
    evaluation: Evaluation
    correlation: float


def foretold(approvals: DataFrame, assumed: Assumed, accounts: int | None = None) -> Figures:
    """Bad rate, AUC, Gini and profit that approvals will come to, each with the interval of what will be seen.

    approvals: cells with `bin`, n and pd. accounts: of how many that is foretold, if not of all of them.
    """
    bins = approvals[approvals["bin"].notna()].groupby("bin")[["n", "pd"]].sum()
    total = int(bins["n"].sum())
    if not total:
        return {name: Figure.unknown(0, NO_PDS) for name in NAMES}
    pds = np.clip((bins["pd"] / bins["n"]).to_numpy(), backtest.TINY, 1 - backtest.TINY)
    seen = total if accounts is None else accounts
    rows = np.rint(bins["n"].to_numpy() * seen / total).astype(np.int64)
    values = _performance(pds, (bins["n"].to_numpy() * pds)[None, :], bins["n"].to_numpy(), assumed.policy)
    drawn = _performance(pds, _bads(pds, rows, assumed), rows, assumed.policy)
    confidence = assumed.evaluation.confidence
    return {name: backtest.between(float(values[name][0]), drawn[name], confidence, seen) for name in NAMES}


def by_vintage(book: Book, assumed: Assumed, most_without_outcome: float) -> list[dict[str, Any]]:
    """Each month of decision: what its approvals were foretold to come to, and beside it the truth once it is known.

    verdict: IN where the interval that was foretold holds the truth. A month of which too many outcomes lack has none.
    """
    approvals = book.applications[book.applications["decision"] == "approve"]
    return [
        {
            "month": month,
            "approvals": int(approvals.loc[approvals["month"] == month, "n"].sum()),
            **_set_against(approvals[approvals["month"] == month], _truth(book, month, most_without_outcome), assumed),
        }
        for month in book.months
    ]


def _set_against(approvals: DataFrame, known: "DataFrame | str", assumed: Assumed) -> dict[str, Any]:
    if isinstance(known, str):
        return {"why": known, "foretold": _as_dicts(foretold(approvals, assumed)), "truth": {}, "verdict": {}}
    bads, goods = known["bad"].to_numpy(), known["good"].to_numpy()
    rows = (bads + goods).astype(np.int64)
    estimate = foretold(approvals, assumed, int(rows.sum()))
    truth = {
        name: float(values[0])
        for name, values in _performance(known["pd"].to_numpy(), bads[None, :], rows, assumed.policy).items()
    }
    verdict = {
        name: backtest.holds(figure.low, truth[name], figure.high)
        if figure.has_interval and not np.isnan(truth[name])
        else "CANNOT SAY"
        for name, figure in estimate.items()
    }
    return {"why": "", "foretold": _as_dicts(estimate), "truth": truth, "verdict": verdict}


def _truth(book: Book, month: str, most_without_outcome: float) -> "DataFrame | str":
    """Accounts with a known outcome by bin of odds, or why there is no truth yet."""
    if month not in book.matured:
        return "not matured"
    if why := backtest.why_withheld(book.states([month]), most_without_outcome):
        return why
    known = backtest.outcomes_by_bin(book.accounts([month], book.window))
    return backtest.NOBODY if known.empty else known


def _bads(pds: Floats, rows: np.ndarray[Any, np.dtype[np.int64]], assumed: Assumed) -> Floats:
    """Draws of how many of each bin turn bad: (replicates, bins)."""
    random, rho = np.random.default_rng(assumed.evaluation.seed), assumed.correlation
    fortune = random.standard_normal((assumed.evaluation.replicates, 1))
    in_year = norm.cdf((norm.ppf(pds) - np.sqrt(rho) * fortune) / np.sqrt(1 - rho))
    return random.binomial(rows, in_year).astype(np.float64)


def _performance(pds: Floats, bads: Floats, rows: "np.ndarray[Any, Any]", policy: Policy) -> Mapping[str, Floats]:
    """The figures of NAMES of each line of `bads`, numbers by bin (lines, bins), among `rows` accounts (bins,)."""
    outcomes = np.repeat([1.0, 0.0], len(pds))
    sample = Sample.of(outcomes, np.tile(pds, 2))
    ranking = measure(sample, np.hstack([bads, rows - bads]))
    rate = bads.sum(axis=1) / rows.sum()
    return {
        "bad_rate": rate,
        "auc": ranking["auc"],
        "gini": ranking["gini"],
        "profit": backtest.earned(rate, policy),
    }


def _as_dicts(figures: Figures) -> dict[str, Any]:
    return {name: asdict(figure) for name, figure in figures.items()}
