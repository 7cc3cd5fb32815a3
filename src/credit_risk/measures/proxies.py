"""Whether an application gives a guarded group away: how well its columns tell the group from others.

A column that reproduces a protected one brings it into the model, or into a policy rule, under another name. It may
decide nothing today and everything after the next fit, so it is looked for in the columns, not in the decisions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from pandas import Series

from credit_risk.data import split
from credit_risk.data.inputs import Mask, Matrix, word_of
from credit_risk.data.split import Labels
from credit_risk.measures import leak
from credit_risk.measures.fairness import too_few
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import clustered_auc, ranking

ROWS = 60_000  # beyond this a sample: its interval is a few thousandths wide, and the limit far from honest data
FOLDS = 3
GROUPS = 10  # of a guarded column without declared groups
TREES = 100
PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "min_data_per_group": 20,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True, eq=False)
class GroupAndRest:
    """Rows of a group and of those it is compared with: what their applications carry, and which belong to the group.

    columns: inputs and derived features by name. unordered: those whose codes have no order.
    applicant: rows that count as one draw.
    """

    columns: Mapping[str, Matrix]
    unordered: frozenset[str]
    member: Mask
    applicant: Labels

    def take(self, rows: Labels) -> "GroupAndRest":
        columns = {name: column[rows] for name, column in self.columns.items()}
        return GroupAndRest(columns, self.unordered, self.member[rows], self.applicant[rows])

    @property
    def matrix(self) -> Matrix:
        return np.column_stack(list(self.columns.values()))

    def sample(self, seed: int) -> "GroupAndRest":
        """At most ROWS rows; applicants are drawn with all their rows."""
        if len(self.member) <= ROWS:
            return self
        applicants = np.random.default_rng(seed).permutation(int(self.applicant.max()) + 1)
        reached = np.cumsum(np.bincount(self.applicant)[applicants])
        return self.take(np.flatnonzero(np.isin(self.applicant, applicants[reached <= ROWS])))

    def folds(self, seed: int) -> Labels:
        """Parts of equal size with equal shares of the group; an applicant stands in one."""
        keys = split.row_keys(self.matrix)
        return split.at_random(self.applicant, keys, self.member, [1 / FOLDS] * FOLDS, seed)


@dataclass(frozen=True)
class ProxyFigures:
    """How well the columns tell the group: all together, and the one that does it best alone."""

    auc: Figure
    strongest: Figure
    feature: str | None


def measure(rows: GroupAndRest, *, min_n: int, confidence: float, seed: int) -> ProxyFigures:
    """AUC of group against reference: 0.5 if the features say nothing, 1 if they are the protected column itself.

    All features: LightGBM, each row by trees that did not see it, so shapes and combinations count too.
    One feature: its values ranked, either way round; the best of many is picked after seeing all, so its
    interval is widened (Bonferroni). Not known if either group is smaller than `min_n`.
    """
    members, others = int(rows.member.sum()), int((~rows.member).sum())
    if min(members, others) < max(min_n, FOLDS):
        unknown = Figure.unknown(members + others, f"in training {too_few(min(members, others), min_n)}")
        return ProxyFigures(unknown, unknown, None)
    drawn = rows.sample(seed)
    fold = drawn.folds(seed)
    wide = 1 - (1 - confidence) / len(drawn.columns)
    alone = {name: area(score, drawn, wide) for name, score in _scores(drawn, fold).items()}
    feature = max(alone, key=lambda name: alone[name].value)
    return ProxyFigures(area(_out_of_fold(drawn, fold, seed), drawn, confidence), alone[feature], feature)


def groups_of(cells: Series, *, min_n: int) -> dict[str, Mask]:
    """The groups of a guarded column that nobody declared groups for, each to be compared with the other rows.

    Numbers and days fall apart at their middle; of words the GROUPS most frequent are a group each. None is smaller
    than `min_n`, nor the rest beside it. Of two groups the second is the first, seen from the other side.
    """
    if cells.dtype.kind in "iufM" and cells.nunique() > GROUPS:
        candidates = {"above its middle": np.asarray(cells > cells.median())}
    else:
        candidates = {word_of(word): np.asarray(cells == word) for word in cells.value_counts().index[:GROUPS]}
    large = {name: its for name, its in candidates.items() if min_n <= its.sum() <= len(its) - max(min_n, 1)}
    return dict(list(large.items())[: 1 if cells.nunique(dropna=False) == 2 else GROUPS])


def area(score: Matrix, rows: GroupAndRest, confidence: float) -> Figure:
    """AUC with its interval: DeLong's on the log-odds scale, rows of one applicant summed.

    Groups that are parted perfectly have no spread to judge by. Then as many pairs as the smaller group has
    applicants were ranked independently, each with the chance of the true AUC: the lower end is what still gives that.
    """
    figure = clustered_auc(rows.member, score, rows.applicant, confidence=confidence)
    if figure.value not in (0, 1):
        return figure
    pairs = min(len(np.unique(rows.applicant[side])) for side in (rows.member, ~rows.member))
    end = ((1 - confidence) / 2) ** (1 / pairs)
    low, high = (end, 1.0) if figure.value == 1 else (0.0, 1 - end)
    return Figure(figure.value, low, high, figure.n)


def largest(contrasts: Mapping[str, ProxyFigures]) -> tuple[str | None, Figure]:
    """The contrast whose group the features tell best, all together; not known while one contrast is not.

    Its ends hold if the intervals of all contrasts hold at once (see stages.fairness.proxy_figures).
    """
    aucs = {name: figures.auc for name, figures in contrasts.items()}
    whys = [f"{name}: {auc.why}" for name, auc in aucs.items() if not auc.known]
    if whys or not aucs:
        why = "; ".join(whys) or "no contrast is declared, and no guarded column has groups"
        return None, Figure.unknown(sum(auc.n for auc in aucs.values()), why)
    name = max(aucs, key=lambda each: aucs[each].value)
    low, high = max(auc.low for auc in aucs.values()), max(auc.high for auc in aucs.values())
    return name, Figure(aucs[name].value, low, high, aucs[name].n)


def _scores(rows: GroupAndRest, fold: Labels) -> dict[str, Matrix]:
    """Each column as something to rank by, turned so that more of it speaks for the group."""
    scores = {}
    for name, column in rows.columns.items():
        values = _group_rates(column, rows.member, fold) if name in rows.unordered else column
        ends = (-np.inf, np.inf) if np.isnan(values).any() else (0.0,)
        turned = [sign * np.where(np.isnan(values), end, values) for end in ends for sign in (1, -1)]
        scores[name] = max(turned, key=lambda score: ranking(rows.member, score)[0])
    return scores


def _group_rates(codes: Matrix, member: Mask, fold: Labels) -> Matrix:
    """A plain category as the share of the group among the other folds' rows of its code."""
    rates = np.empty(len(codes))
    for index in range(FOLDS):
        inside = fold == index
        rates[inside] = leak.bad_rates(codes[~inside], member[~inside], codes[inside])
    return rates


def _out_of_fold(rows: GroupAndRest, fold: Labels, seed: int) -> Matrix:
    matrix, names = rows.matrix, list(rows.columns)
    unordered = [index for index, name in enumerate(names) if name in rows.unordered]
    margin = np.empty(len(matrix))
    for index in range(FOLDS):
        inside = fold == index
        data = lgb.Dataset(matrix[~inside], rows.member[~inside], categorical_feature=unordered)
        booster = lgb.train({**PARAMETERS, "seed": seed}, data, num_boost_round=TREES)
        margin[inside] = np.asarray(booster.predict(matrix[inside], raw_score=True, num_threads=1))
    return margin
