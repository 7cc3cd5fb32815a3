"""How often the statistical gates are wrong: on a simulated lender whose truth is known (`make gate-power`).

Every gate is put through the functions that the pipeline measures with and the engine that judges, on fresh samples of
several sizes, while one fault is turned up by a dose. The truth behind a dose is the same figure on TRUTH_ROWS rows, so
that a verdict is held against what is true and not against what the dose is called. Exact gates (monotone, leaks,
reasons) have no chance in them and are not here; the sabotage trials speak about those.
"""

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from credit_risk.config import Config
from credit_risk.config.schema import Gate
from credit_risk.data.simulate import lender
from credit_risk.data.writing import write_json
from credit_risk.domain import bands, decision, drift, fairness, gate
from credit_risk.domain.inputs import Mask, Matrix
from credit_risk.domain.intervals import Interval, bootstrap, delong, paired_difference, proportion
from credit_risk.domain.metrics import Economics, Sample

log = logging.getLogger(__name__)

TRUTH_ROWS = 400_000
TRUTH_SEED = 1_000_003  # no sample has it
SIZES = (500, 1_500, 5_000)
COVERED_ROWS = 2_000
REPLICATES, COVERED_REPLICATES = 100, 200  # a report takes more; these are taken thousands of times
BAD_RATE = 0.22
WORKERS = 2
LEAST = 1  # min_n of the study: the size of a group is varied here, not refused

Ends = tuple[float, float, float]
Numbers = dict[str, Any]


@dataclass(frozen=True)
class World:
    """Applications with the PD they really have; `noise` is a draw for models that rank worse than the truth."""

    pd: Matrix
    bad: Mask
    applicant: NDArray[np.int64]
    female: Mask
    noise: Matrix

    @classmethod
    def drawn(cls, rows: int, seed: int, *, gap: float = 0.0, shift: float = 0.0) -> "World":
        """Fresh applicants; gap and shift as the doses `gap` and `drift` of data.simulate, the latter at its end."""
        book = lender(rows, seed=seed, bad_rate=BAD_RATE, gap=gap)
        kept = ~book.truth["is_copy"].to_numpy()
        people = book.applications["applicant_id"].to_numpy()[kept]
        pd = book.truth["pd"].to_numpy()[kept]
        noise = np.random.default_rng([seed, 1]).standard_normal(len(pd))
        if shift:  # a population whose log-odds have moved, as the score sees it
            pd = expit(logit(pd) + shift)
        bad = np.random.default_rng([seed, 2]).random(len(pd)) < pd
        return cls(
            pd,
            bad,
            np.unique(people, return_inverse=True)[1],
            (book.applications["sex"] == "female").to_numpy()[kept],
            noise,
        )


@dataclass(frozen=True)
class Draw:
    """How a figure gets its interval: the config, and fewer replicates than a report takes."""

    config: Config
    replicates: int
    seed: int

    def bootstrapped(self, world: World, pd: Matrix) -> dict[str, Interval]:
        return bootstrap(sample(self.config, world, pd), replicates=self.replicates, seed=self.seed)


def sample(config: Config, world: World, pd: Matrix) -> Sample:
    policy = config.policy
    economics = Economics(decision.cut_off(policy), policy.margin, policy.lgd, policy.cost)
    return Sample.of(world.bad, pd, world.applicant, economics)


Figure = Callable[[World, float, Draw], Ends]


@dataclass(frozen=True)
class Fault:
    """One way to be wrong: its doses, what the gate then measures, and how the world is drawn for a dose."""

    name: str
    what: str
    doses: tuple[float, ...]
    figure: Figure
    world: Callable[[int, int, float], World] = lambda rows, seed, dose: World.drawn(rows, seed)  # noqa: ARG005


def ends(interval: Interval | fairness.Measure) -> Ends:
    return interval.value, interval.low, interval.high


def slope(world: World, dose: float, draw: Draw) -> Ends:
    """PDs stretched on the log-odds scale by 1 + dose."""
    middle = float(np.mean(logit(world.pd)))
    pd = expit(middle + (logit(world.pd) - middle) * (1 + dose))
    return ends(draw.bootstrapped(world, pd)["calibration_slope"])


def level(world: World, dose: float, draw: Draw) -> Ends:
    """All PDs too low by `dose` in log-odds."""
    return ends(draw.bootstrapped(world, expit(logit(world.pd) - dose))["calibration_in_the_large"])


def band(world: World, dose: float, draw: Draw) -> Ends:
    """The PDs of one band in the middle too low by `dose` in log-odds."""
    config = draw.config
    place = decision.bands(decision.scores(world.pd, config.policy.scale), config.policy)
    names = [one.name for one in config.policy.bands]
    pd = np.where(place == len(names) // 2, expit(logit(world.pd) - dose), world.pd)
    found = bands.measure(place, names, world.bad, pd, world.applicant, confidence=config.evaluation.confidence)
    return ends(bands.largest(found)[1])


def blurred(world: World, dose: float) -> Matrix:
    """A model that sees the truth through noise: it ranks worse, the more the larger the dose."""
    return np.asarray(expit(logit(world.pd) + dose * world.noise))


def ranking(world: World, dose: float, draw: Draw) -> Ends:
    return ends(draw.bootstrapped(world, blurred(world, dose))["auc"])


def parity(world: World, dose: float, draw: Draw) -> Ends:  # noqa: ARG001  (the dose is in the world)
    """Women's approval rate over men's, where women's PDs really are higher by the dose in log-odds."""
    approved = world.pd < decision.cut_off(draw.config.policy)
    confidence = draw.config.evaluation.confidence
    rates = [
        fairness.rate(approved[rows], world.applicant[rows], min_n=LEAST, confidence=confidence)
        for rows in (world.female, ~world.female)
    ]
    return ends(fairness.ratio(*rates))


def moved(world: World, dose: float, draw: Draw) -> Ends:  # noqa: ARG001  (the dose is in the world)
    """PSI of the score from a training population that has not moved, of three times as many rows."""
    scale = draw.config.policy.scale
    before = World.drawn(3 * len(world.pd), draw.seed + 500_000)
    reference = drift.of({"score": decision.scores(before.pd, scale)}, draw.config.drift.bins)
    limits = draw.config.drift.model_dump(include={"threshold", "confidence"})
    (shift,) = drift.psi(reference, {"score": decision.scores(world.pd, scale)}, **limits)
    return shift.psi, *shift.ends


def better(world: World, dose: float, draw: Draw) -> Ends:
    """The truth against a challenger that sees it through noise, less the materiality that is asked for."""
    pair = (sample(draw.config, world, pd) for pd in (world.pd, blurred(world, dose)))
    found = paired_difference(*pair, replicates=draw.replicates, seed=draw.seed)["auc"]
    return tuple(end - draw.config.model.materiality for end in ends(found))  # type: ignore[return-value]


def worse(world: World, dose: float, draw: Draw) -> Ends:
    """A candidate that sees the truth through noise, against a baseline that sees it as well as can be."""
    pair = (sample(draw.config, world, pd) for pd in (blurred(world, dose), world.pd))
    return ends(paired_difference(*pair, replicates=draw.replicates, seed=draw.seed)["auc"])


FAULTS = {
    "test.calibration_slope": Fault("slope", "PDs too extreme", (0, 0.05, 0.15, 0.3, 0.6), slope),
    "test.calibration_in_the_large": Fault("level", "all PDs too low", (0, 0.05, 0.15, 0.3, 0.6), level),
    "bands.largest_gap": Fault("band", "the PDs of one band too low", (0, 0.3, 0.6, 1.0, 1.5), band),
    "test.auc": Fault("auc", "a model that ranks worse", (0, 1.0, 1.5, 2.0, 3.0), ranking),
    "fairness.contrasts": Fault(
        "four-fifths",
        "women's PDs higher",
        (0, 0.2, 0.4, 0.7, 1.0),
        parity,
        lambda rows, seed, dose: World.drawn(rows, seed, gap=dose),
    ),
    "stability.score_psi": Fault(
        "psi",
        "the population has moved",
        (0, 0.15, 0.3, 0.5, 0.8),
        moved,
        lambda rows, seed, dose: World.drawn(rows, seed, shift=dose),
    ),
    "selection.beyond_materiality": Fault(
        "materiality", "a challenger that is worse", (0, 0.2, 0.35, 0.5, 0.8), better
    ),
    "comparison.differences.auc": Fault(
        "non-inferiority", "a candidate that is worse", (0, 0.2, 0.35, 0.5, 0.8), worse
    ),
}


def gates(config: Config) -> dict[str, Gate]:
    """The gate of the config that each fault is put to; for drift, the drift section's threshold if none is gated."""
    found: dict[str, Gate] = {}
    for one in config.gates:
        kind = "fairness.contrasts" if one.measure.startswith("fairness.contrasts.") else one.measure
        if kind in FAULTS:
            found.setdefault(kind, one)
    stability = Gate(
        name="stability", measure="stability.score_psi", at_most=config.drift.threshold, reason="drift.threshold"
    )
    found.setdefault("stability.score_psi", stability)
    return {kind: found[kind] for kind in FAULTS if kind in found}


def judged(one: Gate, found: Ends) -> str:
    """The verdict on one sample, by the engine that judges the pipeline's figures."""
    measures: Numbers = {}
    node = measures
    *path, last = one.measure.split(".")
    for part in path:
        node = node.setdefault(part, {})
    node |= {last: found[0], f"{last}_low": found[1], f"{last}_high": found[2]}
    why = {one.measure: "too few rows"} if math.isnan(found[0]) else {}
    (check,) = gate.decide([one], measures, why)
    return check.verdict


def is_within(one: Gate, value: float) -> bool:
    return (one.at_least is None or value >= one.at_least) and (one.at_most is None or value <= one.at_most)


@dataclass(frozen=True)
class Cell:
    """One fault at one dose and sample size, over many seeds."""

    kind: str
    dose: float
    rows: int
    seeds: int
    replicates: int

    @property
    def name(self) -> str:
        return f"{FAULTS[self.kind].name}-{self.dose:g}-{self.rows}-{self.seeds}-{self.replicates}"


def study(config: Config, cell: Cell) -> list[Ends]:
    """The figure of each seed's sample, with its ends."""
    fault = FAULTS[cell.kind]
    return [
        fault.figure(fault.world(cell.rows, seed, cell.dose), cell.dose, Draw(config, cell.replicates, seed))
        for seed in range(cell.seeds)
    ]


def truth(config: Config, kind: str, dose: float) -> float:
    """What the figure is in the population that a dose makes."""
    fault = FAULTS[kind]
    draw = Draw(config, 2, TRUTH_SEED)  # the interval is not asked for
    return fault.figure(fault.world(TRUTH_ROWS, TRUTH_SEED, dose), dose, draw)[0]


def covered(config: Config, replicates: int, seed: int) -> dict[str, Ends]:
    """Every figure that carries an interval, on one sample of a sound model."""
    world = World.drawn(COVERED_ROWS, seed)
    return figures(config, world, Draw(config, replicates, seed))


def figures(config: Config, world: World, draw: Draw) -> dict[str, Ends]:
    found = {f"bootstrap: {name}": ends(one) for name, one in draw.bootstrapped(world, world.pd).items()}
    pair = [sample(config, world, pd) for pd in (world.pd, blurred(world, 0.5))]
    paired = paired_difference(*pair, replicates=draw.replicates, seed=draw.seed)
    found |= {f"paired: {name}": ends(paired[name]) for name in ("auc", "brier", "profit_per_application")}
    approved = world.pd < decision.cut_off(config.policy)
    found["Wilson: approval_rate"] = ends(proportion(int(approved.sum()), len(approved)))
    found["DeLong: auc"] = ends(delong(world.bad, world.pd))
    found["DeLong: auc difference"] = ends(delong(world.bad, world.pd, blurred(world, 0.5)))
    found["Donner and Zou: approval ratio"] = parity(world, 0, draw)
    return found


@cache
def true_figures(config_json: str) -> dict[str, float]:
    config = Config.from_dict(json.loads(config_json))
    found = figures(config, World.drawn(TRUTH_ROWS, TRUTH_SEED), Draw(config, 2, TRUTH_SEED))
    return {name: one[0] for name, one in found.items()}


def run(config: Config, folder: Path, *, seeds: int, coverage_seeds: int) -> Numbers:
    """The whole study; what is finished is kept in `folder`, so that a run that was cut short goes on."""
    asked = gates(config)
    cells = [
        Cell(kind, dose, rows, seeds, REPLICATES) for kind in asked for dose in FAULTS[kind].doses for rows in SIZES
    ]
    with ProcessPoolExecutor(WORKERS) as pool:
        results = dict(zip(cells, kept(pool, folder, cells, partial(study, config)), strict=True))
        doses = [(kind, dose) for kind in asked for dose in FAULTS[kind].doses]
        log.info("the truth behind %d doses", len(doses))
        true = dict(zip(doses, pool.map(truth, [config] * len(doses), *zip(*doses, strict=True)), strict=True))
        log.info("coverage over %d seeds", coverage_seeds)
        samples = list(pool.map(partial(covered, config, COVERED_REPLICATES), range(coverage_seeds), chunksize=10))
    report: Numbers = {
        "seeds": seeds,
        "coverage_seeds": coverage_seeds,
        "replicates": REPLICATES,
        "replicates_of_coverage": COVERED_REPLICATES,
        "rows_of_coverage": COVERED_ROWS,
        "gates": [
            summary(asked[kind], kind, [cell for cell in cells if cell.kind == kind], results, true) for kind in asked
        ],
        "coverage": coverage(samples, true_figures(json.dumps(config.as_dict()))),
    }
    write_json(folder / "power.json", report)
    return report


def kept(
    pool: ProcessPoolExecutor, folder: Path, cells: Sequence[Cell], work: Callable[[Cell], list[Ends]]
) -> Iterator[list[Ends]]:
    """The results of all cells in their order; those of an earlier run are read and not made again."""
    paths = [folder / "cells" / f"{cell.name}.json" for cell in cells]
    waiting = {path: pool.submit(work, cell) for path, cell in zip(paths, cells, strict=True) if not path.is_file()}
    for number, path in enumerate(paths, 1):
        if path in waiting:
            write_json(path, {"figures": [list(one) for one in waiting[path].result()]})
            log.info("%d of %d: %s", number, len(paths), path.stem)
        found = json.loads(path.read_text(encoding="utf-8"))["figures"]
        yield [tuple(math.nan if end is None else end for end in one) for one in found]  # type: ignore[misc]


def summary(
    one: Gate,
    kind: str,
    cells: Sequence[Cell],
    results: Mapping[Cell, Sequence[Ends]],
    true: Mapping[tuple[str, float], float],
) -> Numbers:
    """A gate's verdicts by dose and size, beside what is true."""
    lines = []
    for cell in cells:
        verdicts = [judged(one, found) for found in results[cell]]
        value = true[kind, cell.dose]
        shares = {word: verdicts.count(word) / len(verdicts) for word in ("PASS", "CANNOT SAY", "FAIL")}
        lines.append({"dose": cell.dose, "rows": cell.rows, "true": value, "within": is_within(one, value), **shares})
    limits = {"at_least": one.at_least, "at_most": one.at_most}
    fault = FAULTS[kind]
    return {"gate": one.name, "measure": one.measure, "fault": fault.what, "name": fault.name, **limits, "lines": lines}


def coverage(samples: Sequence[Mapping[str, Ends]], true: Mapping[str, float]) -> list[Numbers]:
    """How many intervals of each figure hold the truth, and on which side the others miss it."""
    lines = []
    for name, value in true.items():
        found = np.array([one[name] for one in samples])
        known = ~np.isnan(found).any(axis=1)
        below, above = (value < found[known, 1]).mean(), (value > found[known, 2]).mean()
        share = 1 - below - above
        error = math.sqrt(max(share * (1 - share), 1e-12) / max(known.sum(), 1))
        lines.append(
            {
                "figure": name,
                "true": value,
                "coverage": float(share),
                "error": float(error),
                "truth_below": float(below),
                "truth_above": float(above),
                "known": float(known.mean()),
            }
        )
    return lines
