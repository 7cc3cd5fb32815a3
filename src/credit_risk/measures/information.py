"""What a characteristic tells of good and bad: weights of evidence, information value, what a model leaves of it."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

PRIOR = 5.0  # rows of the average bad rate that every bin is given beside its own


def by_bin(of_rows: Floats, bin_of_row: NDArray[np.integer], bins: int) -> Floats:
    """What the rows of each bin add up to; (bins,)."""
    return np.bincount(bin_of_row, of_rows, bins).astype(np.float64)


def evidence(goods: Floats, bads: Floats) -> Floats:
    """Weight of evidence of each bin, ln(share of goods / share of bads): above 0 is safer than the average.

    Each bin counts as if PRIOR more rows of the average bad rate lay in it: 84 bads of 84 are worth much and not
    infinitely much, 1 of 1 is worth little, and a bin without rows is the average, 0. goods, bads: (bins,), added up.
    """
    rate = bads.sum() / (goods.sum() + bads.sum())
    smoothed_goods, smoothed_bads = goods + PRIOR * (1 - rate), bads + PRIOR * rate
    weights: Floats = np.log(smoothed_goods / goods.sum()) - np.log(smoothed_bads / bads.sum())
    return weights


def value(goods: Floats, bads: Floats) -> float:
    """Information value (IV) of bins: below 0.02 they tell nothing, above 0.3 they tell much (Siddiqi 2017)."""
    return float((goods / goods.sum() - bads / bads.sum()) @ evidence(goods, bads))


def marginal(goods: Floats, bads: Floats, expected: Floats) -> float:
    """Marginal information value: what of the IV a model's PDs do not tell already; 0 where all bads were foretold.

    expected: the sum of the PDs in each bin, (bins,).
    """
    beyond = evidence(goods, bads) - evidence(goods + bads - expected, expected)
    return float((goods / goods.sum() - bads / bads.sum()) @ beyond)
