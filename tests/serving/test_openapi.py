"""The description is true: whatever is sent within it or beside it, every answer is one that it names."""

import json

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from credit_risk.serving import openapi

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    positive_data_acceptance,
    negative_data_rejection,
]


ROUTES = [
    ("POST", "/decide"),
    ("POST", "/decide/batch"),
    ("GET", "/decisions/{decision_id}"),
    ("GET", "/model"),
    ("GET", "/monitoring"),  # part: monitoring
    ("GET", "/health"),
]


def test_every_described_route_is_fuzzed(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == set(ROUTES)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_request_breaks_the_service_or_gets_an_answer_that_is_not_described(client, method, path, mode):
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    operation = schema[path][method]
    tried = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    def fuzz(case):
        tried.append(case)
        case.call_and_validate(checks=CHECKS)

    try:
        fuzz()
    except Unsatisfiable:  # no parameter, or one that may be any text: nothing could be wrong
        assert (mode, method) == (GenerationMode.NEGATIVE, "GET")
    else:
        assert tried


def test_the_example_can_be_sent_as_it_is(client):
    described = client.get("/openapi.json").json()
    post = described["paths"]["/decide"]["post"]
    answer = client.post("/decide", json=post["requestBody"]["content"]["application/json"]["example"])
    assert answer.status_code == 200
    decision = described["components"]["schemas"]["Decision"] | {"components": described["components"]}
    jsonschema_rs.validate(decision, answer.json())


def test_only_inputs_are_described_and_what_must_be_sent_is_said(trained):
    config, _ = trained
    described = openapi.application(config)
    assert list(described["properties"]) == list(config.inputs)
    assert "months_late" not in described["required"]  # a gap there goes to a person
    assert "income" not in described["required"]
    assert "utilisation" in described["required"]
    assert described["properties"]["months_late"]["type"] == ["integer", "null"]
    assert described["properties"]["purpose"]["enum"] == ["car", "home", "education", "business"]
    assert (described["properties"]["term_months"]["minimum"], described["additionalProperties"]) == (1, False)


def test_nothing_protected_is_named_anywhere(client):
    text = json.dumps(client.get("/openapi.json").json())
    for guarded in ("sex", "age", "applied_on", "status_", "application_id"):
        assert f'"{guarded}"' not in text


def test_access_is_described_where_it_is_asked_for(serve, tmp_path):
    from credit_risk.serving.clients.key_file import add_key  # noqa: PLC0415  (the fixture serves below tmp_path)

    add_key(tmp_path / "keys.json", "a", ["decide"], 1)
    described = serve(access={"mode": "keys", "keys_file": "keys.json"}).get("/openapi.json").json()
    assert described["security"] == [{"key": []}, {"token": []}]
    assert {"401", "403"} <= set(described["paths"]["/decide"]["post"]["responses"])
