"""Decisions of a running service, compared bit for bit with the scorer that it is to serve."""

import json
import os
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, TypeAlias

from credit_risk.errors import UsageError
from credit_risk.rollout.settings import Environment
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.requests import examples

SMOKE = 20  # decisions that are compared
SMOKE_KEY = "CREDIT_RISK_SMOKE_KEY"

# Path, headers and body (none: it is only read) to status and body of the answer. Raises NotReached without an answer.
Ask: TypeAlias = Callable[[str, Mapping[str, str], Mapping[str, Any] | None], tuple[int, bytes]]


def wrong(scorer: Scorer, ask: Ask, headers: Mapping[str, str], health: str) -> list[str]:
    """Whether a service is unhealthy, and which made-up applications it decides otherwise than this scorer.

    headers: who is asking, and in whose name (see `headers`).
    """
    made = examples.applications(scorer.config, seed=1, reference=scorer.reference)
    status, _ = ask(health, {}, None)
    complaints = [] if status == 200 else [f"{health} answers {status}"]
    for number, application in enumerate(islice(made, SMOKE)):
        expected = json.loads(json.dumps(scorer.decide(application).record()))
        answer = json.loads(ask("/decide", headers, application)[1] or b"{}")
        got = {name: answer.get(name) for name in expected}
        if got != expected:
            names = [name for name in expected if got[name] != expected[name]]
            complaints.append(f"application {number}: {', '.join(names)} ({answer.get('title', 'other values')})")
    return complaints


def headers(environment: Environment, rollout: str, *, bearer: str = "Authorization") -> dict[str, str]:
    """The ledger names the decisions smoke-ROLLOUT; the key or token comes from the environment.

    bearer: the header of a token, where something on the way keeps the usual one.
    """
    usual = {"Content-Type": "application/json", "X-Applicant-Id": f"smoke-{rollout}"}
    if secret := key(environment):
        keys = environment.serving.access.mode == "keys"
        usual |= {"X-API-Key": secret} if keys else {bearer: f"Bearer {secret}"}
    return usual


def key(environment: Environment) -> str:
    """What the service wants to know of whoever asks; empty where it asks nobody. Raises UsageError without it."""
    secret = os.environ.get(SMOKE_KEY, "")
    if not secret and (mode := environment.serving.access.mode) != "off":
        raise UsageError(
            f"smoke decisions are asked for with a {'key' if mode == 'keys' else 'token'} of scope decide: "
            f"set {SMOKE_KEY}. Nothing was moved."
        )
    return secret
