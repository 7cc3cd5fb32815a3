"""Our own attack: coordinate search over the thresholds of the model, which is where a tree's PD changes at all.

A search that stops at a grid would miss narrow pockets of low PD, and a gradient does not exist; the thresholds are
where cheap flips lie. The scorer itself says what flips, so policy, rules and refusals count as they do in service.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from credit_risk.attacks.plausible_changes import EXACT, PlausibleChanges
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.scoring.decision import APPROVE, REFER, Decisions
from credit_risk.scoring.model import Boosted, RiskModel, Scorecard

Decide = Callable[[Matrix], Decisions]
Greed = Literal["cheap", "deep"]

GRID = 12  # steps to each side of a column, beside the thresholds
MOST_THRESHOLDS = 256  # of a column; more are thinned evenly
MOST_CHANGES = 3  # columns changed together
CHUNK = 50_000  # applications decided at once


@dataclass(frozen=True)
class Flips:
    """The cheapest flip found for each row: what it costs (infinite: none found) and the application that does it."""

    cost: Matrix
    inputs: Matrix

    @classmethod
    def none(cls, rows: Matrix) -> "Flips":
        return cls(np.full(len(rows), np.inf), rows.copy())

    @property
    def exists(self) -> Mask:
        return np.isfinite(self.cost)

    def or_cheaper(self, flips: "Flips") -> "Flips":
        """Row by row the cheaper of the two."""
        better = flips.cost < self.cost
        return Flips(np.where(better, flips.cost, self.cost), np.where(better[:, None], flips.inputs, self.inputs))


def flipped(after: Decisions) -> Mask:
    """Whether a declined applicant is better off: approved, or scored and referred."""
    return np.asarray((after.outcome == APPROVE) | ((after.outcome == REFER) & ~np.isnan(after.pd)))


def tried(changes: PlausibleChanges, decide: Decide, rows: Matrix, after: Matrix) -> Flips:
    """One changed application a row as an attack: it counts if it flips and is affordable."""
    success = flipped(decide(after)) & changes.affordable(rows, after)
    return Flips(np.where(success, changes.cost(rows, after), np.inf), after)


def cheapest(changes: PlausibleChanges, decide: Decide, rows: Matrix, thresholds: Mapping[str, Matrix]) -> Flips:
    """Change up to three columns one after the other: once by most PD for the cost, once by most PD."""
    ladders = [_ladder(changes, which, rows, thresholds.get(name)) for which, name in enumerate(changes.names)]
    best = Flips.none(rows)
    for greed in ("cheap", "deep"):
        best = best.or_cheaper(_descent(changes, decide, rows, ladders, greed))
    return best


def thresholds_of(model: RiskModel, features: tuple[str, ...]) -> dict[str, Matrix]:
    """Where the model's answer changes, by feature; only columns that are features themselves are reached by it."""
    values_by_feature: dict[int, set[float]] = {}
    if isinstance(model, Boosted):
        for feature, value in _splits(model.model_text):
            values_by_feature.setdefault(feature, set()).add(value)
    elif isinstance(model, Scorecard):
        for column, bins in zip(model.columns, model.bins, strict=True):
            values_by_feature.setdefault(column, set()).update(bins.edges)
    return {features[feature]: _thinned(np.array(sorted(values))) for feature, values in values_by_feature.items()}


def _splits(text: str) -> Iterator[tuple[int, float]]:
    """Feature and threshold of each split in LightGBM's text."""
    split_features: list[str] = []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "split_feature":
            split_features = value.split()
        elif key == "threshold":
            yield from ((int(feature), float(cut)) for feature, cut in zip(split_features, value.split(), strict=True))


def _thinned(values: Matrix) -> Matrix:
    if len(values) <= MOST_THRESHOLDS:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, MOST_THRESHOLDS).round().astype(int)])


def _ladder(changes: PlausibleChanges, which: int, rows: Matrix, thresholds: Matrix | None) -> Matrix:
    """The values to try for a column, a line a row; NaN where a value is out of reach or changes nothing."""
    start = rows[:, changes.indices[which]][:, None]
    low, high, unit = changes.low[which], changes.high[which], changes.unit[which]
    if changes.nominal[which]:
        values = np.broadcast_to(np.arange(low, high + 1), (len(rows), int(high - low) + 1))
        distance = (values != start) * 1.0
    else:
        effort = changes.budget * np.linspace(-1, 1, 2 * GRID + 1)
        values = start + np.trunc(effort / unit) if changes.whole[which] else start + effort / unit
        if thresholds is not None and len(thresholds):
            # A split sends `x <= threshold` to the left: the threshold itself, and the next number above it.
            cuts = np.append(thresholds, np.nextafter(thresholds, np.inf))
            if changes.whole[which]:
                cuts = np.unique(np.append(np.floor(thresholds), np.floor(thresholds) + 1))
            values = np.hstack([values, np.broadcast_to(cuts, (len(rows), len(cuts)))])
        values = np.clip(values, low, high)
        distance = np.abs(values - start)
    usable = (values != start) & (distance * unit <= changes.budget + EXACT) & ~np.isnan(start)
    return np.where(usable, values, np.nan)


@dataclass(frozen=True)
class _Trials:
    """Changed applications of one round, (trials,) each: row, which column, to what value, what came of it."""

    row: NDArray[np.intp]
    which: NDArray[np.intp]
    value: Matrix
    cost: Matrix
    pd: Matrix
    flipped: Mask

    def first_by_row(self, among: Mask, key: Matrix) -> NDArray[np.intp]:
        """The trial with the lowest key of each row that has one."""
        chosen = np.flatnonzero(among)
        order = chosen[np.lexsort((key[chosen], self.row[chosen]))]
        _, first = np.unique(self.row[order], return_index=True)
        return np.asarray(order[first])


def _descent(changes: PlausibleChanges, decide: Decide, rows: Matrix, ladders: list[Matrix], greed: Greed) -> Flips:
    current, cost = rows.copy(), np.full(len(rows), np.inf)
    pd_, spent = decide(rows).pd, np.zeros(len(rows))
    open_ = np.arange(len(rows))
    for _ in range(MOST_CHANGES):
        trials = _round(changes, decide, rows, current, open_=open_, ladders=ladders)
        success = trials.first_by_row(trials.flipped, trials.cost)
        drop = pd_[trials.row] - trials.pd
        extra = np.maximum(trials.cost - spent[trials.row], 1e-6 * changes.budget)
        merit = drop / extra if greed == "cheap" else drop
        is_done = np.isin(trials.row, trials.row[success])
        step = trials.first_by_row((drop > 0) & ~is_done, -merit)
        for chosen in (success, step):
            at = trials.row[chosen]
            current[at, changes.indices[trials.which[chosen]]] = trials.value[chosen]
            spent[at], pd_[at] = trials.cost[chosen], trials.pd[chosen]
        cost[trials.row[success]] = trials.cost[success]
        open_ = trials.row[step]
        if not len(open_):
            break
    return Flips(cost, current)


def _round(
    changes: PlausibleChanges,
    decide: Decide,
    rows: Matrix,
    current: Matrix,
    *,
    open_: NDArray[np.intp],
    ladders: list[Matrix],
) -> _Trials:
    """Every affordable change of one column of the open rows, decided."""
    parts = []
    for which, ladder in enumerate(ladders):
        line, rung = np.nonzero(~np.isnan(ladder[open_]))
        row, value = open_[line], ladder[open_[line], rung]
        for start in range(0, len(row), CHUNK):
            some = slice(start, start + CHUNK)
            after = current[row[some]]
            after[:, changes.indices[which]] = value[some]
            cost = changes.cost(rows[row[some]], after)
            affordable = cost <= changes.budget + EXACT
            decisions = decide(after[affordable])
            at = row[some][affordable]
            parts.append(
                _Trials(
                    at,
                    np.full(len(at), which),
                    value[some][affordable],
                    cost[affordable],
                    decisions.pd,
                    flipped(decisions),
                )
            )
    names = ("row", "which", "value", "cost", "pd", "flipped")
    return _Trials(*(np.concatenate([getattr(part, name) for part in parts]) for name in names)) if parts else _NOTHING


_NOTHING = _Trials(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0), np.empty(0), np.empty(0), np.empty(0, bool))
