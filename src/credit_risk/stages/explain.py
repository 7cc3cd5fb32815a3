"""Whether the reasons of declines can be relied on, and what the model looks at overall (DVC stage `explain`)."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from pandas import DataFrame

from credit_risk.config import Config, wordings
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.config.formulas import Columns
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Indices, Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.data.writing import read_parquet, write_directory, write_figures
from credit_risk.measures import explanation
from credit_risk.measures.figure import Figure, reported
from credit_risk.measures.intervals import proportion, resampled
from credit_risk.modelling import evidence, fitting, shap_values
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.modelling.assembly import load_current
from credit_risk.scoring import background, decision, reasons
from credit_risk.scoring.background import Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.decision import DECLINE, NO_RULE
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Boosted, RiskModel, Scorecard
from credit_risk.scoring.reasons import Explainer, Explanations
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

GLOBAL_ROWS = 5_000  # test rows, approved ones among them, behind importance and dependence
BACKGROUND_ROWS = 150  # rows of the population that interventional SHAP compares each decline with
COMPARED_ROWS = 200  # declines explained both ways
INTERACTION_ROWS = 300
FEWEST = 30  # applicants of whom a text is true, and of whom not, for a comparison of the two
OTHER_SEEDS = (1, 2)  # added to the model's seed
AGREEMENT = ("top_reason", "overlap", "driver")
PAIRS = 15
PREDICTIONS = 4_000_000  # a comparison by families may cost no more of these
MOST_FAMILIES = 8  # beyond this the orders in which they join are drawn
ORDERS = 8  # drawn for each decline, each taken both ways round

Numbers = dict[str, Any]
Unknown = dict[str, str]
Statistic = Callable[[Matrix], Matrix]


@dataclass(frozen=True)
class ExplainedSplit:
    """One split as the model sees and decides it, before any doubt about a reason sends a row to a person."""

    matrix: Matrix
    columns: Columns
    pd: Matrix
    outcome: decision.Codes
    rule: decision.Rules

    @cached_property
    def declines(self) -> Mask:
        """Rows that the model itself declines."""
        return np.asarray((self.outcome == DECLINE) & (self.rule == NO_RULE) & ~np.isnan(self.pd))

    @property
    def declined(self) -> Matrix:
        return self.matrix[self.declines]


def run(config: Config, files: Files) -> None:
    """Write reports/explain.json and the tables behind its pictures: aggregates, no applicant's row."""
    scorer = load_current(config, files.scorer)
    outcomes = read_parquet(files.outcomes("train"))
    seen = Weights.of(read_parquet(files.outcomes("test"))).representative(config.evaluation.seed)
    train, test = read_part(config, files, scorer, "train"), read_part(config, files, scorer, "test", rows=seen)
    explainer = scorer.explainer
    is_true = explainer.truth_of(test.columns, np.flatnonzero(test.declines))
    chosen = sampled(config, test)
    declined, overall = explainer.explain(test.declined, is_true), explainer.explain(test.matrix[chosen])
    unknown: Unknown = {}
    log.info("%s declines explained; the same under other seeds", f"{len(declined):,}")
    numbers = {
        "scorer": scorer.digest,
        "rows": rows(test, overall, explainer),
        "additivity": additivity(test, declined, unknown),
        "reasons": checks(config, "reasons", declined, train.matrix, unknown),
        "wordings": wording_doubts(config, overall, explainer.truth_of(test.columns, chosen)),
        "stability": stability(config, outcomes, train, declined, unknown),
        "resampling": resampling(config, outcomes, train, declined, unknown),
        "importance": required(config, overall, unknown),
    }
    log.info("interventional SHAP and interactions")
    numbers["interventional"] = interventional(config, train, declined, unknown)
    pairs = interactions(config, overall, unknown)
    evidence.write(files, "explain", {**numbers, "unknown": unknown})
    tables = {**explanation.tables(overall, declined, confidence=config.evaluation.confidence), "interactions": pairs}

    def fill(directory: Path) -> None:
        for name, table in tables.items():
            write_figures(directory / f"{name}.csv", table)

    write_directory(files.reports / "explain", fill, mark="importance.csv")


def read_part(
    config: Config, files: Files, scorer: Scorer, name: SplitName, rows: Mask | None = None
) -> ExplainedSplit:
    inputs = read_inputs(config, files, name)[... if rows is None else rows]
    features = Features.of(config).table(inputs)
    # Without reasons: a doubt about one would send its row to a person.
    decisions = scorer.decide_inputs(inputs, reasons=False, features=features)
    outcome = decision.outcomes(decisions.pd, config.policy)
    return ExplainedSplit(features.matrix, features.columns, decisions.pd, outcome, decisions.rule)


def explainer_of(config: Config, model: RiskModel, calibration: Calibration, train: ExplainedSplit) -> Explainer:
    """A model's reasons, against the training rows that the scorer's own PDs let just pass."""
    compared = Background.of(
        config,
        config.reasons,
        model,
        calibration,
        matrix=train.matrix,
        pd=train.pd,
        cut_off=decision.cut_off(config.policy),
    )
    return Explainer.of(config, config.reasons, model, calibration, compared)


def sampled(config: Config, test: ExplainedSplit) -> Indices:
    """Test rows of every outcome, for what the model looks at overall."""
    scored = np.flatnonzero(~np.isnan(test.pd))
    return scored[draw(config, len(scored), GLOBAL_ROWS)]


def draw(config: Config, n: int, at_most: int) -> Indices:
    generator = np.random.default_rng(config.evaluation.seed)
    return np.sort(generator.choice(n, min(n, at_most), replace=False))


def rows(test: ExplainedSplit, overall: Explanations, explainer: Explainer) -> Numbers:
    return {
        "declined_by_model": int(test.declines.sum()),
        "decided_by_rule": int((test.rule != NO_RULE).sum()),
        "importance": len(overall),
        "population": explainer.background.rows,
    }


def additivity(test: ExplainedSplit, declined: Explanations, unknown: Unknown) -> Numbers:
    """How far contributions and base miss the log-odds of the PD that was decided on; rounding alone is 1e-13."""
    if not len(declined):
        unknown["additivity.largest"] = NO_DECLINES
        return {"largest": None}
    probability = test.pd[test.declines]
    log_odds = np.log(probability) - np.log1p(-probability)
    return {"largest": float(np.abs(declined.contributions.sum(axis=1) + declined.base - log_odds).max())}


NO_DECLINES = "the model declines no test row, so there is no reason to check"
NO_FIGURE = Figure.unknown(0, NO_DECLINES)


def checks(config: Config, path: str, declined: Explanations, train: Matrix, unknown: Unknown) -> Numbers:
    """The checks of single reasons. Best values are taken anew from the training rows, not from the scorer.

    at_best: share of cited reasons about a feature at its best value. not_lower: share of declines with a reason whose
    family, moved to the population's values, would leave the PD as high. in_doubt: share of declines that go to a
    person for any cause. untrue: share of declines with a principal reason that is not true of the applicant, and
    of_family how many by family. none: share without any true reason. guarded: protected columns or proxies among the
    drivers. mean_count: how many true reasons a decline has.
    """
    n, cited = len(declined), declined.principal
    at_best = cited & explanation.at_best_value(declined, train)
    doubtful = at_best.any(axis=1) | declined.in_doubt
    counts = {
        "at_best": (int(at_best.sum()), int(cited.sum())),
        "not_lower": (int(declined.not_lower.any(axis=1).sum()), n),
        "untrue": (int(declined.untrue.any(axis=1).sum()), n),
        "in_doubt": (int(doubtful.sum()), n),
        "none": (int((~declined.cited.any(axis=1)).sum()), n),
    }
    count = np.column_stack([declined.cited.sum(axis=1), np.ones(n)])
    figures = shares(config, counts) | {"mean_count": of_sums(config, count, explanation.ratio) if n else NO_FIGURE}
    numbers: Numbers = reported(path, figures, unknown)
    features = declined.explainer.background.features
    guarded = set(config.named(*GUARDED_ROLES))
    numbers["guarded"] = len({features[driver] for driver in np.unique(declined.driver[cited])} & guarded)
    numbers["duplicates"] = sum(_has_twice(row[row >= 0]) for row in declined.family)
    numbers["of_family"] = {
        family.id: {
            "principal": int((declined.family == index).sum()),
            "untrue": int((declined.untrue & (declined.family == index)).sum()),
        }
        for index, family in enumerate(declined.explainer.settings.families)
    }
    return numbers


def wording_doubts(config: Config, overall: Explanations, is_true: reasons.IsTrue) -> Numbers:
    """What a reader of the texts should look at: see config.wordings, and texts that are true of the wrong people.

    A family speaks against an applicant where its contribution is high, so there its text must be true more than
    elsewhere. is_true: of which of the rows of `overall` a wording is true.
    """
    explainer = overall.explainer
    added = explainer.by_family(overall.contributions)
    sentences = wordings.doubts(config)
    for index, family in enumerate(explainer.settings.families):
        wording = int(explainer.wording_of[config.features.index(family.features[0]), 0])
        against = added[:, index]
        true = is_true(wording) if wording != reasons.NO_REASON else np.ones(len(added), dtype=bool)
        is_compared = np.ptp(against.round(9)) > 0 and min(true.sum(), (~true).sum()) >= FEWEST
        if is_compared and against[true].mean() <= against[~true].mean():
            sentences.append(
                f"{family.id}: its text is true of applicants whom the family speaks for (log-odds of bad "
                f"{against[true].mean():+.2f}) rather than of those it speaks against ({against[~true].mean():+.2f})"
            )
    for sentence in sentences:
        log.warning(sentence)
    return {"doubts": len(sentences), "sentences": sentences}


def stability(
    config: Config, outcomes: DataFrame, train: ExplainedSplit, declined: Explanations, unknown: Unknown
) -> Numbers:
    """How far the reasons of the same declines agree when the same trees are grown from another seed.

    Each figure is of the seed that agrees least. top_reason: share of declines with the same first reason. overlap:
    mean share that the two lists of reasons have in common (1: the same lists). Not known of a model without a seed:
    fitted again on the same rows it is the same, which says nothing about its reasons (see `resampling`).
    """
    explainer = declined.explainer
    if not len(declined) or not isinstance(explainer.model, Boosted):
        return _unknown("stability", unknown, f"a {explainer.model.kind} has no seed" if len(declined) else NO_DECLINES)
    agreements = []
    for step in OTHER_SEEDS:
        regrown = grown(config, explainer.model, train.matrix, outcomes, config.model.seed + step)
        reseeded = explainer_of(config, regrown, explainer.calibration, train)
        agreements.append(agreement(config, declined, reseeded.explain(declined.matrix)))
    return reported("stability", _least(agreements), unknown)


def resampling(
    config: Config, outcomes: DataFrame, train: ExplainedSplit, declined: Explanations, unknown: Unknown
) -> Numbers:
    """How far the reasons of the same declines agree when a scorecard is fitted to other applicants like these.

    What reseeding is to trees, and harder: bins and weights are found anew on training applicants drawn with
    replacement, so that it is the luck of the sample that moves the reasons, not that of an algorithm. Each figure is
    of the draw that agrees least. Calibration keeps the order of reasons, so the scorecard's own serves every draw.
    """
    explainer = declined.explainer
    if not len(declined) or not isinstance(explainer.model, Scorecard):
        why = "trees are grown from other seeds instead: see stability" if len(declined) else NO_DECLINES
        return _unknown("resampling", unknown, why)
    fit, bad, agreements = fitting.scorecard(config), outcomes["bad"].to_numpy(dtype=bool), []
    weight = Weights.of(outcomes).drawn
    for step in OTHER_SEEDS:
        rows = redrawn(outcomes["group"].to_numpy(), config.model.seed + step)
        refitted = explainer_of(config, fit(train.matrix[rows], bad[rows], weight[rows]), explainer.calibration, train)
        agreements.append(agreement(config, declined, refitted.explain(declined.matrix)))
    return reported("resampling", _least(agreements), unknown)


def redrawn(group: Labels, seed: int) -> Indices:
    """Indices of the rows of applicants drawn with replacement, each with all its rows."""
    _, member = np.unique(group, return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, member.max() + 1, member.max() + 1)
    return np.repeat(np.arange(len(member)), np.bincount(drawn, minlength=member.max() + 1)[member])


def _unknown(path: str, unknown: Unknown, why: str) -> Numbers:
    unknown.update({f"{path}.{name}": why for name in AGREEMENT})
    return dict.fromkeys(AGREEMENT)


def grown(config: Config, model: Boosted, matrix: Matrix, outcomes: DataFrame, seed: int) -> Boosted:
    """The model's recipe and number of trees, from another seed."""
    weight = Weights.of(outcomes).drawn
    data = fitting.dataset(config, matrix, outcomes["bad"].to_numpy(dtype=bool), weight / weight.mean())
    # One thread: the trees are the same with any number, and boosting of small data waits on busy cores.
    parameters = {**fitting.boosting_parameters(config), "seed": seed, "num_threads": 1}
    return Boosted.of(lgb.train(parameters, data, num_boost_round=model.booster.num_trees()), model.levels)


def agreement(config: Config, first: Explanations, second: Explanations) -> dict[str, Figure]:
    """How far two explanations of the same declines agree: first reason, what it is about, and the lists."""
    n = len(first)
    same = first.family[:, 0] == second.family[:, 0]
    driver = same & (first.driver[:, 0] == second.driver[:, 0])
    overlap = np.array([explanation.overlap(a, b) for a, b in zip(first.family, second.family, strict=True)])
    return {
        **shares(config, {"top_reason": (int(same.sum()), n), "driver": (int(driver.sum()), n)}),
        "overlap": of_sums(config, np.column_stack([overlap, np.ones(n)]), explanation.ratio),
    }


def required(config: Config, overall: Explanations, unknown: Unknown) -> Numbers:
    """Shares of the required features in all importance (mean absolute contribution): together, and the least one's."""
    names = config.reasons.required
    if not names:
        unknown.update(dict.fromkeys(("importance.required", "importance.required_least"), "reasons.required is empty"))
        return {"required": None, "required_least": None}
    size = np.abs(overall.contributions)
    of_required = size[:, [config.features.index(name) for name in names]]
    whole = size.sum(axis=1)
    least = int(of_required.mean(axis=0).argmin())
    parts = {"required": of_required.sum(axis=1), "required_least": of_required[:, least]}
    figures = {name: of_sums(config, np.column_stack([part, whole]), explanation.ratio) for name, part in parts.items()}
    return reported("importance", figures, unknown) | {"required_least_feature": names[least]}


def interventional(config: Config, train: ExplainedSplit, declined: Explanations, unknown: Unknown) -> Numbers:
    """Agreement with interventional SHAP (Janzing and others 2020), by family, on a sample of declines.

    That breaks the ties between features that move together, ours follows the trees' paths; both compare with the
    same population. correlation: of the families' contributions. top_reason: share with the same first family.
    whole_list: share with the same principal families, all of them.
    """
    if not len(declined):
        names = ("correlation", "top_reason", "whole_list")
        unknown.update({f"interventional.{name}": NO_DECLINES for name in names})
        return {**dict.fromkeys(names), "method": None}
    explainer = declined.explainer
    population = background.population(config.reasons, train.pd, decision.cut_off(config.policy))
    against = train.matrix[population[draw(config, len(population), BACKGROUND_ROWS)]]
    chosen = draw(config, len(declined), COMPARED_ROWS)
    method, rows = _method(config, explainer, len(against))
    chosen = chosen[:rows]
    ours = explainer.by_family(declined.contributions[chosen])
    given = declined.matrix[chosen]
    if method == "by feature":
        theirs = explainer.by_family(shap_values.by_feature(explainer, given, against))
    elif method == "by coalitions of families":
        theirs = explanation.by_family(explainer, given, against)
    else:
        theirs = explanation.by_family_drawn(explainer, given, against, orders=ORDERS, seed=config.evaluation.seed)
    same = int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum())
    principal = map(explainer.principal, (ours, theirs))
    lists = [np.where(cited, ranked, reasons.NO_REASON) for ranked, _, cited in principal]
    alike = int((np.sort(lists[0], axis=1) == np.sort(lists[1], axis=1)).all(axis=1).sum())
    sums = np.stack([np.ones_like(ours), ours, theirs, ours**2, theirs**2, ours * theirs], axis=2).sum(axis=1)
    figures = {
        **shares(config, {"top_reason": (same, len(chosen)), "whole_list": (alike, len(chosen))}),
        "correlation": of_sums(config, sums, explanation.correlation),
    }
    return {**reported("interventional", figures, unknown), "method": method, "rows": len(chosen)}


def _method(config: Config, explainer: Explainer, against: int) -> tuple[str, int]:
    """How the families' values are found, and for how many declines the predictions suffice."""
    families = len(config.reasons.families)
    if isinstance(explainer.model, Boosted) and not fitting.plain_categories(config):
        return "by feature", COMPARED_ROWS
    if families <= MOST_FAMILIES:
        return "by coalitions of families", PREDICTIONS // (against << families)
    return "by drawn orders of families", max(1, PREDICTIONS // (against * 2 * ORDERS * (families + 1)))


def interactions(config: Config, overall: Explanations, unknown: Unknown) -> DataFrame:
    """The pairs of features that act on each other most, in mean absolute log-odds; empty where they are not known."""
    given = overall.matrix[draw(config, len(overall), INTERACTION_ROWS)]
    try:
        return shap_values.interactions(config, overall.explainer, given).nlargest(PAIRS, "mean_abs")
    except shap_values.NotSeparable as why:
        unknown["interactions"] = str(why)
        return DataFrame({"first": [], "second": [], "mean_abs": [], "share": []})


def shares(config: Config, counts: Mapping[str, tuple[int, int]]) -> dict[str, Figure]:
    """Each share k of n with Wilson's interval; a share of nothing is not known."""
    confidence = config.evaluation.confidence
    return {name: proportion(k, n, confidence=confidence) if n else NO_FIGURE for name, (k, n) in counts.items()}


def of_sums(config: Config, sums: Matrix, statistic: Statistic) -> Figure:
    """A figure made of sums over rows, with its interval over `evaluation.replicates` draws of the rows."""
    draw_by = config.evaluation.model_dump(include={"replicates", "seed", "confidence"})
    return resampled(sums, statistic, **draw_by)


def _least(agreements: Sequence[Mapping[str, Figure]]) -> dict[str, Figure]:
    """Each figure of the seed that agrees least, with its interval."""
    return {name: min((each[name] for each in agreements), key=lambda figure: figure.value) for name in AGREEMENT}


def _has_twice(families: Indices) -> bool:
    return len(set(families.tolist())) < len(families)
