"""The service's routes: HTTP in, HTTP out. How a request is decided stands in the engine."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module  # part: monitoring
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope
from starlette.websockets import WebSocketClose

from credit_risk.ledger import reference
from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.reference import ReferenceRefused
from credit_risk.serving import openapi, page
from credit_risk.serving.admission import AdmissionWatch
from credit_risk.serving.clients.access import Client, Guard, Scope, needs
from credit_risk.serving.clients.key_file import READ_ALL
from credit_risk.serving.engine import DecisionEngine, RequestContext
from credit_risk.serving.limits.batch_work import BatchWork
from credit_risk.serving.limits.traffic import ArrivingBodies, InFlightLimit, TokenBuckets
from credit_risk.serving.problems import Fault, Problem
from credit_risk.serving.prometheus import ServiceMetrics
from credit_risk.serving.readiness import Readiness
from credit_risk.serving.requests import examples
from credit_risk.serving.requests.json_reading import SHOWN
from credit_risk.serving.requests.request_reading import REFERENCE, is_reference
from credit_risk.serving.settings import Serving
from credit_risk.serving.supplies import Supplies

SECURE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
JSON, PROBLEM = "application/json", "application/problem+json"
NAMED_ONCE = {b"x-applicant-id": "X-Applicant-Id", b"idempotency-key": "Idempotency-Key"}
CONNECTION_BYTES = 4_096  # that a request costs while its body arrives, however little of it is there

Answer = Callable[["Service", Request], Awaitable[Response]]


@dataclass(frozen=True)
class Service:
    """All that the routes need; one in each worker process."""

    settings: Serving
    engine: DecisionEngine
    guard: Guard
    buckets: TokenBuckets
    in_flight: InFlightLimit
    arriving: ArrivingBodies
    batches: BatchWork
    readiness: Readiness
    metrics: ServiceMetrics
    watch: AdmissionWatch

    @classmethod
    def of(cls, settings: Serving, engine: DecisionEngine, guard: Guard) -> "Service":
        limits = settings.limits
        # Where nobody is asked who they are, all are one client.
        share = limits.client_share if settings.access.mode != "off" else 1.0
        return cls(
            settings,
            engine,
            guard,
            TokenBuckets(limits.per_client_per_second, limits.burst),
            InFlightLimit(limits.in_flight, max(1, math.floor(limits.in_flight * share))),
            ArrivingBodies(limits.arriving_bytes, math.floor(limits.arriving_bytes * share)),
            BatchWork(limits.batches_at_once, limits.batch_seconds),
            Readiness(engine, limits.probe_seconds),
            ServiceMetrics(engine.by.scorer, Supplies(settings, engine.admission.root)),
            AdmissionWatch(engine.admission),
        )

    @cached_property
    def shown_page(self) -> page.Page:
        """The form at /. It is the same for everybody, and making it costs as much as five decisions."""
        scorer = self.engine.scorer
        return page.render(
            scorer.config,
            example=examples.application(scorer.config, scorer.reference),
            scorer=scorer.digest,
            needs_key=self.settings.access.mode != "off",
        )

    def close(self) -> None:
        """End the batches that are worked on, then write what waits and close the ledger."""
        self.watch.close()
        self.batches.close()
        self.readiness.close()
        self.guard.close()
        self.engine.close()

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
    client = authenticated(service, request, "decide")
    context = context_of(client, request)
    body = await read(service, request, client, service.settings.limits.body_bytes)
    with service.in_flight.admit(client.name):
        reply, recorded, missing = await service.engine.decide(body, context)
    service.metrics.count_decision(reply["decision"], time.perf_counter() - arrived, reply["score"], missing)
    return json_(reply, headers={"Idempotency-Replayed": "true"} if recorded.repeated else {})


async def decide_batch(service: Service, request: Request) -> Response:
    """POST /decide/batch: many applications in one transaction."""
    arrived = time.perf_counter()
    client = authenticated(service, request, "decide")
    if "idempotency-key" in request.headers:
        unknown = Fault("Idempotency-Key", "header", None, "no such header")
        raise Problem(422, "A batch has no idempotency key.", [unknown])
    limits, engine, batches = service.settings.limits, service.engine, service.batches
    body = await read(service, request, client, limits.batch_bytes)
    with service.in_flight.admit(client.name):
        # A batch costs its applications; for what reading it takes, at least one for each single application's size.
        paid = len(body) // limits.body_bytes
        service.buckets.take(client.name, paid)
        limit = batches.limit()
        # In a thread, so that single applications are answered meanwhile.
        batch = await batches.run(
            request, limit, engine.reader.applications, body, limits.body_bytes, limits.batch_rows, limit.step
        )
        service.buckets.take(client.name, max(0, len(batch.applications) - 1 - paid))
        replies, recorded = await batches.run(request, limit, engine.decide_batch, batch, client.name, limit.step)
    took = (time.perf_counter() - arrived) / len(replies)
    for decision, missing in recorded:
        service.metrics.count_decision(decision.decided["decision"], took, decision.decided["score"], missing)
    return json_({"decisions": replies})


async def recorded_decision(service: Service, request: Request) -> Response:
    """GET /decisions/{decision_id}: a decision of the past that this client made, or anybody's with `read:all`."""
    client = authenticated(service, request, "read")
    made_by = None if READ_ALL in client.scopes else client.name
    with service.in_flight.admit(client.name):  # a thread each, and a database that hangs keeps them
        identifier = request.path_params["decision_id"]
        return json_(await asyncio.to_thread(service.engine.recorded_decision, identifier, made_by))


async def model(service: Service, request: Request) -> Response:
    """GET /model: the scorer that decides, its digests and the gate's verdict on it."""
    authenticated(service, request, "read")
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
    """GET /health: whether a client could be let in, and a decision be made and recorded now."""
    service.guard.check()
    try:
        await service.readiness.check()
    except LedgerUnavailable:
        raise Problem(503, "Decisions cannot be recorded now.", retry_after=1) from None
    lapses = {"lapses": service.watch.lapses} if service.watch.lapses else {}
    return json_({"status": "ready", "scorer": service.engine.by.scorer} | lapses)


async def prometheus_metrics(service: Service, _: Request) -> Response:
    service.metrics.waiting.set(service.engine.commit.depth)
    service.metrics.lapses.set(len(service.watch.lapses))
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4", headers=SECURE)


async def api_description(service: Service, _: Request) -> Response:
    return json_(openapi.of(service.engine.scorer, service.settings))


async def index(service: Service, _: Request) -> Response:
    if not service.settings.page:
        raise Problem(404, "The page is switched off here (serving.page).")
    headers = SECURE | {"Content-Security-Policy": service.shown_page.policy}
    return Response(service.shown_page.html, media_type="text/html", headers=headers)


async def not_found(_: Service, request: Request) -> Response:
    """Everything else: 405 for a known path with another method, else 404."""
    path = request.scope["path"]  # request.url is made from the header Host too, which may be anything
    allowed = [method for method, known, _ in ROUTES if compile_path(known)[0].match(path)]
    if path in LIVENESS:
        allowed = ["GET"]
    if allowed:
        raise Problem(405, f"This is answered for {allowed[0]} alone.", more={"Allow": allowed[0]})
    raise Problem(404, "There is nothing here.")


@dataclass(frozen=True)
class AnyMethod:
    """An ASGI application that gives a request to a function, whatever its method, and takes no websocket."""

    answer: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        closed = scope["type"] == "websocket"
        response = WebSocketClose() if closed else await self.answer(Request(scope, receive, send))
        await response(scope, receive, send)


LIVENESS = ("/livez", "/readyz")  # answered by BentoML, before the service is asked
ROUTES: tuple[tuple[str, str, Answer], ...] = (
    ("POST", "/decide", decide),
    ("POST", "/decide/batch", decide_batch),
    ("GET", "/decisions/{decision_id}", recorded_decision),
    ("GET", "/model", model),
    ("GET", "/health", health),
    ("GET", "/metrics", prometheus_metrics),
    ("GET", "/openapi.json", api_description),
    ("GET", "/", index),
    *import_module(".monitoring.tab", "credit_risk").ROUTES,  # part: monitoring
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
            running.pop().close()

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
    everything_else = AnyMethod(partial(answered, not_found))
    routes.append(Route("/{rest:path}", everything_else))
    service = Starlette(routes=routes, lifespan=lifespan)
    service.router.default = everything_else  # for a path with a line break, which no pattern of a route matches
    return service


def authenticated(service: Service, request: Request, scope: Scope) -> Client:
    """The client of a request, if it is known, has the scope and is within its rate. Raises Problem 401, 403 or 429."""
    client = service.guard.client(request.headers)
    needs(client, scope)
    service.buckets.take(client.name)
    return client


def context_of(client: Client, request: Request) -> RequestContext:
    """The client with what headers and query say of the request. Raises Problem 422."""
    sent = [(name, value.decode("latin-1")) for name, value in request.scope["headers"] if name in NAMED_ONCE]
    twice = [header for name, header in NAMED_ONCE.items() if sum(each == name for each, _ in sent) > 1]
    wrong = [Fault(header, "header", None, "this header once") for header in twice]
    values = dict(sent)
    applicant, key = values.get(b"x-applicant-id"), values.get(b"idempotency-key")
    if key is not None and not is_reference(key):
        wrong.append(Fault("Idempotency-Key", "header", None, REFERENCE))
    try:
        applicant = None if applicant is None else reference.from_header(applicant)
    except ReferenceRefused:
        wrong.append(Fault("X-Applicant-Id", "header", None, reference.IN_HEADER))
    explain = request.query_params.getlist("explain") if request.scope["query_string"] else []
    if explain not in ([], ["true"], ["false"]):
        wrong.append(Fault("explain", "query", ", ".join(explain)[:SHOWN], "true or false, once"))
    if wrong:
        raise Problem(422, "The application was not looked at.", wrong)
    return RequestContext(client.name, applicant, key, explain == ["true"])


async def read(service: Service, request: Request, client: Client, most: int) -> bytes:
    """The body of a request, of at most so many bytes.

    Raises Problem 408, 413, 415; 429 or 503 where more bodies are arriving than may at once.
    """
    headers = request.headers
    kinds = headers.getlist("content-type")
    if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() != JSON:
        raise Problem(415, f"Send {JSON} in the header Content-Type.")
    if any(coding.strip().lower() != "identity" for coding in headers.getlist("content-encoding")):
        raise Problem(415, "Send the body as it is, without Content-Encoding.", more={"Accept-Encoding": "identity"})
    declared = headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > most):
        raise too_large(most)
    seconds = service.settings.limits.request_seconds
    try:
        async with asyncio.timeout(seconds):
            return await arrived_body(service.arriving, request.receive, client.name, most)
    except (TimeoutError, ClientDisconnect):
        raise Problem(408, f"The body did not arrive within {seconds:g} seconds.") from None


async def arrived_body(arriving: ArrivingBodies, receive: Receive, client: str, most: int) -> bytes:
    """A body when all of it is there; meanwhile it counts among those that arrive. Raises Problem, ClientDisconnect."""
    counted = CONNECTION_BYTES
    arriving.add(client, counted)
    try:
        parts = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            if len(parts) + len(part) > most:
                raise too_large(most)
            if not message.get("more_body", False):
                return bytes(parts + part) if parts else part
            arriving.add(client, len(part))
            counted += len(part)
            parts += part
    finally:
        arriving.remove(client, counted)


def too_large(most: int) -> Problem:
    return Problem(413, f"A body may have {most:,} bytes.")


def json_(content: Any, *, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), media_type=JSON, headers=SECURE | (headers or {}))


def problem(refusal: Problem) -> Response:
    content = orjson.dumps(refusal.as_dict(), default=str)
    return Response(content, refusal.status, media_type=PROBLEM, headers=SECURE | refusal.headers)
