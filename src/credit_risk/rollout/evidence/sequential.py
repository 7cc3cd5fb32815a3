"""Bounds for a share that hold at every look at once, so that looking often makes no false alarm.

Of n independent trials with k hits, the mixture likelihood ratio under the prior Beta(1/2, 1/2) is, for the true share,
a martingale that starts at 1: by Ville's inequality it ever reaches 1/alpha with probability alpha at most (Robbins
1970; Howard, Ramdas, McAuliffe and Sekhon 2021). The shares for which it has not reached 1/alpha are the bounds. They
are exact, for three trials as for a million, and need no number of looks.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, xlog1py, xlogy

Floats = NDArray[np.float64]

PRIOR = 0.5
HALVINGS = 50


def bounds(hits: ArrayLike, trials: ArrayLike, alpha: float) -> tuple[Floats, Floats]:
    """The lowest and the highest share that these counts allow; 0 and 1 where there are no trials.

    With probability 1 - alpha the true share lies between them at every look, from the first to the last.
    """
    k, n = np.broadcast_arrays(np.asarray(hits, dtype=float), np.asarray(trials, dtype=float))
    mixed = betaln(PRIOR + k, PRIOR + n - k) - betaln(PRIOR, PRIOR)
    middle = np.divide(k, n, out=np.full(k.shape, 0.5), where=n > 0)

    def refused(share: Floats) -> NDArray[np.bool_]:
        return np.asarray(mixed - xlogy(k, share) - xlog1py(n - k, -share) >= -np.log(alpha))

    return _edge(np.zeros(k.shape), middle, refused), _edge(np.ones(k.shape), middle, refused)


def _edge(outer: Floats, inner: Floats, refused: Callable[[Floats], NDArray[np.bool_]]) -> Floats:
    """The last refused share between a possible end and the share that was seen; the end itself if it is allowed."""
    with np.errstate(divide="ignore"):
        free = ~refused(outer)
        far, near = outer.copy(), inner.copy()
        for _ in range(HALVINGS):
            middle = (far + near) / 2
            out = refused(middle)
            far, near = np.where(out, middle, far), np.where(out, near, middle)
    return np.where(free, outer, far)
