"""Overload and soak: what their client counts, what they call missed, and the door that sends requests away."""

import asyncio
from collections import deque
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from loadtest.overload import Client, Seen, figures, length_of, misses, request_of
from loadtest.soak import GROWTH, Look, growth

from credit_risk.serving import web

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SHED = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\ncontent-length: 0\r\n\r\n"


def sent(*chunks: bytes) -> tuple[Seen, Client]:
    """A connection that has sent one request and got these bytes."""
    seen, free = Seen(), deque()
    client = Client(free, seen)
    client.connection_made(SimpleNamespace(write=lambda _: None))
    client.send(b"POST", due=0.0)
    for chunk in chunks:
        client.data_received(chunk)
    assert (client in free) == (client.due is None)
    return seen, client


def test_an_answer_in_pieces_counts_once_when_it_is_whole():
    seen, client = sent(OK[:20], OK[20:-1])
    assert (seen.accepted, client.due) == ([], 0.0)
    client.data_received(OK[-1:])
    assert len(seen.accepted) == 1


@pytest.mark.parametrize(
    ("answer", "shed", "without", "other"),
    [
        (SHED, 1, 0, 0),
        (SHED.replace(b"Retry-After: 1\r\n", b""), 1, 1, 0),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", 0, 0, 1),
    ],
)
def test_what_is_no_decision_is_guarded_groups(answer, shed, without, other):
    seen, _ = sent(answer)
    assert (len(seen.shed), seen.without_retry_after, seen.other, seen.accepted) == (shed, without, other, [])


def test_a_connection_that_ends_under_a_request_is_broken_and_an_idle_one_is_not():
    seen, client = sent()
    client.connection_lost(None)
    client.connection_lost(None)
    assert seen.broken == 1


def test_a_request_says_how_long_it_is():
    request = request_of("ü".encode(), 80)
    head, _, body = request.partition(b"\r\n\r\n")
    assert (length_of(head), body) == (2, "ü".encode())


def test_figures_are_of_accepted_requests_alone():
    found = figures(Seen(accepted=[1.0, 3.0], shed=[500.0], not_sent=4), times=2, per_second=10, seconds=2)
    assert (found["p50"], found["accepted_per_second"], found["shed"], found["not_sent"]) == (2, 1, 1, 4)


LINE = {"times": 2, "p99": 99.9, "without_retry_after": 0, "other": 0, "broken": 0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"p99": 100.0}, ["at 2 times the capacity the p99 of accepted requests is 100 ms"]),
        ({"p99": np.nan}, ["at 2 times the capacity the p99 of accepted requests is nan ms"]),
        ({"broken": 3}, ["at 2 times the capacity: 3 broken"]),
        ({"without_retry_after": 1}, ["at 2 times the capacity: 1 503 without Retry-After"]),
    ],
)
def test_what_may_not_be_is_said(change, said):
    assert misses(LINE | change, 100) == said


def looks(*mb: float) -> list[Look]:
    return [Look(float(place), one) for place, one in enumerate(mb)]


def test_growth_holds_the_last_third_against_the_middle_one():
    assert growth(looks(10, 90, 100, 100, 101, 103)) == pytest.approx(0.02)
    assert growth(looks(1, 1, 100, 100, 100, 100)) == 0  # what grew at the start is not held against it
    assert growth(looks(100, 100, 100, 100, 120, 120)) > GROWTH
    assert np.isnan(growth(looks(1, 2, 3)))


def answered(middleware: web.OverloadMiddleware, method: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(middleware), base_url="http://here") as client:
            return await client.request(method, "/decide")

    return asyncio.run(ask())


def test_the_door_sends_away_what_wants_a_decision_and_finds_no_room(serve):
    app = serve(limits={"in_flight": 1}).app
    reached = []

    async def inside(scope, receive, send):
        reached.append(scope["method"])
        await app(scope, receive, send)

    running: list[web.Service] = []
    middleware = web.OverloadMiddleware(inside, running)
    assert answered(middleware, "POST").status_code == 415  # nothing has started yet that could be full
    service = next(cell.cell_contents for cell in app.routes[0].endpoint.func.__closure__ if cell.cell_contents)[0]
    running.append(service)
    with service.in_flight.admit():
        shed = answered(middleware, "POST")
        assert answered(middleware, "GET").status_code == 405  # health, metrics and readers are let in
    assert (shed.status_code, shed.headers["retry-after"], shed.json()["status"]) == (503, "1", 503)
    assert shed.headers["x-content-type-options"] == "nosniff"
    assert answered(middleware, "POST").status_code == 415
    assert reached == ["POST", "GET", "POST"]
    assert 'credit_risk_problems_total{status="503"} 1.0' in service.metrics.text().decode()
