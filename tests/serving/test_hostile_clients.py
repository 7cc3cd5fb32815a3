"""The real service under clients that mean it: slow heads and bodies, worst batches, and what BentoML would answer."""

import json
import os
import re
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import server

from credit_risk.serving.clients.key_file import add_key
from tools import PATIENCE, until

ENVIRONMENT = {"CREDIT_RISK_LEDGER_KEY": "5e" * 32}
HEAD_SECONDS, BODY_SECONDS = 3.0, 20.0


@pytest.fixture(scope="module")
def served(root, tmp_path_factory):
    """A service with access on and short deadlines, and the keys of two clients."""
    limits = {
        "head_seconds": HEAD_SECONDS,
        "request_seconds": BODY_SECONDS,
        "batch_seconds": 3_600,
        "shutdown_seconds": 3,
        "in_flight": 4,
        "client_share": 0.5,
    }
    folder = server.place(
        tmp_path_factory.mktemp("hostile"), root, access={"mode": "keys", "keys_file": "keys.json"}, limits=limits
    )
    keys = {name: add_key(folder / "keys.json", name, ["decide", "read"], 1) for name in ("slow", "quick")}
    with server.serving(folder, environment=ENVIRONMENT) as found:
        yield found, keys


def connect(url: str) -> socket.socket:
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port), timeout=PATIENCE)


def begun(url: str, key: str, path: str = "/decide") -> socket.socket:
    """A request whose body has begun, and does not go on."""
    connection = connect(url)
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
    return connection


def test_forty_slow_bodies_of_one_client_keep_nobody_waiting(served, application):
    found, keys = served
    with ExitStack() as open_connections:
        slow = [open_connections.enter_context(begun(found.url, keys["slow"])) for _ in range(40)]
        time.sleep(0.5)
        for _ in range(20):
            answer = server.ask("POST", f"{found.url}/decide", json=application, headers={"X-API-Key": keys["quick"]})
            assert answer.status_code == 200
        assert slow[0].recv(15) == b"HTTP/1.1 408 Re"


def test_a_thousand_partial_heads_keep_nobody_waiting_and_end(served):
    found, _ = served
    with ExitStack() as open_connections:
        partial = [open_connections.enter_context(connect(found.url)) for _ in range(1_100)]
        for connection in partial:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-")
        assert server.ask("GET", f"{found.url}/livez").status_code == 200
        assert {connection.recv(10) for connection in partial} == {b""}


@pytest.mark.parametrize(
    ("first", "second"), [(b"\r\n", b"\r\n"), (b"G", b"E"), (b"GET / HTTP/1.1\r\nHost: a\r\nX: b", b"c")]
)
def test_a_head_that_comes_drop_by_drop_ends_too(served, first, second):
    found, _ = served
    with connect(found.url) as connection:
        connection.sendall(first)
        threading.Timer(HEAD_SECONDS / 2, connection.sendall, [second]).start()
        assert connection.recv(10) == b""


def test_after_an_answer_a_body_that_nobody_reads_ends_too(served):
    found, _ = served
    with begun(found.url, "ck_unknown_key") as connection:
        assert connection.recv(12) == b"HTTP/1.1 401"
        deadline = time.monotonic() + PATIENCE
        try:
            while connection.recv(4_096):
                connection.sendall(b" ")
                assert time.monotonic() < deadline
        except ConnectionError:
            pass


def received(connection):
    """The whole answer: head and body may come in packets of their own."""
    got = b""
    while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < length_of(got):
        packet = connection.recv(100_000)
        assert packet, got
        got += packet
    return got


def length_of(answer):
    return int(re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)[1])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /livez HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"FOO /decide HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"PROPFIND /decide HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /nothing HTTP/1.1\r\nHost: [\r\n\r\n", 404),
        (b"GET /decisions/a%0A%09 HTTP/1.1\r\nHost: a\r\n\r\n", 401),
        (b"POST /a%0Ab HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 404),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /schema.json HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405),
    ],
)
def test_what_is_no_request_of_ours_is_answered_by_ourselves(served, sent, status):
    found, _ = served
    with connect(found.url) as connection:
        connection.sendall(sent)
        got = received(connection).decode()
    head, _, body = got.partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "application/problem+json" in head
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize("path", ["/decide", "/a%0Ab"])
def test_a_websocket_is_turned_away(served, path):
    found, _ = served
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    with connect(found.url) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n{upgrade}dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        assert connection.recv(100_000).startswith(b"HTTP/1.1 403 ")


def test_nothing_that_a_client_sends_counts_as_a_failure_of_the_service(served):
    found, keys = served
    headers = {"X-API-Key": keys["quick"], "Content-Type": "application/json"}
    for body in (b"1" * 4_300, b'{"income": 1' + b"0" * 400 + b"}", b"[" * 60_000, b'{"\\ud800": 1}', b"\xff", b"{}"):
        for path in ("/decide", "/decide/batch"):
            assert 400 <= server.ask("POST", f"{found.url}{path}", content=body, headers=headers).status_code < 500
    for path in ("/decisions/%00", "/decisions/%ff", "/decisions/..", "/decide?explain=%ff%00"):
        assert server.ask("GET", f"{found.url}{path}", headers=headers).status_code < 500
    exposition = server.ask("GET", f"{found.url}/metrics").text
    assert re.findall(r'^credit_risk_problems_total\{status="4\d\d"\}', exposition, re.MULTILINE)
    assert re.findall(r'^credit_risk_problems_total\{status="5\d\d"\} [^0].*$', exposition, re.MULTILINE) == []


@pytest.fixture(scope="module")
def patient(root, tmp_path_factory):
    """A service in which nothing ends by itself: heads and batches may take an hour, and each step of a batch takes its
    time. A step says that it has begun: a client that goes before its body was read is none that has left a batch.
    It may have few files open."""
    folder = tmp_path_factory.mktemp("patient")
    working = folder / "working"
    limits = {"head_seconds": 3_600, "batch_seconds": 3_600, "shutdown_seconds": 1, "batch_rows": 100_000}
    (folder / "changed").mkdir()
    (folder / "changed" / "sitecustomize.py").write_text(
        "import pathlib, resource, time\nfrom credit_risk.serving.limits import batch_work\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))\n"
        "step = batch_work.WorkLimit.step\n"
        f"working = pathlib.Path({str(working)!r})\n"
        "batch_work.WorkLimit.step = lambda self: (working.touch(), time.sleep(0.2), step(self))[2]\n"
    )
    environment = ENVIRONMENT | {"PYTHONPATH": str(folder / "changed")}
    with server.serving(server.place(folder / "root", root, limits=limits), environment=environment) as found:
        yield found, working


def test_partial_heads_never_take_the_last_of_the_files_that_a_process_may_have_open(patient):
    """They last for ever here, so that only their number can end them."""
    found, _ = patient
    with ExitStack() as opened:
        for _ in range(600):
            opened.enter_context(connect(found.url)).sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-")
        assert server.ask("GET", f"{found.url}/livez", timeout=60).status_code == 200


def test_a_batch_whose_client_has_gone_and_one_that_goes_on_for_ever_end(patient, application):
    found, working = patient
    body = json.dumps({"applications": [application] * 2_000}).encode()
    head = b"POST /decide/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with connect(found.url) as gone:
        gone.sendall(head % len(body) + body)
        until(working.exists, "work on the batch of the client that goes")
    ended = 'credit_risk_problems_total{status="408"} 1.0'
    until(lambda: ended in server.ask("GET", f"{found.url}/metrics").text, ended)
    working.unlink()
    with connect(found.url) as staying:
        staying.sendall(head % len(body) + body)
        until(working.exists, "work on the batch of the client that stays")
        os.kill(found.process.pid, signal.SIGTERM)
        assert found.process.wait(PATIENCE) is not None
