"""Whether a candidate in traffic is as good as the live scorer at the same time: good, bad, or not known yet.

Bad needs proof, and good needs proof: what is neither holds the step where it is. The proof is held to every look of
the whole rollout at once (see `sequential`), each measure, step and colour with its part of the allowed false alarms.
Outcomes of loans come months late, so what is compared is what shows at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from credit_risk.measures import drift
from credit_risk.measures.verdict.gate import Verdict
from credit_risk.rollout.evidence.sequential import bounds
from credit_risk.rollout.settings import Analysis

Direction = Literal["higher", "either"]


@dataclass(frozen=True)
class Counts:
    """What one colour did since a moment.

    requests: that the router sent it, and errors those that failed; decisions: recorded and answered, of them slow,
    approved, and lacking at least one input; refused: applications that broke the contract; scores: decisions by score
    band.
    """

    requests: int = 0
    errors: int = 0
    decisions: int = 0
    slow: int = 0
    approved: int = 0
    missing: int = 0
    refused: int = 0
    scores: tuple[int, ...] = ()

    def since(self, before: "Counts") -> "Counts":
        """What came on top of an earlier count. A process that was started anew counts from 0, so that all is new."""
        totals = {name: _grown(getattr(self, name), getattr(before, name)) for name in TOTALS}
        if not before.scores or sum(self.scores) < sum(before.scores):
            return Counts(**totals, scores=self.scores)
        return Counts(**totals, scores=tuple(map(_grown, self.scores, before.scores)))

    def __add__(self, more: "Counts") -> "Counts":
        """Both together."""
        totals = {name: getattr(self, name) + getattr(more, name) for name in TOTALS}
        scores, added = self.scores or (0,) * len(more.scores), more.scores or (0,) * len(self.scores)
        return Counts(**totals, scores=tuple(a + b for a, b in zip(scores, added, strict=True)))

    def as_dict(self) -> dict[str, Any]:
        return vars(self) | {"scores": list(self.scores)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Counts":
        return cls(**(dict(raw) | {"scores": tuple(raw["scores"])}))


TOTALS = tuple(field.name for field in fields(Counts) if field.name != "scores")


def _grown(now: int, before: int) -> int:
    return now - before if now >= before else now


@dataclass(frozen=True)
class Share:
    """A measure that is a share of trials: which hits, of what, and which way is bad."""

    name: str
    hits: str
    of: tuple[str, ...]
    bad: Direction

    def read(self, counts: Counts) -> tuple[int, int]:
        trials = sum(getattr(counts, name) for name in self.of)
        return min(getattr(counts, self.hits), trials), trials  # two counters are not read at one instant


SHARES = (
    Share("error_rate", "errors", ("requests",), "higher"),
    Share("slow_answers", "slow", ("decisions",), "higher"),
    Share("refused_inputs", "refused", ("decisions", "refused"), "higher"),
    Share("missing_inputs", "missing", ("decisions",), "higher"),
    Share("approval_rate", "approved", ("decisions",), "either"),
)
MEASURES = (*(share.name for share in SHARES), "score_psi")
COLOURS = 2


@dataclass(frozen=True)
class MeasureComparison:
    """One measure: live and candidate, between which values their difference lies, and what follows.

    For the score, live is 0 and candidate is the PSI against the live scorer's scores.
    """

    name: str
    live: float
    candidate: float
    low: float
    high: float
    tolerance: float
    verdict: Verdict

    @property
    def sentence(self) -> str:
        figures = f"{self.name} {self.candidate:.4f}, live {self.live:.4f}: {self.low:+.4f} to {self.high:+.4f}"
        relation = {"PASS": "within", "FAIL": "beyond", "CANNOT SAY": "may be beyond"}[self.verdict]
        return f"{figures}, {relation} {self.tolerance:g}"


@dataclass(frozen=True)
class Judgement:
    """What one look says of a step: FAIL rolls back, CANNOT SAY holds, PASS lets the step end."""

    verdict: Verdict
    comparisons: tuple[MeasureComparison, ...]
    few: str = ""

    @property
    def sentence(self) -> str:
        """Why it is so: what is bad, or what is not known yet."""
        if self.verdict == "PASS":
            return "every measure is within its tolerance"
        decisive = [measure.sentence for measure in self.comparisons if measure.verdict == self.verdict]
        return "; ".join([*([self.few] if self.few and self.verdict != "FAIL" else []), *decisive])


def part(analysis: Analysis, steps: int) -> float:
    """The false alarms that one measure of one colour may make in one step, so that all together stay within theirs.

    steps: how many stretches are judged, the bake among them.
    """
    return analysis.false_alarms / (len(MEASURES) * steps * COLOURS)


def judge(live: Counts, candidate: Counts, analysis: Analysis, *, steps: int, look: int) -> Judgement:
    """Hold a candidate against the live scorer, both counted since the step began.

    look: which look of this step it is, from 1. Fewer than `least` decisions of either colour never pass; what is
    proved bad by fewer is bad.
    """
    few = _few(live, candidate, analysis.least)
    comparisons = [
        *_shares(live, candidate, analysis, steps),
        _score(live, candidate, analysis, steps=steps, look=look, few=bool(few)),
    ]
    verdicts = {measure.verdict for measure in comparisons}
    if "FAIL" in verdicts:
        return Judgement("FAIL", tuple(comparisons))
    if few or verdicts != {"PASS"}:
        return Judgement("CANNOT SAY", tuple(comparisons), few)
    return Judgement("PASS", tuple(comparisons))


def _few(live: Counts, candidate: Counts, least: int) -> str:
    lacking = [
        f"{counts.decisions} decisions of the {name}"
        for name, counts in (("candidate", candidate), ("live scorer", live))
        if counts.decisions < least
    ]
    return f"too few: {' and '.join(lacking)}, {least} needed" if lacking else ""


def _shares(live: Counts, candidate: Counts, analysis: Analysis, steps: int) -> list[MeasureComparison]:
    read = np.array([[share.read(live), share.read(candidate)] for share in SHARES])
    low, high = bounds(read[:, :, 0], read[:, :, 1], part(analysis, steps))
    seen = np.divide(read[:, :, 0], read[:, :, 1], out=np.zeros(low.shape), where=read[:, :, 1] > 0)
    comparisons = []
    for index, share in enumerate(SHARES):
        tolerance = getattr(analysis.tolerances, share.name)
        least, most = low[index, 1] - high[index, 0], high[index, 1] - low[index, 0]
        two_sided = share.bad == "either"
        bad = least > tolerance or (two_sided and most < -tolerance)
        good = most <= tolerance and (not two_sided or least >= -tolerance)
        verdict: Verdict = "FAIL" if bad else "PASS" if good else "CANNOT SAY"
        figures = (float(seen[index, 0]), float(seen[index, 1]), float(least), float(most))
        comparisons.append(MeasureComparison(share.name, *figures, tolerance, verdict))
    return comparisons


def _score(
    live: Counts, candidate: Counts, analysis: Analysis, *, steps: int, look: int, few: bool
) -> MeasureComparison:
    """The PSI between the two colours' scores. Each look has its part of the alarms, and all looks have no more."""
    then, now = np.array(live.scores, dtype=np.int64), np.array(candidate.scores, dtype=np.int64)
    tolerance = analysis.tolerances.score_psi
    if not then.sum() or not now.sum():
        return MeasureComparison("score_psi", 0.0, 0.0, 0.0, float("inf"), tolerance, "CANNOT SAY")
    # A step's alarms are shared out over its looks as 6 / (pi * look)**2, which adds up to 1.
    alpha = COLOURS * part(analysis, steps) * 6 / (np.pi * look) ** 2
    low, high = drift.interval(then, now, 1 - alpha)
    verdict: Verdict = "FAIL" if low > tolerance else "PASS" if high <= tolerance else "CANNOT SAY"
    if few:  # this interval is not exact for few
        verdict = "CANNOT SAY"
    return MeasureComparison("score_psi", 0.0, drift.index(then, now), low, high, tolerance, verdict)


def decisions_needed(usual: Counts, analysis: Analysis, *, percent: int, steps: int, looks: int = 100) -> int:
    """How many decisions of the candidate a step of this percentage takes until a sound candidate passes.

    usual: what the live scorer does, from which both colours' counts are taken in proportion. Raises ValueError for
    100 percent, where nobody is left to compare with, and for usual counts without decisions.
    """
    if not 1 <= percent <= 99 or not usual.decisions:
        raise ValueError(f"no comparison: {percent} percent, {usual.decisions} usual decisions")
    most = 1
    while not _passes(usual, analysis, most, percent=percent, steps=steps, looks=looks):
        most *= 2
        if most > 2**40:
            raise ValueError("no number of decisions passes: a tolerance is 0")
    least = most // 2
    while most - least > max(most // 50, 1):  # to the nearest fiftieth: it is a forecast
        middle = (least + most) // 2
        enough = _passes(usual, analysis, middle, percent=percent, steps=steps, looks=looks)
        least, most = (least, middle) if enough else (middle, most)
    return most


def _passes(usual: Counts, analysis: Analysis, decisions: int, *, percent: int, steps: int, looks: int) -> bool:
    candidate = _scaled(usual, decisions / usual.decisions)
    live = _scaled(usual, decisions * (100 - percent) / percent / usual.decisions)
    return judge(live, candidate, analysis, steps=steps, look=looks).verdict == "PASS"


def _scaled(usual: Counts, factor: float) -> Counts:
    totals = {name: round(getattr(usual, name) * factor) for name in TOTALS}
    return Counts(**totals, scores=tuple(round(count * factor) for count in usual.scores))
