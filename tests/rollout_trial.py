"""What tests of delivery share: free ports, a quick environment, and applicants who ask at a steady rate."""

import http.client
import itertools
import json
import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from tools import free_ports

TIMEOUT = 30
REPLICAS = 3  # the most of a colour in a test
KEY = "5e" * 32
ADA = ["--by", "Ada Berg", "--reason", "a reason of five words"]
# Loose and quick: what the analysis finds is shown elsewhere, and a test machine is slow.
ANALYSIS = {"interval_s": 0.2, "least": 20}
TOLERANCES = {
    "error_rate": 0.3,
    "slow_answers": 1.0,
    "refused_inputs": 0.3,
    "missing_inputs": 0.5,
    "approval_rate": 0.2,
}


def write_environment(root: Path) -> int:
    """A local environment of this repository on free ports, with its registry and quick steps; the router's port."""
    path, yaml = root / "configs" / "deploy" / "local.yaml", YAML()
    own = yaml.load(path)
    tree = yaml.load(Path(__file__).parent / "rollout" / "environments" / "local.yaml")
    tree["registry"] = own["registry"]
    port, blue, green = free_ports(3, beside=REPLICAS)
    tree["router"] |= {"port": port, "blue_port": blue, "green_port": green}
    tree["scaling"] |= {"max_replicas": REPLICAS}
    tree["rollout"] |= {"steps": [20, 50, 100], "step_s": 1, "bake_s": 1}
    tree["rollout"]["low_volume"] |= {"below_per_day": 1}
    tree["rollout"]["analysis"] |= ANALYSIS
    tree["rollout"]["analysis"]["tolerances"] |= TOLERANCES
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(tree, stream)
    return port


def go_on(engine, world, *, most=400, until=lambda state: state.ended):
    """Tick an engine once a second of its world until something; the state then."""
    for _ in range(most):
        state = engine.tick()
        if until(state):
            return state
        world.pass_()
    raise AssertionError(f"still {state.phase} {state.percent}: {state.message}")


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent, who asked, the status (0: no answer), and which scorer decided."""

    at: float
    applicant: str
    status: int
    scorer: str
    decision: str


@dataclass
class Applicants:
    """Asks with `threads` connections, `rate` times a second in all, as `people` applicants, each by one of them."""

    port: int
    rate: float
    people: int = 2_000
    threads: int = 8
    seed: int = 1
    answers: list[Answer] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    running: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Applicants":
        for number in range(self.threads):
            thread = threading.Thread(target=self._ask, args=(number,), daemon=True)
            thread.start()
            self.running.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.running:
            thread.join(2 * TIMEOUT)

    def _ask(self, number: int) -> None:
        rng = random.Random(self.seed * 100 + number)
        line: http.client.HTTPConnection | None = None
        begun = time.monotonic()
        for turn in itertools.count():
            wait = begun + turn * self.threads / self.rate - time.monotonic()
            if self.stop.wait(max(wait, 0)):
                break
            if wait < -1:
                begun = time.monotonic() - turn * self.threads / self.rate  # what was missed is not made up for
            line = line or http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
            line = self._once(line, f"{number}-{rng.randrange(self.people // self.threads)}", rng)
        if line:
            line.close()

    def _once(self, line: http.client.HTTPConnection, applicant: str, rng: random.Random):
        """One request; the connection, if it can be used again."""
        headers = {
            "Content-Type": "application/json",
            "X-Applicant-Id": applicant,
            "Idempotency-Key": str(uuid.uuid4()),
        }
        at, status, scorer, decision = time.time(), 0, "", ""
        try:
            line.request("POST", "/decide", json.dumps(application(rng)), headers)
            reply = line.getresponse()
            body = reply.read()
            status = reply.status
            if status == 200:
                found = json.loads(body)
                scorer, decision = found["model"]["scorer"], found["decision_id"]
            keep = not reply.will_close
        except (OSError, http.client.HTTPException, ValueError):
            keep = False
        self.answers.append(Answer(at, applicant, status, scorer, decision))
        if keep:
            return line
        with suppress(OSError):
            line.close()
        return None

    def between(self, start: float, end: float) -> Iterator[Answer]:
        return (one for one in list(self.answers) if start <= one.at < end)

    def failed(self, start: float = 0.0, end: float = float("inf")) -> list[Answer]:
        return [one for one in self.between(start, end) if one.status != 200]

    def share(self, scorer: str, start: float, end: float) -> float:
        """The share of answered requests that a scorer decided."""
        counted = Counter(one.scorer for one in self.between(start, end) if one.status == 200)
        return counted[scorer] / max(sum(counted.values()), 1)

    def scorers(self) -> dict[str, list[str]]:
        """Who decided each applicant, in order."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in sorted(self.answers, key=lambda one: one.at):
            found[one.applicant].append(one.scorer)
        return found

    def met_both(self, start: float, end: float) -> int:
        """Applicants whom more than one scorer decided in this time."""
        met = defaultdict(set)
        for one in self.between(start, end):
            if one.status == 200:
                met[one.applicant].add(one.scorer)
        return sum(len(scorers) > 1 for scorers in met.values())


def application(rng: random.Random) -> dict[str, object]:
    """Somebody who asks the simulated lender, and is approved more often than not."""
    return {
        "employment": rng.choice(["4-7y", ">=7y"]),
        "income": round(rng.uniform(4_000, 9_000), 2),
        "purpose": rng.choice(["car", "home"]),
        "loan_amount": round(rng.uniform(500, 20_000), 2),
        "term_months": rng.choice([12, 24]),
        "utilisation": round(rng.betavariate(1, 12), 3),
        "months_late": 0,
        "existing_customer": rng.random() < 0.9,
    }
