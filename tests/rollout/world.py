"""A target in memory, with applicants and a clock of its own."""

from dataclasses import dataclass, field
from pathlib import Path

from credit_risk.errors import CheckFailed
from credit_risk.rollout.engine import NotReached
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.evidence.shadow import shadow
from credit_risk.rollout.settings import validate_environment_config

ANALYSIS = validate_environment_config(Path(__file__).parent / "environments" / "local.yaml").rollout.analysis


class Killed(BaseException):
    """The controller is gone, at once."""


@dataclass
class World:
    """A target with applicants: each second it sends 1,000 requests by the split, and each colour answers as it can."""

    now: float = 1_700_000_000.0
    runs: dict = field(default_factory=lambda: {"blue": "1"})
    split: tuple = ("green", 0, 0)
    did: dict = field(default_factory=lambda: {"blue": Counts(), "green": Counts()})
    error_rate: dict = field(default_factory=dict)
    is_ready: bool = True
    wrong: list = field(default_factory=list)
    flips: bool = False
    unreachable: int = 0
    calls: list = field(default_factory=list)
    champion: str = "1"
    kill_at: int | None = None
    refuse: str = ""
    refuse_promotion: str = ""
    outages: int = 0

    def pass_(self, seconds=1.0):
        self.now += seconds
        candidate, percent, _ = self.split
        for colour in ("blue", "green"):
            share = percent if colour == candidate else 100 - percent
            requests = round(1_000 * seconds * share / 100)
            if requests and colour not in self.runs:
                self.outages += 1
            self.did[colour] += self._counts(colour, requests)

    def _counts(self, colour, requests):
        errors = round(requests * self.error_rate.get(self.runs.get(colour), 0))
        decisions = requests - errors
        quarter = (decisions // 4,) * 4
        return Counts(requests, errors, decisions, approved=decisions * 7 // 10, scores=quarter)

    def note(self, *call):
        self.calls.append(call)
        if self.kill_at is not None and len(self.calls) == self.kill_at:
            raise Killed

    def live(self):
        candidate, percent, _ = self.split
        colour = candidate if percent == 100 else "blue" if candidate == "green" else "green"
        return colour, self.runs[colour]

    def shadow(self, live, candidate):
        self.note("shadow")

        def decide(outcome):
            return lambda rows: [{"decision": outcome, "score": 600.0, "reasons": []} for _ in rows]

        rows = [(str(number), {}) for number in range(500)]
        return shadow(rows, decide("approve"), decide("decline" if self.flips else "approve"), ANALYSIS)

    def start(self, colour, version):
        self.note("start", colour)
        self.runs[colour] = version

    def ready(self, colour, version):
        if self.unreachable:
            self.unreachable -= 1
            raise NotReached("the router does not answer")
        return self.is_ready and self.runs.get(colour) == version

    def smoke(self, colour, rollout):
        self.note("smoke", colour)
        return self.wrong

    def move(self, candidate, percent, salt):
        if self.split != (candidate, percent, salt):
            self.note("move", candidate, percent)
            self.split = (candidate, percent, salt)

    def counts(self, slow_above_ms):
        return {colour: {f"{colour}-1": self.did[colour]} for colour in self.runs}

    def stop(self, colour):
        if colour in self.runs:
            self.note("stop", colour)
            del self.runs[colour]

    def fetch(self, version, colour, by, reason):
        self.note("fetch", version)
        if self.refuse:
            raise CheckFailed(self.refuse)

    def promoted(self, version, by, reason):
        self.note("promoted", version)
        if self.refuse_promotion:
            raise CheckFailed(self.refuse_promotion)
        self.champion = version

    def returned(self, version, by, reason):
        self.note("returned", version)
        if self.champion == version:
            self.champion = "1"

    def require_running(self):
        """It always runs."""

    def foreign_live(self):
        """What is live was brought here by a rollout."""

    def restart(self, colour):
        self.note("restart", colour)

    def overview(self):
        return ""
