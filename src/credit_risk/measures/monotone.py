"""Whether the PD keeps the directions that the config claims, tested on raw inputs.

A direction is claimed for a feature (`model.directions`), but people send raw inputs, and a ratio or a count can
break on the raw input what holds for each feature alone. So one input of a real application is moved up, step by
step, all features are computed anew, and the directed ones say which way the PD must not go.

A step is claimed only where at least one directed feature moves, all that move agree, and no feature without a
direction moves along: PAY_0 from 1 to 2 makes somebody later; from -2 to -1 it changes `months_unused`, of which
nothing is claimed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_risk.config import Config
from credit_risk.data.inputs import Inputs, Mask, Matrix
from credit_risk.scoring.features import Features, made_of

RISE_ONE_BY_ONE = 20  # an input with at most this many levels is moved through each of them
QUANTILES = 16  # an input with more is moved through these of its values
TOLERANCE = 1e-12  # of a PD: below this it is rounding

Signs = NDArray[np.int8]
ProbabilityOfDefault = Callable[[Matrix], Matrix]


@dataclass(frozen=True)
class DirectionTest:
    """How one raw input kept its direction.

    direction: increasing, decreasing, both (it depends on where the input stands) or none (no step was claimed).
    perturbations: steps with a claim. violations: those in which the PD went the other way. largest: the greatest
    such change of PD, 0 without one. not_claimed: steps about which the directions say nothing.
    moved: the directed features that a claimed step moved.
    """

    input: str
    direction: str
    perturbations: int
    violations: int
    largest: float
    not_claimed: int
    moved: tuple[str, ...] = ()


def check(
    config: Config, pd_of: ProbabilityOfDefault, inputs: Matrix, *, rows: int, seed: int
) -> tuple[DirectionTest, ...]:
    """Move each input that reaches a directed feature, in at most `rows` applications drawn with `seed`.

    pd_of: from applications (see data.inputs) to their PDs; NaN where an application cannot be scored.
    """
    sample = inputs
    if len(inputs) > rows:
        sample = inputs[np.sort(np.random.default_rng(seed).choice(len(inputs), rows, replace=False))]
    return tuple(_tested(config, pd_of, sample, column) for column in _reaching(config))


def table(results: Sequence[DirectionTest]) -> pd.DataFrame:
    """One row an input (reports/plots/monotone.csv)."""
    names = ("input", "direction", "perturbations", "violations", "largest", "not_claimed")
    return pd.DataFrame({name: [getattr(result, name) for result in results] for name in names})


def untested(config: Config, results: Sequence[DirectionTest]) -> tuple[str, ...]:
    """Directed features that no claimed step moved: of their directions the test says nothing."""
    moved = {name for result in results for name in result.moved}
    return tuple(name for name in config.model.directions if name not in moved)


def _reaching(config: Config) -> list[int]:
    """Indices of the inputs that a directed feature is, or is made of; a plain category cannot be moved up."""
    reached = {column for columns in made_of(config, config.model.directions).values() for column in columns}
    return [
        index for index, name in enumerate(config.inputs) if name in reached and config.columns[name].type != "category"
    ]


def _tested(config: Config, pd_of: ProbabilityOfDefault, sample: Matrix, column: int) -> DirectionTest:
    ladder = _ladder(Inputs.of(config), sample[:, column], column)
    rungs = ladder.shape[1]
    moved = np.repeat(sample, rungs, axis=0)
    moved[:, column] = ladder.ravel()
    steps = np.diff(ladder, axis=1) > 0
    claim, features = _claims(config, moved, steps)
    needed = _either_end(claim != 0)
    pd = np.full(ladder.shape, np.nan)
    if needed.any():
        pd[needed] = pd_of(moved[needed.ravel()])
    rise = np.diff(pd, axis=1)
    claimed = (claim != 0) & ~np.isnan(rise)
    against = np.where(claimed, -claim * rise, 0.0)
    directions = {int(sign) for sign in np.unique(claim[claimed])}
    return DirectionTest(
        input=config.inputs[column],
        direction={(): "none", (1,): "increasing", (-1,): "decreasing"}.get(tuple(directions), "both"),
        perturbations=int(claimed.sum()),
        violations=int((against > TOLERANCE).sum()),
        largest=float(against.max(initial=0.0)) + 0.0,  # no -0
        not_claimed=int((steps & ~claimed).sum()),
        moved=tuple(name for name, any_ in zip(config.features, features, strict=True) if any_),
    )


def _ladder(inputs: Inputs, values: Matrix, index: int) -> Matrix:
    """The values that each row's input takes, upwards: its own among the levels or quantiles of the column."""
    low, high, column = inputs.low[index], inputs.high[index], inputs.columns[index]
    known = values[~np.isnan(values)]
    if column.type != "number" and high - low < RISE_ONE_BY_ONE:
        levels = np.arange(low, high + 1)
    elif len(known):
        levels = np.unique(np.quantile(known, np.linspace(0, 1, QUANTILES), method="nearest"))
    else:
        levels = np.empty(0)
    return np.sort(np.column_stack([np.broadcast_to(levels, (len(values), len(levels))), values]), axis=1)


def _claims(config: Config, moved: Matrix, steps: Mask) -> tuple[Signs, Mask]:
    """What is claimed of each step (+1, -1, or 0 for nothing), and which directed features stand behind it."""
    features = Features.of(config)
    matrix = features.matrix(features.columns(moved)).reshape(len(steps), steps.shape[1] + 1, -1)
    before, after = matrix[:, :-1], matrix[:, 1:]
    direction = np.array(config.directions, dtype=np.int8)
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    undirected_moves = (~same & (direction == 0)).any(axis=2)
    pull = np.sign(after - before) * direction
    up, down = (pull > 0).any(axis=2), (pull < 0).any(axis=2)
    appears = (~same & np.isnan(pull)).any(axis=2)  # to or from a gap: neither up nor down
    claimed = steps & (up ^ down) & ~undirected_moves & ~appears
    claim = np.where(claimed, np.where(up, 1, -1), 0).astype(np.int8)
    return claim, np.asarray((~same & claimed[:, :, None]).any(axis=(0, 1)))


def _either_end(steps: Mask) -> Mask:
    """The rungs that a step starts from or ends at."""
    ends = np.zeros((len(steps), steps.shape[1] + 1), dtype=bool)
    ends[:, :-1] |= steps
    ends[:, 1:] |= steps
    return ends
