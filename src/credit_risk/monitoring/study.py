"""How far monitoring can be relied on where the truth is known: alarms, intervals, estimates of simulated lenders."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from credit_risk.config.schema import Evaluation
from credit_risk.data.simulated_lender import lender
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import ranking
from credit_risk.monitoring.outcomes import maturing
from credit_risk.monitoring.performance import backtest, estimates
from credit_risk.monitoring.performance.book import Book
from credit_risk.monitoring.performance.estimates import Assumed
from credit_risk.monitoring.records.pd_cells import PdCells, odds_bin
from credit_risk.monitoring.settings import Detection
from credit_risk.monitoring.windows import detection
from credit_risk.monitoring.windows.detection import Days

PER_DAY, YEAR, FALL_ON, FALL = 200, 365, 183, 0.04
WEEKEND = 0.06  # so many points fewer are approved at weekends
APPLICANTS = 10_000  # of whom a year's applications are drawn with replacement
ACCOUNTS, CUT_OFF = 2_000, 0.16  # about 70 % of the lender's applications have a lower PD
SURE = 0.99  # of the limits within which a share of seeds may lie by chance

Floats = NDArray[np.float64]


def alarms(settings: Detection, seeds: Sequence[int]) -> dict[str, Any]:
    """False alarms a year by series, and the days until a fall of four points in approvals is noticed.

    Each seed is a year of the simulated lender, 200 applications a day, with fewer approvals at weekends.
    """
    false: dict[str, list[int]] = {name: [] for name in detection.SERIES}
    delays: list[float] = []
    for seed in seeds:
        drawn = lender(APPLICANTS, seed=seed, months=1).truth["pd"].to_numpy()
        pds = np.random.default_rng(seed).choice(drawn, PER_DAY * YEAR)
        calm = _days(pds, np.random.default_rng(seed), fall=0.0)
        for name, counts in false.items():
            counts.append(len(detection.changes(calm, name, settings)))
        fallen = _days(pds, np.random.default_rng(seed), fall=FALL)
        noticed = [date.fromisoformat(each["noticed_on"]) for each in detection.changes(fallen, "approve", settings)]
        delays.append(min(((day - _day(FALL_ON)).days for day in noticed if day >= _day(FALL_ON)), default=np.inf))
    return {
        "years": len(seeds),
        "false_alarms_a_year": {name: float(np.mean(counts)) for name, counts in false.items()},
        "most_false_alarms_in_a_year": {name: int(max(counts)) for name, counts in false.items()},
        "days_until_noticed": {
            "median": float(np.median(delays)),
            "nine_of_ten_within": float(np.quantile(delays, 0.9, method="higher")),
            "not_noticed": int(np.isinf(delays).sum()),
        },
    }


def coverage(assumed: Assumed, seeds: Sequence[int]) -> dict[str, Any]:
    """How often each interval of a matured vintage holds the truth, and how often the truth lies where it was foretold.

    Intervals of what came are tried on accounts that are independent; those that allow for a shared fortune (an average
    year, what is foretold) on accounts that share one.
    """
    truth = _population()
    within: dict[str, list[bool]] = {}
    for seed in seeds:
        pds = _approved(seed)
        alone = _book(pds, np.random.default_rng(seed).random(len(pds)) < pds)
        together = _book(pds, _in_one_year(pds, assumed.correlation, seed))
        for name, holds in {**_came(alone, pds, truth, assumed), **_shared(together, pds, assumed)}.items():
            within.setdefault(name, []).append(holds)
    confidence = assumed.evaluation.confidence
    least = confidence - norm.ppf(SURE) * np.sqrt(confidence * (1 - confidence) / len(seeds))
    return {
        "seeds": len(seeds),
        "confidence": confidence,
        "least_by_chance": float(least),
        "held": {name: float(np.mean(each)) for name, each in within.items()},
    }


def estimated(assumed: Assumed, seeds: Sequence[int]) -> dict[str, Any]:
    """The AUC that PDs foretold less the one that came, with and without a change of concept.

    With: the inputs count half of what they did, so that PDs are as they were and outcomes are not.
    """
    errors: dict[str, list[float]] = {"as foretold": [], "change of concept": []}
    out: dict[str, int] = dict.fromkeys(errors, 0)
    for seed in seeds:
        pds = _approved(seed)
        weaker = expit(logit(pds.mean()) + 0.5 * (logit(pds) - logit(pds.mean())))
        for name, chances in (("as foretold", pds), ("change of concept", weaker)):
            bad = np.random.default_rng(seed).random(len(pds)) < chances
            (vintage,) = estimates.by_vintage(_book(pds, bad), assumed, 1.0)
            errors[name].append(vintage["foretold"]["auc"]["value"] - vintage["truth"]["auc"])
            out[name] += vintage["verdict"]["auc"] == "OUT"
    return {
        name: {
            "years": len(seeds),
            "mean_error": float(np.mean(each)),
            "mean_absolute_error": float(np.mean(np.abs(each))),
            "out": out[name] / len(seeds),
        }
        for name, each in errors.items()
    }


def _day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


def _days(pds: Floats, random: np.random.Generator, *, fall: float) -> Days:
    """A year's decisions by day: approved below the cut-off, but for some at weekends and after the fall."""
    approved = (pds < CUT_OFF).reshape(YEAR, PER_DAY)
    low = (pds > np.median(pds)).reshape(YEAR, PER_DAY).sum(axis=1)
    level, draws = float(approved.mean()), random.random((YEAR, PER_DAY))
    counts: Days = {}
    for number in range(YEAR):
        fewer = WEEKEND * (_day(number).weekday() >= 5) + fall * (number >= FALL_ON)
        stays = approved[number] & (draws[number] >= fewer / level)
        of_day = {"approve": int(stays.sum()), "low score": int(low[number])}
        of_day |= {"refused": int((draws[number] > 0.99).sum()), "refer": int((abs(draws[number] - 0.97) < 0.02).sum())}
        counts[_day(number)] = Counter(of_day | {"decisions": PER_DAY, "scored": PER_DAY})
    return counts


def _approved(seed: int) -> Floats:
    """PDs of a month's approved applications of the simulated lender."""
    pds = lender(2 * ACCOUNTS, seed=seed, months=1).truth["pd"].to_numpy()
    approved: Floats = pds[pds < CUT_OFF][:ACCOUNTS]
    return approved


def _population() -> Mapping[str, float]:
    """Bad rate and AUC of the lender's approved applications, over very many of them."""
    pds = lender(400_000, seed=1, months=1).truth["pd"].to_numpy()
    pds = pds[pds < CUT_OFF]
    bad = np.random.default_rng(1).random(len(pds)) < pds
    bins = np.array([odds_bin(value) for value in pds.tolist()], dtype=np.float64)
    return {"bad_rate": float(pds.mean()), "auc": ranking(bad, bins)[0]}


def _in_one_year(pds: Floats, correlation: float, seed: int) -> NDArray[np.bool_]:
    """Outcomes of accounts that share a fortune (Vasicek's one-factor model)."""
    random = np.random.default_rng(seed)
    fortune = np.sqrt(correlation) * random.standard_normal()
    own = np.sqrt(1 - correlation) * random.standard_normal(len(pds))
    bad: NDArray[np.bool_] = fortune + own < norm.ppf(pds)
    return bad


def _book(pds: Floats, bad: NDArray[np.bool_]) -> Book:
    """One matured month, of which every approval was booked and looked up."""
    applications, accounts = PdCells(), PdCells()
    for value, outcome in zip(pds.tolist(), bad.tolist(), strict=True):
        cell = ("approve", "A", odds_bin(value))
        applications.add(cell, value)
        maturing.count_account(accounts, cell, value, maturing.states({12: "bad" if outcome else "good"}), 1)
    counts = {"decision": {"approve": len(pds)}}
    shared = {"month": "2025-01", "scorer": "s"}
    window = {**shared, "decisions": len(pds), "counts": counts, "cells": applications.rows()}
    outcomes = {**shared, "booked": {"approve": len(pds)}, "cells": accounts.rows()}
    return Book([window], [outcomes], (), date(2026, 6, 30), 12)


def _came(book: Book, pds: Floats, truth: Mapping[str, float], assumed: Assumed) -> dict[str, bool]:
    accounts, evaluation = book.accounts(book.matured, 12), assumed.evaluation
    confidence, policy = evaluation.confidence, assumed.policy
    (band,) = backtest.by_band(accounts, ["A"], confidence=confidence, correlation=assumed.correlation)
    figures = backtest.overall(accounts, evaluation)
    profit = backtest.profit(accounts, policy, confidence=confidence)
    curve = backtest.vintage(book, "2025-01", confidence=confidence, most_not_known=1.0)
    mean_pd = float(pds.mean())
    return {
        "bad rate of a band (Jeffreys)": _holds(band["bad_rate"], truth["bad_rate"]),
        "vintage (Wilson)": _holds(curve[11], truth["bad_rate"]),
        "AUC": _holds(figures["auc"], truth["auc"]),
        "calibration slope": _holds(figures["calibration_slope"], 1.0),
        "calibration in the large": _holds(figures["calibration_in_the_large"], 0.0),
        "profit": _holds(profit, backtest.earned(mean_pd, policy)),
    }


def _shared(book: Book, pds: Floats, assumed: Assumed) -> dict[str, bool]:
    accounts, confidence = book.accounts(book.matured, 12), assumed.evaluation.confidence
    (band,) = backtest.by_band(accounts, ["A"], confidence=confidence, correlation=assumed.correlation)
    (vintage,) = estimates.by_vintage(book, assumed, 1.0)
    low, high = band["correlated"]["low"], band["correlated"]["high"]
    return {
        "bad rate of an average year": low <= float(pds.mean()) <= high,
        **{f"{name} foretold": vintage["verdict"][name] == "IN" for name in estimates.NAMES},
    }


def _holds(figure: Figure, truth: float) -> bool:
    return figure.low <= truth <= figure.high


def run(assumed: Assumed, settings: Detection, *, years: int, seeds: int) -> dict[str, Any]:
    """All of it. years: of alarms, and half as many of estimates; seeds: of intervals."""
    return {
        "detection": alarms(settings, range(years)),
        "estimates": estimated(assumed, range(years // 2)),
        "coverage": coverage(assumed, range(seeds)),
    }


def evaluation_of(evaluation: Evaluation) -> Evaluation:
    """As the config has it, with as many replicates as a study bears."""
    return evaluation.model_copy(update={"replicates": min(evaluation.replicates, 400)})
