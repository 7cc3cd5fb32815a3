"""The lenders that the gates are tried on, and how each gate's figure is taken from world, by the pipeline's own code.

The test rows are accounts that were booked and have matured: six months of applications, after six earlier months that
drift is measured from. Repeated rows and indeterminates are left out, as the pipeline does. A model's PD is the true
world, distorted by a dose: what is tried is the gate, not how well a model can be fitted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, factorize
from scipy.special import expit, logit

from credit_risk.config import Config
from credit_risk.data import simulated_lender
from credit_risk.data.inputs import Faults, Inputs, Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.measures import bands, drift, fairness, metrics, stress
from credit_risk.measures.fairness import Cases, Grouping
from credit_risk.measures.figure import Figure, Figures
from credit_risk.measures.intervals import bootstrap, paired_difference
from credit_risk.measures.metrics import Economics, Sample
from credit_risk.scoring import decision
from credit_risk.scoring.decision import Decisions

MONTHS = 18  # of applications; the last six have not matured when the test rows are taken
EARLIER, MATURED = 6, 12  # months: before the world the reference is taken, up to the other the test rows
DECLINED = 0.05  # more, and the true PDs themselves would rank the rest with an AUC of hardly 0.7
DRAWN = 4.5  # applications for each test row: enough even when selection and maturity leave the fewest
BASELINE_NOISE = 0.4  # of the log-odds of a model that is replaced: no fitted model is the truth
INPUTS = ("income", "loan_amount", "term_months", "utilisation", "months_late")
Ends = tuple[float, float, float]
Columns = Mapping[str, Matrix]


@dataclass(frozen=True, eq=False)
class World:
    """Test rows of world lender with the truth about them, and the same columns of the earlier rows."""

    features: DataFrame
    pd: Matrix
    bad: Mask
    female: Mask
    applicant: Labels
    elapsed: Matrix
    noise: NDArray[np.float64]  # two independent draws a row
    earlier: DataFrame
    earlier_pd: Matrix

    def __len__(self) -> int:
        return len(self.pd)


@lru_cache(maxsize=2)
def make_world(rows: int, seed: int, **doses: float) -> World:
    """A lender with exactly `rows` test rows. Doses as `simulate.lender` takes them."""
    book = simulated_lender.lender(round(rows * DRAWN) + 300, seed=seed, declined=DECLINED, months=MONTHS, **doses)
    truth, applications = book.truth, book.applications
    month = (applications["applied_on"].to_numpy().astype("M8[M]") - simulated_lender.FIRST_MONTH).astype(int)
    matured = truth["outcome_on"].to_numpy().astype("M8[M]") < simulated_lender.FIRST_MONTH + MATURED + 12
    known = matured & applications["status"].isin(["good", "bad"]).to_numpy() & ~truth["is_copy"].to_numpy()
    chance = np.random.default_rng([seed, 1])
    test = np.sort(chance.choice(np.flatnonzero(known & (month >= EARLIER)), rows, replace=False))
    before = np.flatnonzero(known & (month < EARLIER))
    features = applications.assign(income=truth["income"])
    return World(
        features=features.iloc[test].reset_index(drop=True),
        pd=truth["pd"].to_numpy()[test],
        bad=truth["bad"].to_numpy(dtype=bool)[test],
        female=(features["sex"] == "female").to_numpy()[test],
        applicant=factorize(features["applicant_id"].to_numpy()[test])[0],
        elapsed=month[test] / (MONTHS - 1),
        noise=chance.standard_normal((2, rows)),
        earlier=features.iloc[before],
        earlier_pd=truth["pd"].to_numpy()[before],
    )


EndsOf = Callable[[Config, World, float], Ends]
Truth = Callable[[Config, World, float], float]


def decisions_of(config: Config, pds: Matrix) -> Decisions:
    """What the policy decides on PDs that nothing else speaks against."""
    rows, nobody = len(pds), np.zeros(len(pds), dtype=bool)
    empty = np.zeros((rows, 0))
    score = decision.scores(pds, config.policy.scale)
    return Decisions(
        pd=pds,
        score=score,
        band=decision.bands(score, config.policy),
        outcome=decision.outcomes(pds, config.policy),
        rule=np.full(rows, decision.NO_RULE, dtype=np.int8),
        inputs=empty,
        faults=Faults(nobody, nobody, empty.astype(bool), empty.astype(bool)),
        unseen=empty.astype(bool),
        vocabulary=decision.Vocabulary(Inputs.of(config), (), [band.name for band in config.policy.bands], ()),
    )


def economics(config: Config) -> Economics:
    policy = config.policy
    return Economics(decision.cut_off(policy), policy.margin, policy.lgd, policy.cost)


def sample(config: Config, world: World, pds: Matrix) -> Sample:
    return Sample.of(world.bad, pds, world.applicant, economics(config))


def expected(config: Config, world: World, pds: Matrix) -> Mapping[str, float]:
    """Every figure of `metrics.measure` as it is on average over outcomes: each row is bad by its true PD."""
    rows = len(world)
    bad = np.repeat([1.0, 0.0], rows)
    twice = Sample.of(bad, np.tile(pds, 2), None, economics(config))
    weights = np.concatenate([world.pd, 1 - world.pd])
    return {name: float(value) for name, value in metrics.measure(twice, weights).items()}


def draw(config: Config, replicates: int) -> dict[str, Any]:
    return {"replicates": replicates, "seed": config.evaluation.seed, "confidence": config.evaluation.confidence}


def ends(figure: Figure) -> Ends:
    return figure.value, figure.low, figure.high


def of_test(name: str, pds: Callable[[World, float], Matrix], replicates: int) -> tuple[EndsOf, Truth]:
    """A figure of the test rows, bootstrapped as stages.evaluate does."""

    def figure(config: Config, world: World, dose: float) -> Ends:
        return ends(bootstrap(sample(config, world, pds(world, dose)), **draw(config, replicates))[name])

    return figure, lambda config, world, dose: expected(config, world, pds(world, dose))[name]


def of_two(
    pair: Callable[[World, float], tuple[Matrix, Matrix]], replicates: int, less: float = 0.0
) -> tuple[EndsOf, Truth]:
    """AUC of world model minus another's on the same rows, and minus the materiality."""

    def figure(config: Config, world: World, dose: float) -> Ends:
        first, second = (sample(config, world, pds) for pds in pair(world, dose))
        value, low, high = ends(
            paired_difference(first, second, **draw(config, replicates), figures=metrics.ranking)["auc"]
        )
        return value - less, low - less, high - less

    def truth(config: Config, world: World, dose: float) -> float:
        first, second = (expected(config, world, pds)["auc"] for pds in pair(world, dose))
        return first - second - less

    return figure, truth


def noisy(world: World, spread: float, which: int = 0) -> Matrix:
    """A model that has seen each log-odds through noise."""
    return np.asarray(expit(logit(world.pd) + spread * world.noise[which]))


def steeper(world: World, dose: float) -> Matrix:
    """PDs too extreme by a factor of the log-odds around their mean."""
    odds = logit(world.pd)
    centre = logit(0.14)  # about the bad rate of the booked
    return np.asarray(expit(centre + dose * (odds - centre)))


def before_the_rise(world: World, dose: float) -> Matrix:
    """A model that knows nothing of the rise in risk that the lender was simulated with."""
    return np.asarray(expit(logit(world.pd) - dose * world.elapsed))


def band_too_safe(config: Config, world: World, dose: float) -> Matrix:
    """The applicants of the middle score band look safer than they are, all others are right."""
    band = decision.bands(decision.scores(world.pd, config.policy.scale), config.policy)
    return np.asarray(expit(logit(world.pd) - dose * (band == len(config.policy.bands) // 2)))


def band_figure(config: Config, world: World, dose: float) -> Ends:
    pds = band_too_safe(config, world, dose)
    return ends(bands.largest(band_gaps(config, world, pds))[1])


def band_gaps(config: Config, world: World, pds: Matrix) -> tuple[bands.ScoreBand, ...]:
    band, names = decisions_of(config, pds).band, [band.name for band in config.policy.bands]
    return bands.measure(band, names, world.bad, pds, world.applicant, confidence=config.evaluation.confidence)


def true_gaps(config: Config, world: World, pds: Matrix) -> list[float]:
    """The gap of each band on average over outcomes; NaN for a band without rows."""
    band_of_row, gaps = decisions_of(config, pds).band, []
    for band in range(len(config.policy.bands)):
        inside = band_of_row == band
        weights = np.concatenate([world.pd[inside], 1 - world.pd[inside]])
        bad = np.repeat([1.0, 0.0], int(inside.sum()))
        level = metrics.calibration_in_the_large(bad, np.tile(pds[inside], 2), weights) if inside.any() else np.nan
        gaps.append(level)
    return gaps


def largest_gap(config: Config, world: World, dose: float) -> float:
    return float(np.nanmax(np.abs(true_gaps(config, world, band_too_safe(config, world, dose)))))


def cases(config: Config, world: World, pds: Matrix) -> tuple[Cases, Grouping]:
    approved = fairness.approvals(decisions_of(config, pds), config.fairness)
    return Cases(approved, pds, world.bad, world.applicant), Grouping(
        "sex", ("men", "women"), world.female.astype(np.int64)
    )


def compared_groups(config: Config, world: World) -> Figures:
    """Women against men, as stages.fairness takes a contrast that was declared beforehand."""
    settings = config.fairness
    declared = settings.contrasts[0].model_copy(update={"group": "women", "reference": "men"})
    how: dict[str, Any] = {"min_n": settings.min_n, "confidence": config.evaluation.confidence}
    return fairness.contrast(declared, *cases(config, world, world.pd), **how)


def approval_figure(config: Config, world: World, _: float) -> Ends:
    return ends(compared_groups(config, world)["ratio"])


def approval_truth(config: Config, world: World, _: float) -> float:
    approved = cases(config, world, world.pd)[0].approved
    return float(approved[world.female].mean() / approved[~world.female].mean())


def score_shift(config: Config, world: World, _: float) -> Ends:
    return ends(drift.largest(shifts(config, *scores(config, world))[1])[1])


def input_shift(config: Config, world: World, _: float) -> Ends:
    return ends(drift.largest(shifts(config, *inputs(world))[1])[1])


def scores(config: Config, world: World) -> tuple[Columns, Columns]:
    """The score of the earlier rows and of the test rows."""
    scale = config.policy.scale
    return {"score": decision.scores(world.earlier_pd, scale)}, {"score": decision.scores(world.pd, scale)}


def inputs(world: World) -> tuple[Columns, Columns]:
    earlier, later = (
        {name: table[name].to_numpy(float) for name in INPUTS} for table in (world.earlier, world.features)
    )
    return earlier, later


def shifts(config: Config, earlier: Columns, later: Columns) -> tuple[drift.Reference, tuple[drift.Shift, ...]]:
    """How far columns have moved, as stages.evaluate takes it: intervals that hold for all of them at once."""
    each = drift.at_once(config.drift.confidence, len(later))
    reference = drift.of(earlier, config.drift.bins)
    return reference, drift.psi(reference, later, threshold=config.drift.threshold, confidence=each)


def held_profit(config: Config, world: World, dose: float) -> Ends:
    """Profit of the approved when the odds of bad are multiplied, by the PDs."""
    worse = expit(logit(world.pd) + np.log(dose))
    before, after = decisions_of(config, world.pd), decisions_of(config, worse)
    how = {"confidence": config.evaluation.confidence}
    return ends(stress.change(before, after, config.policy, world.applicant, **how)["held_profit"])


def value_of(figure: EndsOf) -> Truth:
    """The truth of a figure that needs no outcomes: its own value on very many rows."""
    return lambda config, world, dose: figure(config, world, dose)[0]


def scorecard_pair(world: World, _: float) -> tuple[Matrix, Matrix]:
    """The true PD, and what remains of it without the interaction that no scorecard can hold."""
    return world.pd, expit(simulated_lender.log_odds(world.features, interaction=0.0).to_numpy())


def baseline_pair(world: World, dose: float) -> tuple[Matrix, Matrix]:
    return noisy(world, dose), noisy(world, BASELINE_NOISE, which=1)
