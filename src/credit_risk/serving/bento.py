"""The BentoML service. `credit-risk serve` starts it, and says by variables which repository and settings are meant.

BentoML imports this module in its master too, which only minds the workers. So the modules that decide are imported
within functions, when a worker starts: the master starts sooner and needs half the memory.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bentoml
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from credit_risk.config.environment import DEFAULT
from credit_risk.errors import CreditRiskError
from credit_risk.serving.lightgbm_alone import import_lightgbm_alone

if TYPE_CHECKING:
    from credit_risk.serving.web import Service

ROOT, SETTINGS, WORKERS, MASTER, HOST = (
    f"CREDIT_RISK_{name}" for name in ("ROOT", "SETTINGS", "WORKERS", "MASTER", "HOST")
)
EVERYWHERE = "0.0.0.0"  # noqa: S104  (what BentoML listens on where it is started without `credit-risk serve`)

log = logging.getLogger("credit_risk")


running: "list[Service]" = []  # of this worker, once it has started


def start() -> "Service":
    """Start the service of this worker. An error ends the whole server: a new worker would meet the same one."""
    root = Path(os.environ.get(ROOT, "."))
    try:
        running[:] = [service_of(root, Path(os.environ.get(SETTINGS, root / DEFAULT)))]
    except CreditRiskError as error:
        log.error("%s", error)  # noqa: TRY400  (the sentence says it all)
        if MASTER in os.environ:
            os.kill(int(os.environ[MASTER]), signal.SIGTERM)
        sys.exit(error.exit_code)
    return running[0]


def service_of(root: Path, path: Path) -> "Service":
    """The service of a repository: its settings, scorer, ledger and guard. path: of the environment's file."""
    from credit_risk.config.permission import scopes_by_roles  # noqa: PLC0415  # part: roles
    from credit_risk.serving import engine, open_doors, settings, web  # noqa: PLC0415  (late: see above)
    from credit_risk.serving.clients import access  # noqa: PLC0415
    from credit_risk.serving.limits import connections  # noqa: PLC0415

    serving = settings.load(path)
    open_doors.refuse_open_doors(path, serving, root, os.environ.get(HOST, EVERYWHERE))
    connections.use(serving.limits)
    guard = access.guard(serving.access, root)
    # of the part: roles
    if isinstance(guard, access.JwtGuard) and guard.settings.roles_claim is not None:
        guard.scopes_of = scopes_by_roles(path, root)
    # end of part
    return web.Service.of(serving, engine.start(root, serving), guard)


@asynccontextmanager
async def lifespan(outer: Starlette) -> AsyncIterator[None]:
    """The routes of the service, from when the worker starts until it ends."""
    from credit_risk.serving import web  # noqa: PLC0415  (late: see above)

    service = web.application(start)
    outer.router.routes.extend(service.router.routes)
    outer.router.default = service.router.default
    watching = asyncio.create_task(end_with(os.getppid()))
    async with service.router.lifespan_context(service):
        yield
    watching.cancel()


async def end_with(master: int, every: float = 1.0) -> None:
    """End this worker when its master has gone: it would go on answering on a port that no new master can take."""
    while os.getppid() == master:
        await asyncio.sleep(every)
    log.error("the process that started this worker was killed, so the worker ends")
    signal.raise_signal(signal.SIGTERM)


class ServiceWithoutMiddleware(bentoml.Service[Any]):  # type: ignore[misc]  # (bentoml is not typed)
    """A service without BentoML's middlewares; limits and metrics are our own (web).

    Their timer keeps something of every answered request for as long as the timeout, all of which the garbage collector
    then walks over (pauses of 200 ms at 1,000 requests a second), and tracing costs as much as deciding does.
    """

    def to_asgi(self, is_main: bool = True) -> Any:
        import_lightgbm_alone()
        from credit_risk.serving import web  # noqa: PLC0415  (late: see above)
        from credit_risk.serving.limits import connections  # noqa: PLC0415

        connections.install()
        app: Any = super().to_asgi(is_main=is_main)
        app.user_middleware.clear()
        # Of BentoML's own pages these two are documented; all others are answered by the service, with 404.
        app.router.routes[:] = [
            route for route in app.router.routes if not isinstance(route, Route) or route.path in web.LIVENESS
        ]
        # A path with a line break matches no pattern: it goes the way of all others.
        app.router.default = next(route.app for route in app.router.routes if isinstance(route, Mount))
        return web.OverloadMiddleware(app, running)


@bentoml.service(
    name="credit-risk",
    service_class=ServiceWithoutMiddleware,
    workers=int(os.environ.get(WORKERS, "1")),
    metrics={"enabled": False},  # /metrics is our own
    logging={"access": {"enabled": False}},  # a path may hold a decision's id
)
@bentoml.asgi_app(Starlette(lifespan=lifespan), path="/")
class CreditRisk:
    """Readiness needs no hook: a worker takes no connection before its scorer and ledger stand."""
