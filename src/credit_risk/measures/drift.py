"""Whether a population has moved away from the one a model was trained on: the population stability index (PSI).

PSI is the sum over bins of (share now - share then) * ln(share now / share then): 0 for equal shares; the trade
watches above 0.1 and acts above 0.25. The bins are frozen on the reference, which keeps counts and no rows.

The PSI of two samples is larger than that of their populations, and never 0. Without any drift it is distributed like
chi-squared with (bins - 1) degrees of freedom times (1/n + 1/m), n and m being the rows of the samples (Yurdakul and
Naranjo 2020). With drift it is, by the same expansion, distributed like noncentral chi-squared, and that gives the
interval in which the PSI of the populations lies. It is drift where the interval lies above the threshold, stability
where it lies below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, chndtrinc

from credit_risk.config.tags import tags
from credit_risk.data.inputs import Matrix
from credit_risk.errors import DataError
from credit_risk.measures.figure import Figure
from credit_risk.measures.verdict.gate import Verdict

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class BinCounts:
    """How the values of one column fall into bins, and how many of the reference's fell into each.

    A column of numbers has `edges`, each the highest value of its bin, the last bin being open; a category column has
    `categories`. More bins follow: each special code by what it means, missing cells, and cells that cannot be what the
    column holds.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...] | None = None
    categories: tuple[str, ...] | None = None
    special: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        if self.categories is not None:
            return (*self.categories, "missing", "unknown")
        return (*_range_names(self.edges or ()), *self.special, "missing", "invalid")

    def count(self, values: Matrix) -> Counts:
        """How many values fall into each bin; categories come as their codes (see data.inputs)."""
        missing = len(self.counts) - 2
        invalid = np.isinf(values)
        if self.categories is None:
            bins = np.searchsorted(np.asarray(self.edges), values, side="left")
        else:
            known = (values >= 0) & (values < missing) & (values == np.floor(values))
            invalid |= ~known & ~np.isnan(values)
            bins = np.where(known, values, 0).astype(np.intp)
        bins[np.isnan(values)] = missing
        if self.special:
            tag = tags(values)
            bins[tag > 0] = missing - len(self.special) + tag[tag > 0] - 1
        bins[invalid] = missing + 1
        return np.bincount(bins, minlength=missing + 2)


@dataclass(frozen=True)
class Reference:
    """What a population looked like: for each column its bins and their counts, and no row of anybody's."""

    rows: int
    columns: Mapping[str, BinCounts]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON can hold them."""
        columns = {
            name: {"counts": list(bins.counts)}
            | ({"edges": list(bins.edges)} if bins.edges is not None else {})
            | ({"categories": list(bins.categories)} if bins.categories is not None else {})
            | ({"special": list(bins.special)} if bins.special else {})
            for name, bins in self.columns.items()
        }
        return {"rows": self.rows, "columns": columns}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Reference":
        """The reference as `as_dict` wrote it. Raises DataError if it is anything else."""
        try:
            columns = {name: _bins(bins) for name, bins in raw["columns"].items()}
            reference = cls(int(raw["rows"]), columns)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise DataError(
                "the drift reference is not one: expected rows, and counts with edges or categories for each column. "
                "Write it again by training."
            ) from None
        wrong = [name for name, bins in columns.items() if len(bins.counts) != len(bins.names)]
        wrong += [name for name, bins in columns.items() if sum(bins.counts) != reference.rows]
        if wrong:
            raise DataError(
                f"the drift reference is damaged: the counts of {', '.join(sorted(set(wrong)))} do not fit."
            )
        return reference


@dataclass(frozen=True)
class Shift:
    """How far one column has moved.

    psi: the index of the samples; rows: of the sample that was compared; low and high: between these lies the index of
    the populations (see `interval`). moved: the bin that adds most, its share then and now.
    """

    column: str
    psi: float
    rows: int
    low: float
    high: float
    threshold: float
    verdict: Verdict
    moved: str
    share_then: float
    share_now: float

    @property
    def figure(self) -> Figure:
        """The index with its interval."""
        return Figure(self.psi, self.low, self.high, self.rows)


def of(
    columns: Mapping[str, Matrix],
    bins: int,
    categories: Mapping[str, Sequence[str] | None] | None = None,
    special: Mapping[str, Sequence[str]] | None = None,
) -> Reference:
    """Freeze the bins on these columns and count them.

    columns: encoded as by data.inputs, or plain numbers such as scores. categories: the words of those columns that
    hold category codes. special: what the codes of columns of numbers mean.
    bins: quantile bins for a column of numbers; a value that fills several is a bin of its own.
    """
    words = categories or {}
    made = {}
    for name, values in columns.items():
        kinds = words.get(name)
        edges = None if kinds is not None else _edges(values, bins)
        labels = None if kinds is None else tuple(kinds)
        codes = tuple((special or {}).get(name, ()))
        size = len(labels or ()) if edges is None else len(edges) + 1 + len(codes)
        empty = BinCounts((0,) * (size + 2), edges, labels, codes)
        made[name] = replace(empty, counts=tuple(empty.count(values).tolist()))
    return Reference(len(next(iter(columns.values()), ())), made)


def psi(
    reference: Reference, columns: Mapping[str, Matrix], *, threshold: float, confidence: float
) -> tuple[Shift, ...]:
    """How far each of these columns has moved from the reference, in their order.

    FAIL: the populations' index lies above the threshold. PASS: it lies at or below. CANNOT SAY: the interval holds the
    threshold, so a sample too small to judge never passes.
    Raises DataError for a column that the reference does not hold.
    """
    lacking = [name for name in columns if name not in reference.columns]
    if lacking:
        raise DataError(f"the drift reference lacks {', '.join(lacking)}; train again to write a new one.")
    return tuple(
        _shift(name, values, reference.columns[name], threshold, confidence) for name, values in columns.items()
    )


def largest(shifts: Sequence[Shift]) -> tuple[str, Figure]:
    """The column that has moved most, and its PSI with the highest ends of all columns: none is further off than these.

    One column is picked after seeing all, so the shifts should be taken at the confidence that `at_once` gives.
    """
    most = max(shifts, key=lambda shift: shift.psi)
    low, high = max(shift.low for shift in shifts), max(shift.high for shift in shifts)
    return most.column, Figure(most.psi, low, high, most.rows)


def at_once(confidence: float, columns: int) -> float:
    """The confidence for each of several columns at which all of them together have `confidence` (Šidák)."""
    return float(confidence ** (1 / max(columns, 1)))


def index(then: Counts, now: Counts) -> float:
    """The PSI between two counts of the same bins (see the module's first lines)."""
    return float(_terms(then, now).sum())


def interval(then: Counts, now: Counts, confidence: float) -> tuple[float, float]:
    """Between which values the PSI of the populations lies that these are samples of.

    Noncentral chi-squared, inverted in its noncentrality. Where the samples differ no more than chance allows, the
    lower end is 0 and the upper at least the critical value, the drift that samples of this size may not show: there
    the interval is wider than it need be. Simulated, it held the truth in 92 to 98 % of 400 draws at 95 %, for true
    values from 0 to 0.27 and samples of 500 to 15,000 rows.
    """
    if not then.sum() or not now.sum():
        return 0.0, np.inf
    freedom = _freedom(then, now)
    if not freedom:
        return 0.0, 0.0
    spread, beside = 1 / then.sum() + 1 / now.sum(), (1 - confidence) / 2
    ends = chndtrinc(index(then, now) / spread, freedom, [1 - beside, beside]) * spread
    # Where no noncentrality fits, scipy answers NaN or the smallest number there is.
    low, high = np.where(ends >= np.finfo(float).tiny, ends, 0)
    return float(low), max(float(high), critical_value(then, now, confidence))


def critical_value(then: Counts, now: Counts, confidence: float) -> float:
    """The PSI that two samples of one population exceed with a probability of 1 - confidence.

    BinCounts that both samples leave empty do not count. Infinite where a sample is empty.
    """
    if not then.sum() or not now.sum():
        return np.inf
    spread, freedom = 1 / then.sum() + 1 / now.sum(), _freedom(then, now)
    return float(chdtri(freedom, 1 - confidence) * spread) if freedom else 0.0


def _freedom(then: Counts, now: Counts) -> int:
    return int(((then > 0) | (now > 0)).sum()) - 1


def _terms(then: Counts, now: Counts) -> Matrix:
    """What each bin adds. A bin that one sample leaves empty would add infinity; see `_shares`."""
    p, q = _shares(then, now), _shares(now, then)
    used = (p > 0) & (q > 0)
    terms = np.zeros(len(p))
    terms[used] = (q[used] - p[used]) * np.log(q[used] / p[used])
    return terms


def _shares(own: Counts, compared: Counts) -> Matrix:
    """The share of each bin. An empty bin counts as half a row, or as what the other sample leads one to expect of
    one this size, if that is less: an empty bin that ten in a million fall into says nothing about a sample of 100.
    """
    expected = compared * (own.sum() / max(compared.sum(), 1))
    counts = np.where(own > 0, own, np.minimum(0.5, expected))
    shares: Matrix = counts / max(own.sum(), 1)
    return shares


def _shift(name: str, values: Matrix, bins: BinCounts, threshold: float, confidence: float) -> Shift:
    then, now = np.array(bins.counts), bins.count(values)
    terms = _terms(then, now)
    low, high = interval(then, now, confidence)
    most = int(terms.argmax())
    return Shift(
        name,
        float(terms.sum()),
        len(values),
        low,
        high,
        threshold,
        "FAIL" if low > threshold else "PASS" if high <= threshold else "CANNOT SAY",
        bins.names[most],
        float(then[most] / max(then.sum(), 1)),
        float(now[most] / max(now.sum(), 1)),
    )


def _edges(values: Matrix, bins: int) -> tuple[float, ...]:
    """Quantiles as upper ends of bins. A value that is two of them gets a bin of its own: many accounts owe 0."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ()
    quantiles = np.quantile(finite, np.linspace(0, 1, bins + 1)[1:-1], method="lower")
    edges, times = np.unique(quantiles, return_counts=True)
    heavy = edges[times > 1]
    edges = np.union1d(edges, np.nextafter(heavy, -np.inf))
    edges = edges[(edges >= finite.min()) & (edges < finite.max())]
    filled = np.bincount(np.searchsorted(edges, finite, side="left"), minlength=len(edges) + 1) > 0
    return tuple(edges[filled[1:]].tolist())  # an empty bin joins the one below it


def _range_names(edges: Sequence[float]) -> list[str]:
    """What each bin of numbers holds, in words. An edge just below the next one sets a value apart."""
    names = []
    for low, high in pairwise((-np.inf, *edges, np.inf)):
        following = np.nextafter(high, np.inf) + 0.0  # no -0
        top = f"to below {following:.6g}" if following in edges else f"to {high:.6g}"
        if np.nextafter(high, -np.inf) == low:
            names.append(f"exactly {high:.6g}")
        elif np.isinf(high):
            names.append("any value" if np.isinf(low) else f"above {low:.6g}")
        else:
            names.append(f"up {top}" if np.isinf(low) else f"above {low:.6g} {top}")
    return names


def _bins(raw: Mapping[str, Any]) -> BinCounts:
    edges, categories = raw.get("edges"), raw.get("categories")
    return BinCounts(
        tuple(int(count) for count in raw["counts"]),
        None if edges is None else tuple(float(edge) for edge in edges),
        None if categories is None else tuple(str(word) for word in categories),
        tuple(str(meaning) for meaning in raw.get("special", ())),
    )
