"""Why an application was declined: the principal reasons, measured against a population of applicants.

Each feature contributes to the log-odds of bad. For trees that is the exact Shapley value of the tree paths
(Lundberg and others 2020, LightGBM's own `pred_contrib`), for scorecard and logistic regression coefficient times
transformed value. Subtracting the mean contributions of a population re-bases them: they then say how the applicant
differs from that population, and still add up exactly to the applicant's log-odds.
Contributions are summed, with their signs, inside each declared family of features. The families that speak for bad
the most are the reasons, down to those that carry `least` of all that speaks for bad: what weighs less is no
principal reason. The feature that contributes most inside a family is what the reason is about; whether it has a value,
is missing or has a special code says in which words. A principal reason that is not true of the applicant is never
cited, nor dropped in silence: a person decides then.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.config.formulas import Columns, Formula
from credit_risk.config.schema import STATES, PolicyRule, Reasons, by_state
from credit_risk.config.section import Scalar
from credit_risk.config.tags import tag_of, tags
from credit_risk.data.inputs import Indices, Mask, Matrix
from credit_risk.data.rounding import at_decimals
from credit_risk.scoring.background import ROUNDING, Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.model import RiskModel

IsTrue = Callable[[int], Mask]

CONTRIBUTION_DECIMALS = 10  # as a reason states it, see decision.PD_DECIMALS
VALUE_DIGITS = 12  # of a value that is not whole: a derived feature's last bits may be the processor's
NO_REASON = -1


@dataclass(frozen=True)
class Reason:
    """One reason of a decision. The id is stable; `version` changes with any wording.

    text is for the applicant, prompt for the colleague who reviews a referral. driver is the feature it is about, with
    the applicant's value and the population's: a number or a word, `missing` and special codes by what they mean too.
    contribution: log-odds of bad, above what the population has.
    A policy rule's reason has neither driver nor contribution.
    """

    id: str
    version: str
    text: str
    prompt: str
    driver: str | None = None
    value: Scalar | None = None
    reference: Scalar | None = None
    contribution: float | None = None

    def as_dict(self, *, nulls: bool) -> dict[str, Any]:
        """By name, as JSON can hold it. nulls: whether what there is not stands there as null, as in format 1."""
        return {name: value for name, value in vars(self).items() if nulls or value is not None}


@dataclass(frozen=True)
class Wording:
    """What a family says of an applicant whose feature is in one state, and of whom it is true (None: not checked)."""

    id: str
    text: str
    prompt: str
    true_when: Formula | None


@dataclass(frozen=True)
class Explanation:
    """The reasons of one decision, the strongest first; never padded. A doubt means that a person must look at it."""

    reasons: tuple[Reason, ...]
    doubt: str = ""

    @property
    def prompts(self) -> tuple[str, ...]:
        """What the colleague who reviews a referral is asked to look at; a referral is no adverse action."""
        return (*(reason.prompt for reason in self.reasons), *filter(None, [self.doubt]))


@dataclass(frozen=True)
class Explanations:
    """The reasons of many applications as arrays: one row an application, one column a rank, the strongest first.

    matrix: (rows, features). contributions: log-odds of bad, (rows, features), re-based: with `base` they add up to the
    calibrated log-odds. The rest are (rows, ranks). family: its index in the config, NO_REASON where there are fewer
    principal reasons. driver: the index of the feature. contribution: the family's log-odds, NaN where there is no
    reason. wording: its index in Explainer.wordings, NO_REASON where nothing true can be cited. at_best: the driver
    stands at its best training value. not_lower: with the family's features at the population's values the PD would be
    no lower. untrue: the family's text is not true of the applicant, or there is none for the driver's state. Any of
    the three is a doubt about the whole explanation.
    """

    matrix: Matrix
    contributions: Matrix
    base: float
    family: Indices
    driver: Indices
    contribution: Matrix
    wording: Indices
    at_best: Mask
    not_lower: Mask
    untrue: Mask
    explainer: "Explainer"

    def __len__(self) -> int:
        return len(self.family)

    @property
    def principal(self) -> Mask:
        """Where a principal reason stands, whether it may be cited or not."""
        return np.asarray(self.family != NO_REASON)

    @property
    def cited(self) -> Mask:
        """Where a reason stands that is true of the applicant."""
        return np.asarray(self.wording != NO_REASON)

    @property
    def in_doubt(self) -> Mask:
        """Rows with a reason that fails a check, or with none at all: they cannot be declined on these reasons."""
        return np.asarray((self.at_best | self.not_lower | self.untrue).any(axis=1) | ~self.cited.any(axis=1))

    def row(self, row: int) -> Explanation:
        """The reasons of one application in words."""
        reasons = tuple(self._reason(row, rank) for rank in np.flatnonzero(self.cited[row]).tolist())
        return Explanation(reasons, "; ".join(self._doubts(row)))

    def rows(self) -> list[Explanation]:
        return [self.row(row) for row in range(len(self))]

    def _reason(self, row: int, rank: int) -> Reason:
        explainer, driver = self.explainer, int(self.driver[row, rank])
        wording = explainer.wordings[self.wording[row, rank]]
        return Reason(
            id=wording.id,
            version=explainer.settings.version,
            text=wording.text,
            prompt=wording.prompt,
            driver=explainer.background.features[driver],
            value=explainer.word(driver, self.matrix[row, driver]),
            reference=explainer.word(driver, explainer.background.reference[driver]),
            contribution=at_decimals(float(self.contribution[row, rank]), CONTRIBUTION_DECIMALS),
        )

    def _doubts(self, row: int) -> Iterator[str]:
        if not self.principal[row, 0]:
            yield "no family of features speaks against this application"
        for rank in range(self.principal[row].sum()):
            driver = int(self.driver[row, rank])
            value = self.explainer.word(driver, self.matrix[row, driver])
            family = self.explainer.settings.families[self.family[row, rank]].id
            what = f"{family} is about {self.explainer.background.features[driver]}"
            if self.untrue[row, rank]:
                yield f"{what} ({value}), of which it has nothing to say that is true of this application"
            if self.at_best[row, rank]:
                yield f"{what}, which stands at its best value ({value})"
            if self.not_lower[row, rank]:
                yield f"{what}, but the PD would be no lower with its family at the population's values"


@dataclass(frozen=True)
class Explainer:
    """All that turns rows of a feature matrix into reasons, prepared once."""

    model: RiskModel
    calibration: Calibration
    background: Background
    settings: Reasons
    directions: tuple[int, ...]
    words: tuple[tuple[str, ...] | None, ...]
    states: tuple[tuple[str, ...], ...]
    wordings: tuple[Wording, ...]
    wording_of: Indices
    nulls: bool

    @classmethod
    def of(
        cls,
        config: Config,
        settings: Reasons,
        model: RiskModel,
        calibration: Calibration,
        background: Background,
        *,
        nulls: bool = False,
    ) -> "Explainer":
        """The explainer of a config's families. nulls: as in format 1, what is missing has no word, a boolean neither.

        words: of each feature the word of each code. states: of each the names of its states, in the order of
        `state_of`. wording_of: the index in wordings, NO_REASON where there is none, (features, states).
        """
        states = tuple((*STATES, *config.meanings(name)) for name in config.features)
        wordings: list[Wording] = []
        wording_of = np.full((len(states), max(map(len, states))), NO_REASON)
        for family in settings.families:
            index_of = {}
            for state, (text, prompt) in settings.wordings(family).items():
                index_of[state] = len(wordings)
                formula = by_state(family.true_when or {}).get(state)
                wordings.append(Wording(family.id, text, prompt, config.formula(formula) if formula else None))
            for feature in map(config.features.index, family.features):
                wording_of[feature, : len(states[feature])] = [index_of.get(its, NO_REASON) for its in states[feature]]
        words = tuple(_words(config, name, nulls=nulls) for name in config.features)
        return cls(
            model,
            calibration,
            background,
            settings,
            config.directions,
            words,
            states,
            tuple(wordings),
            wording_of,
            nulls,
        )

    def truth_of(self, columns: Columns, rows: Indices) -> IsTrue:
        """Of which of these rows each wording is true. columns: inputs and derived features of all rows by name."""

        def is_true(wording: int) -> Mask:
            formula = self.wordings[wording].true_when
            if formula is None:
                return np.ones(len(rows), dtype=bool)
            return formula.holds({name: columns[name][rows] for name in formula.inputs})

        return is_true

    def explain(self, matrix: Matrix, is_true: IsTrue | None = None) -> Explanations:
        """The principal reasons of each row, and whether they stand up to the checks. matrix: (rows, features).

        is_true: of which rows the wording of an index is true. Without it none is held to be untrue: for comparing
        explanations with each other, never for an applicant.
        """
        margin = self.model.contributions(matrix)
        rebased = margin[:, :-1] * self.calibration.slope - self._mean
        sums = self.by_family(rebased)
        ranked, contribution, cited = self.principal(sums)
        row = np.arange(len(matrix))[:, None]
        driver = np.empty_like(ranked)
        for rank in range(ranked.shape[1]):
            inside = np.where(self.is_member[ranked[:, rank]], rebased, -np.inf)
            driver[:, rank] = inside.argmax(axis=1)
        value = matrix[row, driver]
        wording = np.where(cited, self.wording_of[driver, state_of(value)], NO_REASON)
        if is_true is not None:
            for index in {*wording.ravel().tolist()} - {NO_REASON}:
                wording[(wording == index) & ~is_true(index)[:, None]] = NO_REASON
        return Explanations(
            matrix=matrix,
            contributions=rebased,
            base=self.background.base,
            family=np.where(cited, ranked, NO_REASON),
            driver=np.where(cited, driver, NO_REASON),
            contribution=np.where(cited, contribution, np.nan),
            wording=wording,
            at_best=cited & ((value <= self._best_if_low[driver]) | (value >= self._best_if_high[driver])),
            not_lower=self._not_lower(matrix, margin.sum(axis=1), ranked, cited),
            untrue=cited & (wording == NO_REASON),
            explainer=self,
        )

    def principal(self, sums: Matrix) -> tuple[Indices, Matrix, Mask]:
        """The families by what they add, the most first, what that is, and whether they are principal: (rows, ranks).

        sums: log-odds of bad, (rows, families).
        """
        ranked = np.argsort(-sums, axis=1, kind="stable")[:, : self.settings.count]
        contribution = sums[np.arange(len(sums))[:, None], ranked]
        against = np.maximum(sums, 0).sum(axis=1, keepdims=True)
        least = (contribution >= self.settings.least * against) | self._is_first
        return ranked, contribution, (contribution > ROUNDING) & least

    def by_family(self, added: Matrix) -> Matrix:
        """Contributions of features summed inside each family; to the bit alike for a table and for its rows alone.

        added: log-odds of bad, (rows, features). Returns (rows, families).
        """
        order, starts = self._by_family
        return np.asarray(np.add.reduceat(np.take(added, order, axis=1), starts, axis=1))

    def _not_lower(self, matrix: Matrix, margin: Matrix, ranked: Indices, cited: Mask) -> Mask:
        """Where the features of a cited family, moved to the population's values, leave the PD as high or higher."""
        row, rank = np.nonzero(cited)
        moved = np.where(self.is_member[ranked[row, rank]], self._reference, matrix[row])
        fails = np.zeros_like(cited)
        if len(row):
            fails[row, rank] = self.model.margin(moved) > margin[row] - ROUNDING
        return fails

    def word(self, feature: int, value: float) -> Scalar | None:
        """A value of the matrix as people read it: a number, or a category, a boolean, a gap or a code as its word."""
        if math.isnan(value):
            return None if self.nulls else self.states[feature][1 + tag_of(value)]
        words = self.words[feature]
        return stated_value(float(value)) if words is None else words[int(value)]

    @cached_property
    def _is_first(self) -> Mask:
        """The strongest reason is principal whatever its share."""
        return np.asarray(np.arange(min(self.settings.count, len(self.settings.families))) == 0)

    @cached_property
    def _mean(self) -> Matrix:
        return np.array(self.background.mean)

    @cached_property
    def _reference(self) -> Matrix:
        return np.array(self.background.reference)

    @cached_property
    def is_member(self) -> Mask:
        """One row a family: which features belong to it."""
        features = self.background.features
        return np.array([[name in family.features for name in features] for family in self.settings.families])

    @cached_property
    def _by_family(self) -> tuple[Indices, Indices]:
        """The index of each feature, family by family, and where in this list each family begins."""
        order = [self.background.features.index(name) for family in self.settings.families for name in family.features]
        sizes = [len(family.features) for family in self.settings.families]
        return np.array(order), np.cumsum([0, *sizes[:-1]])

    @cached_property
    def _best_if_low(self) -> Matrix:
        """The best value of each feature of which less is better, below all values for the others."""
        return np.where(np.array(self.directions) > 0, np.array(self.background.lowest), -np.inf)

    @cached_property
    def _best_if_high(self) -> Matrix:
        return np.where(np.array(self.directions) < 0, np.array(self.background.highest), np.inf)


def stated_value(value: float) -> float:
    """A value of a feature as a reason states it: whole ones as they are, others to twelve significant digits."""
    return value if value.is_integer() else float(f"{value:.{VALUE_DIGITS}g}")


def reason_as_stated(reason: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded reason with its numbers as reasons state them, see `decision.as_stated`."""
    stated = dict(reason)
    if isinstance(contribution := stated.get("contribution"), float):
        stated["contribution"] = at_decimals(contribution, CONTRIBUTION_DECIMALS)
    for name in ("value", "reference"):
        if isinstance(value := stated.get(name), float):
            stated[name] = stated_value(value)
    return stated


def state_of(values: Matrix) -> Indices:
    """The state of each value: 0 for a value, 1 for missing, then the special codes by tag."""
    missing = np.isnan(values)
    return np.where(missing, 1 + tags(values), 0) if missing.any() else missing.astype(np.intp)


def _words(config: Config, name: str, *, nulls: bool) -> tuple[str, ...] | None:
    if name in config.columns and config.columns[name].type == "boolean" and not nulls:
        return "no", "yes"
    return config.categories(name)


def of_rule(rule: PolicyRule, settings: Reasons) -> Explanation:
    """What a policy rule that decided before the model says; the model's contributions have no part in it."""
    return Explanation((Reason(rule.name, settings.version, rule.reason, rule.reason),))
