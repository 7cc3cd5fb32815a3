"""The running service with access on, as its clients reach it, asked what its own description allows.

`make fuzz` sends 20,000 requests to each database, others each time, and `make attack-drill` 500. What fails is kept in
build/fuzz, and tried first the next time. The tests of every change ask the application without a network
(test_openapi.py).
"""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

sys.path.insert(0, str(Path(__file__).parents[1]))
import server as service

from credit_risk.serving.clients.key_file import add_key
from postgresql import server

__all__ = ["server"]

KEPT = Path(__file__).parents[3] / "build" / "fuzz"
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "0"))  # of each database
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
]
# Bodies are where most can be wrong; of the others hypothesis soon knows all there is.
SHARES = {("POST", "/decide"): 0.5, ("POST", "/decide/batch"): 0.35, ("GET", "/decisions/{decision_id}"): 0.15}
KEYS = {"all": ["decide", "read", "read:all"], "decides": ["decide"], "reads": ["read"]}


@pytest.mark.slow
@pytest.mark.skipif(REQUESTS == 0, reason="sends requests for minutes: make fuzz")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_request_that_can_be_made_up_gets_a_server_error_or_an_answer_that_is_not_described(
    root, tmp_path, database, request
):
    url = request.getfixturevalue("server").new_database() if database == "postgresql" else None
    ledger = {"ledger": {"url": url}} if url else {}
    folder = service.place(tmp_path / "served", root, access={"mode": "keys", "keys_file": "keys.json"}, **ledger)
    keys = {name: add_key(folder / "keys.json", name, scopes, 1) for name, scopes in KEYS.items()}
    headers = [{"X-API-Key": key} for key in keys.values()] + [{"X-API-Key": "ck_none_none"}, {}]
    statuses: Counter[int] = Counter()
    with service.serving(folder, environment={"CREDIT_RISK_LEDGER_KEY": "5e" * 32}) as served:
        schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
        for (method, path), share in SHARES.items():
            for mode in GenerationMode:
                _fuzz(schema[path][method], mode, max(2, round(REQUESTS * share / 2)), headers, statuses)
        service.wait(served)  # it still takes decisions
    print(f"\n{database}: {statuses.total():,} requests, {dict(sorted(statuses.items()))}")
    assert statuses.total() >= 0.9 * REQUESTS
    assert not [status for status in statuses if status >= 500]
    assert {200, 401, 403, 422} <= set(statuses)  # it got past the door, and not always


def _fuzz(operation, mode, examples, headers, statuses):
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=DirectoryBasedExampleDatabase(KEPT / operation.method / operation.path.strip("/") / mode.name),
    )
    def fuzz(case):
        # Most come with the key that may do all: the others do not get as far.
        sent = headers[0] if statuses.total() % 5 else headers[statuses.total() // 5 % len(headers)]
        answer = case.call(headers=sent, timeout=60)
        statuses[answer.status_code] += 1
        # What is wrong may be refused in many ways, and must not be decided.
        decided = [negative_data_rejection] if answer.status_code == 200 else []
        case.validate_response(answer, checks=[*CHECKS, *decided])

    try:
        fuzz()
    except Unsatisfiable:  # an id may be any text: nothing could be wrong with one
        assert (mode, operation.method.upper()) == (GenerationMode.NEGATIVE, "GET")
