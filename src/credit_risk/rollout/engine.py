"""The rollout engine: one step of a state machine at a time, each state on disk before the next is begun.

Every action can be done twice, so a controller that is killed at any moment goes on, or goes back, where the state says
it was. The engine knows no router and no registry: a Target moves traffic, and Releases are functions passed in.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from credit_risk.config.names import is_person, same_person
from credit_risk.data.writing import write_json
from credit_risk.errors import CheckFailed, CreditRiskError, UsageError
from credit_risk.rollout.colours import Colour, opposite
from credit_risk.rollout.evidence.analysis import Counts, judge
from credit_risk.rollout.evidence.shadow import Shadow
from credit_risk.rollout.record.state import Meter, Phase, RolloutRecord, RolloutState, Strategy
from credit_risk.rollout.settings import Rollout

log = logging.getLogger(__name__)

SALTS = 2**31
AUTOMATIC = "the controller"
AWAY_S = 3.0  # seconds without traffic after which a candidate counts as broken


class RolloutRefused(CheckFailed, RuntimeError):
    """A rollout may not begin, or not go on."""


class NotReached(CreditRiskError, ConnectionError):
    """The target does not answer now; nothing follows from that, and it is tried again."""


class Target(Protocol):
    """Where colours run and traffic is split: one machine, or a cluster. Whatever it does can be done twice."""

    def live(self) -> tuple[Colour, str]:
        """The colour with the traffic, and its version. Raises RolloutRefused where nothing is live."""

    def shadow(self, live: Colour, candidate: Colour) -> Shadow:
        """Both colours' scorers on recent applications."""

    def start(self, colour: Colour, version: str) -> None:
        """Let a colour run the release that was fetched for it."""

    def ready(self, colour: Colour, version: str) -> bool:
        """Whether it takes traffic, with this version."""

    def smoke(self, colour: Colour, rollout: str) -> list[str]:
        """Decisions of the running service that are not the scorer's, bit for bit, each as a sentence."""

    def move(self, candidate: Colour, percent: int, salt: int) -> None:
        """Give the candidate its share."""

    def counts(self, slow_above_ms: float) -> Mapping[Colour, Mapping[str, Counts]]:
        """What each replica of each colour did so far, by its name. Raises NotReached.

        slow_above_ms: one of the bounds at which answers are counted.
        """

    def stop(self, colour: Colour) -> None:
        """Let a colour end."""


@dataclass(frozen=True)
class Releases:
    """The narrow points where the engine meets the registry.

    fetch: write a version's release, verified (signature, gate record), for a colour; raises CheckFailed for one that
    this person may not deploy for this reason. promoted: the version has all traffic, make the registry say so too.
    returned: it has lost it again. Each may be called twice. All raise NotReached where the registry does not answer
    now, and CheckFailed only for what can never succeed.
    """

    fetch: Callable[[str, Colour, str, str], None]
    promoted: Callable[[str, str, str], None]
    returned: Callable[[str, str, str], None]


@dataclass
class RolloutEngine:
    """One rollout at a time, on one target."""

    record: RolloutRecord
    target: Target
    releases: Releases
    settings: Rollout
    clock: Callable[[], float] = time.time

    def begin(
        self,
        version: str,
        strategy: Strategy,
        steps: tuple[int, ...],
        *,
        by: str,
        reason: str,
        duration_s: float | None = None,
    ) -> RolloutState:
        """A new rollout on disk, not begun yet. Raises RolloutRefused while another is unfinished; UsageError.

        duration_s: of all steps together, shared out evenly; None for the times of the settings.
        """
        signed(by, reason)
        if (before := self.record.load()) and not before.ended:
            raise RolloutRefused(
                f"rollout {before.id} of version {before.candidate} is unfinished ({before.phase}): "
                "`credit-risk deploy resume` or `credit-risk deploy abort`."
            )
        colour, live = self.target.live()
        now = self.clock()
        name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now)) + f"-{version}"
        salt = random.SystemRandom().randrange(1, SALTS)
        orders = len(self.record.orders())
        state = RolloutState(
            *(name, strategy, live, version, opposite(colour), salt, steps, by, reason),
            since=now,
            orders=orders,
            duration_s=duration_s,
        )
        self.record.save(state)
        summary = f"{strategy} of version {version} instead of {live} as {state.colour}, steps {list(steps)}: {reason}"
        self.record.event(name, "begun", by, summary)
        return state

    def tick(self) -> RolloutState:
        """Obey what was ordered, then do the next thing. Returns the state, which is on disk."""
        state = self.record.load()
        if state is None:
            raise UsageError("there is no rollout here: `credit-risk deploy --model-version …` begins one.")
        if state.ended:
            return state
        state = self._obey(state)
        try:
            after = WORK[state.phase](self, state)
        except NotReached as error:
            after = replace(state, message=str(error))
        except CheckFailed as error:
            after = self._fail(state, str(error))
        return self._keep(state, after)

    def _keep(self, before: RolloutState, after: RolloutState) -> RolloutState:
        if after != before:
            self.record.save(after)
        if (after.phase, after.step) != (before.phase, before.step):
            self.record.event(
                after.id, _named(after), AUTOMATIC, before.message or after.cause or "the step before is done"
            )
            log.warning("%s: %s", after.id, _named(after))
        return after

    def _fail(self, state: RolloutState, cause: str, by: str = AUTOMATIC) -> RolloutState:
        """On the way back, whatever is found wrong next: the first cause stays."""
        if state.phase == "rolling back":
            return replace(state, message=cause)
        self.record.event(state.id, "to be rolled back", by, cause)
        return state.to("rolling back", self.clock(), cause=cause)

    def _obey(self, state: RolloutState) -> RolloutState:
        for order in self.record.orders()[state.orders :]:
            self.record.event(state.id, order["what"], order["by"], order["why"])
            after = replace(state, orders=state.orders + 1)
            if order["what"] == "abort":
                after = self._fail(after, f"aborted: {order['why']}", order["by"])
            elif order["what"] == "pause":
                after = replace(after, paused=True)
            elif order["what"] == "resume":
                after = replace(after, paused=False)
            elif order["what"] == "approve" and not same_person(order["by"], state.by):
                after = replace(after, paused=False, approved=(*after.approved, *_next(after)))
            self.record.save(after)
            state = after
        return state

    def _fetch(self, state: RolloutState) -> RolloutState:
        self.target.stop(state.colour)  # what an earlier rollout left there
        self.releases.fetch(state.candidate, state.colour, state.by, state.reason)
        quick = state.strategy == "rollback"  # it was live before, and its release was verified just now
        return state.to("start" if quick else "shadow", self.clock())

    def _shadow(self, state: RolloutState) -> RolloutState:
        compared = self.target.shadow(state.live_colour, state.colour)
        write_json(self.record.folder / "shadow" / f"{state.id}.json", compared.as_dict())
        self.record.event(state.id, "shadow", AUTOMATIC, compared.sentence)
        log.warning("%s", compared.sentence)
        if compared.judgement.verdict == "FAIL":
            return self._fail(state, f"shadow: {compared.judgement.sentence}")
        return state.to("start", self.clock())

    def _start(self, state: RolloutState) -> RolloutState:
        self.target.move(state.colour, 0, state.salt)
        self.target.start(state.colour, state.candidate)
        if self.target.ready(state.colour, state.candidate):
            return state.to("smoke", self.clock())
        if self.clock() - state.since > self.settings.ready_s:
            return self._fail(state, f"the candidate was not ready within {self.settings.ready_s:g} s")
        return state

    def _smoke(self, state: RolloutState) -> RolloutState:
        wrong = self.target.smoke(state.colour, state.id)
        if wrong:
            return self._fail(state, f"smoke decisions are not the scorer's: {'; '.join(wrong)}")
        return self._to_step(state, 0)

    def _to_step(self, state: RolloutState, step: int) -> RolloutState:
        if state.steps[step] == 100:
            return state.to("bake", self.clock(), step=step, baseline=state.meters[0].total)
        return state.to("traffic", self.clock(), step=step)

    def _traffic(self, state: RolloutState) -> RolloutState:
        self.target.move(state.colour, state.percent, state.salt)  # again and again: a killed controller may not have
        if (looked := self._look(state)).phase != "traffic" or looked is state:
            return looked
        if looked.verdict != "PASS" or self.clock() - state.since < self._least_s(state, self.settings.step_s):
            return looked
        if looked.paused:
            return replace(looked, message="paused: `credit-risk deploy resume` or `approve`")
        if waits := [step for step in _next(looked) if step in self.settings.approvals and step not in looked.approved]:
            return replace(looked, message=f"{waits[0]} % waits for `credit-risk deploy approve`")
        return self._to_step(looked, looked.step + 1)

    def _least_s(self, state: RolloutState, usual: float) -> float:
        """The least time of a step: the duration of the rollout, shared out evenly, or what the settings say."""
        return usual if state.duration_s is None else state.duration_s / len(state.steps)

    def _look(self, state: RolloutState) -> RolloutState:
        """One look at both colours; the same state where it is not time for one yet."""
        if state.looks and self.clock() - state.since < state.looks * self.settings.analysis.interval_s:
            return state
        counts = self.target.counts(self.settings.analysis.slow_above_ms)
        if not self.target.ready(state.colour, state.candidate):
            return self._away(state)
        both = (state.live_colour, state.colour)
        meters = tuple(meter.read(counts.get(colour, {})) for meter, colour in zip(state.meters, both, strict=True))
        live, candidate = (meter.total for meter in meters)
        if state.phase == "bake":
            live = state.baseline  # nobody is with the other colour now: what it did in the last step
        judgement = judge(live, candidate, self.settings.analysis, steps=len(state.steps), look=state.looks + 1)
        # The next look is due on the grid of the interval, also after a controller that was away.
        looks = max(state.looks, int((self.clock() - state.since) / self.settings.analysis.interval_s)) + 1
        after = replace(
            state, away=0.0, meters=_pair(meters), looks=looks, verdict=judgement.verdict, message=judgement.sentence
        )
        return self._fail(after, judgement.sentence) if judgement.verdict == "FAIL" else after

    def _away(self, state: RolloutState) -> RolloutState:
        """The other colour answers meanwhile, so a moment is borne: a health check may be late on a busy machine."""
        since = state.away or self.clock()
        if self.clock() - since >= AWAY_S:
            return self._fail(state, "the candidate is out of traffic: it crashed, hangs or is not ready")
        return replace(state, away=since, verdict="CANNOT SAY", message="the candidate is out of traffic for now")

    def _bake(self, state: RolloutState) -> RolloutState:
        self.target.move(state.colour, 100, state.salt)
        looked = self._look(state)
        # Who goes back by hand has seen enough: nothing is compared with what is being left.
        bake_s = 0 if state.strategy == "rollback" else self._least_s(state, self.settings.bake_s)
        if looked.phase != "bake" or looked.away or looked.paused or self.clock() - state.since < bake_s:
            return looked
        return looked.to("promote", self.clock())

    def _promote(self, state: RolloutState) -> RolloutState:
        if state.strategy == "rollback":
            self._return(state, state.live, state.reason)
        else:
            self.releases.promoted(state.candidate, state.by, state.reason)
        return state.to("retire", self.clock())

    def _retire(self, state: RolloutState) -> RolloutState:
        self.target.stop(state.live_colour)
        return state.to("done", self.clock())

    def _return(self, state: RolloutState, version: str, why: str) -> None:
        """The registry follows; where it refuses, the traffic is no less back, and the record says that both differ."""
        try:
            self.releases.returned(version, state.by, why)
        except CheckFailed as error:
            self.record.event(state.id, "the registry was not told", AUTOMATIC, str(error))

    def _roll_back(self, state: RolloutState) -> RolloutState:
        """Traffic first, then the registry, then the process: each may be done again."""
        self.target.start(state.live_colour, state.live)  # it was only warm if the rollout had not ended yet
        self.target.move(state.colour, 0, state.salt)
        if not self.target.ready(state.live_colour, state.live):
            return replace(state, message="the live colour starts; until then the candidate answers instead")
        self._return(state, state.candidate, state.cause)
        self.target.stop(state.colour)
        events = [vars(event) for event in self.record.events() if event.rollout == state.id]
        write_json(self.record.folder / "incidents" / f"{state.id}.json", state.as_dict() | {"events": events})
        return state.to("rolled back", self.clock())


WORK: Mapping[Phase, Callable[[RolloutEngine, RolloutState], RolloutState]] = {
    "fetch": RolloutEngine._fetch,
    "shadow": RolloutEngine._shadow,
    "start": RolloutEngine._start,
    "smoke": RolloutEngine._smoke,
    "traffic": RolloutEngine._traffic,
    "bake": RolloutEngine._bake,
    "promote": RolloutEngine._promote,
    "retire": RolloutEngine._retire,
    "rolling back": RolloutEngine._roll_back,
}


def signed(by: str, reason: str) -> None:
    """Raise UsageError unless a person says who they are and why."""
    if not is_person(by):
        raise UsageError(f"it is by {by!r}, expected a first and a last name (--by).")
    if len(reason.split()) < 3:
        raise UsageError(f"the reason is {reason!r}, expected a sentence that an auditor can read (--reason).")


def _next(state: RolloutState) -> tuple[int, ...]:
    """The step after this one, if there is one."""
    after = state.step + 1 if state.phase == "traffic" else 0
    return state.steps[after : after + 1]


def _named(state: RolloutState) -> str:
    return f"{state.percent} % traffic" if state.phase in ("traffic", "bake") else state.phase


def _pair(meters: tuple[Meter, ...]) -> tuple[Meter, Meter]:
    live, candidate = meters
    return live, candidate
