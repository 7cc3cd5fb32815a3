"""How often the gates on the validator's figures, pooled calibration, reasons and row order are wrong, by simulation.

Each figure is measured by the code that measures a run's, on made-up rows whose truth is known, and judged by the
gate's own rule. A right model that says FAIL is a false fail; a wrong one that says PASS is a miss. CANNOT SAY blocks
and is neither.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.special import expit, logit
from scipy.stats import norm

from credit_risk.config import Config
from credit_risk.config.dotted import lookup
from credit_risk.config.schema import Gate
from credit_risk.data.inputs import Matrix
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import bootstrap, calibration_level, proportion
from credit_risk.measures.leak import order_gini
from credit_risk.measures.metrics import Economics, Sample
from credit_risk.measures.results import parts_of
from credit_risk.measures.verdict import gate
from credit_risk.measures.verdict.gate import Verdict
from credit_risk.modelling.champion import RATE, ROWS
from credit_risk.validator import book, champion_groups, grades, segments, twins

PAGE = Path("docs/validator.md")
BEGIN, END = "<!-- from `credit-risk validator-power`: table -->", "<!-- end of table -->"
SIZES = (1_500, 6_000)  # test rows
DRAWS, FEWER, FEWEST = 1_000, 400, 100  # fewer where a draw takes a hundredth of a second, fewest where a tenth
RESAMPLED, REPLICATES = 50, 100  # draws of figures that are bootstrapped, for a second each; bootstrap samples of each
STEP, MOST = 500, 30_000  # in which test rows are added until a gate keeps both bounds, and how many at most
FALSE_FAILS, MISSES = 0.02, 0.05  # at most
DECLINED, COMPARED = 0.25, 200  # share of the test rows, and rows for which reasons are computed in another way
EDGES = (0.05, 0.1, 0.2, 0.4)  # of the PDs of five grades
GROUPS = {"sex: 1": 0.4, "sex: 2": 0.6, "age: to 34": 0.55, "age: 35 to 61": 0.43, "age: 62 and over": 0.02}

OF_GRADE = "one grade's odds of bad are twice what its PDs say"
RELABELLED = "three in ten of women's bads were relabelled good"
GATES: Mapping[str, tuple[str, Mapping[str, Any]]] = {  # by name: the measure, and the limits where none are declared
    "grades_hold": ("validator.grades.least_p", {"at_least": 0.02, "exact": True}),
    "segments_calibrated": ("validator.segments.largest_gap", {"at_most": 0.69}),
    "groups_calibrated": ("validator.groups.largest_gap", {"at_most": 0.35}),
    "book_as_foretold": ("validator.book.bads_ratio", {"at_most": 1.2}),
    "groups_as_before": ("validator.champion.groups_moved", {"at_most": 0, "exact": True}),
    "no_twins": ("validator.twins.excess", {"at_most": 2}),
    "calibration_slope": ("splits.pooled.calibration_slope", {"at_least": 0.9, "at_most": 1.1}),
    "calibration_level": ("splits.pooled.calibration_in_the_large", {"at_least": -0.1, "at_most": 0.1}),
    "leak_order": ("leak.order", {"at_most": 0.1}),
    "reasons_true": ("explain.reasons.untrue", {"at_most": 0.02}),
    "reasons_hold": ("explain.reasons.not_lower", {"at_most": 0.01}),
    "reasons_not_best_value": ("explain.reasons.at_best", {"at_most": 0.005}),
    "reasons_for_everybody": ("explain.reasons.none", {"at_most": 0.005}),
    "reasons_stable": ("explain.stability.top_reason", {"at_least": 0.95}),
    "reasons_interventional": ("explain.interventional.top_reason", {"at_least": 0.9}),
    "reasons_whole_list": ("explain.interventional.whole_list", {"at_least": 0.75}),
}
# What a share of the declines is where all is right and where it is not, and of how many rows (None: of all declines).
SHARES: Mapping[str, tuple[float, float, int | None]] = {
    "reasons_true": (0.005, 0.05, None),
    "reasons_hold": (0.002, 0.03, None),
    "reasons_not_best_value": (0.0, 0.02, None),
    "reasons_for_everybody": (0.0, 0.02, None),
    "reasons_stable": (0.99, 0.9, None),
    "reasons_interventional": (0.99, 0.8, COMPARED),
    "reasons_whole_list": (0.88, 0.6, COMPARED),
}

ORDER: tuple[Verdict, ...] = ("PASS", "CANNOT SAY", "FAIL")
Draw = Callable[[Generator, int, bool], Mapping[str, Any]]  # figures of so many rows, of a wrong model or a right one


@dataclass(frozen=True)
class PowerTrial:
    """A gate that is tried. fault: what is wrong with the wrong model. draw: the figures of one draw."""

    gate: Gate
    fault: str
    draw: Draw
    draws: int = DRAWS

    def verdict(self, generator: Generator, rows: int, *, wrong: bool) -> Verdict:
        figures = self.draw(generator, rows, wrong)
        tree: Any = figures
        for part in reversed(self.gate.measure.split(".")[:-1]):
            tree = {part: tree}
        known = lookup(tree, self.gate.measure) is not None
        unknown = {} if known else {self.gate.measure: "these rows cannot carry it"}
        return gate.decide([self.gate], tree, unknown)[0].verdict


@dataclass(frozen=True)
class PowerCount:
    """The verdicts of one gate at one size, on right models and on wrong ones.

    kept_from: where they are not kept at this size, the fewest test rows at which both bounds are, as far as was tried.
    """

    name: str
    fault: str
    rows: int
    right: Mapping[Verdict, int]
    wrong: Mapping[Verdict, int]
    kept_from: int | None = None

    @property
    def false_fails(self) -> float:
        return self.right.get("FAIL", 0) / sum(self.right.values())

    @property
    def misses(self) -> float:
        return self.wrong.get("PASS", 0) / sum(self.wrong.values())

    @property
    def kept(self) -> bool:
        return self.false_fails <= FALSE_FAILS and self.misses <= MISSES


def counts(config: Config, *, sizes: Sequence[int] = SIZES, part: float = 1.0) -> Iterator[PowerCount]:
    """Every trial at every size. part: of the draws, to see whether it runs."""
    for trial in trials(config):
        draws = max(int(trial.draws * part), 1)
        for rows in sizes:
            count = counted(config, trial, rows, draws)
            yield count if count.kept else replace(count, kept_from=rows_needed(config, trial, rows, draws))


def counted(config: Config, trial: PowerTrial, rows: int, draws: int) -> PowerCount:
    """The verdicts on so many right models and so many wrong ones."""
    generator = np.random.default_rng([config.evaluation.seed, rows])
    right, wrong = (
        Counter(trial.verdict(generator, rows, wrong=faulty) for _ in range(draws)) for faulty in (False, True)
    )
    return PowerCount(trial.gate.name, trial.fault, rows, right, wrong)


def rows_needed(config: Config, trial: PowerTrial, rows: int, draws: int) -> int | None:
    """The fewest test rows beyond these, in steps, with which both bounds are kept; None if they never are."""
    more = range(rows + STEP, MOST + 1, STEP)
    return next((size for size in more if counted(config, trial, size, draws).kept), None)


def trials(config: Config) -> list[PowerTrial]:
    """Every gate with its limits in the config; one that it does not declare has those of docs/validator.md."""
    return [
        PowerTrial(_gate(config, "grades_hold"), OF_GRADE, _of_grades),
        PowerTrial(_gate(config, "segments_calibrated"), *_segments(config), FEWER),
        PowerTrial(_gate(config, "groups_calibrated"), *_groups(config), FEWER),
        PowerTrial(_gate(config, "book_as_foretold"), *_book(config)),
        PowerTrial(_gate(config, "groups_as_before"), RELABELLED, _of_moved),
        PowerTrial(_gate(config, "no_twins"), *_twins(config), FEWEST),
        PowerTrial(_gate(config, "calibration_slope"), *_pooled(config, "calibration_slope"), RESAMPLED),
        PowerTrial(_gate(config, "calibration_level"), *_pooled(config, "calibration_in_the_large"), RESAMPLED),
        PowerTrial(_gate(config, "leak_order"), *_order(config), FEWER),
        *(PowerTrial(_gate(config, name), *_share(GATES[name][0], *shares)) for name, shares in SHARES.items()),
    ]


def _gate(config: Config, name: str) -> Gate:
    measure, limits = GATES[name]
    made = {"name": name, "measure": measure, "reason": "tried, though the config does not declare it", **limits}
    return {each.measure: each for each in config.gates}.get(measure) or Gate.model_validate(made)


def _pds(generator: Generator, rows: int) -> Matrix:
    return expit(generator.normal(-1.5, 1.1, rows))


def _of_grades(generator: Generator, rows: int, wrong: bool) -> Mapping[str, Any]:
    pds = _pds(generator, rows)
    grade = np.searchsorted(EDGES, pds)
    off = np.where(grade == generator.integers(len(EDGES) + 1), np.log(grades.DOUBLED), 0.0) if wrong else 0.0
    bad = generator.random(rows) < expit(logit(pds) + off)
    return grades.least_p(grades.grades(grade, ["A", "B", "C", "D", "E"], bad, pds, confidence=0.95))


def _segments(config: Config) -> tuple[str, Draw]:
    names = config.evaluation.segments or (config.features[0],)
    settings = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"segments": tuple(names)})})

    def draw(generator: Generator, rows: int, wrong: bool) -> Mapping[str, Any]:
        columns, pds = {name: _values(config, name, generator, rows) for name in names}, _pds(generator, rows)
        parts = list(parts_of(columns[names[0]], config.categories(names[0])))
        off = np.where(parts[generator.integers(len(parts))][1], 1.0, 0.0) if wrong else 0.0
        bad = generator.random(rows) < expit(logit(pds) + off)
        measured = segments.by_segment(settings, columns, bad, pds, np.arange(rows))
        return segments.summary(measured, "", {}, "segments")

    return "one segment's odds of bad are 2.7 times what its PDs say (1 in log-odds)", draw


def _values(config: Config, name: str, generator: Generator, rows: int) -> Matrix:
    categories = config.categories(name)
    return generator.integers(len(categories), size=rows).astype(float) if categories else generator.random(rows)


def _groups(config: Config) -> tuple[str, Draw]:
    confidence = config.evaluation.confidence

    def draw(generator: Generator, rows: int, wrong: bool) -> Mapping[str, Any]:
        attributes: dict[str, Any] = {}
        for name, share in GROUPS.items():
            attribute, group = name.split(": ")
            pds = _pds(generator, round(share * rows))
            off = 0.7 if wrong and name == "sex: 2" else 0.0
            bad = generator.random(len(pds)) < expit(logit(pds) + off)
            level = calibration_level(bad, pds, np.arange(len(pds)), confidence=confidence)
            figures = {"rows": len(pds), "mean_pd": pds.mean(), "bad_rate": bad.mean(), **flat({segments.LEVEL: level})}
            attributes.setdefault(attribute, {"groups": {}})["groups"][group] = figures
        measured = segments.by_group({"attributes": attributes}, confidence=confidence)
        return segments.summary(measured, "", {}, "groups")

    return "women's odds of bad are twice what their PDs say (0.7 in log-odds)", draw


def _book(config: Config) -> tuple[str, Draw]:
    economics = Economics.of(config.policy)

    def draw(generator: Generator, rows: int, wrong: bool) -> Mapping[str, Any]:
        pds = _pds(generator, rows)
        bad = generator.random(rows) < expit(logit(pds) + (np.log(2.0) if wrong else 0.0))
        approved = pds < economics.cut_off
        return book.backtest(approved, bad, pds, np.arange(rows), economics, confidence=config.evaluation.confidence)

    return "everybody's odds of bad are twice what the PDs say", draw


def _of_moved(generator: Generator, rows: int, wrong: bool) -> Mapping[str, Any]:
    runs = []
    for now in (False, True):
        facts: dict[str, float] = {}
        for name, share in GROUPS.items():
            count = round(share * rows)
            rate = 0.22 * (0.7 if wrong and now and name == "sex: 2" else 1.0)
            facts |= {f"{ROWS}{name}": count, f"{RATE}{name}": generator.binomial(count, rate) / count}
        runs.append(facts)
    return {"groups_moved": len(champion_groups.moved(*runs))}


def _twins(config: Config) -> tuple[str, Draw]:
    def draw(generator: Generator, rows: int, wrong: bool) -> Mapping[str, Any]:
        train, test = generator.normal(size=(3 * rows, 8)), generator.normal(size=(rows, 8))
        if wrong:
            copied = rows // 10
            test[:copied] = train[:copied] + generator.normal(scale=0.001, size=(copied, 8))
        return twins.twins(train, test, seed=1, confidence=config.evaluation.confidence)

    return "a tenth of the test rows are copies of training rows, with noise", draw


def _pooled(config: Config, figure: str) -> tuple[str, Draw]:
    """Of all rows, out of fold: as many as the declared share of the test makes of the test rows."""
    draw_of = config.evaluation.model_dump(include={"seed", "confidence"})
    replicates = min(config.evaluation.replicates, REPLICATES)
    of_slope = figure == "calibration_slope"

    def draw(generator: Generator, rows: int, wrong: bool) -> Mapping[str, Any]:
        pds = _pds(generator, round(rows / config.split.test))
        log_odds = logit(pds) / (1.3 if wrong and of_slope else 1) + (0.3 if wrong and not of_slope else 0)
        sample = Sample.of(generator.random(len(pds)) < expit(log_odds), pds, np.arange(len(pds)))
        return flat({figure: bootstrap(sample, replicates=replicates, **draw_of)[figure]})

    return (
        "PDs are too extreme by 1.3 in log-odds" if of_slope else "everybody's log-odds of bad are 0.3 higher"
    ), draw


def _order(config: Config) -> tuple[str, Draw]:
    shift = np.sqrt(2) * norm.ppf(0.6)  # an AUC of 0.6 is a Gini of 0.2

    def draw(generator: Generator, rows: int, wrong: bool) -> Mapping[str, Any]:
        bad = generator.random(rows) < 0.22
        orders = {name: generator.normal(size=rows) for name in ("row", "id", "day")}
        orders["row"] = orders["row"] + (shift * bad if wrong else 0.0)
        _, figure = order_gini(orders, bad, np.arange(rows), confidence=config.evaluation.confidence)
        return flat({"order": figure})

    return "the order of the file ranks outcomes with a Gini of 0.2", draw


def _share(measure: str, right: float, wrong: float, compared: int | None) -> tuple[str, Draw]:
    """A share of declines, or of the rows whose reasons are computed in another way."""
    name = measure.rpartition(".")[2]

    def draw(generator: Generator, rows: int, faulty: bool) -> Mapping[str, Any]:
        count = compared or round(DECLINED * rows)
        return flat({name: proportion(int(generator.binomial(count, wrong if faulty else right)), count)})

    return f"the share is {wrong:g}, and {right:g} where all is right", draw


def table(counted: Sequence[PowerCount]) -> str:
    """A line a gate and size; what lies beyond a bound is said to."""
    three = " / ".join(ORDER)
    lines = [f"| gate | what is wrong | test rows | right: {three} | wrong: {three} | bounds |", "|---" * 6 + "|"]
    for each in counted:
        verdicts = f"{_split(each.right)} | {_split(each.wrong)}"
        lines.append(f"| `{each.name}` | {each.fault} | {each.rows:,} | {verdicts} | {bounds(each)} |")
    return "\n".join(lines)


def bounds(count: PowerCount) -> str:
    """Whether both kinds of error are as rare as they may be, and else with how many test rows they are."""
    if count.kept:
        return "kept"
    beyond = [
        f"{word} {share:.1%}, {limit:.0%} allowed"
        for word, share, limit in (
            ("false fails", count.false_fails, FALSE_FAILS),
            ("misses", count.misses, MISSES),
        )
        if share > limit
    ]
    needed = f"kept from {count.kept_from:,} rows" if count.kept_from else f"not kept by {MOST:,} rows either"
    return f"{'; '.join(beyond)}; {needed}"


def _split(verdicts: Mapping[Verdict, int]) -> str:
    total = sum(verdicts.values())
    return " / ".join(f"{100 * verdicts.get(word, 0) / total:.1f}" for word in ORDER)
