"""Kill -9 of the whole service under load: what was answered is in the ledger once, and a retry gets the same answer.

Two kills in `make test-weekly`, twenty in `make serve-kills`. That a kill loses
nothing does not show that the disk had it: tests/ledger/test_durability.py shows the fdatasync.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import server

from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.replay import decider, replay
from credit_risk.ledger.verification import verify
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.requests import examples
from tools import PATIENCE, decision_of_request

pytestmark = pytest.mark.slow

KEY = "5e" * 32
ENVIRONMENT = {"CREDIT_RISK_LEDGER_KEY": KEY}
KILLS = int(os.environ.get("SERVE_KILLS", "2"))
CLIENTS = 6
SAID = ("decision_id", "decision", "pd", "score", "reasons")  # of a reply, what a retry must say again


@dataclass
class Asked:
    """What clients sent under which key, and what they were answered; without an answer it was under way at a kill."""

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def open(self) -> list[str]:
        return [key for key in self.sent if key not in self.answered]


def ask(
    url: str, applications: Iterator[dict[str, Any]], keys: Iterator[int], asked: Asked, stop: threading.Event
) -> None:
    """One client: a decision after the other, each with a key of its own, until nobody answers any more."""
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        while not stop.is_set():
            key, application = f"request-{next(keys)}", next(applications)
            asked.sent[key] = application
            try:
                answer = client.post("/decide", json=application, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                return
            assert answer.status_code == 200, answer.text
            asked.answered[key] = answer.json()


def killed_under_load(found: server.Served, seconds: float, asked: Asked, keys: Iterator[int], scorer: Scorer) -> None:
    """Clients ask; some time after each could have had an answer, the whole service is killed."""
    stop = threading.Event()
    try:
        server.wait(found)
        made = [
            examples.applications(scorer.config, seed=next(keys), reference=scorer.reference) for _ in range(CLIENTS)
        ]
        clients = [threading.Thread(target=ask, args=(found.url, one, keys, asked, stop)) for one in made]
        before = len(asked.answered)
        for one in clients:
            one.start()
        deadline = time.monotonic() + PATIENCE
        while len(asked.answered) < before + CLIENTS and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        server.kill(found)
        for one in clients:
            one.join(PATIENCE)
            assert not one.is_alive()
    finally:
        stop.set()
        server.end(found)


@pytest.mark.weekly
def test_kill_9_of_the_service_under_load_loses_nothing_and_decides_nothing_twice(root, tmp_path):
    folder = server.place(tmp_path, root)
    scorer = Scorer.load(folder / "models" / "scorer")
    moments, asked, keys = random.Random(11), Asked(), count()
    for number in range(KILLS):
        found = server.begin(folder, "--workers", str(1 + number % 2), environment=ENVIRONMENT)
        killed_under_load(found, moments.uniform(0.05, 0.8), asked, keys, scorer)
    answered, under_way = len(asked.answered), len(asked.open)
    assert answered >= KILLS * CLIENTS
    assert under_way >= KILLS  # or else it was no kill under load

    with server.serving(folder, environment=ENVIRONMENT) as found:
        retries = {key: retry(found.url, key, asked.sent[key]) for key in [*asked.open, *list(asked.answered)[::10]]}
    for key, (_, reply) in retries.items():
        first = asked.answered.setdefault(key, reply)
        assert {name: reply[name] for name in SAID} == {name: first[name] for name in SAID}

    with Ledger.open(f"sqlite:///{folder / 'build/ledger/ledger.db'}", key=bytes.fromhex(KEY), create=False) as ledger:
        verified, replayed = verify(ledger), replay(ledger, {scorer.digest: decider(scorer)})
        records = {key: decision_of_request(ledger, "development", key) for key in asked.sent}
    lost = [key for key, reply in asked.answered.items() if records[key].decision_id != reply["decision_id"]]
    other = [key for key, reply in asked.answered.items() if records[key].decided["pd"] != reply["pd"]]
    repeated = sum(repeated for repeated, _ in retries.values())
    print(
        f"\n{KILLS} kills, {answered} answered, {under_way} under way at a kill; "
        f"{verified.entries} recorded, {len(lost)} lost, {len(other)} answered otherwise, "
        f"{verified.entries - len(asked.sent)} twice; {len(retries)} asked again, {repeated} of them known already; "
        f"{replayed.same} of {verified.entries} decided again to the bit"
    )
    assert verified.holds
    assert (lost, other) == ([], [])
    assert verified.entries == len(asked.sent)  # each request once, whether it was answered or asked again
    assert (replayed.same, replayed.count) == (verified.entries, 0)


def retry(url: str, key: str, application: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Whether the service knew the request, and its reply."""
    answer = server.ask("POST", f"{url}/decide", json=application, headers={"Idempotency-Key": key})
    assert answer.status_code == 200, answer.text
    return answer.headers.get("Idempotency-Replayed") == "true", answer.json()


def test_a_worker_whose_master_was_killed_ends_too(root, tmp_path):
    folder = server.place(tmp_path, root)
    found = server.begin(folder, environment=ENVIRONMENT)
    workers = []
    try:
        server.wait(found)
        workers = psutil.Process(found.process.pid).children(recursive=True)
        assert workers
        found.process.kill()
        found.process.wait(PATIENCE)
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE)
    finally:
        for one in workers:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    assert alive == []
    assert "the process that started this worker was killed" in found.log.read_text()
    with Ledger.open(f"sqlite:///{folder / 'build/ledger/ledger.db'}", key=bytes.fromhex(KEY), create=False) as ledger:
        assert verify(ledger).holds
