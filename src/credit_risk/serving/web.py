"""The service's routes: HTTP in, HTTP out. How a request is decided stands in the engine."""

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

from credit_risk.ledger import reference
from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.reference import ReferenceRefused
from credit_risk.serving import examples, openapi, page
from credit_risk.serving.access import Client, Guard, Scope, needs
from credit_risk.serving.engine import DecisionEngine, RequestContext
from credit_risk.serving.problems import Fault, Problem
from credit_risk.serving.prometheus import ServiceMetrics
from credit_risk.serving.request_reading import REFERENCE, is_reference
from credit_risk.serving.settings import Serving
from credit_risk.serving.traffic import InFlightLimit, TokenBuckets

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
    """All that the routes need; one in each worker process."""

    settings: Serving
    engine: DecisionEngine
    guard: Guard
    buckets: TokenBuckets
    in_flight: InFlightLimit
    metrics: ServiceMetrics

    @classmethod
    def of(cls, settings: Serving, engine: DecisionEngine, guard: Guard) -> "Service":
        limits = settings.limits
        buckets = TokenBuckets(limits.per_client_per_second, limits.burst)
        return cls(settings, engine, guard, buckets, InFlightLimit(limits.in_flight), ServiceMetrics(engine.by.scorer))

    def shed(self, scope: AsgiScope) -> Response | None:
        """503 for a decision while too many requests are in flight, else None. It does not ask who the client is."""
        if scope["method"] != "POST" or self.in_flight.has_capacity:
            return None
        self.metrics.problems.labels("503").inc()
        return problem(self.in_flight.refusal())


@dataclass(frozen=True)
class OverloadMiddleware:
    """ASGI middleware before a framework's own: a request too many is refused before it costs anything.

    running: the service, once it has started; empty before.
    """

    app: ASGIApp
    running: Sequence[Service]

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        refused = self.running[0].shed(scope) if self.running and scope["type"] == "http" else None
        await (refused or self.app)(scope, receive, send)


async def decide(service: Service, request: Request) -> Response:
    """POST /decide: one application."""
    arrived = time.perf_counter()
    client = await authenticated(service, request, "decide")
    with service.in_flight.admit():
        context = context_of(client, request)
        body = await read(request, service.settings.limits.body_bytes, service.settings.limits.request_seconds)
        reply, recorded, missing = await service.engine.decide(body, context)
    service.metrics.count_decision(reply["decision"], time.perf_counter() - arrived, reply["score"], missing)
    return json_(reply, headers={"Idempotency-Replayed": "true"} if recorded.repeated else {})


async def decide_batch(service: Service, request: Request) -> Response:
    """POST /decide/batch: many applications in one transaction."""
    arrived = time.perf_counter()
    client = await authenticated(service, request, "decide")
    if "idempotency-key" in request.headers:
        raise Problem(
            422, "A batch has no idempotency key.", [Fault("Idempotency-Key", "header", None, "no such header")]
        )
    limits = service.settings.limits
    with service.in_flight.admit():
        body = await read(request, limits.batch_bytes, limits.request_seconds)
        # In a thread, so that single applications are answered meanwhile.
        replies, recorded = await asyncio.to_thread(service.engine.decide_batch, body, limits.batch_rows, client.name)
    took = (time.perf_counter() - arrived) / len(replies)
    for decision, missing in recorded:
        service.metrics.count_decision(decision.decided["decision"], took, decision.decided["score"], missing)
    return json_({"decisions": replies})


async def recorded_decision(service: Service, request: Request) -> Response:
    """GET /decisions/{decision_id}: a decision of the past, from the ledger."""
    await authenticated(service, request, "read")
    return json_(await asyncio.to_thread(service.engine.recorded_decision, request.path_params["decision_id"]))


async def model(service: Service, request: Request) -> Response:
    """GET /model: the scorer that decides, its digests and the gate's verdict on it."""
    await authenticated(service, request, "read")
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
    """GET /health: whether a decision could be made and recorded now."""
    try:
        await asyncio.to_thread(service.engine.ready)
    except LedgerUnavailable:
        raise Problem(503, "The ledger cannot be reached.", retry_after=1) from None
    return json_({"status": "ready", "scorer": service.engine.by.scorer})


async def prometheus_metrics(service: Service, _: Request) -> Response:
    service.metrics.waiting.set(service.engine.commit.depth)
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4", headers=SECURE)


async def api_description(service: Service, _: Request) -> Response:
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


async def not_found(_: Service, request: Request) -> Response:
    """Everything else: 405 for a known path with another method, else 404."""
    allowed = [method for method, path, _ in ROUTES if compile_path(path)[0].match(request.url.path)]
    if allowed:
        raise Problem(405, f"This is answered for {allowed[0]} alone.", more={"Allow": allowed[0]})
    raise Problem(404, "There is nothing here.")


METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
ROUTES: tuple[tuple[str, str, Answer], ...] = (
    ("POST", "/decide", decide),
    ("POST", "/decide/batch", decide_batch),
    ("GET", "/decisions/{decision_id}", recorded_decision),
    ("GET", "/model", model),
    ("GET", "/health", health),
    ("GET", "/metrics", prometheus_metrics),
    ("GET", "/openapi.json", api_description),
    ("GET", "/", index),
)


def application(start: Callable[[], Service]) -> Starlette:
    """The ASGI application. start: makes the service when the server starts; an exception of it ends the server."""
    running: list[Service] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        running.append(start())
        try:
            yield
        finally:
            running.pop().engine.close()

    async def answered(answer: Answer, request: Request) -> Response:
        if not running:
            return problem(Problem(503, "The service is starting.", retry_after=1))
        service = running[0]
        try:
            return await answer(service, request)
        except Problem as refusal:
            for fault in refusal.faults:
                # Only names from the config become labels: a client's own words would be without number.
                known = fault.field in service.engine.scorer.config.inputs
                service.metrics.refused.labels(fault.rule, fault.field if known else "").inc()
            service.metrics.problems.labels(str(refusal.status)).inc()
            return problem(refusal)

    routes = [Route(path, partial(answered, answer), methods=[method]) for method, path, answer in ROUTES]
    # Last, so that no page of the framework's own answers where this service does not.
    routes.append(Route("/{rest:path}", partial(answered, not_found), methods=METHODS))
    return Starlette(routes=routes, lifespan=lifespan)


async def authenticated(service: Service, request: Request, scope: Scope) -> Client:
    """The client of a request, if it is known, has the scope and is within its rate. Raises Problem 401, 403 or 429."""
    guard, headers = service.guard, request.headers
    client = await asyncio.to_thread(guard.client, headers) if guard.waits else guard.client(headers)
    needs(client, scope)
    service.buckets.take(client.name)
    return client


def context_of(client: Client, request: Request) -> RequestContext:
    """The client with what headers and query say of the request. Raises Problem 422."""
    headers = request.headers
    applicant, key = headers.get("x-applicant-id"), headers.get("idempotency-key")
    wrong = [Fault("Idempotency-Key", "header", None, REFERENCE)] if key is not None and not is_reference(key) else []
    try:
        applicant = None if applicant is None else reference.from_header(applicant)
    except ReferenceRefused:
        wrong.append(Fault("X-Applicant-Id", "header", None, reference.IN_HEADER))
    explain = request.query_params.get("explain", "false")
    if explain not in ("true", "false"):
        wrong.append(Fault("explain", "query", explain[:100], "true or false"))
    if wrong:
        raise Problem(422, "The application was not looked at.", wrong)
    return RequestContext(client.name, applicant, key, explain == "true")


async def read(request: Request, most: int, seconds: float) -> bytes:
    """The body of a request. most: bytes; seconds: for it to arrive. Raises Problem 408, 413 or 415."""
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


def problem(refusal: Problem) -> Response:
    content = orjson.dumps(refusal.as_dict(), default=str)
    return Response(content, refusal.status, media_type=PROBLEM, headers=SECURE | refusal.headers)
