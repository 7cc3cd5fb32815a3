"""The local target: colours are processes that the supervisor keeps, traffic is HAProxy's."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rich.console import Group

from credit_risk.rollout import ledger_history, smoke
from credit_risk.rollout.colours import Colour
from credit_risk.rollout.engine import NotReached, RolloutRefused
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.evidence.counts import NotCounted, read
from credit_risk.rollout.evidence.shadow import Shadow
from credit_risk.rollout.local import status
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.replicas import Replica, replicas
from credit_risk.rollout.local.router import OFF, RouterUnavailable
from credit_risk.rollout.local.split import TrafficSplit
from credit_risk.rollout.local.supervisor import EVERY, NotUp, known
from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.rollout.record.lock import is_locked
from credit_risk.rollout.settings import Environment


@dataclass(frozen=True)
class LocalTarget:
    """Colours and traffic of one machine. health: the path that must answer before a candidate is tried."""

    folder: LocalFolder
    environment: Environment
    health: str = "/health"

    def live(self) -> tuple[Colour, str]:
        """The colour that has all applicants, and its version. Raises RolloutRefused where that cannot be said."""
        versions, router = self.folder.versions(), self.folder.router
        split = router.split() if router.map.is_file() else None
        if not versions or split is None:
            raise RolloutRefused("nothing is live here: `credit-risk up` starts router and service.")
        colour: Colour = "green" if split.whole and split.first < split.end else "blue"
        if not split.whole or colour not in versions:
            raise RolloutRefused(f"the split is {split} and {', '.join(versions)} runs: no colour has all applicants.")
        return colour, versions[colour]

    def shadow(self, live: Colour, candidate: Colour) -> Shadow:
        return ledger_history.compared(self.folder, self.environment, live, candidate)

    def start(self, colour: Colour, version: str) -> None:
        versions = self.folder.versions()
        if versions.get(colour) != version:
            self.folder.write_versions(versions | {colour: version})

    def ready(self, colour: Colour, version: str) -> bool:
        """Whether the router sends traffic to as many replicas of this very version as there have to be at least."""
        running, scaling = known(self.folder), self.environment.scaling
        ready = [replica for replica in self._up(colour) if running.get(replica.name, {}).get("version") == version]
        return len(ready) >= scaling.min_replicas

    def _up(self, colour: Colour) -> list[Replica]:
        """The replicas of a colour that the router sends traffic, or would."""
        with _reached():
            servers = self.folder.router.servers()
        count = self.folder.scale(self.environment.scaling)
        return [replica for replica in replicas(colour, count) if servers.get(replica.name, OFF).up]

    def smoke(self, colour: Colour, rollout: str) -> list[str]:
        """Made-up applications to each replica's own port."""
        headers = smoke.headers(self.environment, rollout)
        scorer = self.folder.signed_scorer(colour, self.environment)
        return [
            f"{replica.name}: {sentence}"
            for replica in self._up(colour)
            for sentence in smoke.wrong(scorer, partial(self._ask, replica), headers, self.health)
        ]

    def _ask(
        self, replica: Replica, path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{replica.port(self.environment)}{path}"
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  (http on this machine)
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError as error:
            raise NotReached(f"{url} does not answer: {error}") from None

    def move(self, candidate: Colour, percent: int, salt: int) -> None:
        target = TrafficSplit.of(candidate, percent, salt)
        with _reached():
            if self.folder.router.split() != target or self.folder.router.routed() != target:
                self.folder.router.move(target)

    def counts(self, slow_above_ms: float) -> Mapping[Colour, Mapping[str, Counts]]:
        counted: dict[Colour, dict[str, Counts]] = {colour: {} for colour in self.folder.versions()}
        with _reached():
            servers = self.folder.router.servers()
            for replica in self.folder.replicas(self.environment.scaling):
                if (server := servers.get(replica.name, OFF)).up:
                    own = read(f"http://127.0.0.1:{replica.port(self.environment)}", slow_above_ms)
                    both = replace(own, requests=server.requests, errors=server.failed)
                    counted[replica.colour][replica.name] = both
        return counted

    def stop(self, colour: Colour) -> None:
        versions = self.folder.versions()
        if versions.pop(colour, None) is not None:
            self.folder.write_versions(versions)

    def restart(self, colour: Colour) -> None:
        """Its replicas anew, one after the other: the router sends applicants to those that answer."""
        for replica in replicas(colour, self.folder.scale(self.environment.scaling)):
            generation = self.folder.restart(replica)
            deadline = time.monotonic() + self.environment.rollout.ready_s
            while not (self._generation(replica) == generation and replica in self._up(colour)):
                if time.monotonic() > deadline:
                    within = f"{self.environment.rollout.ready_s:g} s"
                    raise NotReached(f"{replica.name} was started anew and did not answer within {within}.")
                time.sleep(EVERY)

    def _generation(self, replica: Replica) -> int:
        return int(known(self.folder).get(replica.name, {}).get("generation", 0))

    def require_running(self) -> None:
        """Raise NotUp unless the supervisor runs."""
        if not is_locked(self.folder.supervisor_lock):
            raise NotUp("nothing runs here to bring a version into: `credit-risk up` first.")

    def foreign_live(self) -> None:
        """What is live here was always brought here by a rollout, or by `up`."""

    def overview(self) -> Group:
        """The processes, the rollout and the split."""
        return status.overview(self.environment, self.folder)

    def facts(self) -> dict[str, Any]:
        """The same as values."""
        return status.facts(self.environment, self.folder)


def connect(environment: Environment, folder: RolloutFolder, health: str) -> LocalTarget:
    """The target of an environment (see targets.part_of)."""
    return LocalTarget(LocalFolder(folder.root, folder.within), environment, health)


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (RouterUnavailable, NotCounted) as error:
        raise NotReached(str(error)) from None
