"""The local target: colours are processes that the supervisor keeps, traffic is HAProxy's."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from credit_risk.data.files import Files
from credit_risk.delivery.analysis import Counts
from credit_risk.delivery.counting import NotCounted, read
from credit_risk.delivery.engine import NotReached, RolloutRefused
from credit_risk.delivery.place import Place
from credit_risk.delivery.replicas import Replica, replicas
from credit_risk.delivery.router import RouterUnavailable
from credit_risk.delivery.settings import Environment
from credit_risk.delivery.shadow import Shadow, shadow
from credit_risk.delivery.split import Colour, Split
from credit_risk.delivery.supervisor import known
from credit_risk.records.decided import again, decided
from credit_risk.records.ledger import Ledger, Record
from credit_risk.records.ledger.replaying import recent
from credit_risk.records.scorer import Scorer
from credit_risk.serving import examples
from credit_risk.serving.engine import open_ledger

SMOKE = 20  # decisions that are compared bit for bit
SMOKE_KEY = "CREDIT_RISK_SMOKE_KEY"


@dataclass(frozen=True)
class Local:
    """Colours and traffic of one machine. health: the path that must answer before a candidate is tried."""

    place: Place
    environment: Environment
    health: str = "/health"

    def live(self) -> tuple[Colour, str]:
        """The colour that has all applicants, and its version. Raises RolloutRefused where that cannot be said."""
        wanted, split = self.place.wanted(), self.place.router.split() if self.place.router.map.is_file() else None
        if not wanted or split is None:
            raise RolloutRefused("nothing is live here: `credit-risk up` starts router and service.")
        colour: Colour = "green" if split.whole and split.first < split.end else "blue"
        if not split.whole or colour not in wanted:
            raise RolloutRefused(f"the split is {split} and {', '.join(wanted)} runs: no colour has all applicants.")
        return colour, wanted[colour]

    def shadow(self, live: Colour, candidate: Colour) -> Shadow:
        """Both scorers on the last decisions of the ledger."""
        records = self.recent(self.environment.rollout.shadow_decisions)
        applications = [(one.decision_id, one.inputs or {}) for one in records]
        then, now = (again(Scorer.load(Files(self.place.release(one)).scorer)) for one in (live, candidate))
        return shadow(applications, then, now, self.environment.rollout.analysis)

    def recent(self, count: int) -> list[Record]:
        """The last decisions of the ledger that can be read."""
        with self._ledger() as ledger:
            return recent(ledger, count)

    def per_day(self) -> float:
        """Applications a day, as the last decisions came in."""
        records = self.recent(self.environment.rollout.shadow_decisions)
        if len(records) < 2:
            return 0.0
        seconds = (datetime.now(UTC) - records[0].at).total_seconds()
        return len(records) / max(seconds, 1.0) * 86_400

    def start(self, colour: Colour, version: str) -> None:
        if self.place.wanted().get(colour) != version:
            self.place.want(self.place.wanted() | {colour: version})

    def ready(self, colour: Colour, version: str) -> bool:
        """Whether the router sends traffic to as many replicas of this very version as there have to be at least."""
        running, scaling = known(self.place), self.environment.scaling
        theirs = [one for one in self._up(colour) if running.get(one.name, {}).get("version") == version]
        return len(theirs) >= scaling.min_replicas

    def _up(self, colour: Colour) -> list[Replica]:
        """The replicas of a colour that the router sends traffic, or would."""
        with _reached():
            servers = self.place.router.servers()
        return [one for one in replicas(colour, self.place.scale(self.environment.scaling)) if servers[one.name].up]

    def smoke(self, colour: Colour, rollout: str) -> list[str]:
        """Made-up applications to each replica's own port; the ledger names them smoke-ROLLOUT."""
        scorer = Scorer.load(Files(self.place.release(colour)).scorer)
        return [wrong for one in self._up(colour) for wrong in self._wrong(one, scorer, f"smoke-{rollout}")]

    def _wrong(self, one: Replica, scorer: Scorer, applicant: str) -> list[str]:
        made = examples.applications(scorer.config, seed=1, reference=scorer.reference)
        wrong = self._unhealthy(one)
        for number, application in enumerate(islice(made, SMOKE)):
            expected = json.loads(json.dumps(decided(scorer.decide(application))))
            answer = self._decide(one, application, applicant)
            got = {name: answer.get(name) for name in expected}
            if got != expected:
                names = [name for name in expected if got[name] != expected[name]]
                wrong.append(f"application {number}: {', '.join(names)} ({answer.get('title', 'other values')})")
        return wrong

    def _unhealthy(self, one: Replica) -> list[str]:
        url = f"http://127.0.0.1:{one.port(self.environment)}{self.health}"
        try:
            with urllib.request.urlopen(url, timeout=10):
                return []
        except urllib.error.HTTPError as error:
            return [f"{self.health} answers {error.code}"]
        except OSError as error:
            raise NotReached(f"{url} does not answer: {error}") from None

    def _decide(self, one: Replica, application: Mapping[str, Any], applicant: str) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "X-Applicant-Id": applicant}
        if key := os.environ.get(SMOKE_KEY):
            keys = self.environment.serving.access.mode == "keys"
            headers |= {"X-API-Key": key} if keys else {"Authorization": f"Bearer {key}"}
        url = f"http://127.0.0.1:{one.port(self.environment)}/decide"
        request = urllib.request.Request(url, json.dumps(application).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  (http on this machine)
                found: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            found = json.loads(error.read() or b"{}")
        except OSError as error:
            raise NotReached(f"{url} does not answer: {error}") from None
        return found

    def move(self, candidate: Colour, percent: int, salt: int) -> None:
        target = Split.of(candidate, percent, salt)
        with _reached():
            if self.place.router.split() != target or self.place.router.routed() != target:
                self.place.router.move(target)

    def counts(self) -> Mapping[Colour, Mapping[str, Counts]]:
        slow = self.environment.rollout.analysis.slow_above_ms
        found: dict[Colour, dict[str, Counts]] = {colour: {} for colour in self.place.wanted()}
        with _reached():
            servers = self.place.router.servers()
            for one in self.place.replicas(self.environment.scaling):
                if (server := servers[one.name]).up:
                    told = read(f"http://127.0.0.1:{one.port(self.environment)}", slow)
                    found[one.colour][one.name] = replace(told, requests=server.requests, errors=server.failed)
        return found

    def stop(self, colour: Colour) -> None:
        wanted = self.place.wanted()
        if wanted.pop(colour, None) is not None:
            self.place.want(wanted)

    def _ledger(self) -> Ledger:
        return open_ledger(self.place.root, self.environment.serving.ledger, os.environ)


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (RouterUnavailable, NotCounted) as error:
        raise NotReached(str(error)) from None
