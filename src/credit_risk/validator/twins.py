"""Near-duplicates: test rows that lie closer to a training row than training rows lie to one another.

Equal rows are kept in one part by `prepare`. A copy with a little noise is equal to nothing, and flatters the test all
the same.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors

from credit_risk.data.inputs import Matrix
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import proportion
from credit_risk.validator.book import over

MOST_ROWS = 5_000  # of each part: the distances of more take minutes and say the same
CLOSE = 0.05  # the share of training rows that have another as close as a twin is taken to be


def twins(train: Matrix, test: Matrix, *, seed: int, confidence: float) -> dict[str, Any]:
    """The share of test rows as close to a training row as 5 % of training rows are to another one, with Wilson's ends.

    About 5 % where test rows are no copies; rows that are equal to one another are left out, here and there.
    Distances are Euclidean, of each feature's rank among all rows (0 to 1; a gap lies beyond both ends), so that no
    unit counts more than another. train, test: (rows, features).
    excess: that share over what is expected, 1 where none is a copy.
    verdict: TWINS where the whole interval lies above twice that share.
    """
    generator = np.random.default_rng(seed)
    parts = [_drawn(part, generator) for part in (train, test)]
    among_all = _ranks(np.concatenate(parts))
    of_train, of_test = (np.unique(part, axis=0) for part in np.split(among_all, [len(parts[0])]))
    if len(of_train) < 2:
        return {"verdict": "CANNOT SAY", "why": "all training rows are equal"}
    neighbours = NearestNeighbors(n_neighbors=2).fit(of_train)
    within = neighbours.kneighbors(of_train)[0][:, 1]  # the first is the row itself
    across = neighbours.kneighbors(of_test, n_neighbors=1)[0][:, 0]
    across = across[across > 0]
    limit = float(np.quantile(within, CLOSE))
    close, expected = int((across <= limit).sum()), float((within <= limit).mean())
    share = proportion(close, len(across), confidence=confidence)
    return {
        "share": share.value,
        "share_low": share.low,
        "share_high": share.high,
        "expected": expected,
        "distance": limit,
        "rows": len(across),
        **flat({"excess": over(share, expected)}),
        "verdict": "TWINS" if share.low > 2 * expected else "NONE",
    }


def _drawn(part: Matrix, generator: np.random.Generator) -> Matrix:
    """At most MOST_ROWS rows of a part, drawn at random."""
    if len(part) <= MOST_ROWS:
        return part
    return part[np.sort(generator.choice(len(part), MOST_ROWS, replace=False))]


def _ranks(matrix: Matrix) -> Matrix:
    """Each feature's rank from 0 to 1, ties at their mean; -1 where a row has none."""
    ranks = rankdata(matrix, axis=0, nan_policy="omit")
    known = np.maximum((~np.isnan(matrix)).sum(axis=0), 1)
    return pd.DataFrame((ranks - 0.5) / known).fillna(-1.0).to_numpy()
