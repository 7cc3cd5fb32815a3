"""The points of a scorecard: what each bin of each characteristic adds beside all the others.

A characteristic adds a line through its bins, and steps between neighbours where the rows speak for them (penalised
cumulative coding, Gertheiss and Tutz 2009). Both go the characteristic's way, so that no bin turns its order round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.linalg import block_diag
from scipy.sparse import csr_array
from scipy.special import expit

from credit_risk.config.tags import tags
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.rounding import parameter
from credit_risk.data.split import Labels
from credit_risk.scoring.model import Bins

FINEST = 20  # bins of a number, of equally many rows; those of the evidence alone stand beside them
FEWEST_ROWS = 15  # in such a bin
OF_LINES = 1.0  # penalty of a line's slope, of what is missing and of each special code: a prior variance of 1 log-odds
OF_STEPS = 8.0  # of all steps of a characteristic, and of each category: the log-odds beside the line vary by 0.35
JUMP = 1.0  # of the weight of evidence alone, beyond which a step has the jump's own variance: a rare strong value
STEPS = 200  # a regression takes about 10; where a class is missing its intercept runs off for ever
CONVERGED = 1e-10


@dataclass(frozen=True, eq=False)
class Shape:
    """How the points of a characteristic may lie; what is missing is a bin behind those of values, then special codes.

    bin_of_row: (rows,). design: (bins, parameters), what each parameter adds to each bin. penalty: of each parameter.
    bound: which parameters are 0 or above, (parameters,).
    """

    empty: Bins
    bin_of_row: Labels
    design: Matrix
    penalty: Matrix
    bound: Mask

    def bins(self, evidence: Matrix) -> Bins:
        """The bins with their weights of evidence; neighbours that weigh alike are one bin."""
        weights = tuple(map(parameter, evidence))
        ends = len(self.empty.woe)
        filled = replace(self.empty, woe=weights[:ends], missing=weights[ends], special=weights[ends + 1 :])
        if filled.by_code:
            return filled
        differs = np.diff(filled.woe) != 0
        edges = tuple(np.array(filled.edges)[differs].tolist())
        return replace(filled, edges=edges, woe=tuple(np.array(filled.woe)[[True, *differs]].tolist()))


def shape(alone: Bins, sign: int, values: Matrix) -> Shape:
    """The shape of a characteristic from its bins alone. sign: which way its PD goes, 1 or -1. values: (rows,)."""
    known = ~np.isnan(values)
    edges = np.zeros(0) if alone.by_code else _finer(values[known], np.array(alone.edges))
    size = len(alone.woe) if alone.by_code else len(edges) + 1
    bin_of_row = size + tags(values)
    bin_of_row[known] = values[known] if alone.by_code else np.searchsorted(edges, values[known], side="right")
    bins = Bins(tuple(edges.tolist()), (0.0,) * size, 0.0, alone.by_code, alone.special)
    if alone.by_code:
        of_values, penalty = np.eye(size), np.full(size, OF_STEPS)
    else:
        of_values = sign * _line_and_steps(values[known], bin_of_row[known])
        jump = np.abs(np.diff(alone.transform(np.append(values[known].min(), edges))))
        of_steps = np.where(jump > JUMP, OF_LINES / np.maximum(jump, JUMP) ** 2, OF_STEPS * len(edges))
        penalty = np.append(OF_LINES, of_steps)
    codes = 1 + len(alone.special)
    bound = np.arange(len(penalty) + codes) < (0 if alone.by_code else len(penalty))
    return Shape(bins, bin_of_row, block_diag(of_values, np.eye(codes)), np.append(penalty, [OF_LINES] * codes), bound)


def _finer(cells: Matrix, edges: Matrix) -> Matrix:
    """The edges of the evidence alone, and those that cut the rows into equal parts; each is the first value above."""
    distinct = np.unique(cells)
    parts = min(FINEST, max(len(cells) // FEWEST_ROWS, 1))
    even = np.quantile(cells, np.arange(1, parts) / parts, method="inverted_cdf")
    first = np.unique(np.searchsorted(distinct, np.concatenate([edges, even])))
    return distinct[first[first > 0]]


def _line_and_steps(cells: Matrix, bin_of_cell: Labels) -> Matrix:
    """A line through the medians of the bins, and a step at each edge, 0 on average of the rows; (bins, parameters)."""
    count = np.bincount(bin_of_cell)
    line = np.array([np.median(cells[bin_of_cell == index]) for index in range(len(count))])
    spread = np.sqrt(np.average((line - np.average(line, weights=count)) ** 2, weights=count))
    design = np.column_stack([line / (spread or 1.0), np.tri(len(count))[:, 1:]])
    return design - np.average(design, axis=0, weights=count)


def together(shapes: Sequence[Shape], bad: Mask, weight: Matrix) -> tuple[list[Matrix], float]:
    """What each bin of each characteristic adds to the log-odds of bad, 0 on average of the rows, and the intercept.

    A penalised logistic regression of all characteristics at once, by projected Newton steps (Bertsekas 1982).
    bad, weight: (rows,); weight: 1 on average.
    """
    starts = np.cumsum([0, *(len(its.design) for its in shapes)])
    rows, everybody = len(bad), int(starts[-1])
    bin_of_row = np.column_stack(
        [*(start + its.bin_of_row for start, its in zip(starts, shapes, strict=False)), np.full(rows, everybody)]
    )
    in_bin = csr_array((np.ones(bin_of_row.size), bin_of_row.ravel(), np.arange(rows + 1) * bin_of_row.shape[1]))
    design = block_diag(*(its.design for its in shapes), np.ones((1, 1)))
    penalty = np.concatenate([*(its.penalty for its in shapes), [0.0]])
    bound = np.concatenate([*(its.bound for its in shapes), [False]])

    def loss(parameters: Matrix) -> float:
        margin = in_bin @ (design @ parameters)
        return float(weight @ (np.logaddexp(0, margin) - bad * margin) + penalty @ parameters**2 / 2)

    parameters = np.zeros(len(penalty))
    for _ in range(STEPS):
        pds = expit(in_bin @ (design @ parameters))
        slope = design.T @ (in_bin.T @ (weight * (bad - pds))) - penalty * parameters
        curvature = (in_bin.T @ (in_bin * (weight * pds * (1 - pds))[:, None])).toarray()
        hessian = design.T @ curvature @ design + np.diag(penalty)
        active = ~bound | (parameters > 0) | (slope > 0)  # the others stay 0, where the loss would have them below
        newton = np.zeros(len(parameters))
        newton[active] = np.linalg.solve(hessian[np.ix_(active, active)], slope[active])
        part, proposed = 1.0, _within(parameters + newton, bound)
        while loss(proposed) > loss(parameters) * (1 + CONVERGED) and part > CONVERGED:
            part /= 2
            proposed = _within(parameters + part * newton, bound)
        step, parameters = proposed - parameters, proposed
        if np.abs(step).max() <= CONVERGED:
            break
    points = design @ parameters
    added = [points[start:end] for start, end in pairwise(starts)]
    return _centred(added, [its.bin_of_row for its in shapes], weight, points[everybody])


def _within(parameters: Matrix, bound: Mask) -> Matrix:
    return np.where(bound, np.maximum(parameters, 0.0), parameters)


def _centred(
    added: list[Matrix], bin_of_row: list[Labels], weight: Matrix, intercept: float
) -> tuple[list[Matrix], float]:
    """Each characteristic adds 0 on average; a bin without rows is the average."""
    for index, (points, bins) in enumerate(zip(added, bin_of_row, strict=True)):
        rows = np.bincount(bins, weight, len(points))
        mean = np.average(points, weights=rows)
        added[index], intercept = np.where(rows > 0, points - mean, 0.0), intercept + mean
    return added, intercept


def weight(added: Matrix, alone: Matrix) -> float:
    """How much of its evidence alone a characteristic adds beside the others: -1 all of it, above 0 the contrary.

    added: log-odds of bad, alone: weights of evidence; (rows,).
    """
    return parameter(np.sign(np.cov(added, alone)[0, 1]) * np.std(added) / np.std(alone))
