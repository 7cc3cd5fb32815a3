"""What would have changed a decline: the cheapest variation of what the applicant can change that the scorer approves.

Only inputs that the lender declares changeable move, by whole declared steps, the declared way, inside their range, and
only where the scorer's own directions say that this way cannot harm. The scorer itself confirms it. There may be none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.data.inputs import Inputs, Matrix
from credit_risk.errors import UsageError
from credit_risk.ledger.entry import StoredDecision
from credit_risk.notices.notice import NoNotice
from credit_risk.notices.settings import Notices, Variable
from credit_risk.scoring.scorer import Scorer

MOST = 100_000  # variations that are tried: all of them, or none
TOGETHER = 5_000


@dataclass(frozen=True)
class Variation:
    """The inputs that move, each with its new value, and what that costs in the lender's declared measure."""

    values: Mapping[str, float]
    cost: float


def nearest(application: Mapping[str, Any], scorer: Scorer, settings: Notices) -> Variation | None:
    """The cheapest variation that is approved; None where none of those declared is. Raises UsageError for too many.

    Of two as cheap the one that moves fewer inputs, then the first in the order of the config.
    """
    inputs = Inputs.of(scorer.config)
    row = inputs.single_row(application)
    ladders = {
        name: _ladder(float(row[0, inputs.names.index(name)]), name, variable, scorer.config)
        for name, variable in settings.variable.items()
    }
    ladders = {name: values for name, values in ladders.items() if len(values) > 1}
    if not ladders:
        return None
    if prod(map(len, ladders.values())) > MOST:
        raise UsageError(
            f"`variable` of configs/notices.yaml has more than {MOST:,} variations: fewer or longer steps."
        )
    steps = sorted(product(*(range(len(values)) for values in ladders.values())), key=_order(ladders, settings))[1:]
    names = list(ladders)
    for start in range(0, len(steps), TOGETHER):
        some = steps[start : start + TOGETHER]
        matrix = np.repeat(row, len(some), axis=0)
        for column, name in enumerate(names):
            matrix[:, inputs.names.index(name)] = [ladders[name][its[column]] for its in some]
        for index in np.flatnonzero(scorer.decide_inputs(matrix, reasons=False).approved):
            if _confirmed(matrix[index : index + 1], scorer):
                moved = {name: ladders[name][n] for name, n in zip(names, some[index], strict=True) if n}
                return Variation(moved, _cost(some[index], names, settings))
    return None


def of_decline(record: StoredDecision | None, decision: str, scorer: Scorer) -> Mapping[str, Any]:
    """The application behind a decline of this scorer. Raises NoNotice for any other decision."""
    if record is None:
        raise NoNotice(f"the ledger holds no decision {decision!r}.")
    if record.decision != "decline" or record.inputs is None:
        raise NoNotice(f"{decision} is no decline that can still be read, so nothing is to be varied.")
    if record.by.scorer != scorer.digest:
        raise NoNotice(f"{decision} was decided by scorer {record.by.scorer[:12]}: name it with --scorer.")
    return record.inputs


def _confirmed(row: Matrix, scorer: Scorer) -> bool:
    """Whether the scorer approves it as it would decide an application, reasons and rules included."""
    return bool(scorer.decide_inputs(row).approved[0])


def _ladder(value: float, name: str, variable: Variable, config: Config) -> list[float]:
    """The value as it is, and after each step, inside its range; alone where it is missing or its way could harm."""
    column = config.columns[name]
    sign = 1 if variable.to == "more" else -1
    if np.isnan(value) or _could_harm(name, sign, config):
        return [value]
    low, high = column.range or (-np.inf, np.inf)
    if variable.bound is not None:
        low, high = (low, min(high, variable.bound)) if sign > 0 else (max(low, variable.bound), high)
    values = [value + sign * variable.step * step for step in range(variable.most + 1)]
    return [value, *(each for each in values[1:] if low <= each <= high)]


def _could_harm(name: str, sign: int, config: Config) -> bool:
    """Whether the declared direction of an input says that moving it this way raises the PD."""
    declared = config.model.directions.get(name)
    return {"increasing": 1, "decreasing": -1}.get(str(declared), 0) == sign


def _order(ladders: Mapping[str, list[float]], settings: Notices) -> Any:
    names = list(ladders)
    return lambda steps: (_cost(steps, names, settings), sum(map(bool, steps)), [-step for step in steps])


def _cost(steps: tuple[int, ...], names: list[str], settings: Notices) -> float:
    return float(sum(settings.variable[name].cost * count for name, count in zip(names, steps, strict=True)))


def sentences(variation: Variation, settings: Notices, language: str) -> list[str]:
    """The variation in words of a language."""
    return [
        settings.variable[name].text[language].format(value=f"{value:,.0f}") for name, value in variation.values.items()
    ]
