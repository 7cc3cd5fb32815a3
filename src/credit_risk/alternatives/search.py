"""The search for less discriminatory alternatives: models nearly as accurate that decide groups more alike.

Candidates are fitted on training rows and judged on selection rows, each at the cut-off at which it approves as
many as the model does: how many are approved is policy, who is approved is the model. No candidate reads a
protected column when it decides; the reductions read one while they are fitted, and are a bound, not a proposal.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd
from fairlearn.reductions import DemographicParity, ErrorRate, ExponentiatedGradient, TruePositiveRateParity
from pandas.errors import Pandas4Warning

from credit_risk.config import Config
from credit_risk.config.fairness import Alternatives, Contrast, Fairness
from credit_risk.config.names import is_person
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.errors import CreditRiskError
from credit_risk.measures.fairness import Cases, Grouping
from credit_risk.measures.intervals import ranking, standard_error, z_of
from credit_risk.modelling import fitting
from credit_risk.scoring.model import with_levels

Kind = Literal["model", "challenger", "fewer features", "constraint", "reduction"]
Progress = Callable[[str], None]

TRAINING_ROWS = 20_000  # beyond this all candidates, the model too, are fitted on a sample: like is compared with like
LARGEST_SET = 4  # features dropped together
REDUCTION_STEPS = 12
REDUCTION_TREES = 40
REDUCTION_GAP = 0.01  # how far apart the groups' approval rates may stay in a reduction
AS_IT_STANDS = "the model as it stands"
OFF = Alternatives(mode="off", most_auc_lost=0)
# Tighter than what was tuned: each is a usual way to a smoother model.
CONSTRAINTS: Mapping[str, dict[str, float]] = {
    "fewer leaves": {"num_leaves": 4, "max_depth": 2},
    "larger leaves": {"min_child_samples": 500},
    "stronger penalty": {"reg_lambda": 200.0},
    "stumps": {"num_leaves": 2, "max_depth": 1},
}
REDUCTIONS = {
    "reduction: demographic parity": DemographicParity,
    "reduction: equal opportunity": TruePositiveRateParity,
}


class NotSigned(CreditRiskError, ValueError):
    """A choice among alternatives was asked for without the person who answers for it."""

    def __init__(self, sign_off: str | None) -> None:
        super().__init__(
            f"fairness.alternatives.mode is select with sign_off {sign_off!r}: choosing a model by protected groups "
            "is a legal decision. Name the person who signs it off (first and last name), or set the mode to report."
        )


@dataclass(frozen=True, eq=False)
class Training:
    """Rows that candidates are fitted on; `groupings` are read by the reductions alone."""

    matrix: Matrix
    bad: Mask
    groupings: Mapping[str, Grouping]

    def sample(self, rows: int, seed: int) -> "Training":
        """At most so many rows, in their order."""
        if len(self.bad) <= rows:
            return self
        kept = np.sort(np.random.default_rng(seed).choice(len(self.bad), rows, replace=False))
        groupings = {name: Grouping(name, each.names, each.code[kept]) for name, each in self.groupings.items()}
        return Training(self.matrix[kept], self.bad[kept], groupings)


@dataclass(frozen=True, eq=False)
class Selection:
    """Rows that candidates are judged on; `decided` are those that rules or faults decide, whatever the model."""

    matrix: Matrix
    cases: Cases
    decided: Mask
    groupings: Mapping[str, Grouping]
    contrasts: tuple[Contrast, ...]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One alternative: what it is, and how risky it holds each selection row to be."""

    name: str
    kind: Kind
    margin: Matrix
    dropped: tuple[str, ...] = ()


def check_sign_off(settings: Alternatives | None) -> None:
    """Raises NotSigned if `select` names nobody, or not with first and last name."""
    if settings and settings.mode == "select" and not is_person(settings.sign_off):
        raise NotSigned(settings.sign_off)


def search(
    config: Config,
    settings: Fairness,
    training: Training,
    selection: Selection,
    challengers: Mapping[str, Matrix],
    *,
    trees: int,
    progress: Progress,
    model: Matrix | None = None,
) -> pd.DataFrame:
    """The accuracy-fairness frontier, a line a candidate, the model first; `challengers` are margins of models at hand.

    model: margins of the model itself where it is no LightGBM, and so is not fitted anew beside the others.
    selection.contrasts must hold a contrast whose groups are large enough (see `assessable`).
    """
    check_sign_off(settings.alternatives)
    training = training.sample(TRAINING_ROWS, config.model.seed)
    judge = Judge(selection, config.evaluation.confidence)
    margin = _boosted(config, training, selection, trees=trees) if model is None else model
    itself = Candidate(AS_IT_STANDS, "model", margin)
    singles = list(_without_one(config, training, selection, trees, progress))
    fits = [*singles, *_without_sets(config, training, selection, judge, [itself, *singles], trees=trees)]
    progress("tighter constraints and reductions")
    fits += _constrained(config, training, selection, trees)
    fits += [Candidate(name, "challenger", margin) for name, margin in challengers.items()]
    fits += _reductions(config, settings, training, selection, judge.worst(itself))
    return marked(judge.table(itself, fits), settings.alternatives or OFF)


def assessable(selection: Selection, *, min_n: int) -> tuple[Contrast, ...]:
    """The declared contrasts whose groups are large enough among the selection rows."""
    return tuple(
        each
        for each in selection.contrasts
        if min(selection.groupings[each.attribute].rows(name).sum() for name in (each.group, each.reference)) >= min_n
    )


@dataclass(frozen=True, eq=False)
class Judge:
    """Compares candidates with the model on the same rows, at equally many approvals."""

    selection: Selection
    confidence: float

    def approved(self, candidate: Candidate) -> Mask:
        """As many of the rows that the model decides as are approved now, safest first (ties together)."""
        cases, free = self.selection.cases, ~self.selection.decided
        approvals = int(cases.approved[free].sum())
        if approvals == 0:
            return cases.approved
        limit = np.partition(candidate.margin[free], approvals - 1)[approvals - 1]
        return np.where(free, candidate.margin <= limit, cases.approved)

    def ratios(self, candidate: Candidate) -> dict[str, float]:
        """Each contrast's approval ratio."""
        approved = self.approved(candidate)
        return {each.name: _ratio(approved, *self._sides(each)) for each in self.selection.contrasts}

    def evenness(self, candidate: Candidate) -> float:
        """The contrast furthest from 1, read from below: 1 is alike, 0.8 is what 1.25 is too."""
        return min(even(value) for value in self.ratios(candidate).values())

    def worst(self, candidate: Candidate) -> Contrast:
        """The contrast in which groups are decided least alike."""
        ratios = self.ratios(candidate)
        return min(self.selection.contrasts, key=lambda each: even(ratios[each.name]))

    def table(self, model: Candidate, others: Sequence[Candidate]) -> pd.DataFrame:
        """Accuracy and fairness of each candidate; intervals of changes hold for all at once (Bonferroni)."""
        wide = z_of(1 - (1 - self.confidence) / max(len(others), 1))
        worst = self.worst(model)
        area, influence = self._ranking(model)
        lines = []
        for each in (model, *others):
            its_area, its_influence = self._ranking(each)
            lost = wide * standard_error(influence - its_influence, self.selection.cases.applicant)
            change = self._change(model, each, worst)
            error = wide * change[1]
            ratios = self.ratios(each)
            lines.append(
                {
                    "candidate": each.name,
                    "kind": each.kind,
                    "dropped": " ".join(each.dropped),
                    "auc": its_area,
                    "auc_lost": area - its_area,
                    "auc_lost_low": area - its_area - lost,
                    "auc_lost_high": area - its_area + lost,
                    "approval_rate": float(self.approved(each).mean()),
                    "evenness": min(map(even, ratios.values())),
                    "worst_contrast": worst.name,
                    "gain": change[0],
                    "gain_low": change[0] - error,
                    "gain_high": change[0] + error,
                    **{f"ratio_{name}": value for name, value in ratios.items()},
                }
            )
        return pd.DataFrame(lines)

    def _ranking(self, candidate: Candidate) -> tuple[float, Matrix]:
        return ranking(self.selection.cases.bad, candidate.margin)

    def _change(self, model: Candidate, alternative: Candidate, worst: Contrast) -> tuple[float, float]:
        """How much nearer to alike the model's worst contrast comes, in log ratio, and the standard error of that."""
        group, reference = self._sides(worst)
        before, after = self.approved(model), self.approved(alternative)
        sign = 1.0 if _ratio(before, group, reference) <= 1 else -1.0
        if not all(flags[side].any() for flags in (before, after) for side in (group, reference)):
            return math.nan, math.nan
        gain = math.log(_ratio(after, group, reference) / _ratio(before, group, reference))
        influence = _log_ratio_influence(after, group, reference) - _log_ratio_influence(before, group, reference)
        return sign * gain, standard_error(influence, self.selection.cases.applicant)

    def _sides(self, contrast: Contrast) -> tuple[Mask, Mask]:
        grouping = self.selection.groupings[contrast.attribute]
        return grouping.rows(contrast.group), grouping.rows(contrast.reference)


def even(ratio: float) -> float:
    """A ratio read from the worse-off side: 1.25 is as uneven as 0.8; not known is as uneven as it gets."""
    return min(ratio, 1 / ratio) if ratio > 0 else 0.0


def marked(table: pd.DataFrame, settings: Alternatives) -> pd.DataFrame:
    """Which candidates no other beats in both respects, which are clearly fairer at an allowed loss, which is chosen.

    Only `select` chooses, the fairest that is admissible; a reduction is never admissible.
    """
    auc, evenness = table["auc"].to_numpy(), table["evenness"].to_numpy()
    beaten = [
        bool(((auc >= auc[row]) & (evenness >= evenness[row]) & ((auc > auc[row]) | (evenness > evenness[row]))).any())
        for row in range(len(table))
    ]
    admissible = (
        (~table["kind"].isin(["model", "reduction"]))
        & (table["auc_lost"] <= settings.most_auc_lost)
        & (table["gain_low"] > 0)
        & (table["evenness"] > evenness[0])
    )
    chosen = np.zeros(len(table), dtype=bool)
    if settings.mode == "select" and admissible.any():
        chosen[table["evenness"].where(admissible, -1.0).to_numpy().argmax()] = True
    return table.assign(on_frontier=~np.array(beaten), admissible=admissible, chosen=chosen)


def _ratio(approved: Mask, group: Mask, reference: Mask) -> float:
    of_reference = float(approved[reference].mean())
    return float(approved[group].mean()) / of_reference if of_reference > 0 else math.nan


def _log_ratio_influence(approved: Mask, group: Mask, reference: Mask) -> Matrix:
    """How far each row moves ln(rate of group / rate of reference)."""
    influence = np.zeros(len(approved))
    for side, sign in ((group, 1.0), (reference, -1.0)):
        share = approved[side].mean()
        influence[side] += sign * (approved[side] - share) / (side.sum() * share)
    return influence


def _boosted(
    config: Config,
    training: Training,
    selection: Selection,
    *,
    trees: int,
    dropped: tuple[str, ...] = (),
    changed: Mapping[str, Any] | None = None,
) -> Matrix:
    """Margins of a monotone LightGBM of as many trees; on one thread, as threads of small fits wait for each other."""
    features = [*config.features, *(config.features[feature] for feature, _ in config.levels)]
    kept = [column for column, name in enumerate(features) if name not in dropped]
    parameters = {**fitting.boosting_parameters(config), **(changed or {}), "num_threads": 1}
    parameters["monotone_constraints"] = [fitting.boosting_directions(config)[column] for column in kept]
    unordered = set(fitting.plain_categories(config))
    categorical = [index for index, column in enumerate(kept) if column in unordered]
    names = [f"f{column}" for column in kept]
    fitted_on, predicted = (with_levels(rows.matrix, config.levels)[:, kept] for rows in (training, selection))
    data = lgb.Dataset(fitted_on, training.bad, feature_name=names, categorical_feature=categorical)
    booster = lgb.train(parameters, data, num_boost_round=trees)
    return np.asarray(booster.predict(predicted, raw_score=True, num_threads=1))


def _without_one(
    config: Config, training: Training, selection: Selection, trees: int, progress: Progress
) -> Iterator[Candidate]:
    if len(config.features) < 2:
        return
    progress(f"{len(config.features)} models, each without one feature")
    for name in config.features:
        margin = _boosted(config, training, selection, trees=trees, dropped=(name,))
        yield Candidate(f"without {name}", "fewer features", margin, (name,))


def _without_sets(
    config: Config, training: Training, selection: Selection, judge: Judge, fitted: Sequence[Candidate], *, trees: int
) -> Iterator[Candidate]:
    """The two, three … features together whose loss, one by one, brought the worst contrast nearest to alike."""
    model, *singles = fitted
    ratio = judge.worst(model).name
    ranked = sorted(singles, key=lambda candidate: -even(judge.ratios(candidate)[ratio]))
    sets = [tuple(candidate.dropped[0] for candidate in ranked[:size]) for size in range(2, LARGEST_SET + 1)]
    undirected = tuple(name for name in config.features if name not in config.model.directions)
    if len(undirected) > 1:
        sets.append(undirected)
    for dropped in dict.fromkeys(sets):
        if len(dropped) < len(config.features):
            label = "directed features only" if dropped == undirected else f"without {' and '.join(dropped)}"
            margin = _boosted(config, training, selection, trees=trees, dropped=dropped)
            yield Candidate(label, "fewer features", margin, dropped)


def _constrained(config: Config, training: Training, selection: Selection, trees: int) -> Iterator[Candidate]:
    for name, changed in CONSTRAINTS.items():
        margin = _boosted(config, training, selection, trees=trees, changed=changed)
        yield Candidate(name, "constraint", margin)


def _reductions(
    config: Config, settings: Fairness, training: Training, selection: Selection, worst: Contrast
) -> Iterator[Candidate]:
    """Fairlearn's exponentiated gradient (Agarwal and others 2018) over the model's worst contrast.

    Errors cost what they cost the lender. What it returns is a random mixture of classifiers; the mean of their
    risks is taken instead, so that equal applicants are decided equally. That is no calibrated PD of one model, and
    the groups were read to fit it, so it marks how far the frontier reaches and cannot be adopted.
    """
    sides = [training.groupings[worst.attribute].rows(name) for name in (worst.group, worst.reference)]
    rows = sides[0] | sides[1]
    if min(int(side.sum()) for side in sides) < settings.min_n:
        return
    policy = config.policy
    costs = {"fp": policy.lgd + policy.cost, "fn": policy.margin - policy.cost}
    good = (~training.bad[rows]).astype(np.int64)
    matrix, member = training.matrix[rows], sides[0][rows]
    for name, constraint in REDUCTIONS.items():
        reduction = ExponentiatedGradient(
            Classifier(config),
            constraint(difference_bound=REDUCTION_GAP),
            objective=ErrorRate(costs=costs),
            max_iter=REDUCTION_STEPS,
        )
        with warnings.catch_warnings():
            # fairlearn 0.15 assigns in ways that pandas 4 will refuse; we hold pandas below 4.
            warnings.filterwarnings("ignore", category=Pandas4Warning, module=r"fairlearn\.reductions\.")
            reduction.fit(pd.DataFrame(matrix), good, sensitive_features=member)
        yield Candidate(name, "reduction", _mixture(reduction, selection.matrix))


def _mixture(reduction: ExponentiatedGradient, matrix: Matrix) -> Matrix:
    """The mean PD of the classifiers that the reduction mixes, by their weights."""
    risk = np.zeros(len(matrix))
    for index, weight in reduction.weights_.items():
        if weight > 0:
            predictor = reduction.predictors_[index]
            risk += weight * (predictor.risk(matrix) if isinstance(predictor, Classifier) else 0.5)
    return risk


@dataclass(eq=False)
class Classifier:
    """A small monotone LightGBM that says who is good, as fairlearn's reductions fit it again and again."""

    config: Config
    booster: lgb.Booster | None = None

    def __sklearn_clone__(self) -> "Classifier":
        return Classifier(self.config)

    def fit(self, matrix: pd.DataFrame, good: pd.Series, sample_weight: pd.Series) -> "Classifier":
        parameters = {
            **fitting.boosting_parameters(self.config),
            "monotone_constraints_method": "basic",
            "learning_rate": 0.1,
            "num_threads": 1,
        }
        unordered = fitting.plain_categories(self.config)
        bad, weight = 1 - np.asarray(good), np.asarray(sample_weight)
        design = with_levels(np.asarray(matrix), self.config.levels)
        data = lgb.Dataset(design, bad, weight=weight, categorical_feature=unordered)
        self.booster = lgb.train(parameters, data, num_boost_round=REDUCTION_TREES)
        return self

    def predict(self, matrix: pd.DataFrame) -> Labels:
        return np.asarray(self.risk(np.asarray(matrix)) < 0.5, dtype=np.int64)

    def risk(self, matrix: Matrix) -> Matrix:
        assert self.booster is not None  # noqa: S101, a promise to mypy: fairlearn fits before it predicts
        return np.asarray(self.booster.predict(with_levels(matrix, self.config.levels), num_threads=1))
