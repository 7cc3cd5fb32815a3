"""What was foretold of booked accounts against what came: by band, over all, and by vintage. Booked accounts only.

Nothing here says anything of the declined. Where an account's outcome by a month was not looked up, an interval holds
whatever it was: its lower end takes it for good, its upper end for bad.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from pandas import DataFrame
from scipy.stats import beta, norm

from credit_risk.config.schema import Evaluation, Policy
from credit_risk.measures.figure import Figure, Figures
from credit_risk.measures.intervals import jeffreys, wilson
from credit_risk.measures.metrics import Floats, Sample, measure
from credit_risk.monitoring.outcomes.maturing import NOT_KNOWN
from credit_risk.monitoring.performance.book import KNOWN, Book

Rate = TypeVar("Rate", float, Floats)

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


def why_withheld(states: Mapping[str, int], most_without_outcome: float) -> str:
    """Why no figure of matured accounts is given; empty if nothing is in the way. states: as `Book.states` counts them.

    Where only some outcomes were delivered, they may be those of the bad accounts.
    """
    open_ = sum(states.get(state, 0) for state in (OPEN, "no_outcome_approve"))
    known = sum(states.get(state, 0) for state in ("good", "bad", "indeterminate"))
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

    accounts: cells of `Book.accounts`; those without a PD are left out. verdict: IN where the interval holds the mean
    PD, OUT where there are more or fewer bads than that. `correlated` has the same where accounts share a year
    (`jeffreys_correlated`): a bad year alone is then no fault of the scorer.
    """
    with_pd = accounts[accounts["bin"].notna()]
    return [_band(name, with_pd[with_pd["band"] == name], confidence, correlation) for name in names]


def overall(accounts: DataFrame, evaluation: Evaluation) -> Figures:
    """The figures of FIGURES over all matured accounts with a PD, each at the mean PD of its bin of odds.

    Accounts are drawn with replacement; those of one person count as independent, since no record says whose they are.
    """
    known = outcomes_by_bin(accounts)
    bads, goods = int(known["bad"].sum()), int(known["good"].sum())
    total = bads + goods
    if not total:
        return {name: Figure.unknown(0, NOBODY) for name in FIGURES}
    if not bads or not goods:
        why = f"one class only: {bads} bads among {total} accounts"
        return {name: Figure.unknown(total, why) for name in FIGURES}
    sample, counts = binned(known["pd"].to_numpy(), known["bad"].to_numpy(), known["good"].to_numpy())
    draws = np.random.default_rng(evaluation.seed).multinomial(total, counts / total, size=evaluation.replicates)
    values, drawn = measure(sample, counts), measure(sample, draws)
    return {name: between(float(values[name]), drawn[name], evaluation.confidence, total) for name in FIGURES}


def binned(pds: Floats, bads: Floats, goods: Floats) -> tuple[Sample, Floats]:
    """A sample with a row for the bads and one for the goods of each bin, and how many each stands for."""
    outcomes = np.repeat([1.0, 0.0], len(pds))
    counts = np.concatenate([bads, goods]).astype(np.float64)
    there = counts > 0
    return Sample.of(outcomes[there], np.tile(pds, 2)[there]), counts[there]


def between(value: float, draws: Floats, confidence: float, n: int) -> Figure:
    """A figure with the middle part of its draws; without ends where a tenth of them lack it, or all are alike."""
    if np.isnan(value) or np.isnan(draws).mean() > 0.1:
        return Figure(value, np.nan, np.nan, n, "too few goods or bads")
    low, high = (float(end) for end in np.nanquantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2]))
    return Figure(value, low, high, n) if low < high else Figure(value, np.nan, np.nan, n, "every draw is alike")


def profit(accounts: DataFrame, policy: Policy, *, confidence: float) -> Figure:
    """What a matured account earned on average, in shares of its exposure: the policy's margin, less LGD and cost.

    The ends are those of the bad rate (Jeffreys).
    """
    counts = accounts.groupby("outcome")["n"].sum()
    bads, goods = int(counts.get("bad", 0)), int(counts.get("good", 0))
    if not bads + goods:
        return Figure.unknown(0, NOBODY)
    low, high = jeffreys(bads, bads + goods, confidence=confidence)
    rate = bads / (bads + goods)
    return Figure(earned(rate, policy), earned(high, policy), earned(low, policy), bads + goods)


def earned(bad_rate: Rate, policy: Policy) -> Rate:
    """Profit of an account in shares of its exposure, at a bad rate."""
    return policy.margin - (policy.margin + policy.lgd) * bad_rate - policy.cost


def vintage(book: Book, month: str, *, confidence: float, most_not_known: float) -> list[Figure]:
    """The share of booked accounts of a month of decision that were ever bad by month 1, 2, … on book.

    Booked: an outcome of the account was delivered. The curve ends at the age of the youngest account. A month by which
    more than `most_not_known` of booked accounts and approvals were not looked up has no figure: those known may be
    the bad ones.
    """
    not_delivered = book.without_account([month])["approve"]
    shared = {"confidence": confidence, "most_not_known": most_not_known}
    return [_ever_bad(counts, not_delivered, **shared) for counts in book.curve(month).to_dict("records")]


def outcomes_by_bin(accounts: DataFrame) -> DataFrame:
    """Columns bad and good (numbers of accounts), and pd, their mean PD, by bin of odds."""
    known = accounts[accounts["outcome"].isin(KNOWN) & accounts["bin"].notna()]
    sums = known.groupby("bin")[["n", "pd"]].sum()
    counts = known.pivot_table(index="bin", columns="outcome", values="n", aggfunc="sum", fill_value=0)
    return counts.reindex(columns=["bad", "good"], fill_value=0).assign(pd=sums["pd"] / sums["n"])


def _band(name: str, rows: DataFrame, confidence: float, correlation: float) -> dict[str, Any]:
    by_outcome = rows.groupby("outcome")[["n", "pd"]].sum()
    counts = {state: int(by_outcome["n"].get(state, 0)) for state in ("bad", "good", NOT_KNOWN)}
    bads, known, open_ = counts["bad"], counts["bad"] + counts["good"], counts[NOT_KNOWN]
    shown = {"band": name, "rows": known, "bads": bads, "not_known": open_}
    if not known:
        unknown = {"mean_pd": np.nan, "bad_rate": Figure.unknown(0, NOBODY), "verdict": "CANNOT SAY"}
        return {**shown, **unknown, "correlated": {"low": np.nan, "high": np.nan, "verdict": "CANNOT SAY"}}
    mean_pd = float(by_outcome["pd"].reindex(list(KNOWN)).sum() / known)
    whole = known + open_
    low, high = jeffreys(bads, whole, confidence=confidence)[0], jeffreys(bads + open_, whole, confidence=confidence)[1]
    figure = Figure(bads / known, low, high, known, _not_looked_up(open_))
    shared = {"correlation": correlation, "confidence": confidence}
    least, most = jeffreys_correlated(bads, whole, **shared)[0], jeffreys_correlated(bads + open_, whole, **shared)[1]
    return {
        **shown,
        "mean_pd": mean_pd,
        "bad_rate": figure,
        "verdict": holds(low, mean_pd, high),
        "correlated": {"low": least, "high": most, "verdict": holds(least, mean_pd, most)},
    }


def holds(low: float, value: float, high: float) -> str:
    """IN where an interval holds a value, else OUT."""
    return "IN" if low <= value <= high else "OUT"


def _ever_bad(
    counts: Mapping[Hashable, int], not_delivered: int, *, confidence: float, most_not_known: float
) -> Figure:
    bads, goods, open_ = (counts[state] for state in ("bad", "good", NOT_KNOWN))
    rows, not_known = sum(counts.values()) + not_delivered, open_ + not_delivered
    if not bads + goods or not_known / rows > most_not_known:
        return Figure.unknown(bads + goods, _not_looked_up(not_known) or "all accounts are indeterminate")
    whole = bads + goods + open_  # without those that may never have been taken up
    low, _ = wilson(bads / whole, whole, confidence=confidence)
    _, high = wilson((bads + open_) / whole, whole, confidence=confidence)
    return Figure(bads / (bads + goods), float(low), float(high), bads + goods, _not_looked_up(open_))


def _not_looked_up(count: int) -> str:
    return f"{count} accounts were not looked up by that month" if count else ""
