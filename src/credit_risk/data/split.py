"""Which rows train, which select, which are for the report: grouped, stratified, the same whatever the row order.

A row's part follows from who it is (its id, or the columns that the config declares as its identity) and from the seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from credit_risk.config.schema import Split
from credit_risk.data.inputs import Mask, Matrix, word_of
from credit_risk.errors import DataError

Keys = NDArray[np.uint64]
Labels = NDArray[np.int64]

OUTSIDE = -1  # the label of rows that no part of the split may use


@dataclass(frozen=True)
class Assignment:
    """A part for each row (0, 1, 2 … or OUTSIDE); how many rows were left outside, and their bad rate, by reason."""

    part: Labels
    left_out: Mapping[str, int]
    left_out_bad_rate: Mapping[str, float] = field(default_factory=dict)


def row_keys(matrix: Matrix) -> Keys:
    """One number a row that depends on its cells alone: equal rows, equal keys."""
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(matrix), index=False), dtype=np.uint64)


def identity_keys(identity: pd.DataFrame) -> Keys:
    """One number a row that depends on what these columns say of it alone, whatever other columns or rows there are.

    By their words, so that an id is the same whether its column is read as whole numbers or as text.
    """
    words = {
        name: column.map(word_of, na_action="ignore") if column.dtype.kind in "bf" else column.astype("str")
        for name, column in identity.items()
    }
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(words), index=False), dtype=np.uint64)


def groups(keys: Keys, applicant: pd.Series | None, *, equal_together: bool) -> Labels:
    """Rows that must stay together: of one applicant, or linked through such rows; a blank applicant is nobody's.

    equal_together: whether rows equal in all inputs count as copies of one, whoever their applicant is.
    """
    same_row, _ = pd.factorize(keys) if equal_together else (np.arange(len(keys)), None)
    if applicant is None:
        return same_row.astype(np.int64)
    person, _ = pd.factorize(applicant)
    known = person >= 0
    rows = int(same_row.max(initial=-1)) + 1
    nodes = rows + int(person.max(initial=-1)) + 1
    edges = coo_matrix((np.ones(known.sum()), (same_row[known], rows + person[known])), shape=(nodes, nodes))
    _, component = connected_components(edges, directed=False)
    return component[same_row].astype(np.int64)


def at_random(group: Labels, keys: Keys, bad: Mask, shares: Sequence[float], seed: int) -> Labels:
    """Parts of the given shares, drawn by group within good and bad, so that each part has the same bad rate.

    Groups stand in the order of their smallest key, mixed with the seed, and each share takes its stretch of that
    order: a new row moves no other by more than the shift of the boundaries, and a new column moves none.
    """
    table = pd.DataFrame({"group": group, "key": keys, "bad": bad}).groupby("group", sort=True)
    size, key, any_bad = table.size(), table["key"].min(), table["bad"].max()
    order = np.lexsort((key.index, _shuffled(key.to_numpy(), seed), any_bad))
    part = np.empty(len(size), dtype=np.int64)
    for stratum in (False, True):
        members = order[any_bad.to_numpy()[order] == stratum]
        reached = np.cumsum(size.to_numpy()[members])
        # A group belongs where its middle row falls.
        middle = (reached - size.to_numpy()[members] / 2) / max(reached[-1] if len(reached) else 1, 1)
        part[members] = np.searchsorted(np.cumsum(shares)[:-1], middle, side="right")
    return part[np.searchsorted(size.index, group)]


def met(part: Labels, shares: Sequence[float], tolerance: float) -> tuple[float, ...]:
    """The share of the rows that each part has. Raises DataError for one that is off by more than the tolerance.

    Groups are never torn apart, so few large ones cannot be shared out as declared.
    """
    got = tuple(float((part == index).mean()) for index in range(len(shares)))
    if any(abs(mine - declared) > tolerance for mine, declared in zip(got, shares, strict=True)):
        raise DataError(
            f"the parts hold {', '.join(f'{mine:.1%}' for mine in got)} of the rows, expected "
            f"{', '.join(f'{declared:.0%}' for declared in shares)} within {tolerance:.1%}: too many rows stay "
            "together in one group. Is the applicant column right? Or raise split.tolerance."
        )
    return got


def by_time(
    group: Labels, keys: Keys, bad: Mask, date: pd.Series, *, split: Split, embargo_months: int
) -> tuple[Assignment, pd.Timestamp]:
    """Train and selection from the past, test from the latest dates, one performance window between them.

    Without the embargo a model would be trained on outcomes that nobody could have known on the first test day.
    An applicant of the test rows is taken out of the past, never out of the test.
    Returns the assignment and the first test day; raises DataError if no past is left.
    """
    if undated := int(date.isna().sum()):
        raise DataError(
            f"{undated} {'row has' if undated == 1 else 'rows have'} no date, and a split by time needs one in each. "
            "Complete them, or leave these rows out of the data."
        )
    ordered = np.sort(date.to_numpy())
    first_test_day = pd.Timestamp(ordered[min(int(np.ceil(len(ordered) * (1 - split.test))), len(ordered) - 1)])
    test = (date >= first_test_day).to_numpy()
    known_by = first_test_day - pd.DateOffset(months=embargo_months)
    past = (date < known_by).to_numpy()
    seen_later = np.isin(group, np.unique(group[test])) & past
    usable = past & ~seen_later
    if usable.any() and seen_later.sum() > split.max_removed * past.sum():
        raise DataError(
            f"{seen_later.sum():,} of {past.sum():,} older rows (bad rate {bad[seen_later].mean():.1%}, of the rest "
            f"{bad[usable].mean():.1%}) are of applicants who stand in the test rows; split.max_removed allows "
            f"{split.max_removed:.0%}. Is the applicant column right, and are equal rows copies (split.equal_rows: own "
            "if not)? Or raise the share, if so few applicants are what these data are."
        )
    if not usable.any():
        raise DataError(
            f"no row is older than {known_by.date()}, one performance window ({embargo_months} months) before the "
            f"first test day {first_test_day.date()}. Collect a longer history or lower split.test."
        )
    part = np.full(len(date), OUTSIDE, dtype=np.int64)
    part[test] = 2
    develop = split.train + split.selection
    shares = (split.train / develop, split.selection / develop)
    part[usable] = at_random(group[usable], keys[usable], bad[usable], shares, split.seed)
    left_out = {
        "embargo: outcome not known on the first test day": ~test & ~past,
        "applicant stands in the test rows": seen_later,
    }
    rates = {reason: float(bad[mask].mean()) for reason, mask in left_out.items() if mask.any()}
    return Assignment(part, {reason: int(mask.sum()) for reason, mask in left_out.items()}, rates), first_test_day


def _shuffled(keys: Keys, seed: int) -> Keys:
    """Keys in an order that only the seed decides (the finaliser of SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        mixed = keys + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
