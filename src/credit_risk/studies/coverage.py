"""Whether intervals keep their word: every kind of interval that reports show, beside the truth it should hold.

One lender at one size; what differs from seed to seed is chance alone. The model has seen the log-odds through noise,
so that its PDs are neither the truth nor a copy of another model's.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import expit, logit

from credit_risk.config import Config
from credit_risk.data.inputs import Matrix
from credit_risk.measures import bands, drift, fairness, stress
from credit_risk.measures.intervals import bootstrap, delong, paired_difference, proportion
from credit_risk.studies import gate_errors
from credit_risk.studies.worlds import (
    Columns,
    World,
    band_gaps,
    cases,
    decided,
    draw,
    ends,
    expected,
    inputs,
    noisy,
    sample,
    scores,
    shifts,
    true_gaps,
    world,
)

GAP = 0.5  # log-odds by which women's risk is higher, so that no comparison is 1 or 0 by symmetry
DRIFT = 2.0  # standard deviations by which credit use rises, so that score and inputs have moved
NOISE = 0.4
PAIRED = ("auc", "ks", "average_precision", "brier", "calibration_slope", "calibration_in_the_large", "approval_rate",
          "profit_per_application")  # fmt: skip
STRESSED = ("mean_pd_change", "approval_rate_change", "expected_profit_change", "flips", "held_loss", "held_profit")
Truths = Mapping[str, Any]
Pairs = Iterator[tuple[str, tuple[float, float]]]


def lender(rows: int, seed: int) -> World:
    return world(rows, seed, gap=GAP, drift=DRIFT)


@lru_cache(maxsize=1)
def population(rows: int, seed: int) -> World:
    """So many rows that what they say of a drift is the truth of any bins."""
    return lender(rows, seed)


def models(one: World) -> tuple[Matrix, Matrix]:
    return noisy(one, NOISE), noisy(one, 2 * NOISE, which=1)


def truths(config: Config, one: World) -> dict[str, Any]:
    """The true value behind each interval of `intervals`, on very many rows and on average over outcomes."""
    first, second = models(one)
    own, other = expected(config, one, first), expected(config, one, second)
    return {
        **{f"bootstrap: {name}": value for name, value in own.items()},
        **{f"paired bootstrap: {name}": own[name] - other[name] for name in PAIRED},
        "DeLong: auc": own["auc"],
        "DeLong: difference in auc": own["auc"] - other["auc"],
        "Wilson: bad rate": float(one.pd.mean()),
        "score bands at once: gap": true_gaps(config, one, first),
        **_fairness_truths(config, one, first, own),
        **{name: value for name, (value, _, _) in _stressed(config, one, first)},
    }


def _fairness_truths(config: Config, one: World, pds: Matrix, own: Mapping[str, float]) -> dict[str, float]:
    approved, good = cases(config, one, pds)[0].approved, 1 - one.pd
    women, men = one.female, ~one.female
    rate = [float(approved[rows].mean()) for rows in (women, men)]
    of_goods = [float(np.average(approved[rows], weights=good[rows])) for rows in (women, men)]
    return {
        "group: approval_rate": float(approved.mean()),
        "group: approval_rate_of_goods": float(np.average(approved, weights=good)),
        "group: bad_rate": float(one.pd.mean()),
        "group: mean_pd": float(pds.mean()),
        "group: calibration_gap": float((pds - one.pd).mean()),
        "group: calibration_in_the_large": own["calibration_in_the_large"],
        "group: auc": own["auc"],
        "contrast: ratio": rate[0] / rate[1],
        "contrast: difference": rate[0] - rate[1],
        "contrast: equal_opportunity": of_goods[0] - of_goods[1],
    }


def held(config: Config, one: World, everybody: World, true: Truths, replicates: int) -> dict[str, bool | None]:
    """Whether each interval taken from these rows holds the truth; None where it has no ends.

    everybody: the population, because the true index of a drift is that of the bins that a sample has frozen.
    """
    answers = {name: gate_errors.holds(*pair, true[name]) for name, pair in intervals(config, one, replicates)}
    gaps = [(band.gap, true["score bands at once: gap"][place]) for place, band in _assessed(config, one)]
    at_once = {
        "score bands at once: gap": [gate_errors.holds(gap.low, gap.high, value) for gap, value in gaps],
        "PSI: score": list(_drifts(config, scores(config, one), scores(config, everybody))),
        "CSI of all inputs at once: index": list(_drifts(config, inputs(one), inputs(everybody))),
    }
    return {**answers, **{name: all(every) if every else None for name, every in at_once.items()}}


def _drifts(config: Config, own: tuple[Columns, Columns], everybody: tuple[Columns, Columns]) -> Iterator[bool | None]:
    reference, found = shifts(config, *own)
    for shift in found:
        bins = reference.columns[shift.column]
        then, now = (bins.count(columns[shift.column]) for columns in everybody)
        yield gate_errors.holds(shift.low, shift.high, drift.index(then, now))


def intervals(config: Config, one: World, replicates: int) -> Pairs:
    """Both ends of every interval, by the name under which `truths` has its truth."""
    first, second = models(one)
    own, other = sample(config, one, first), sample(config, one, second)
    how, confidence = draw(config, replicates), config.evaluation.confidence
    for name, figure in bootstrap(own, **how).items():
        yield f"bootstrap: {name}", (figure.low, figure.high)
    paired = paired_difference(own, other, **how)
    for name in PAIRED:
        yield f"paired bootstrap: {name}", (paired[name].low, paired[name].high)
    for name, found in (
        ("DeLong: auc", delong(one.bad, first, confidence=confidence)),
        ("DeLong: difference in auc", delong(one.bad, first, second, confidence=confidence)),
        ("Wilson: bad rate", proportion(int(one.bad.sum()), len(one), confidence=confidence)),
    ):
        yield name, (found.low, found.high)
    for name, measure in _groups(config, one, first):
        yield name, (measure.low, measure.high)
    for name, (_, low, high) in _stressed(config, one, first):
        yield name, (low, high)


def _groups(config: Config, one: World, pds: Matrix) -> Iterator[tuple[str, fairness.Measure]]:
    settings = config.fairness
    how: dict[str, Any] = {"min_n": settings.min_n, "confidence": config.evaluation.confidence}
    found, grouping = cases(config, one, pds)
    for name, measure in fairness.measured(found, **how).items():
        yield f"group: {name}", measure
    declared = settings.contrasts[0].model_copy(update={"group": "women", "reference": "men"})
    for name, measure in fairness.contrast(declared, found, grouping, **how).items():
        yield f"contrast: {name}", measure


def _stressed(config: Config, one: World, pds: Matrix) -> Iterator[tuple[str, tuple[float, float, float]]]:
    before, after = decided(config, pds), decided(config, np.asarray(expit(logit(pds) + np.log(2))))
    how: dict[str, Any] = {"confidence": config.evaluation.confidence}
    for name, figure in stress.level(before, config.policy, one.applicant, **how).items():
        yield f"level: {name}", ends(figure)
    found = stress.change(before, after, config.policy, one.applicant, **how)
    for name in STRESSED:
        yield f"stress: {name}", ends(found[name])


def _assessed(config: Config, one: World) -> Iterator[tuple[int, bands.Band]]:
    for place, band in enumerate(band_gaps(config, one, models(one)[0])):
        if band.gap.known:
            yield place, band
