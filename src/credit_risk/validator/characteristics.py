"""Characteristics: what each tells alone, what it repeats of others, and why a model reads it or does not.

Bins are those that the scorecard's recipe makes of the training rows, for characteristics that it dropped too.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.tags import tags
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures import drift, information
from credit_risk.modelling import fitting
from credit_risk.scoring.model import Bins
from credit_risk.validator import words

ALIKE = 0.7  # rank correlation from which a pair is listed


def table(
    config: Config, train: Matrix, bad: Mask, weight: Matrix, *, test: Matrix, read: Mapping[str, set[int]]
) -> pd.DataFrame:
    """A row a characteristic, what tells most first.

    train, test: (rows, features). read: the columns that each model reads, by its kind. iv: information value of the
    training rows. psi: how far its bins moved from training to test rows. vif: variance inflation of its weights of
    evidence among those that the scorecard reads. like, correlation: the characteristic that moves most with it.
    """
    every = fitting.binned(config, train, bad, weight)
    evidence = {column: its.bins.transform(train[:, column]) for column, its in every.items()}
    inflation = variance_inflation({column: evidence[column] for column in sorted(read["scorecard"])})
    nearest = _nearest(correlations(config.features, train, at_least=0.0))
    lines = [
        {
            "feature": config.features[column],
            "iv": its.information,
            "bins": len(_counts(its.bins, train[:, column])),
            "missing": float(np.isnan(train[:, column]).mean()),
            "psi": moved(its.bins, train[:, column], test[:, column]),
            "like": nearest.get(config.features[column], ("", np.nan))[0],
            "correlation": nearest.get(config.features[column], ("", np.nan))[1],
            "vif": inflation.get(column, np.nan),
            **{kind: why_read(kind, column, its.information, columns) for kind, columns in read.items()},
        }
        for column, its in every.items()
    ]
    return pd.DataFrame(lines).sort_values("iv", ascending=False, kind="stable", ignore_index=True)


def why_read(kind: str, column: int, iv: float, columns: set[int]) -> str:
    """Whether a model reads a characteristic, and if not, why."""
    if column in columns:
        return "read"
    if kind == "lightgbm":
        return "no split uses it"
    if iv < fitting.MINIMUM_IV:
        return f"IV below {fitting.MINIMUM_IV}"
    return "wrong sign beside others"


def weights_of_evidence(config: Config, train: Matrix, bad: Mask, weight: Matrix) -> pd.DataFrame:
    """Each bin of each characteristic: rows, bads, bad rate and weight of evidence, of the training rows."""
    lines = []
    for column, its in fitting.binned(config, train, bad, weight).items():
        size = int(its.bin_of_row.max()) + 1
        rows, bads = (np.bincount(its.bin_of_row, of, size).astype(int) for of in (np.ones(len(bad)), bad))
        goods, weighed = (information.by_bin(weight * which, its.bin_of_row, size) for which in (~bad, bad))
        woe = information.evidence(goods, weighed)
        lines += [
            {
                "feature": config.features[column],
                "bin": bin_name(config, column, its.bins, train[its.bin_of_row == index, column]),
                "rows": rows[index],
                "bads": bads[index],
                "bad_rate": bads[index] / rows[index],
                "woe": woe[index],
            }
            for index in np.flatnonzero(rows)
        ]
    return pd.DataFrame(lines, columns=["feature", "bin", "rows", "bads", "bad_rate", "woe"])


def bin_name(config: Config, column: int, bins: Bins, values: Matrix) -> str:
    """What the bin of these values holds, in words: a range, categories, what is missing, or a special code."""
    name, first = config.features[column], values[:1]
    if np.isnan(first).any():
        return (words.MISSING, *config.meanings(name))[int(tags(first)[0])]
    if bins.by_code:
        categories = config.categories(name) or ()
        return ", ".join(categories[int(code)] for code in np.unique(values))
    return words.ranges(bins)[int(np.searchsorted(bins.edges, first[0], side="right"))]


def moved(bins: Bins, then: Matrix, now: Matrix) -> float:
    """The PSI of a characteristic's weights of evidence (its CSI) from training rows to others."""
    before, after = _counts(bins, then), _counts(bins, now)
    levels = sorted({*before, *after})
    return drift.index(*(np.array([counts.get(level, 0) for level in levels]) for counts in (before, after)))


def variance_inflation(columns: Mapping[int, Matrix]) -> dict[int, float]:
    """1 / (1 - R²) of each column on all others: how much wider its weight's interval is for what it repeats.

    The diagonal of the inverse correlation matrix (Belsley, Kuh and Welsch 1980); infinite where a column is a sum of
    others.
    """
    if len(columns) < 2:
        return dict.fromkeys(columns, 1.0)
    correlation = np.atleast_2d(np.corrcoef(np.column_stack(list(columns.values())), rowvar=False))
    if np.linalg.matrix_rank(correlation) < len(correlation):
        return dict.fromkeys(columns, np.inf)
    return dict(zip(columns, map(float, np.diag(np.linalg.inv(correlation))), strict=True))


def correlations(names: Sequence[str], matrix: Matrix, *, at_least: float = ALIKE) -> pd.DataFrame:
    """Pairs of characteristics with a rank correlation (Spearman) of `at_least`, the strongest first.

    A row is left out of a pair where it lacks one of the two.
    """
    ranked = pd.DataFrame(matrix, columns=list(names)).corr(method="spearman").to_numpy()
    pairs = [
        {"feature": names[a], "like": names[b], "correlation": ranked[a, b]}
        for a, b in combinations(range(len(names)), 2)
        if abs(ranked[a, b]) >= at_least
    ]
    listed = pd.DataFrame(pairs, columns=["feature", "like", "correlation"])
    return listed.sort_values("correlation", key=abs, ascending=False, kind="stable", ignore_index=True)


def _nearest(pairs: pd.DataFrame) -> dict[str, tuple[str, float]]:
    """The characteristic that each moves most with; pairs: the strongest first."""
    nearest: dict[str, tuple[str, float]] = {}
    for a, b, strength in pairs.itertuples(index=False):
        nearest.setdefault(a, (b, strength))
        nearest.setdefault(b, (a, strength))
    return nearest


def _counts(bins: Bins, values: Matrix) -> dict[float, int]:
    """How many values have each weight of evidence."""
    return {
        float(level): int(count)
        for level, count in zip(*np.unique(bins.transform(values), return_counts=True), strict=True)
    }
