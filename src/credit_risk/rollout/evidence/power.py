"""How often the analysis is wrong, and how soon it is right, where the truth is known: simulated rollouts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from credit_risk.rollout.evidence.analysis import Counts, judge
from credit_risk.rollout.settings import Analysis

BY_CHANCE = 0.001


@dataclass(frozen=True)
class Truth:
    """What a colour is really like: the probability of each, and the distribution of its scores over the bands."""

    error: float = 0.002
    slow: float = 0.005
    refused: float = 0.01
    missing: float = 0.02
    approved: float = 0.7
    scores: tuple[float, ...] = (0.02, 0.03, 0.05, 0.08, 0.12, 0.15, 0.18, 0.15, 0.12, 0.10)

    def draw(self, requests: int, random: np.random.Generator) -> Counts:
        """The counts of some requests."""
        errors, refused, decisions = random.multinomial(
            requests, [self.error, (1 - self.error) * self.refused, (1 - self.error) * (1 - self.refused)]
        ).tolist()
        slow, approved, missing = random.binomial(decisions, [self.slow, self.approved, self.missing]).tolist()
        scores = tuple(random.multinomial(decisions, self.scores).tolist())
        return Counts(requests, errors, decisions, slow, approved, missing, refused, scores)


@dataclass(frozen=True)
class SimulatedRollout:
    """How one rollout ended. decisions: of the candidate until it was rolled back, of its last step."""

    rolled_back: bool
    is_held: bool
    decisions: int


def rollout(
    live: Truth,
    candidate: Truth,
    analysis: Analysis,
    steps: Sequence[int],
    *,
    per_look: int,
    most_looks: int,
    random: np.random.Generator,
) -> SimulatedRollout:
    """One rollout with a look after every `per_look` requests; a step that never ends is left after `most_looks`."""
    is_held = False
    for percent in steps:
        counted = {"live": Counts(), "candidate": Counts()}
        verdict = "CANNOT SAY"
        for look in range(1, most_looks + 1):
            taken = int(random.binomial(per_look, percent / 100))
            counted["live"] += live.draw(per_look - taken, random)
            counted["candidate"] += candidate.draw(taken, random)
            verdict = judge(counted["live"], counted["candidate"], analysis, steps=len(steps) + 1, look=look).verdict
            if verdict != "CANNOT SAY":
                break
        if verdict == "FAIL":
            return SimulatedRollout(True, is_held, counted["candidate"].decisions)
        is_held |= verdict == "CANNOT SAY"
    return SimulatedRollout(False, is_held, 0)


def at_the_tolerance(live: Truth, analysis: Analysis) -> Truth:
    """A candidate that is worse by exactly what is allowed, in every share: the hardest one that is still sound."""
    may = analysis.tolerances
    return replace(
        live,
        error=live.error + may.error_rate,
        slow=live.slow + may.slow_answers,
        refused=live.refused + may.refused_inputs,
        missing=live.missing + may.missing_inputs,
        approved=live.approved - may.approval_rate,
    )


def faulty(live: Truth) -> Mapping[str, Truth]:
    """Candidates that must be rolled back."""
    return {
        "30 % errors": replace(live, error=0.3),
        "5 % errors": replace(live, error=0.05),
        "slow": replace(live, slow=0.5),
        "scores shifted": replace(live, scores=tuple(reversed(live.scores[:5])) + tuple(reversed(live.scores[5:]))),
        "approvals 25 points lower": replace(live, approved=live.approved - 0.25),
        "inputs lost": replace(live, missing=0.5),
        "applications refused": replace(live, refused=0.3),
    }


@dataclass(frozen=True)
class CandidateOutcomes:
    """How the rollouts of one kind of candidate ended."""

    name: str
    sound: bool
    ended: tuple[SimulatedRollout, ...]

    @property
    def sentence(self) -> str:
        back = [rollout.decisions for rollout in self.ended if rollout.rolled_back]
        holds = sum(rollout.is_held and not rollout.rolled_back for rollout in self.ended)
        after = f", after {int(np.median(back)):,} decisions (median of that step)" if back else ""
        return f"{self.name}: {len(back)} of {len(self.ended)} rolled back, {holds} held somewhere{after}"

    def wrong(self, allowed: float) -> str | None:
        """Why the analysis is surely wrong more often than is allowed: the sound taken back, the faulty let through."""
        back = sum(rollout.rolled_back for rollout in self.ended)
        through = sum(not rollout.rolled_back and not rollout.is_held for rollout in self.ended)
        mistake, count = ("rolled back", back) if self.sound else ("let through", through)
        if binomtest(count, len(self.ended), allowed, alternative="greater").pvalue >= BY_CHANCE:
            return None
        return f"{self.name}: {count} of {len(self.ended)} {mistake}, and {allowed:.1%} are allowed"


def measure(
    analysis: Analysis, steps: Sequence[int], *, rollouts: int, per_look: int, seed: int
) -> Iterator[CandidateOutcomes]:
    """Each kind of candidate, sound and faulty, so many times."""
    live, random = Truth(), np.random.default_rng(seed)
    sound = {"sound, like the live scorer": live, "sound, at every tolerance": at_the_tolerance(live, analysis)}
    for name, candidate in (sound | dict(faulty(live))).items():
        ended = tuple(
            rollout(live, candidate, analysis, steps, per_look=per_look, most_looks=150, random=random)
            for _ in range(rollouts)
        )
        yield CandidateOutcomes(name, name in sound, ended)
