"""How often a gate is wrong, counted on lenders whose truth is known.

A gate that passes a model whose true figure lies outside the limit has missed; one that fails a model whose true
figure lies inside has failed falsely. CANNOT SAY is neither: it blocks, and asks for more rows.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from credit_risk.config.schema import Gate
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import proportion
from credit_risk.measures.verdict.gate import Verdict

AIM = (0.93, 0.97)  # share of 95 % intervals that should hold the truth


@dataclass(frozen=True)
class Tally:
    """The verdicts of one gate on one dose and size, and the truth that they are judged against."""

    passed: int
    failed: int
    cannot_say: int
    sound: bool  # whether the true figure lies inside the limits

    @property
    def n(self) -> int:
        return self.passed + self.failed + self.cannot_say

    @property
    def miss(self) -> float | None:
        """Share that passes although the truth lies outside; None for a sound model, which nobody can miss."""
        return None if self.sound else self.passed / self.n

    @property
    def false_fail(self) -> float | None:
        """Share that fails although the truth lies inside; None for a model that should fail."""
        return self.failed / self.n if self.sound else None


def tally(gate: Gate, truth: float, verdicts: Iterable[Verdict]) -> Tally:
    """Count the verdicts. Raises ValueError without any, or without a truth to judge them by."""
    counts = Counter(verdicts)
    if not counts or math.isnan(truth):
        raise ValueError(f"{gate.name}: need verdicts and a true value, got {dict(counts)} and {truth}.")
    return Tally(counts["PASS"], counts["FAIL"], counts["CANNOT SAY"], inside(gate, truth))


def inside(gate: Gate, truth: float) -> bool:
    """Whether a figure that is known without error lies within the gate's limits."""
    above = gate.at_least is None or truth >= gate.at_least
    return above and (gate.at_most is None or truth <= gate.at_most)


def holds(low: float, high: float, truth: float) -> bool | None:
    """Whether an interval holds the truth; None if its ends are not known, which is no claim and no error."""
    return None if math.isnan(low) or math.isnan(high) else low <= truth <= high


def coverage(holding: int, known: int) -> tuple[Figure, str]:
    """The share of intervals that holding the truth, with its own interval, and how that stands to the aim."""
    share = proportion(holding, known)
    if known == 0:
        return share, "not known"
    if AIM[0] <= share.value <= AIM[1]:
        return share, "within"
    by_chance = share.low <= AIM[1] and share.high >= AIM[0]
    side = "below" if share.value < AIM[0] else "above"
    return share, f"{side}, perhaps by chance" if by_chance else side
