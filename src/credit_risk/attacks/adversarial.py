"""Cheap flips: how many declined applicants would be better off by changing what costs them little and means nothing.

The robustness score is the share of declined applications whose decision survives the cheapest attack within the
budget, over all attacks together: 1 means that no attack flips anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from credit_risk.attacks import search, toolbox
from credit_risk.attacks.plausible_changes import EXACT, PlausibleChanges
from credit_risk.attacks.search import Decide, Flips, tried
from credit_risk.attacks.toolbox import Surrogate
from credit_risk.data.inputs import Matrix
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import share
from credit_risk.measures.stress import Groups

CURVE = 20  # points of the curve of survival by cost


@dataclass(frozen=True)
class Attacked:
    """What each attack achieved on the same declined applications, row by row."""

    changes: PlausibleChanges
    rows: Matrix
    group: Groups
    by_attack: Mapping[str, Flips]

    @property
    def cheapest(self) -> Flips:
        best = Flips.none(self.rows)
        for flips in self.by_attack.values():
            best = best.or_cheaper(flips)
        return best

    def survived(self, flips: Flips, confidence: float) -> Figure:
        """Share of decisions that stand, with its interval."""
        return share(~flips.exists, self.group, confidence=confidence)

    def table(self, confidence: float) -> pd.DataFrame:
        """One line an attack, all together last; `found_alone`: flips that no other attack found."""
        every = {**self.by_attack, "all": self.cheapest}
        lines = []
        for name, flips in every.items():
            others = [rival.exists for key, rival in self.by_attack.items() if key != name]
            alone = (
                flips.exists & ~np.any(others, axis=0) if name != "all" and others else np.zeros(len(self.rows), bool)
            )
            survived = self.survived(flips, confidence)
            lines.append(
                {
                    "attack": name,
                    "rows": len(self.rows),
                    "flipped": int(flips.exists.sum()),
                    "survived": survived.value,
                    "low": survived.low,
                    "high": survived.high,
                    "median_cost": float(np.median(flips.cost[flips.exists])) if flips.exists.any() else np.nan,
                    "found_alone": int(alone.sum()),
                }
            )
        return pd.DataFrame(lines)

    def curve(self, confidence: float) -> pd.DataFrame:
        """Share of decisions that stand against attacks of at most each cost, up to the budget."""
        cost = self.cheapest.cost
        lines = []
        for most in np.linspace(0, self.changes.budget, CURVE + 1):
            stands = share(cost > most + EXACT, self.group, confidence=confidence)
            lines.append({"cost": most, "survived": stands.value, "low": stands.low, "high": stands.high})
        return pd.DataFrame(lines)

    def levers(self) -> pd.DataFrame:
        """How often each gameable column moves in the cheapest flips, which way, and how far in the middle."""
        flips = self.cheapest
        before, after = self.rows[flips.exists], flips.inputs[flips.exists]
        lines = []
        for name, index in zip(self.changes.names, self.changes.indices, strict=True):
            move = np.nan_to_num(after[:, index] - before[:, index])
            lines.append(
                {
                    "input": name,
                    "raised": int((move > 0).sum()),
                    "lowered": int((move < 0).sum()),
                    "median_move": float(np.median(np.abs(move[move != 0]))) if move.any() else np.nan,
                }
            )
        return pd.DataFrame(lines)


def attack(
    changes: PlausibleChanges,
    decide: Decide,
    rows: Matrix,
    group: Groups,
    *,
    thresholds: Mapping[str, Matrix],
    surrogate: Surrogate | None,
    seed: int,
) -> Attacked:
    """Every attack on every row: our own search, HopSkipJump, and FGSM and PGD carried over from the surrogate.

    Without a surrogate (nobody or everybody declined in training) FGSM and PGD are not among them.
    """
    by_attack = {"search": search.cheapest(changes, decide, rows, thresholds)}
    for name, after in _toolbox_attacks(changes, decide, rows, surrogate, seed):
        flips = tried(changes, decide, rows, after)
        by_attack[name] = by_attack.get(name, Flips.none(rows)).or_cheaper(flips)
    return Attacked(changes, rows, group, by_attack)


def _toolbox_attacks(
    changes: PlausibleChanges, decide: Decide, rows: Matrix, surrogate: Surrogate | None, seed: int
) -> Iterator[tuple[str, Matrix]]:
    if changes.nominal.all():
        return  # categories alone: there is no direction to go in, and the search tries each of them
    if surrogate is not None:
        for name, effort in toolbox.gradient_attacks(surrogate, rows):
            yield name, changes.moved(rows, effort)
    yield "hop_skip_jump", changes.moved(rows, toolbox.hop_skip_jump(changes, decide, rows, seed))
