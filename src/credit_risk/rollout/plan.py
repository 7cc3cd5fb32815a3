"""The steps of a rollout, and how long each will take at the traffic there is: said before anything starts."""

from collections.abc import Iterator
from dataclasses import dataclass

from credit_risk.rollout.evidence.analysis import Counts, decisions_needed
from credit_risk.rollout.settings import Rollout

DAY = 86_400


@dataclass(frozen=True)
class Step:
    """A share of the applicants. decisions: of the candidate until it can pass; seconds: until then, as forecast."""

    percent: int
    decisions: int
    seconds: float

    @property
    def sentence(self) -> str:
        if self.percent == 100:
            return f"100 %: {spoken(self.seconds)} with the old colour warm"
        return f"{self.percent} %: about {spoken(self.seconds)}, until {self.decisions:,} decisions"


@dataclass(frozen=True)
class RolloutPlan:
    """What will be done. low_volume: the plan for few applications was taken."""

    steps: tuple[Step, ...]
    low_volume: bool

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    @property
    def judged(self) -> int:
        """How many stretches the analysis judges; 100 % is the bake."""
        return len(self.steps)


def plan(rollout: Rollout, usual: Counts, per_day: float) -> RolloutPlan:
    """The plan for this traffic. usual: counts of the live scorer, as far as they are known; per_day: applications.

    Without any traffic there is no forecast: the seconds are infinite, and the low-volume plan is taken.
    """
    low_volume = per_day < rollout.low_volume.below_per_day
    percents = rollout.low_volume.steps if low_volume else rollout.steps
    return RolloutPlan(tuple(_steps(rollout, percents, usual, per_day / DAY)), low_volume)


def _steps(rollout: Rollout, percents: tuple[int, ...], usual: Counts, per_second: float) -> Iterator[Step]:
    for percent in percents:
        if percent == 100:
            yield Step(100, 0, rollout.bake_s)
            continue
        known = usual.decisions >= rollout.analysis.least
        decisions = decisions_needed(
            usual if known else _TYPICAL, rollout.analysis, percent=percent, steps=len(percents)
        )
        wait = decisions / (per_second * percent / 100) if per_second else float("inf")
        yield Step(percent, decisions, max(rollout.step_s, wait))


# Where the live scorer has not decided enough to know: few errors, seven of ten approved, scores over ten bands.
_TYPICAL = Counts(
    requests=10_000, decisions=10_000, slow=10, approved=7_000, missing=100, refused=50, scores=(1_000,) * 10
)


def spoken(seconds: float) -> str:
    """A time as one says it: 45 s, 12 min, 3 h, 9 days."""
    if seconds == float("inf"):
        return "no end (no traffic)"
    for size, unit in ((DAY, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
