"""A registered scorer's three descriptions agree; a service that answers another description is caught."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from credit_risk.errors import UsageError
from credit_risk.registry.mlflow import schemas
from credit_risk.registry.mlflow.signature_validation import validate
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving import openapi
from credit_risk.serving.settings import Access, Serving


def test_config_record_and_api_agree(opened, registered):
    registered()
    assert validate(opened, 1, opened.events()) == 8


@pytest.fixture
def answered(files):
    """A service that answers this scorer's description, after a change to it."""
    told = openapi.of(Scorer.load(files.scorer), Serving(access=Access(mode="off"), gate="reported"))

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield told, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_running_service_is_asked(opened, registered, answered):
    registered()
    assert validate(opened, 1, opened.events(), answered[1]) == 8


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda sent: sent["properties"].pop("income"), schemas.InputMissing),
        (lambda sent: sent["properties"].update(sex={"enum": ["f", "m"]}), schemas.InputUnknown),
        (lambda sent: sent["properties"].update(loan_amount={"type": "integer"}), schemas.TypeDiffers),
        (lambda sent: sent["required"].remove("loan_amount"), schemas.NeedDiffers),
    ],
)
def test_a_service_of_another_contract_is_caught(opened, registered, answered, change, error):
    registered()
    told, url = answered
    change(told["components"]["schemas"]["Application"])
    with pytest.raises(error, match="the API"):
        validate(opened, 1, opened.events(), url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [("http://127.0.0.1:9", "Does the service run"), ("file:///etc", "expected the service's address")],
)
def test_a_service_that_is_not_there_is_said(opened, registered, url, sentence):
    registered()
    with pytest.raises(UsageError, match=sentence):
        validate(opened, 1, opened.events(), url)
