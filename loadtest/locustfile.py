"""Load for the service: applications made from the scorer's own config, so that any fork's service is loaded alike.

    locust -f loadtest/locustfile.py --headless --users 16 --run-time 30s --host http://127.0.0.1:3000

SCORER: the scorer directory whose config the applications obey. P99_MS, ERRORS, PER_SECOND: the limits beyond which the
exit code is 1; one that is not set is not asked for. `make load` sets all of them.
"""

import os
import random
import uuid
from itertools import islice
from pathlib import Path

from locust import FastHttpUser, constant, events, task
from locust.env import Environment

from credit_risk.serving.requests import examples

SCORER = Path(os.environ.get("SCORER", "models/scorer"))
MADE = 500  # different applications; each user sends them in an order of its own


APPLICATIONS = list(islice(examples.of_scorer(SCORER, seed=1), MADE))


class Applicant(FastHttpUser):
    """A client that sends the next application as soon as the last is answered."""

    wait_time = constant(0)
    connection_timeout = network_timeout = 10.0

    @task(92)
    def decide(self) -> None:
        self.client.post("/decide", json=random.choice(APPLICATIONS), name="decide")

    @task(4)
    def retry(self) -> None:
        """The same request twice, as after an answer that was lost: one decision."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        application = random.choice(APPLICATIONS)
        first = self.client.post("/decide", json=application, headers=headers, name="decide, then again")
        with self.client.post("/decide", json=application, headers=headers, name="again", catch_response=True) as again:
            if again.status_code == 200 and again.json()["decision_id"] != first.json()["decision_id"]:
                again.failure("a retry made a second decision")

    @task(4)
    def nonsense(self) -> None:
        """What is no application is refused, and that is no error."""
        application = {**random.choice(APPLICATIONS), "no such field": 1}
        with self.client.post("/decide", json=application, name="nonsense", catch_response=True) as answer:
            if answer.status_code == 422:
                answer.success()
            else:
                answer.failure(f"status {answer.status_code}, expected 422")


@events.quitting.add_listener
def judge(environment: Environment, **_: object) -> None:
    """Say which limits were missed, and end with 1 if any was."""
    total = environment.stats.total
    found = {
        "P99_MS": (total.get_response_time_percentile(0.99), "p99 of {:.0f} ms, at most {:g}"),
        "ERRORS": (total.fail_ratio, "a share of errors of {:.4f}, at most {:g}"),
        "PER_SECOND": (-total.total_rps, "{:.0f} requests a second, at least {:g}"),
    }
    missed = []
    for name, (value, sentence) in found.items():
        if (limit := os.environ.get(name)) is not None:
            bound = -float(limit) if value < 0 or name == "PER_SECOND" else float(limit)
            if value > bound:
                missed.append(sentence.format(abs(value), float(limit)))
    if not total.num_requests:
        missed.append("no request at all")
    for one in missed:
        print(f"missed: {one}")
    environment.process_exit_code = 1 if missed else 0
