"""Whether intervals keep their word: every kind of interval that reports show, beside the truth it should hold.

One lender at world size; what differs from seed to seed is chance alone. The model has seen the log-odds through noise,
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
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import bootstrap, delong, paired_difference, proportion
from credit_risk.studies import gate_errors
from credit_risk.studies.worlds import (
    Columns,
    World,
    band_gaps,
    cases,
    decisions_of,
    draw,
    ends,
    expected,
    inputs,
    make_world,
    noisy,
    sample,
    scores,
    shifts,
    true_gaps,
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
    return make_world(rows, seed, gap=GAP, drift=DRIFT)


@lru_cache(maxsize=1)
def population(rows: int, seed: int) -> World:
    """So many rows that what they say of a drift is the truth of any bins."""
    return lender(rows, seed)


def models(world: World) -> tuple[Matrix, Matrix]:
    return noisy(world, NOISE), noisy(world, 2 * NOISE, which=1)


def truths(config: Config, world: World) -> dict[str, Any]:
    """The true value behind each interval of `intervals`, on very many rows and on average over outcomes."""
    first, second = models(world)
    first_figures, second_figures = expected(config, world, first), expected(config, world, second)
    return {
        **{f"bootstrap: {name}": value for name, value in first_figures.items()},
        **{f"paired bootstrap: {name}": first_figures[name] - second_figures[name] for name in PAIRED},
        "DeLong: auc": first_figures["auc"],
        "DeLong: difference in auc": first_figures["auc"] - second_figures["auc"],
        "Wilson: bad rate": float(world.pd.mean()),
        "score bands at once: gap": true_gaps(config, world, first),
        **_fairness_truths(config, world, first, first_figures),
        **{name: value for name, (value, _, _) in _stressed(config, world, first)},
    }


def _fairness_truths(config: Config, world: World, pds: Matrix, own: Mapping[str, float]) -> dict[str, float]:
    approved, good = cases(config, world, pds)[0].approved, 1 - world.pd
    women, men = world.female, ~world.female
    rate = [float(approved[rows].mean()) for rows in (women, men)]
    of_goods = [float(np.average(approved[rows], weights=good[rows])) for rows in (women, men)]
    return {
        "group: approval_rate": float(approved.mean()),
        "group: approval_rate_of_goods": float(np.average(approved, weights=good)),
        "group: bad_rate": float(world.pd.mean()),
        "group: mean_pd": float(pds.mean()),
        "group: calibration_gap": float((pds - world.pd).mean()),
        "group: calibration_in_the_large": own["calibration_in_the_large"],
        "group: auc": own["auc"],
        "contrast: ratio": rate[0] / rate[1],
        "contrast: difference": rate[0] - rate[1],
        "contrast: equal_opportunity": of_goods[0] - of_goods[1],
    }


def intervals_that_hold(
    config: Config, world: World, everybody: World, true: Truths, replicates: int
) -> dict[str, bool | None]:
    """Whether each interval taken from these rows holds the truth; None where it has no ends.

    everybody: the population, because the true index of a drift is that of the bins that a sample has frozen.
    """
    answers = {name: gate_errors.holds(*pair, true[name]) for name, pair in intervals(config, world, replicates)}
    gaps = [(band.gap, true["score bands at once: gap"][band_index]) for band_index, band in _assessed(config, world)]
    at_once = {
        "score bands at once: gap": [gate_errors.holds(gap.low, gap.high, value) for gap, value in gaps],
        "PSI: score": list(_drifts(config, scores(config, world), scores(config, everybody))),
        "CSI of all inputs at once: index": list(_drifts(config, inputs(world), inputs(everybody))),
    }
    return {**answers, **{name: all(every) if every else None for name, every in at_once.items()}}


def _drifts(config: Config, own: tuple[Columns, Columns], everybody: tuple[Columns, Columns]) -> Iterator[bool | None]:
    reference, moved = shifts(config, *own)
    for shift in moved:
        bins = reference.columns[shift.column]
        then, now = (bins.count(columns[shift.column]) for columns in everybody)
        yield gate_errors.holds(shift.low, shift.high, drift.index(then, now))


def intervals(config: Config, world: World, replicates: int) -> Pairs:
    """Both ends of every interval, by the name under which `truths` has its truth."""
    first, second = models(world)
    first_sample, second_sample = sample(config, world, first), sample(config, world, second)
    how, confidence = draw(config, replicates), config.evaluation.confidence
    for name, figure in bootstrap(first_sample, **how).items():
        yield f"bootstrap: {name}", (figure.low, figure.high)
    paired = paired_difference(first_sample, second_sample, **how)
    for name in PAIRED:
        yield f"paired bootstrap: {name}", (paired[name].low, paired[name].high)
    for name, interval in (
        ("DeLong: auc", delong(world.bad, first, confidence=confidence)),
        ("DeLong: difference in auc", delong(world.bad, first, second, confidence=confidence)),
        ("Wilson: bad rate", proportion(int(world.bad.sum()), len(world), confidence=confidence)),
    ):
        yield name, (interval.low, interval.high)
    for name, measure in _groups(config, world, first):
        yield name, (measure.low, measure.high)
    for name, (_, low, high) in _stressed(config, world, first):
        yield name, (low, high)


def _groups(config: Config, world: World, pds: Matrix) -> Iterator[tuple[str, Figure]]:
    settings = config.fairness
    how: dict[str, Any] = {"min_n": settings.min_n, "confidence": config.evaluation.confidence}
    approvals, grouping = cases(config, world, pds)
    for name, measure in fairness.measured(approvals, **how).items():
        yield f"group: {name}", measure
    declared = settings.contrasts[0].model_copy(update={"group": "women", "reference": "men"})
    for name, measure in fairness.contrast(declared, approvals, grouping, **how).items():
        yield f"contrast: {name}", measure


def _stressed(config: Config, world: World, pds: Matrix) -> Iterator[tuple[str, tuple[float, float, float]]]:
    before, after = decisions_of(config, pds), decisions_of(config, np.asarray(expit(logit(pds) + np.log(2))))
    how: dict[str, Any] = {"confidence": config.evaluation.confidence}
    for name, figure in stress.level(before, config.policy, world.applicant, **how).items():
        yield f"level: {name}", ends(figure)
    changes = stress.change(before, after, config.policy, world.applicant, **how)
    for name in STRESSED:
        yield f"stress: {name}", ends(changes[name])


def _assessed(config: Config, world: World) -> Iterator[tuple[int, bands.ScoreBand]]:
    for band_index, band in enumerate(band_gaps(config, world, models(world)[0])):
        if band.gap.known:
            yield band_index, band
