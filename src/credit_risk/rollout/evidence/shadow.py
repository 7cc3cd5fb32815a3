"""Recent applications decided once more, by the live scorer and by the candidate, before the candidate has traffic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from credit_risk.ledger.replay import Decide
from credit_risk.rollout.evidence.analysis import Counts, Judgement, judge
from credit_risk.rollout.settings import Analysis
from credit_risk.serving.prometheus import SCORES

MOST_SHOWN = 20


@dataclass(frozen=True)
class Shadow:
    """What the candidate would have done.

    flips: "approve to decline" and so on, counted; reasons_changed: of those that both decline, how many with other
    reasons; score_shift: the mean of candidate less live, and its 5th, 50th and 95th percentile, in points; examples:
    decision ids of flips.
    """

    decisions: int
    flips: Mapping[str, int]
    reasons_changed: int
    both_declined: int
    score_shift: Mapping[str, float]
    examples: tuple[str, ...]
    judgement: Judgement

    def as_dict(self) -> dict[str, Any]:
        judged = {"verdict": self.judgement.verdict, "sentence": self.judgement.sentence}
        return vars(self) | {"examples": list(self.examples), "judgement": judged}

    @property
    def sentence(self) -> str:
        flipped = ", ".join(f"{count} {kind}" for kind, count in self.flips.items()) or "none"
        shift = f"{self.score_shift['mean']:+.1f} points" if self.score_shift else "not known"
        return (
            f"{self.decisions} recent applications: scores {shift} on average, flips: {flipped}, other reasons for "
            f"{self.reasons_changed} of {self.both_declined} declined by both"
        )


def shadow(
    applications: Sequence[tuple[str, Mapping[str, Any]]], live: Decide, candidate: Decide, analysis: Analysis
) -> Shadow:
    """Compare two scorers on the same applications, each with the id of its decision.

    The judgement is that of one step: a candidate whose decisions or scores are proved to differ beyond the tolerances
    is bad before it meets anybody; too few applications say nothing.
    """
    inputs = [application for _, application in applications]
    then, now = (list(decide(inputs)) if inputs else [] for decide in (live, candidate))
    pairs = list(zip(then, now, strict=True))
    flipped = [index for index, (a, b) in enumerate(pairs) if a["decision"] != b["decision"]]
    flips: dict[str, int] = {}
    for index in flipped:
        kind = f"{pairs[index][0]['decision']} to {pairs[index][1]['decision']}"
        flips[kind] = flips.get(kind, 0) + 1
    declined = [(a, b) for a, b in pairs if a["decision"] == b["decision"] == "decline"]
    return Shadow(
        decisions=len(pairs),
        flips=flips,
        reasons_changed=sum(_reasons(a) != _reasons(b) for a, b in declined),
        both_declined=len(declined),
        score_shift=_shift(pairs),
        examples=tuple(applications[index][0] for index in flipped[:MOST_SHOWN]),
        judgement=judge(_counts(then), _counts(now), analysis, steps=1, look=1),
    )


def _reasons(decision: Mapping[str, Any]) -> list[str]:
    return [reason["id"] for reason in decision["reasons"]]


def _shift(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> dict[str, float]:
    both = [b["score"] - a["score"] for a, b in pairs if a["score"] is not None and b["score"] is not None]
    if not both:
        return {}
    low, middle, high = np.percentile(both, [5, 50, 95]).tolist()
    return {"mean": float(np.mean(both)), "p5": low, "p50": middle, "p95": high}


def _counts(decisions: Sequence[Mapping[str, Any]]) -> Counts:
    scores = [decision["score"] for decision in decisions if decision["score"] is not None]
    bands = np.bincount(np.searchsorted(SCORES, scores, side="left"), minlength=len(SCORES) + 1)
    approved = sum(decision["decision"] == "approve" for decision in decisions)
    return Counts(requests=len(decisions), decisions=len(decisions), approved=approved, scores=tuple(bands.tolist()))
