"""Whether the reasons of declines can be relied on, and what the model looks at overall (DVC stage `explain`)."""

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import shap
from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.config.schema import GUARDED_ROLES
from credit_risk.data.files import Files, SplitName
from credit_risk.data.writing import write_csv, write_directory, write_json
from credit_risk.domain import decision, fitting, reasons
from credit_risk.domain.decision import DECLINE, NO_RULE
from credit_risk.domain.features import Features
from credit_risk.domain.inputs import Inputs, Mask, Matrix
from credit_risk.domain.intervals import Interval, proportion
from credit_risk.domain.model import Boosted, Model
from credit_risk.domain.reasons import Explainer, Explanations
from credit_risk.records.scorer import Scorer

log = logging.getLogger(__name__)

GLOBAL_ROWS = 5_000  # test rows, approved ones among them, behind importance and dependence
BACKGROUND_ROWS = 150  # rows of the population that interventional SHAP compares each decline with
COMPARED_ROWS = 200  # declines explained both ways
INTERACTION_ROWS = 300
OTHER_SEEDS = (1, 2)  # added to the model's seed
SHOWN = 12  # features in the summary
PAIRS = 15
LEVELS = 12  # a feature with more values is cut at its quantiles
PREDICTIONS = 4_000_000  # a comparison by coalitions of families may cost no more of these

Numbers = dict[str, Any]
Unknown = dict[str, str]
Statistic = Callable[[Matrix], Matrix]


@dataclass(frozen=True)
class Part:
    """One split as the model sees and decides it, before any doubt about a reason sends a row to a person."""

    matrix: Matrix
    pd: Matrix
    outcome: decision.Codes
    rule: decision.Codes

    @cached_property
    def declines(self) -> Mask:
        """Rows that the model itself declines."""
        return np.asarray((self.outcome == DECLINE) & (self.rule == NO_RULE) & ~np.isnan(self.pd))

    @property
    def declined(self) -> Matrix:
        return self.matrix[self.declines]


def run(config: Config, files: Files) -> None:
    """Write reports/explain.json and the tables behind its pictures: aggregates, no applicant's row."""
    scorer, scorecard = Scorer.load(files.scorer), Scorer.load(files.scorecard)
    train, test = (read_part(config, files, scorer, name) for name in ("train", "test"))
    explainer = explainer_of(config, scorer, train)
    declined, overall = explainer.explain(test.declined), explainer.explain(sampled(config, test))
    unknown: Unknown = {}
    log.info("%s declines explained; the same under other seeds", f"{len(declined):,}")
    numbers = {
        "scorer": scorer.digest,
        "rows": rows(test, overall, explainer),
        "additivity": additivity(test, declined, unknown),
        "reasons": checks(config, "reasons", declined, train.matrix, unknown),
        "scorecard": of_scorecard(config, files, scorecard, unknown),
        "stability": stability(config, files, explainer, train, declined, unknown),
        "importance": required(config, overall, unknown),
    }
    log.info("interventional SHAP and interactions")
    numbers["interventional"] = interventional(config, explainer, train, declined, unknown)
    pairs = interactions(config, explainer, overall, unknown)
    write_json(files.report("explain"), {**numbers, "unknown": unknown})
    tables = {**shown(config, overall, declined), "interactions": pairs}

    def fill(directory: Any) -> None:
        for name, table in tables.items():
            write_csv(directory / f"{name}.csv", table)

    write_directory(files.reports / "explain", fill)


def read_part(config: Config, files: Files, scorer: Scorer, name: SplitName) -> Part:
    inputs = Inputs.of(config).table(pd.read_parquet(files.inputs(name)))
    decisions, features = scorer.decide_inputs(inputs), Features.of(config)
    outcome = decision.outcomes(decisions.pd, config.policy)
    return Part(features.matrix(features.columns(inputs)), decisions.pd, outcome, decisions.rule)


def explainer_of(config: Config, scorer: Scorer, train: Part) -> Explainer:
    """The reasons as the scorer finds them, from the same training rows."""
    cut_off = decision.cut_off(config.policy)
    compared = reasons.background(
        config, config.reasons, scorer.model, scorer.calibration, train.matrix, train.pd, cut_off
    )
    return Explainer.of(config, config.reasons, scorer.model, scorer.calibration, compared)


def sampled(config: Config, test: Part) -> Matrix:
    """Test rows of every outcome, for what the model looks at overall."""
    scored = test.matrix[~np.isnan(test.pd)]
    return scored[draw(config, len(scored), GLOBAL_ROWS)]


def draw(config: Config, n: int, at_most: int) -> reasons.Places:
    generator = np.random.default_rng(config.evaluation.seed)
    return np.sort(generator.choice(n, min(n, at_most), replace=False))


def rows(test: Part, overall: Explanations, explainer: Explainer) -> Numbers:
    return {
        "declined_by_model": int(test.declines.sum()),
        "decided_by_rule": int((test.rule != NO_RULE).sum()),
        "importance": len(overall),
        "population": explainer.background.rows,
    }


def additivity(test: Part, declined: Explanations, unknown: Unknown) -> Numbers:
    """How far contributions and base miss the log-odds of the PD that was decided on; rounding alone is 1e-13."""
    if not len(declined):
        unknown["additivity.largest"] = NO_DECLINES
        return {"largest": None}
    probability = test.pd[test.declines]
    log_odds = np.log(probability) - np.log1p(-probability)
    return {"largest": float(np.abs(declined.contributions.sum(axis=1) + declined.base - log_odds).max())}


NO_DECLINES = "the model declines no test row, so there is no reason to check"


def checks(config: Config, path: str, declined: Explanations, train: Matrix, unknown: Unknown) -> Numbers:
    """The checks of single reasons. Best values are taken anew from the training rows, not from the scorer.

    at_best: share of cited reasons about a feature at its best value. not_lower: share of declines with a reason whose
    family, moved to the population's values, would leave the PD as high. in_doubt: share of declines that go to a
    person for either cause. none: share without any reason.
    """
    n, cited = len(declined), declined.cited
    at_best = cited & at_best_value(config, declined, train)
    doubtful = at_best.any(axis=1) | declined.in_doubt
    shares = {
        "at_best": (int(at_best.sum()), int(cited.sum())),
        "not_lower": (int(declined.not_lower.any(axis=1).sum()), n),
        "in_doubt": (int(doubtful.sum()), n),
        "none": (int((~cited[:, 0]).sum()), n),
    }
    numbers = wilson(config, path, shares, unknown)
    drivers = {config.features[place] for place in np.unique(declined.driver[cited])}
    guarded = set(config.named(*GUARDED_ROLES))
    numbers["guarded"] = len((drivers | set(config.features)) & guarded)
    numbers["duplicates"] = sum(_has_twice(row[row >= 0]) for row in declined.family)
    numbers["mean_count"] = float(cited.sum(axis=1).mean()) if n else None
    if not n:
        unknown[f"{path}.mean_count"] = NO_DECLINES
    return numbers


def at_best_value(config: Config, declined: Explanations, train: Matrix) -> Mask:
    """Whether each driver stands at the end of its training range that its direction calls best."""
    direction = np.array(reasons.directions(config))[declined.driver]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
        lowest, highest = np.nanmin(train, axis=0), np.nanmax(train, axis=0)
    value = np.take_along_axis(declined.matrix, declined.driver, axis=1)
    low, high = value <= lowest[declined.driver], value >= highest[declined.driver]
    return np.asarray(((direction > 0) & low) | ((direction < 0) & high))


def of_scorecard(config: Config, files: Files, scorecard: Scorer, unknown: Unknown) -> Numbers:
    """The same checks of the scorecard's own declines, because the gate may recommend it instead."""
    train, test = (read_part(config, files, scorecard, name) for name in ("train", "test"))
    declined = explainer_of(config, scorecard, train).explain(test.declined)
    return checks(config, "scorecard", declined, train.matrix, unknown)


def stability(
    config: Config, files: Files, explainer: Explainer, train: Part, declined: Explanations, unknown: Unknown
) -> Numbers:
    """How far the reasons of the same declines agree when the same trees are grown from another seed.

    Both figures are of the seed that agrees least. top_reason: share of declines with the same first reason. overlap:
    mean share that the two lists of reasons have in common (1: the same lists).
    """
    names = ("top_reason", "overlap", "driver")
    if not len(declined) or not isinstance(explainer.model, Boosted):
        unknown.update({f"stability.{name}": NO_DECLINES for name in names})
        return dict.fromkeys(names)
    bad = np.asarray(pd.read_parquet(files.outcomes("train"))["bad"].to_numpy(), dtype=bool)
    results = []
    for step in OTHER_SEEDS:
        other_model = grown(config, explainer.model, train.matrix, bad, config.model.seed + step)
        compared = reasons.background(
            config, config.reasons, other_model, explainer.calibration, train.matrix, train.pd,
            decision.cut_off(config.policy),
        )  # fmt: skip
        other = Explainer.of(config, config.reasons, other_model, explainer.calibration, compared)
        results.append(agreement(config, declined, other.explain(declined.matrix), unknown))
    return {key: number for name in names for key, number in _least(results, name).items()}


def grown(config: Config, model: Boosted, matrix: Matrix, bad: Mask, seed: int) -> Boosted:
    """The model's recipe and number of trees, from another seed."""
    names = [f"f{place}" for place in range(matrix.shape[1])]
    data = lgb.Dataset(matrix, bad, feature_name=names, categorical_feature=fitting.plain_categories(config))
    # One thread: the trees are the same with any number, and boosting of small data waits on busy cores.
    parameters = {**fitting.boosting_parameters(config), "seed": seed, "num_threads": 1}
    return Boosted.of(lgb.train(parameters, data, num_boost_round=model.booster.num_trees()))


def agreement(config: Config, first: Explanations, second: Explanations, unknown: Unknown) -> Numbers:
    """How far two explanations of the same declines agree: first reason, what it is about, and the lists."""
    n = len(first)
    same = first.family[:, 0] == second.family[:, 0]
    driver = same & (first.driver[:, 0] == second.driver[:, 0])
    shares = {"top_reason": (int(same.sum()), n), "driver": (int(driver.sum()), n)}
    overlap = np.array([_overlap(a, b) for a, b in zip(first.family, second.family, strict=True)])
    sums = np.column_stack([overlap, np.ones(n)])
    return {
        **wilson(config, "stability", shares, unknown),
        **resampled(config, "stability", {"overlap": (sums, _ratio)}, unknown),
    }


def required(config: Config, overall: Explanations, unknown: Unknown) -> Numbers:
    """Shares of the required features in all importance (mean absolute contribution): together, and the least of them."""
    names = config.reasons.required
    if not names:
        unknown.update(dict.fromkeys(("importance.required", "importance.required_least"), "reasons.required is empty"))
        return {"required": None, "required_least": None}
    size = np.abs(overall.contributions)
    asked = size[:, [config.features.index(name) for name in names]]
    whole = size.sum(axis=1)
    least = int(asked.mean(axis=0).argmin())
    return resampled(
        config,
        "importance",
        {
            "required": (np.column_stack([asked.sum(axis=1), whole]), _ratio),
            "required_least": (np.column_stack([asked[:, least], whole]), _ratio),
        },
        unknown,
    ) | {"required_least_feature": names[least]}


def interventional(
    config: Config, explainer: Explainer, train: Part, declined: Explanations, unknown: Unknown
) -> Numbers:
    """Agreement with interventional SHAP (Janzing and others 2020), by family, on a sample of declines.

    That breaks the ties between features that move together, ours follows the trees' paths; both compare with the
    same population. correlation: of the families' contributions. top_reason: share with the same first family.
    """
    if not len(declined):
        unknown.update(dict.fromkeys(("interventional.correlation", "interventional.top_reason"), NO_DECLINES))
        return {"correlation": None, "top_reason": None, "method": None}
    population = reasons.population(config.reasons, train.pd, decision.cut_off(config.policy))
    against = train.matrix[population[draw(config, len(population), BACKGROUND_ROWS)]]
    is_by_feature = isinstance(explainer.model, Boosted) and not fitting.plain_categories(config)
    chosen = draw(config, len(declined), COMPARED_ROWS)
    if not is_by_feature:
        chosen = chosen[: PREDICTIONS // (len(against) << len(config.reasons.families))]
    members = explainer.members
    ours = declined.contributions[chosen] @ members
    if not len(chosen):
        why = f"{len(config.reasons.families)} families have too many coalitions to compare"
        unknown.update(dict.fromkeys(("interventional.correlation", "interventional.top_reason"), why))
        return {"correlation": None, "top_reason": None, "method": None}
    given = declined.matrix[chosen]
    theirs = by_feature(explainer, given, against) @ members if is_by_feature else by_family(explainer, given, against)
    same = int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum())
    sums = np.stack([np.ones_like(ours), ours, theirs, ours**2, theirs**2, ours * theirs], axis=2).sum(axis=1)
    return {
        **wilson(config, "interventional", {"top_reason": (same, len(chosen))}, unknown),
        **resampled(config, "interventional", {"correlation": (sums, _correlation)}, unknown),
        "method": "by feature" if is_by_feature else "by coalitions of families",
        "rows": len(chosen),
    }


def by_feature(explainer: Explainer, given: Matrix, against: Matrix) -> Matrix:
    """Interventional SHAP values of each feature on the log-odds scale, by the shap library."""
    assert isinstance(explainer.model, Boosted)  # noqa: S101
    trees = shap.TreeExplainer(
        explainer.model.booster, against, feature_perturbation="interventional", model_output="raw"
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LightGBM binary classifier with TreeExplainer", UserWarning)
        values = trees.shap_values(given, check_additivity=False)
    return np.asarray(values) * explainer.calibration.slope


def by_family(explainer: Explainer, given: Matrix, against: Matrix) -> Matrix:
    """Exact interventional Shapley values of each family for any kind of model, over all coalitions of families.

    The shap library cannot follow LightGBM's splits on plain categories.
    """
    member = explainer.members.T.astype(bool)
    families = len(member)
    coalitions = (np.arange(1 << families)[:, None] >> np.arange(families)) & 1
    from_applicant = (coalitions @ member > 0)[:, None, :]
    values = np.empty((len(given), families))
    size = coalitions.sum(axis=1)
    for place, row in enumerate(given):
        mixed = np.where(from_applicant, row, against).reshape(-1, given.shape[1])
        worth = explainer.model.margin(mixed).reshape(len(coalitions), -1).mean(axis=1)
        for family in range(families):
            without = np.flatnonzero(coalitions[:, family] == 0)
            weight = np.array([1 / (families * math.comb(families - 1, one)) for one in size[without]])
            values[place, family] = weight @ (worth[without | (1 << family)] - worth[without])
    return values * explainer.calibration.slope


def interactions(config: Config, explainer: Explainer, overall: Explanations, unknown: Unknown) -> DataFrame:
    """The pairs of features that act on each other most, in mean absolute log-odds; empty where they are not known."""
    empty = DataFrame({"first": [], "second": [], "mean_abs": [], "share": []})
    if not isinstance(explainer.model, Boosted) or fitting.plain_categories(config):
        unknown["interactions"] = "the shap library cannot follow splits on plain categories"
        return empty
    given = overall.matrix[draw(config, len(overall), INTERACTION_ROWS)]
    values = np.asarray(shap.TreeExplainer(explainer.model.booster).shap_interaction_values(given))
    gap = np.abs(values.sum(axis=2) - reasons.contributions(explainer.model, given)[:, :-1]).max()
    if gap > 1e-6:
        unknown["interactions"] = f"they miss the contributions by {gap:.2g}"
        return empty
    # Half of each pair's effect stands on either side of the diagonal.
    size = np.abs(values * explainer.calibration.slope).mean(axis=0)
    first, second = np.triu_indices(len(size), k=1)
    table = DataFrame({"first": np.array(config.features)[first], "second": np.array(config.features)[second]})
    table["mean_abs"] = 2 * size[first, second]
    table["share"] = table["mean_abs"] / size.sum()
    return table.nlargest(PAIRS, "mean_abs")


def shown(config: Config, overall: Explanations, declined: Explanations) -> dict[str, DataFrame]:
    """The tables behind the pictures, by file name."""
    importance = by_importance(config, overall, declined)
    return {
        "importance": importance,
        "families": families(config, overall, declined),
        "summary": pd.concat(
            [summary(config, overall, name) for name in importance["feature"].head(SHOWN)], ignore_index=True
        ),
        "dependence": pd.concat([dependence(config, overall, name) for name in importance["feature"]], ignore_index=True),
    }


def by_importance(config: Config, overall: Explanations, declined: Explanations) -> DataFrame:
    """Mean absolute contribution of each feature over rows of every outcome, and over the declines; the largest first."""
    family = {name: one.id for one in config.reasons.families for name in one.features}
    table = DataFrame({"feature": config.features, "family": [family.get(name, "") for name in config.features]})
    table["mean_abs"], table["share"] = _importance(overall.contributions)
    table["mean_abs_declines"], table["share_declines"] = _importance(declined.contributions)
    cited = declined.driver[declined.cited]
    table["driver_of"] = np.bincount(cited, minlength=len(table)) if len(cited) else 0
    return table.sort_values("mean_abs", ascending=False, kind="stable", ignore_index=True)


def families(config: Config, overall: Explanations, declined: Explanations) -> DataFrame:
    """Importance of each reason family, and how often declines cite it, with Wilson intervals."""
    table = DataFrame(
        {"id": [one.id for one in config.reasons.families], "text": [one.text for one in config.reasons.families]}
    )
    members = overall.names.members
    table["mean_abs"], table["share"] = _importance(overall.contributions @ members)
    for name, cited in (("cited", declined.family), ("top", declined.family[:, :1])):
        found = [
            proportion(int((cited == place).any(axis=1).sum()), len(declined), confidence=config.evaluation.confidence)
            for place in range(len(table))
        ]
        table[name], table[f"{name}_low"], table[f"{name}_high"] = np.array([_ends(one) for one in found]).T
    return table


def summary(config: Config, overall: Explanations, name: str) -> DataFrame:
    """Where the contributions of one feature lie, for its low, middle and high values."""
    place = config.features.index(name)
    values, added = overall.matrix[:, place], overall.contributions[:, place]
    lower, upper = np.nanquantile(values, [1 / 3, 2 / 3]) if (~np.isnan(values)).any() else (0.0, 0.0)
    parts = {
        "low": (values <= lower) & (values < upper),
        "middle": (values >= lower) & (values <= upper) & ~((values <= lower) & (values < upper)),
        "high": values > upper,
        "missing": np.isnan(values),
    }
    lines = [
        (name, part, int(mask.sum()), *np.quantile(added[mask], [0.05, 0.25, 0.5, 0.75, 0.95]))
        for part, mask in parts.items()
        if mask.any()
    ]
    return DataFrame(lines, columns=["feature", "values", "rows", "p05", "p25", "p50", "p75", "p95"])


def dependence(config: Config, overall: Explanations, name: str) -> DataFrame:
    """How the contribution of one feature depends on its value; the spread at one value is other features' doing."""
    place = config.features.index(name)
    values, added = overall.matrix[:, place], overall.contributions[:, place]
    known = ~np.isnan(values)
    levels = np.unique(values[known])
    if len(levels) > LEVELS:
        cuts = np.unique(np.quantile(values[known], np.linspace(0, 1, LEVELS + 1)[1:-1], method="nearest"))
        group = np.searchsorted(cuts, values, side="left")
    else:
        group = np.searchsorted(levels, values)
    lines = [_dependence_line(overall, place, values[mask], added[mask]) for mask in _groups(group, known)]
    table = DataFrame(lines, columns=["value", "rows", "mean", "p10", "p90"])
    table.insert(0, "feature", name)
    return table


def _groups(group: reasons.Places, known: Mask) -> Iterator[Mask]:
    for one in np.unique(group[known]):
        yield known & (group == one)
    if not known.all():
        yield ~known


def _dependence_line(overall: Explanations, place: int, values: Matrix, added: Matrix) -> tuple[Any, ...]:
    """A category by its word, a number by the mean of its group."""
    middle = float(values.mean()) if overall.names.categories[place] is None else float(values[0])
    return overall.names.word(place, middle), len(values), added.mean(), *np.quantile(added, [0.1, 0.9])


def wilson(config: Config, path: str, shares: Mapping[str, tuple[int, int]], unknown: Unknown) -> Numbers:
    """Each share with Wilson's interval; a share of nothing is not known."""
    numbers: Numbers = {}
    for name, (k, n) in shares.items():
        found = proportion(k, n, confidence=config.evaluation.confidence)
        numbers |= dict(zip((name, f"{name}_low", f"{name}_high"), _ends(found), strict=True))
        if not n:
            unknown[f"{path}.{name}"] = NO_DECLINES
    return numbers


def resampled(
    config: Config, path: str, figures: Mapping[str, tuple[Matrix, Statistic]], unknown: Unknown
) -> Numbers:
    """Figures made of sums over rows, each with the interval over `evaluation.replicates` draws of the rows."""
    numbers: Numbers = {}
    tail = (1 - config.evaluation.confidence) / 2
    for name, (sums, statistic) in figures.items():
        generator, n = np.random.default_rng(config.evaluation.seed), len(sums)
        draws = [
            statistic(generator.multinomial(n, np.full(n, 1 / n)) @ sums) for _ in range(config.evaluation.replicates)
        ]
        found = (statistic(sums.sum(axis=0)), *np.quantile(draws, [tail, 1 - tail]))
        numbers |= {key: float(one) for key, one in zip((name, f"{name}_low", f"{name}_high"), found, strict=True)}
        if math.isnan(numbers[name]):
            unknown[f"{path}.{name}"] = "the rows are too few or all alike"
    return numbers


def _least(results: list[Numbers], name: str) -> Numbers:
    """The figure of the seed that agrees least, with its interval."""
    worst = min(results, key=lambda one: float(one[name]))
    return {key: worst[key] for key in (name, f"{name}_low", f"{name}_high")}


def _overlap(first: reasons.Places, second: reasons.Places) -> float:
    a, b = set(first[first >= 0].tolist()), set(second[second >= 0].tolist())
    return len(a & b) / len(a | b) if a | b else 1.0


def _has_twice(places: reasons.Places) -> bool:
    return len(set(places.tolist())) < len(places)


def _importance(added: Matrix) -> tuple[Matrix, Matrix]:
    """Mean absolute contribution and its share of all; NaN without rows."""
    if not len(added):
        nothing = np.full(added.shape[1], np.nan)
        return nothing, nothing
    size = np.abs(added).mean(axis=0)
    return size, size / size.sum()


def _ratio(sums: Matrix) -> Matrix:
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[0] / sums[1])


def _correlation(sums: Matrix) -> Matrix:
    """Pearson's, from n, Σx, Σy, Σx², Σy², Σxy."""
    n, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y)))


def _ends(found: Interval) -> tuple[float, float, float]:
    return found.value, found.low, found.high
