"""Whether a population has moved away from the one a model was trained on: the population stability index (PSI).

PSI is the sum over bins of (share now - share then) * ln(share now / share then): 0 for equal shares; the trade
watches above 0.1 and acts above 0.25. The bins are frozen on the reference, which keeps counts and no rows.

A PSI is never 0 by chance alone. Without any drift it is distributed like chi-squared with (bins - 1) degrees of
freedom times (1/n + 1/m), n and m being the rows of the two samples (Yurdakul and Naranjo 2020). So a PSI above the
threshold is called drift only where chance would rarely give it, and one below it is called stability only where the
samples were large enough to have shown drift.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from credit_risk.domain.inputs import Matrix
from credit_risk.errors import DataError

Verdict = Literal["PASS", "FAIL", "CANNOT SAY"]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """How the values of one column fall into bins, and how many of the reference's fell into each.

    A column of numbers has `edges`, each the highest value of its bin, the last bin being open; a category column has
    `categories`. Two more bins follow: missing cells, and cells that cannot be what the column holds.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...] | None = None
    categories: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        if self.categories is not None:
            return (*self.categories, "missing", "unknown")
        return (*_range_names(self.edges or ()), "missing", "invalid")

    def count(self, values: Matrix) -> Counts:
        """How many values fall into each bin; categories come as their codes (see domain.inputs)."""
        plain = len(self.counts) - 2
        invalid = np.isinf(values)
        if self.categories is None:
            places = np.searchsorted(np.asarray(self.edges), values, side="left")
        else:
            known = (values >= 0) & (values < plain) & (values == np.floor(values))
            invalid |= ~known & ~np.isnan(values)
            places = np.where(known, values, 0).astype(np.intp)
        places[np.isnan(values)] = plain
        places[invalid] = plain + 1
        return np.bincount(places, minlength=plain + 2)


@dataclass(frozen=True)
class Reference:
    """What a population looked like: for each column its bins and their counts, and no row of anybody's."""

    rows: int
    columns: Mapping[str, Bins]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON can hold them."""
        columns = {
            name: {"counts": list(bins.counts)}
            | ({"edges": list(bins.edges)} if bins.edges is not None else {})
            | ({"categories": list(bins.categories)} if bins.categories is not None else {})
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

    psi: the index; rows: of the sample that was compared; critical: the PSI that chance alone exceeds with a
    probability of 1 - confidence at these sample sizes. moved: the bin that adds most, its share then and now.
    """

    column: str
    psi: float
    rows: int
    critical: float
    threshold: float
    verdict: Verdict
    moved: str
    share_then: float
    share_now: float

    @property
    def ends(self) -> tuple[float, float]:
        """The verdict's rule as ends that a gate can hold against a limit: no interval of the population's PSI.

        The lower is 0 while chance alone explains the index. The upper is at least the critical value, the drift that
        samples of this size could not have shown. A limit of `threshold` between them gives the same verdict.
        """
        return (self.psi if self.psi > self.critical else 0.0), max(self.psi, self.critical)


def of(
    columns: Mapping[str, Matrix], bins: int, categories: Mapping[str, Sequence[str] | None] | None = None
) -> Reference:
    """Freeze the bins on these columns and count them.

    columns: encoded as by domain.inputs, or plain numbers such as scores. categories: the words of those columns that
    hold category codes. bins: quantile bins for a column of numbers; a value that fills several is a bin of its own.
    """
    words = categories or {}
    made = {}
    for name, values in columns.items():
        kinds = words.get(name)
        edges = None if kinds is not None else _edges(values, bins)
        labels = None if kinds is None else tuple(kinds)
        size = len(labels or ()) if edges is None else len(edges) + 1
        empty = Bins((0,) * (size + 2), edges, labels)
        made[name] = Bins(tuple(empty.count(values).tolist()), edges, labels)
    return Reference(len(next(iter(columns.values()), ())), made)


def psi(
    reference: Reference, columns: Mapping[str, Matrix], *, threshold: float, confidence: float
) -> tuple[Shift, ...]:
    """How far each of these columns has moved from the reference, in their order.

    FAIL: above the threshold and beyond chance. PASS: at or below it, with samples large enough to have shown more.
    CANNOT SAY: anything else, so a sample too small to judge never passes.
    Raises DataError for a column that the reference does not hold.
    """
    lacking = [name for name in columns if name not in reference.columns]
    if lacking:
        raise DataError(f"the drift reference lacks {', '.join(lacking)}; train again to write a new one.")
    return tuple(
        _shift(name, values, reference.columns[name], threshold, confidence) for name, values in columns.items()
    )


def largest(shifts: Sequence[Shift]) -> tuple[str, float, float, float]:
    """The column that has moved most, its PSI, and the highest ends of all columns: no one is further off than these.

    One column is picked after seeing all, so the shifts should be taken at the confidence that `at_once` gives.
    """
    most = max(shifts, key=lambda shift: shift.psi)
    return most.column, most.psi, max(shift.ends[0] for shift in shifts), max(shift.ends[1] for shift in shifts)


def at_once(confidence: float, columns: int) -> float:
    """The confidence for each of several columns at which all of them together have `confidence` (Šidák)."""
    return float(confidence ** (1 / max(columns, 1)))


def index(then: Counts, now: Counts) -> float:
    """The PSI between two counts of the same bins (see the module's first lines)."""
    return float(_terms(then, now).sum())


def critical_value(then: Counts, now: Counts, confidence: float) -> float:
    """The PSI that two samples of one population exceed with a probability of 1 - confidence.

    Bins that both samples leave empty do not count. Infinite where a sample is empty.
    """
    if not then.sum() or not now.sum():
        return np.inf
    freedom = int(((then > 0) | (now > 0)).sum()) - 1
    spread = 1 / then.sum() + 1 / now.sum()
    return float(chdtri(freedom, 1 - confidence) * spread) if freedom else 0.0


def _terms(then: Counts, now: Counts) -> Matrix:
    """What each bin adds. A bin that one sample leaves empty would add infinity; see `_shares`."""
    p, q = _shares(then, now), _shares(now, then)
    used = (p > 0) & (q > 0)
    terms = np.zeros(len(p))
    terms[used] = (q[used] - p[used]) * np.log(q[used] / p[used])
    return terms


def _shares(own: Counts, other: Counts) -> Matrix:
    """The share of each bin. An empty bin counts as half a row, or as what the other sample leads one to expect of
    one this size, if that is less: an empty bin that ten in a million fall into says nothing about a sample of 100.
    """
    expected = other * (own.sum() / max(other.sum(), 1))
    counts = np.where(own > 0, own, np.minimum(0.5, expected))
    shares: Matrix = counts / max(own.sum(), 1)
    return shares


def _shift(name: str, values: Matrix, bins: Bins, threshold: float, confidence: float) -> Shift:
    then, now = np.array(bins.counts), bins.count(values)
    terms = _terms(then, now)
    critical = critical_value(then, now, confidence)
    most = int(terms.argmax())
    return Shift(
        name,
        float(terms.sum()),
        len(values),
        critical,
        threshold,
        _verdict(float(terms.sum()), critical, threshold),
        bins.names[most],
        float(then[most] / max(then.sum(), 1)),
        float(now[most] / max(now.sum(), 1)),
    )


def _verdict(value: float, critical: float, threshold: float) -> Verdict:
    if value > threshold and value > critical:
        return "FAIL"
    return "PASS" if value <= threshold and critical <= threshold else "CANNOT SAY"


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


def _bins(raw: Mapping[str, Any]) -> Bins:
    edges, categories = raw.get("edges"), raw.get("categories")
    return Bins(
        tuple(int(count) for count in raw["counts"]),
        None if edges is None else tuple(float(edge) for edge in edges),
        None if categories is None else tuple(str(word) for word in categories),
    )
