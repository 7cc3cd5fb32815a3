"""Near-duplicates: test rows that lie so close to a training row that one is a copy of the other, with noise.

Equal rows are kept in one part by `prepare`. A copy with a little noise is equal to nothing, and flatters the test all
the same.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import proportion
from credit_risk.validator.book import over

MOST_ROWS = 5_000  # test rows asked about
MOST_TRAINING = 50_000  # training rows that are looked among
MOST_COPIES = 3  # of one row, among the training rows: so many nearest neighbours may all be copies
FURTHER = (4, 5)  # the neighbours after those, which are none
CLOSE = 0.1  # of a ratio of distances; in d dimensions 0.1^d of rows at random lie below
LEAST_EXPECTED = 0.01  # what a share is held against where none is expected
COMMONEST = 0.3  # a column with a value in more rows than that is of steps, and tells no noise


def twins(
    train: Matrix, test: Matrix, *, seed: int, confidence: float, unordered: Collection[int] = ()
) -> dict[str, Any]:
    """The share of test rows whose nearest training rows lie far closer than the next one, with Wilson's ends.

    Among rows at random in d dimensions, the k-th distance over the next, to the power of k, is below t with a chance
    of t^d for every k. A copy, or two or three, are the 1 to 3 nearest of their row, and the next one is no copy;
    whether the training rows have copies among themselves does not matter. What is expected is the same share of the
    4th and 5th neighbours, at least 1 %.
    Distances are Euclidean, of each feature's rank among all rows (0 to 1; a gap lies beyond both ends), so that no
    unit counts more than another. train, test: (rows, features). unordered: columns of plain categories, between whose
    codes there is no distance; they are left out where two others vary.
    excess: that share over what is expected. verdict: TWINS where the whole interval lies above twice that.
    """
    generator = np.random.default_rng(seed)
    varying = _varying(train, unordered)
    train, test = _neighbourhood(train[:, varying], test[:, varying], generator)
    ranks = _ranks(np.concatenate([train, test]))
    of_train, of_test = (np.unique(part, axis=0) for part in np.split(ranks, [len(train)]))
    if len(of_train) <= max(FURTHER):
        return {"verdict": "CANNOT SAY", "why": f"the training rows are fewer than {max(FURTHER) + 2}, equal ones once"}
    distances = NearestNeighbors(n_neighbors=max(FURTHER) + 1).fit(of_train).kneighbors(of_test)[0]
    distances = distances[distances[:, 0] > 0]
    close = {k: (distances[:, k - 1] / distances[:, k]) ** k <= CLOSE for k in range(1, max(FURTHER) + 1)}
    copies = max(range(1, MOST_COPIES + 1), key=lambda k: int(close[k].sum()))
    natural = np.concatenate([close[k] for k in FURTHER])
    expected = max(float(natural.mean()) if len(natural) else 0.0, LEAST_EXPECTED)
    share = proportion(int(close[copies].sum()), len(distances), confidence=confidence)
    return {
        "share": share.value,
        "share_low": share.low,
        "share_high": share.high,
        "expected": expected,
        "copies": copies,
        "rows": len(distances),
        **flat({"excess": over(share, expected)}),
        "verdict": "TWINS" if share.low > 2 * expected else "NONE",
    }


def _varying(train: Matrix, unordered: Collection[int]) -> Mask:
    """The ordered columns without a value that many rows share; where they are fewer than two, all such, or all."""
    shares = [pd.Series(values).value_counts(normalize=True, dropna=False).iloc[0] for values in train.T]
    varying = np.array(shares) < COMMONEST
    ordered = varying & ~np.isin(np.arange(len(shares)), [*unordered])
    everything = np.ones(len(shares), dtype=bool)
    return next((columns for columns in (ordered, varying) if columns.sum() > 1), everything)


def _neighbourhood(train: Matrix, test: Matrix, generator: np.random.Generator) -> tuple[Matrix, Matrix]:
    """At most MOST_TRAINING and MOST_ROWS rows: a stretch of the column that varies most, so that copies stay together.

    A draw at random would part most rows from their copies.
    """
    if len(train) > MOST_TRAINING:
        by = int(np.argmax([len(np.unique(values)) for values in train.T]))
        start = int(generator.integers(len(train) - MOST_TRAINING))
        train = train[np.argsort(train[:, by], kind="stable")[start : start + MOST_TRAINING]]
        test = test[(test[:, by] >= train[0, by]) & (test[:, by] <= train[-1, by])]
    if len(test) > MOST_ROWS:
        test = test[np.sort(generator.choice(len(test), MOST_ROWS, replace=False))]
    return train, test


def _ranks(matrix: Matrix) -> Matrix:
    """Each feature's rank from 0 to 1, ties at their mean; -1 where a row has none."""
    ranks = rankdata(matrix, axis=0, nan_policy="omit")
    known = np.maximum((~np.isnan(matrix)).sum(axis=0), 1)
    return pd.DataFrame((ranks - 0.5) / known).fillna(-1.0).to_numpy()
