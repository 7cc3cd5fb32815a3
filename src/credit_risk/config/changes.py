"""Which keys differ between two configs, old and new, those that a reviewer must see first.

The pull request's comment and the gate's record both say it by these functions.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from credit_risk.config.dotted import leaves

ABSENT = object()
WAIVER, REST = "waiver", "other"
# The kind of a key of the config by how its name begins, in the order in which a reviewer must see them.
POLICY = {
    "threshold": ("gates",),
    WAIVER: (),
    "outcome": ("outcome",),
    "exclusion": ("outcome.exclusions",),
    "cut-off": ("policy",),
    "group": ("fairness",),
    "seed": ("split.seed", "model.seed", "evaluation.seed"),
    "split": ("split",),
    "evaluation": ("evaluation",),
    "direction": ("model.directions",),
    "wording": ("reasons",),
    REST: (),
}
# What makes an account bad: a model of another outcome is another model.
OF_OUTCOME = ("definition", "bad", "good", "indeterminate", "performance_window_months", "population")
LONGEST = 200  # characters of a value


class Change(NamedTuple):
    """A key that differs: its kind, its dotted name, and both values, ABSENT where it is not there."""

    kind: str
    key: str
    old: object
    new: object


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Every key that differs, in the order of POLICY."""
    before, after = (dict(leaves(tree)) if tree else {} for tree in (old, new))
    names = [*before, *(name for name in after if name not in before)]
    pairs = [(name, before.get(name, ABSENT), after.get(name, ABSENT)) for name in names]
    differing = [
        Change(kind(name, was, now), name, was, now)
        for name, was, now in pairs
        if type(was) is not type(now) or was != now
    ]
    return in_order(differing)


def in_order(differing: list[Change]) -> list[Change]:
    order = list(POLICY)
    return sorted(differing, key=lambda change: order.index(change.kind))


def kind(name: str, old: object, new: object) -> str:
    """What a key is about: that of the longest beginning, so that split.seed is a seed."""
    if name.startswith("columns.") and {"protected", "proxy"} & {str(old), str(new)}:
        return "group"
    fits = [
        (len(start), kind)
        for kind, starts in POLICY.items()
        for start in starts
        if name == start or name.startswith((f"{start}.", f"{start}["))
    ]
    return max(fits, default=(0, REST))[1]


def shown(value: object) -> str:
    """A value as one short text."""
    text = "not there" if value is ABSENT else value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def of_outcome(differing: list[Change]) -> list[Change]:
    """The changes of what makes an account bad."""
    return [change for change in differing if change.key.removeprefix("outcome.").split("[")[0] in OF_OUTCOME]
