"""The service's routes: HTTP in, HTTP out. What is decided, and how, stands in the engine."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.serving import examples, openapi, page
from credit_risk.serving.access import Client, Guard, Scope, needs
from credit_risk.serving.engine import Asked, Engine
from credit_risk.serving.problems import Fault, Problem
from credit_risk.serving.prometheus import Measures
from credit_risk.serving.request_reading import REFERENCE, is_reference
from credit_risk.serving.settings import Serving
from credit_risk.serving.traffic import Buckets, Room

SECURE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
JSON, PROBLEM = "application/json", "application/problem+json"

Answer = Callable[["Service", Request], Awaitable[Response]]


@dataclass(frozen=True)
class Service:
    """All that the routes need, made once a process."""

    settings: Serving
    engine: Engine
    guard: Guard
    buckets: Buckets
    room: Room
    measures: Measures

    @classmethod
    def of(cls, settings: Serving, engine: Engine, guard: Guard) -> "Service":
        limits = settings.limits
        buckets = Buckets(limits.per_client_per_second, limits.burst)
        return cls(settings, engine, guard, buckets, Room(limits.in_flight), Measures(engine.by.scorer))

    def shed(self, scope: AsgiScope) -> Response | None:
        """The answer to a request that wants a decision while there is no room; nobody is asked who they are."""
        if scope["method"] != "POST" or self.room.is_free:
            return None
        self.measures.problems.labels("503").inc()
        return problem(self.room.full())


@dataclass(frozen=True)
class Door:
    """What stands before a framework: a request for which there is no room is sent away before it costs anything.

    running: the service, once it has started.
    """

    inside: ASGIApp
    running: Sequence[Service]

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        refused = self.running[0].shed(scope) if self.running and scope["type"] == "http" else None
        await (refused or self.inside)(scope, receive, send)


async def decide(service: Service, request: Request) -> Response:
    arrived = time.perf_counter()
    client = await admitted(service, request, "decide")
    with service.room.place():
        asked = asked_by(client, request)
        body = await read(request, service.settings.limits.body_bytes, service.settings.limits.request_seconds)
        reply, recorded, lacking = await service.engine.decide(body, asked)
    service.measures.decided(reply["decision"], time.perf_counter() - arrived, reply["score"], lacking)
    return json_(reply, headers={"Idempotency-Replayed": "true"} if recorded.repeated else {})


async def decide_batch(service: Service, request: Request) -> Response:
    arrived = time.perf_counter()
    client = await admitted(service, request, "decide")
    if "idempotency-key" in request.headers:
        raise Problem(
            422, "A batch has no idempotency key.", [Fault("Idempotency-Key", "header", None, "no such header")]
        )
    limits = service.settings.limits
    with service.room.place():
        body = await read(request, limits.batch_bytes, limits.request_seconds)
        # In a thread, so that single applications are answered meanwhile.
        replies, recorded = await asyncio.to_thread(service.engine.decide_batch, body, limits.batch_rows, client.name)
    took = (time.perf_counter() - arrived) / len(replies)
    for one, lacking in recorded:
        service.measures.decided(one.decided["decision"], took, one.decided["score"], lacking)
    return json_({"decisions": replies})


async def past(service: Service, request: Request) -> Response:
    await admitted(service, request, "read")
    return json_(await asyncio.to_thread(service.engine.past, request.path_params["decision_id"]))


async def model(service: Service, request: Request) -> Response:
    await admitted(service, request, "read")
    engine = service.engine
    return json_(
        {
            **engine.model,
            "digests": vars(engine.by),
            "gate": engine.gate,
            "features": list(engine.scorer.config.features),
            "reasons_version": engine.scorer.config.reasons.version,
        }
    )


async def health(service: Service, _: Request) -> Response:
    try:
        await asyncio.to_thread(service.engine.ready)
    except LedgerUnavailable:
        raise Problem(503, "The ledger cannot be reached.", retry_after=1) from None
    return json_({"status": "ready", "scorer": service.engine.by.scorer})


async def metrics(service: Service, _: Request) -> Response:
    service.measures.waiting.set(service.engine.commit.depth)
    return Response(service.measures.text(), media_type="text/plain; version=0.0.4", headers=SECURE)


async def described(service: Service, _: Request) -> Response:
    return json_(openapi.of(service.engine.scorer, service.settings))


async def index(service: Service, _: Request) -> Response:
    if not service.settings.page:
        raise Problem(404, "The page is switched off here (serving.page).")
    scorer = service.engine.scorer
    shown = page.render(
        scorer.config,
        example=examples.application(scorer.config, scorer.reference),
        scorer=scorer.digest,
        needs_key=service.settings.access.mode != "off",
    )
    headers = SECURE | {"Content-Security-Policy": shown.policy}
    return Response(shown.html, media_type="text/html", headers=headers)


async def nothing(_: Service, request: Request) -> Response:
    allowed = [method for method, path, _ in ROUTES if compile_path(path)[0].match(request.url.path)]
    if allowed:
        raise Problem(405, f"This is answered for {allowed[0]} alone.", more={"Allow": allowed[0]})
    raise Problem(404, "There is nothing here.")


METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
ROUTES: tuple[tuple[str, str, Answer], ...] = (
    ("POST", "/decide", decide),
    ("POST", "/decide/batch", decide_batch),
    ("GET", "/decisions/{decision_id}", past),
    ("GET", "/model", model),
    ("GET", "/health", health),
    ("GET", "/metrics", metrics),
    ("GET", "/openapi.json", described),
    ("GET", "/", index),
)


def application(start: Callable[[], Service]) -> Starlette:
    """The ASGI application; `start` makes the service when the server does, and what it raises ends the server."""
    held: list[Service] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        held.append(start())
        try:
            yield
        finally:
            held.pop().engine.close()

    async def answered(answer: Answer, request: Request) -> Response:
        if not held:
            return problem(Problem(503, "The service is starting.", retry_after=1))
        service = held[0]
        try:
            return await answer(service, request)
        except Problem as found:
            for fault in found.faults:
                # Only names from the config become labels: a client's own words would be without number.
                known = fault.field in service.engine.scorer.config.inputs
                service.measures.refused.labels(fault.rule, fault.field if known else "").inc()
            service.measures.problems.labels(str(found.status)).inc()
            return problem(found)

    routes = [Route(path, partial(answered, answer), methods=[method]) for method, path, answer in ROUTES]
    # Last, so that no page of the framework's own answers where this service does not.
    routes.append(Route("/{rest:path}", partial(answered, nothing), methods=METHODS))
    return Starlette(routes=routes, lifespan=lifespan)


async def admitted(service: Service, request: Request, scope: Scope) -> Client:
    """Whoever asks, if they are known, may do this, and do not ask too often. Raises Problem."""
    guard, headers = service.guard, request.headers
    client = await asyncio.to_thread(guard.client, headers) if guard.waits else guard.client(headers)
    needs(client, scope)
    service.buckets.take(client.name)
    return client


def asked_by(client: Client, request: Request) -> Asked:
    headers = request.headers
    applicant, key = headers.get("x-applicant-id"), headers.get("idempotency-key")
    wrong = [
        Fault(name, "header", None, REFERENCE)
        for name, value in (("X-Applicant-Id", applicant), ("Idempotency-Key", key))
        if value is not None and not is_reference(value)
    ]
    explain = request.query_params.get("explain", "false")
    if explain not in ("true", "false"):
        wrong.append(Fault("explain", "query", explain[:100], "true or false"))
    if wrong:
        raise Problem(422, "The application was not looked at.", wrong)
    return Asked(client.name, applicant, key, explain == "true")


async def read(request: Request, most: int, seconds: float) -> bytes:
    """The body, if it is JSON by its header, not larger than it may be, and arrives in time. Raises Problem."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Problem(415, f"Send {JSON} in the header Content-Type.")
    too_large = Problem(413, f"A body may have {most:,} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise too_large
    except (TimeoutError, ClientDisconnect):
        raise Problem(408, f"The body did not arrive within {seconds:g} seconds.") from None
    return bytes(body)


def json_(content: Any, *, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), media_type=JSON, headers=SECURE | (headers or {}))


def problem(found: Problem) -> Response:
    content = orjson.dumps(found.as_dict(), default=str)
    return Response(content, found.status, media_type=PROBLEM, headers=SECURE | found.headers)
