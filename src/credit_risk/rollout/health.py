"""The health monitor: what is live and fails its limits is rolled back or started anew, and soon a person is called.

It looks at what all applicants get, whichever colour answers; whether a candidate is worse than the live version is the
rollout's own analysis. What it did stands in the signed audit trail of rollouts, which is also its memory: a monitor
that is started again has no new hour.
"""

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from credit_risk.errors import CheckFailed, CreditRiskError
from credit_risk.rollout import deployment
from credit_risk.rollout.alarms.alerts import SLOW_SHARE
from credit_risk.rollout.alarms.files import PAGE, anchor
from credit_risk.rollout.deployment import Site
from credit_risk.rollout.engine import RolloutRefused, signed
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.record.lock import is_locked
from credit_risk.rollout.record.state import Meter
from credit_risk.rollout.settings import Monitoring

HOUR = 3_600.0
NAME = "health"  # as the audit trail calls what belongs to no rollout
ROLLED_BACK, RESTARTED, CALLED, NOT_CALLED = "rolls back", "restarts", "calls a person", "could call nobody"
ALERT, RUNBOOK = "CreditRiskNotHealed", "The health monitor calls a person"
WITHIN = 10.0  # seconds for the webhook to answer


class PersonNeeded(CheckFailed, RuntimeError):
    """A limit is missed that the health monitor may not, or cannot, mend."""


@dataclass(frozen=True)
class MissedLimit:
    """A limit that is missed, as a sentence. curable: whether starting anew or going back can change it."""

    sentence: str
    curable: bool = True


@dataclass(frozen=True)
class Health:
    """What the service did in one look. answering: whether the live colour was in traffic before it or after."""

    seconds: float
    counts: Counts
    answering: bool = True

    def missed_limits(self, limits: Monitoring, least: int) -> list[MissedLimit]:
        """The limits that were missed; empty for a sound service. least: answers, below which a share says nothing.

        Too few decisions are curable only where applications came in: nobody who stays away is brought by a restart.
        """
        if not self.answering:
            return [MissedLimit("the live colour is out of traffic: it crashed, hangs or is not ready")]
        missed = []
        requests, decisions = self.counts.requests, self.counts.decisions
        if requests >= least and (rate := self.counts.errors / requests) > limits.error_rate_above:
            missed.append(MissedLimit(f"error rate {rate:.1%}, limit {limits.error_rate_above:.1%}"))
        if decisions >= least and (slow := self.counts.slow / decisions) > SLOW_SHARE:
            above = f"p95 above {limits.p95_above_ms:g} ms"
            missed.append(MissedLimit(f"{above}: {slow:.1%} of answers took longer, limit {SLOW_SHARE:.0%}"))
        floor = limits.expected_per_second * limits.throughput_below
        if decisions / self.seconds < floor:
            few = f"{decisions / self.seconds:.1f} decisions a second, at least {floor:g} are expected"
            missed.append(MissedLimit(few, curable=requests / self.seconds >= floor))
        return missed


@dataclass(frozen=True)
class HealthMonitor:
    """Restarts or rolls back a live version that fails its limits, at most so often an hour, then calls a person.

    The limits are those of `monitoring:` in the environment (configs/deploy): throughput below 0.7 of what is expected,
    more than 5 % errors, a 95th percentile above 1,000 ms. by: on whose behalf, as the audit trail and the registry
    name whoever acts.

        HealthMonitor(Site.read(Path(), "production"), by="Ada Berg").watch()
    """

    site: Site
    by: str
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        signed(self.by, "the health monitor acts for this person")

    @property
    def _limits(self) -> Monitoring:
        return self.site.environment.monitoring

    def watch(self) -> str:
        """One look, and what follows from it, as a sentence. Raises PersonNeeded, whom it has called; NotReached."""
        return self.heal(self.look())

    def look(self) -> Health:
        """Measure for `monitoring.heal.look_s`. Raises NotReached where the target does not say what it did."""
        before, answered, begun = self._read(Meter()), self._answers(), self.clock()
        self.sleep(self._limits.heal.look_s)
        after, seconds = self._read(before), self.clock() - begun
        return Health(seconds, after.total, answered or self._answers())

    def _read(self, meter: Meter) -> Meter:
        """All replicas of both colours together."""
        counted = self.site.target.counts(self._limits.p95_above_ms)
        return meter.read({name: counts for colour in counted.values() for name, counts in colour.items()})

    def _answers(self) -> bool:
        """Whether the live colour is in traffic; during a rollout the engine sees to both."""
        state = self.site.record.load()
        if state is not None and not state.ended:
            return True
        return self.site.target.ready(*self.site.target.live())

    def heal(self, health: Health) -> str:
        """Act on a look, and say what was done. Raises PersonNeeded."""
        missed = health.missed_limits(self._limits, self.site.environment.rollout.analysis.least)
        if not missed:
            rate = health.counts.decisions / health.seconds
            return f"sound: {rate:.1f} decisions a second, {health.counts.errors} errors"
        cause, heal = "; ".join(limit.sentence for limit in missed), self._limits.heal
        if is_locked(self.site.record.lock_file) and not self._is_new():
            return f"{cause}: a rollback is under way"
        if not any(limit.curable for limit in missed):
            self._call(f"{cause}: too few apply, and no restart changes that")
        if (acted := self._within_the_hour(ROLLED_BACK, RESTARTED)) >= heal.per_hour:
            self._call(f"{cause}, after {acted} actions in an hour (monitoring.heal.per_hour: {heal.per_hour})")
        try:
            return self._roll_back(cause) if self._is_new() else self._restart(cause)
        except CreditRiskError as error:
            self._call(f"{cause}; and it could not be mended: {error}")

    def _is_new(self) -> bool:
        """Whether the last rollout is under way, or brought what is live so lately that it is the likely cause."""
        state = self.site.record.load()
        if state is None or state.strategy == "rollback" or state.phase == "rolled back":
            return False
        return not state.ended or self.clock() - state.since <= self._limits.heal.undo_within_s

    def _roll_back(self, cause: str) -> str:
        self._event(ROLLED_BACK, cause)
        state = deployment.roll_back(self.site, self.by, f"the health monitor: {cause}")
        if state.strategy != "rollback":  # one under way was aborted
            return f"{cause}: rolled back, version {state.live} has all traffic"
        if state.phase != "done":
            raise RolloutRefused(f"version {state.candidate} could not be brought back: {state.cause}")
        return f"{cause}: rolled back, version {state.candidate} has all traffic"

    def _restart(self, cause: str) -> str:
        self._event(RESTARTED, cause)
        return f"{cause}: started anew {deployment.restart(self.site)}"

    def _event(self, what: str, why: str) -> None:
        self.site.record.event(NAME, what, self.by, why)

    def _within_the_hour(self, *kinds: str) -> int:
        """How many events of these kinds the audit trail has of the last hour."""
        since = self.clock() - HOUR
        return sum(
            event.rollout == NAME and event.what in kinds and datetime.fromisoformat(event.at).timestamp() > since
            for event in self.site.record.events()
        )

    def _call(self, cause: str) -> NoReturn:
        """Call a person, once an hour, and raise PersonNeeded."""
        if self._within_the_hour(CALLED):
            raise PersonNeeded(f"{cause}. A person was called within the last hour.")
        url = self._limits.webhook
        failure = post(url, self._alert(cause)) if url else "monitoring.webhook names no address"
        if failure:
            self._event(NOT_CALLED, f"{cause} ({failure})")
            raise PersonNeeded(f"{cause}. Nobody could be called: {failure}.")
        self._event(CALLED, cause)
        raise PersonNeeded(f"{cause}. A person was called at {url}.")

    def _alert(self, cause: str) -> dict[str, object]:
        """As Alertmanager posts an alert, so that one receiver serves both."""
        labels = {"alertname": ALERT, "severity": "page", "owner": self._limits.owner}
        labels["environment"] = self.site.environment.environment
        alert = {
            "status": "firing",
            "labels": labels,
            "annotations": {"summary": cause, "runbook_url": f"{PAGE}#{anchor(RUNBOOK)}"},
            "startsAt": datetime.fromtimestamp(self.clock(), UTC).isoformat(),
        }
        return {"version": "4", "status": "firing", "receiver": "person", "alerts": [alert]}


def post(url: str, value: dict[str, object]) -> str:
    """Post JSON. What went wrong, empty where it was taken."""
    body, headers = json.dumps(value).encode(), {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=WITHIN):  # noqa: S310  (http, https)
            return ""
    except OSError as error:
        return f"{url}: {error}"
