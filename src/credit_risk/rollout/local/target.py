"""The local target: colours are processes that the supervisor keeps, traffic is HAProxy's."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from credit_risk.rollout import ledger_history, smoke
from credit_risk.rollout.analysis import Counts
from credit_risk.rollout.counts import NotCounted, read
from credit_risk.rollout.engine import NotReached, RolloutRefused
from credit_risk.rollout.folder import Place
from credit_risk.rollout.local.replicas import Replica, replicas
from credit_risk.rollout.local.router import OFF, RouterUnavailable
from credit_risk.rollout.local.supervisor import known
from credit_risk.rollout.settings import Environment
from credit_risk.rollout.shadow import Shadow
from credit_risk.rollout.split import Colour, Split


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
        return ledger_history.compared(self.place, self.environment, live, candidate)

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
        count = self.place.scale(self.environment.scaling)
        return [one for one in replicas(colour, count) if servers.get(one.name, OFF).up]

    def smoke(self, colour: Colour, rollout: str) -> list[str]:
        """Made-up applications to each replica's own port."""
        asking = smoke.headers(self.environment, rollout)
        return [
            f"{one.name}: {sentence}"
            for one in self._up(colour)
            for sentence in smoke.wrong(self.place, colour, partial(self._ask, one), asking, self.health)
        ]

    def _ask(
        self, one: Replica, path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{one.port(self.environment)}{path}"
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  (http on this machine)
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError as error:
            raise NotReached(f"{url} does not answer: {error}") from None

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
                if (server := servers.get(one.name, OFF)).up:
                    told = read(f"http://127.0.0.1:{one.port(self.environment)}", slow)
                    found[one.colour][one.name] = replace(told, requests=server.requests, errors=server.failed)
        return found

    def stop(self, colour: Colour) -> None:
        wanted = self.place.wanted()
        if wanted.pop(colour, None) is not None:
            self.place.want(wanted)


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (RouterUnavailable, NotCounted) as error:
        raise NotReached(str(error)) from None
