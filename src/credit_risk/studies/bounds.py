"""What everybody who applied could be, whatever became of the rejected: bounds that need no assumption.

The outcome of a rejected application was never seen, so no figure of all applications is known; but it lies between
ends that the accepted fix (Manski 2003, partial identification). How far they are apart is what nobody knows.
"""

from typing import NamedTuple

import numpy as np

from credit_risk.data.inputs import Mask, Matrix


class Bounds(NamedTuple):
    """The least and the most that a figure of all applications can be."""

    low: float
    high: float


def bad_rate(bad: Mask, weight: Matrix, rejected: float) -> Bounds:
    """Share of bads among all who applied: nobody rejected would have gone bad, or everybody.

    bad, weight: (accepted,). rejected: their weight together.
    """
    bads, everybody = float(weight[bad].sum()), float(weight.sum()) + rejected
    return Bounds(bads / everybody, (bads + rejected) / everybody)


def auc(pd_: Matrix, bad: Mask, weight: Matrix, pd_rejected: Matrix, weight_rejected: float) -> Bounds:
    """AUC among all who applied, at its least and at its most over all outcomes that the rejected could have had.

    Both ends are reached: of the rejected the riskiest are the bads, or the safest, and there may be none to all of
    them. pd_, bad, weight: (accepted,); pd_rejected: (rejected,), each of which weighs weight_rejected. Takes the time
    of sorting. The accepted need a good and a bad.
    """
    low, high = (
        _by_bads(pd_, bad, weight, np.sort(sign * pd_rejected), each=weight_rejected, sign=sign) for sign in (1, -1)
    )
    return Bounds(float(low.min()), float(high.max()))


def _by_bads(pd_: Matrix, bad: Mask, weight: Matrix, risk: Matrix, *, each: float, sign: int) -> Matrix:
    """AUC if the first k of the rejected are bads and the others goods, for each k from 0: (rejected + 1,).

    risk: sign times the rejected's PDs, ascending.
    """
    bads, goods, n = float(weight[bad].sum()), float(weight[~bad].sum()), len(risk)
    known = float((weight[bad] * _below(pd_[bad], pd_[~bad], weight[~bad])).sum())
    as_bad = _below(sign * risk, pd_[~bad], weight[~bad])
    as_good = bads - _below(sign * risk, pd_[bad], weight[bad])
    against_known = np.append(0, np.cumsum(as_bad)) + as_good.sum() - np.append(0, np.cumsum(as_good))
    concordant = known + each * against_known + each**2 * _among_rejected(risk, sign)
    k = np.arange(n + 1)
    return np.asarray(concordant / ((bads + each * k) * (goods + each * (n - k))))


def _below(values: Matrix, others: Matrix, weight: Matrix) -> Matrix:
    """The weight of the others that lie below each value, of its equals the half: (values,)."""
    order = np.argsort(others)
    total = np.append(0, np.cumsum(weight[order]))
    ends = [np.searchsorted(others[order], values, side) for side in ("left", "right")]
    return np.asarray((total[ends[0]] + total[ends[1]]) / 2)


def _among_rejected(risk: Matrix, sign: int) -> Matrix:
    """Pairs of a bad above a good among the rejected, equals as the half, if the first k are the bads.

    risk: (rejected,), ascending; sign: 1 where that is from the safest, -1 from the riskiest.
    """
    n = len(risk)
    k = np.arange(n)
    first, last = (np.searchsorted(risk, risk, side) for side in ("left", "right"))
    equal = np.append((k - first) * (last - k), 0) / 2  # of the first good's PD: bads times goods
    return equal if sign > 0 else np.arange(n + 1) * (n - np.arange(n + 1)) - equal
