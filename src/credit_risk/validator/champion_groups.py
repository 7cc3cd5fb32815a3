"""Whether the bad rate of one group moved since the champion while the others' did not.

Outcomes that were relabelled for one group teach a model to treat it otherwise, and every figure of the new model
agrees with them: only what was true before can show it.
"""

from collections.abc import Mapping

import numpy as np
from scipy.stats import norm

from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import DataError, NotFound
from credit_risk.modelling.champion import RATE, ROWS, release

BY_CHANCE = 0.02  # how often some group may be taken for moved where none is
NO_CHAMPION = "no champion's record with facts of groups lies in reports/parts/champion (docs/gates.md)"

Facts = Mapping[str, float]


def facts_before(files: Files) -> Facts:
    """The facts of the champion's record; none where there is no champion, or its record is from before facts."""
    try:
        return dict(read_json(release(files).report("gate")).get("facts", {}))
    except (NotFound, DataError, AttributeError):
        return {}


def moved(before: Facts, now: Facts) -> list[str]:
    """The groups whose odds of bad against all others' differ between two runs by more than chance.

    Woolf's test that odds ratios are alike (1955), half a row added to each count, Bonferroni over the groups. Rows
    that stand in both runs make it slower to say so. A group that one run does not know is left out; the changes of the
    config name it.
    """
    names = [name.removeprefix(RATE) for name in now if name.startswith(RATE) and name in before]
    limit = norm.isf(BY_CHANCE / 2 / max(len(names), 1))
    counts = {name: np.array([_counts(run, name) for run in (before, now)]) for name in names}
    shifts = {name: np.diff(np.log(cells) @ [1, -1, -1, 1])[0] for name, cells in counts.items()}
    return [name for name in names if abs(shifts[name]) > limit * np.sqrt((1 / counts[name]).sum())]


def _counts(facts: Facts, name: str) -> list[float]:
    """Bads and goods of a group, then of the other groups of its attribute, each half a row more."""
    attribute = name.partition(": ")[0]
    groups = [key.removeprefix(RATE) for key in facts if key.startswith(f"{RATE}{attribute}: ")]
    bads = {group: facts[f"{RATE}{group}"] * facts[f"{ROWS}{group}"] for group in groups}
    goods = {group: facts[f"{ROWS}{group}"] - bads[group] for group in groups}
    own = [bads.pop(name), goods.pop(name)]
    return [count + 0.5 for count in (*own, sum(bads.values()), sum(goods.values()))]


def known(before: Facts) -> bool:
    """Whether the champion's record says anything of groups."""
    return any(name.startswith(RATE) for name in before)
