"""Our own attack: coordinate search over the thresholds of the model, which is where a tree's PD changes at all.

A search that stops at a grid would miss narrow pockets of low PD, and a gradient does not exist; the thresholds are
where cheap flips lie. The scorer itself says what flips, so policy, rules and refusals count as they do in service.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from credit_risk.attacks.plausible_changes import EXACT, Reach
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.scoring.decision import APPROVE, REFER, Decisions
from credit_risk.scoring.model import Boosted, Model, Scorecard

Decide = Callable[[Matrix], Decisions]
Greed = Literal["cheap", "deep"]

GRID = 12  # steps to each side of a column, beside the thresholds
MOST_THRESHOLDS = 256  # of a column; more are thinned evenly
MOVES = 3  # columns changed together
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
    def found(self) -> Mask:
        return np.isfinite(self.cost)

    def or_cheaper(self, other: "Flips") -> "Flips":
        """Row by row the cheaper of the two."""
        better = other.cost < self.cost
        return Flips(np.where(better, other.cost, self.cost), np.where(better[:, None], other.inputs, self.inputs))


def flipped(after: Decisions) -> Mask:
    """Whether a declined applicant is better off: approved, or scored and referred."""
    return np.asarray((after.outcome == APPROVE) | ((after.outcome == REFER) & ~np.isnan(after.pd)))


def tried(reach: Reach, decide: Decide, rows: Matrix, after: Matrix) -> Flips:
    """One changed application a row as an attack: it counts if it flips and is affordable."""
    success = flipped(decide(after)) & reach.affordable(rows, after)
    return Flips(np.where(success, reach.cost(rows, after), np.inf), after)


def cheapest(reach: Reach, decide: Decide, rows: Matrix, thresholds: Mapping[str, Matrix]) -> Flips:
    """Change up to three columns one after the other: once by most PD for the cost, once by most PD."""
    ladders = [_ladder(reach, place, rows, thresholds.get(name)) for place, name in enumerate(reach.names)]
    best = Flips.none(rows)
    for greed in ("cheap", "deep"):
        best = best.or_cheaper(_descent(reach, decide, rows, ladders, greed))
    return best


def thresholds_of(model: Model, features: tuple[str, ...]) -> dict[str, Matrix]:
    """Where the model's answer changes, by feature; only columns that are features themselves are reached by it."""
    found: dict[int, set[float]] = {}
    if isinstance(model, Boosted):
        for place, value in _splits(model.model_text):
            found.setdefault(place, set()).add(value)
    elif isinstance(model, Scorecard):
        for column, bins in zip(model.columns, model.bins, strict=True):
            found.setdefault(column, set()).update(bins.edges)
    return {features[place]: _thinned(np.array(sorted(values))) for place, values in found.items()}


def _splits(text: str) -> Iterator[tuple[int, float]]:
    """Feature and threshold of each split in LightGBM's text."""
    places: list[str] = []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "split_feature":
            places = value.split()
        elif key == "threshold":
            yield from ((int(place), float(cut)) for place, cut in zip(places, value.split(), strict=True))


def _thinned(values: Matrix) -> Matrix:
    if len(values) <= MOST_THRESHOLDS:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, MOST_THRESHOLDS).round().astype(int)])


def _ladder(reach: Reach, place: int, rows: Matrix, thresholds: Matrix | None) -> Matrix:
    """The values to try for a column, a line a row; NaN where a value is out of reach or changes nothing."""
    start = rows[:, reach.places[place]][:, None]
    low, high, unit = reach.low[place], reach.high[place], reach.unit[place]
    if reach.plain[place]:
        values = np.broadcast_to(np.arange(low, high + 1), (len(rows), int(high - low) + 1))
        distance = (values != start) * 1.0
    else:
        effort = reach.budget * np.linspace(-1, 1, 2 * GRID + 1)
        values = start + np.trunc(effort / unit) if reach.whole[place] else start + effort / unit
        if thresholds is not None and len(thresholds):
            # A split sends `x <= threshold` to the left: the threshold itself, and the next number above it.
            cuts = np.append(thresholds, np.nextafter(thresholds, np.inf))
            if reach.whole[place]:
                cuts = np.unique(np.append(np.floor(thresholds), np.floor(thresholds) + 1))
            values = np.hstack([values, np.broadcast_to(cuts, (len(rows), len(cuts)))])
        values = np.clip(values, low, high)
        distance = np.abs(values - start)
    usable = (values != start) & (distance * unit <= reach.budget + EXACT) & ~np.isnan(start)
    return np.where(usable, values, np.nan)


@dataclass(frozen=True)
class _Trials:
    """Changed applications of one round: for each its row, where and to what it was changed, and what came of it."""

    row: NDArray[np.intp]
    place: NDArray[np.intp]
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


def _descent(reach: Reach, decide: Decide, rows: Matrix, ladders: list[Matrix], greed: Greed) -> Flips:
    current, cost = rows.copy(), np.full(len(rows), np.inf)
    pd_, spent = decide(rows).pd, np.zeros(len(rows))
    open_ = np.arange(len(rows))
    for _ in range(MOVES):
        trials = _round(reach, decide, rows, current, open_=open_, ladders=ladders)
        success = trials.first_by_row(trials.flipped, trials.cost)
        drop = pd_[trials.row] - trials.pd
        extra = np.maximum(trials.cost - spent[trials.row], 1e-6 * reach.budget)
        merit = drop / extra if greed == "cheap" else drop
        is_done = np.isin(trials.row, trials.row[success])
        step = trials.first_by_row((drop > 0) & ~is_done, -merit)
        for chosen in (success, step):
            at = trials.row[chosen]
            current[at, reach.places[trials.place[chosen]]] = trials.value[chosen]
            spent[at], pd_[at] = trials.cost[chosen], trials.pd[chosen]
        cost[trials.row[success]] = trials.cost[success]
        open_ = trials.row[step]
        if not len(open_):
            break
    return Flips(cost, current)


def _round(
    reach: Reach, decide: Decide, rows: Matrix, current: Matrix, *, open_: NDArray[np.intp], ladders: list[Matrix]
) -> _Trials:
    """Every affordable change of one column of the open rows, decided."""
    parts = []
    for place, ladder in enumerate(ladders):
        line, rung = np.nonzero(~np.isnan(ladder[open_]))
        row, value = open_[line], ladder[open_[line], rung]
        for start in range(0, len(row), CHUNK):
            some = slice(start, start + CHUNK)
            after = current[row[some]]
            after[:, reach.places[place]] = value[some]
            cost = reach.cost(rows[row[some]], after)
            affordable = cost <= reach.budget + EXACT
            decisions = decide(after[affordable])
            at = row[some][affordable]
            parts.append(
                _Trials(
                    at,
                    np.full(len(at), place),
                    value[some][affordable],
                    cost[affordable],
                    decisions.pd,
                    flipped(decisions),
                )
            )
    names = ("row", "place", "value", "cost", "pd", "flipped")
    return _Trials(*(np.concatenate([getattr(part, name) for part in parts]) for name in names)) if parts else _NOTHING


_NOTHING = _Trials(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0), np.empty(0), np.empty(0), np.empty(0, bool))
