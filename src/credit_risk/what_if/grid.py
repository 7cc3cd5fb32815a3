"""The policies that are tried, the PDs at which they end, and which of those hold cells large enough to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credit_risk.config.schema import Policy
from credit_risk.data.inputs import Matrix
from credit_risk.data.rounding import at_decimals
from credit_risk.scoring import decision
from credit_risk.what_if.settings import WhatIfSettings

DECIMALS = 12  # two ways to come to the same limit differ in the bits beyond
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class TriedPolicy:
    """A cut-off, how far around it a person decides, and the PDs from and up to which that is."""

    cut_off: float
    refer_within: float

    @property
    def lower(self) -> float:
        return at_decimals(self.cut_off - self.refer_within, DECIMALS)

    @property
    def upper(self) -> float:
        return at_decimals(self.cut_off + self.refer_within, DECIMALS)


def in_force(policy: Policy) -> TriedPolicy:
    return TriedPolicy(at_decimals(decision.cut_off(policy), DECIMALS), policy.refer_within)


def tried(policy: Policy, settings: WhatIfSettings) -> list[TriedPolicy]:
    """Every declared width at every cut-off, the one in force among both; the referral band stays between 0 and 1."""
    now, given = in_force(policy), settings.cut_offs
    first, last = (round((end - now.cut_off) / given.step) for end in (given.lowest, given.highest))
    steps = (at_decimals(now.cut_off + index * given.step, DECIMALS) for index in range(first, last + 1))
    inside = {step for step in steps if given.lowest <= step <= given.highest} | {now.cut_off}
    policies = [
        TriedPolicy(cut_off, within)
        for within in sorted({*settings.refer_within, now.refer_within})
        for cut_off in sorted(inside)
    ]
    return [policy for policy in policies if policy == now or (policy.lower > 0 and policy.upper < 1)]


def kept(
    limits: Sequence[float], below: Counts, total: Counts, *, smallest: int, first: Sequence[float]
) -> list[float]:
    """Of ascending limits those between which no cell holds fewer than `smallest`, unless it is empty.

    below: what lies below each limit, (limits, kinds); total: all there is, (kinds,). Limits named in `first` are kept
    before others, then those nearest to them.
    """
    middle = np.asarray(first if len(first) else limits)
    order = sorted(range(len(limits)), key=lambda index: (float(np.abs(middle - limits[index]).min()), limits[index]))
    chosen: list[int] = []
    for index in order:
        before = max((known for known in chosen if known < index), default=None)
        after = min((known for known in chosen if known > index), default=None)
        start = np.zeros_like(total) if before is None else below[before]
        cells = (below[index] - start, (total if after is None else below[after]) - below[index])
        if all((cell == 0).all() or ((cell == 0) | (cell >= smallest)).all() for cell in cells):
            chosen.append(index)
    return [limits[index] for index in sorted(chosen)]


def count_below(pd_: Matrix, limits: Sequence[float]) -> Counts:
    """How many PDs lie below each limit; a PD that is not known lies below none."""
    known = np.sort(pd_[~np.isnan(pd_)])
    return np.searchsorted(known, np.asarray(limits), side="left").astype(np.int64)
