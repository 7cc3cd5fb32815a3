"""The BentoML service. `credit-risk serve` starts it, and says by variables which repository and settings are meant.

BentoML imports this module in its master too, which only minds the workers. So what decides is imported late, when a
worker starts: the master begins sooner and holds half the memory.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import bentoml
from starlette.applications import Starlette

from credit_risk.config.environment import DEFAULT
from credit_risk.errors import CreditRiskError

ROOT, SETTINGS, WORKERS, MASTER = (f"CREDIT_RISK_{name}" for name in ("ROOT", "SETTINGS", "WORKERS", "MASTER"))

log = logging.getLogger("credit_risk")


running: list[Any] = []  # the web.Service of this worker, once it has started


def start() -> Any:
    """The web.Service of this worker. What keeps it from starting ends the server: a new try would fail alike."""
    try:
        running[:] = [
            made(Path(os.environ.get(ROOT, ".")), Path(os.environ[SETTINGS]) if SETTINGS in os.environ else None)
        ]
    except CreditRiskError as error:
        log.error("%s", error)  # noqa: TRY400  (the sentence says it all)
        if MASTER in os.environ:
            os.kill(int(os.environ[MASTER]), signal.SIGTERM)
        sys.exit(error.exit_code)
    return running[0]


def made(root: Path, settings_path: Path | None) -> Any:
    """The service of a repository: its settings, scorer, ledger and guard."""
    access, engine, settings, web = (
        import_module(f"credit_risk.serving.{name}") for name in ("access", "engine", "settings", "web")
    )
    found = settings.load(settings_path or root / DEFAULT)
    guard = access.guard(found.access, root)
    return web.Service.of(found, engine.start(root, found), guard)


@asynccontextmanager
async def lifespan(outer: Starlette) -> AsyncIterator[None]:
    """The routes of the service, from when the worker starts until it ends."""
    service = import_module("credit_risk.serving.web").application(start)
    outer.router.routes.extend(service.router.routes)
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


class Bare(bentoml.Service[Any]):  # type: ignore[misc]  # (bentoml is not typed)
    """A service that answers without BentoML's middlewares, in whose place it has limits and metrics of its own.

    Their timer keeps something of every answered request for as long as the timeout, all of which the garbage collector
    then walks over (pauses of 200 ms at 1,000 requests a second), and tracing costs as much as deciding does.
    """

    def to_asgi(self, is_main: bool = True) -> Any:
        app: Any = super().to_asgi(is_main=is_main)
        app.user_middleware.clear()
        return import_module("credit_risk.serving.web").Door(app, running)


@bentoml.service(
    name="credit-risk",
    service_class=Bare,
    workers=int(os.environ.get(WORKERS, "1")),
    metrics={"enabled": False},  # /metrics is our own
    logging={"access": {"enabled": False}},  # a path may hold a decision's id
)
@bentoml.asgi_app(Starlette(lifespan=lifespan), path="/")
class CreditRisk:
    """Readiness needs no hook: a worker takes no connection before its scorer and ledger stand."""
