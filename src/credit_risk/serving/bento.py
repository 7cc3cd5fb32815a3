"""The BentoML service. `credit-risk serve` starts it, and says by variables which repository and settings are meant."""

import logging
import os
import signal
import sys
from pathlib import Path

import bentoml

from credit_risk.errors import CreditRiskError
from credit_risk.serving import access, engine, settings, web

ROOT, SETTINGS, WORKERS, MASTER = (f"CREDIT_RISK_{name}" for name in ("ROOT", "SETTINGS", "WORKERS", "MASTER"))

log = logging.getLogger("credit_risk")


def start() -> web.Service:
    """The service of this worker. What keeps it from starting ends the server: a new try would fail alike."""
    try:
        return made(Path(os.environ.get(ROOT, ".")), Path(os.environ[SETTINGS]) if SETTINGS in os.environ else None)
    except CreditRiskError as error:
        log.error("%s", error)  # noqa: TRY400  (the sentence says it all)
        if MASTER in os.environ:
            os.kill(int(os.environ[MASTER]), signal.SIGTERM)
        sys.exit(error.exit_code)


def made(root: Path, settings_path: Path | None) -> web.Service:
    """The service of a repository: its settings, scorer, ledger and guard."""
    found = settings.load(settings_path or root / settings.DEFAULT)
    guard = access.guard(found.access, root)
    return web.Service.of(found, engine.start(root, found), guard)


@bentoml.service(
    name="credit-risk",
    workers=int(os.environ.get(WORKERS, "1")),
    metrics={"enabled": False},  # /metrics is our own
    logging={"access": {"enabled": False}},  # a path may hold a decision's id
    traffic={"timeout": 60},
)
@bentoml.asgi_app(web.application(start), path="/")
class CreditRisk:
    """Readiness needs no hook: a worker takes no connection before its scorer and ledger stand."""
