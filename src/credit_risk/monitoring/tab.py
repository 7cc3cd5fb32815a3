"""The tab of the service's page that shows what `credit-risk monitor` measured last: for the scope `admin`, read only.

Its report is read as it was written. Nothing is measured and no decision unsealed because somebody looks.
"""

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit_risk.data.files import Files

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from credit_risk.serving.web import Service

log = logging.getLogger(__name__)

REPORT = "CREDIT_RISK_MONITORING_REPORT"  # a path, where the report lies elsewhere than in the service's own root
MONTHS = 12  # of drift and shifts that are sent, the latest; the report has all
SHOWN = (
    *("as_of", "performance_window_months", "confidence", "not_known", "counts", "drift", "shifts", "detection"),
    *("fairness", "backtest", "estimates", "overrides", "declined", "vintages"),
)
NONE_YET = "No report of monitoring is there. `credit-risk monitor` writes one, reports/monitoring.json."
UNREADABLE = "reports/monitoring.json cannot be read as a report of monitoring. Run `credit-risk monitor` again."


async def monitoring(service: "Service", request: "Request") -> "Response":
    """GET /monitoring: the last report, or why there is none."""
    from credit_risk.serving import web  # noqa: PLC0415  (late: the service's routes name this one)

    client = web.authenticated(service, request, "admin")
    path = Path(os.environ.get(REPORT) or Files(service.engine.admission.root).report("monitoring"))
    with service.in_flight.admit(client.name):
        return web.json_(await asyncio.to_thread(last_report, path))


ROUTES = (("GET", "/monitoring", monitoring),)


def last_report(path: Path) -> dict[str, Any]:
    """What the tab shows of a report. why: a sentence where there is none that can be shown, else empty."""
    try:
        written = json.loads(path.read_bytes())
        report = {name: written[name] for name in SHOWN}
        report["drift"] = _latest(report["drift"], "windows")
        report["shifts"] = _latest(report["shifts"], "months")
    except FileNotFoundError:
        return {"why": NONE_YET, "report": None}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        log.warning("%s: %s", path, error)
        return {"why": UNREADABLE, "report": None}
    return {"why": "", "report": report}


def _latest(measured: dict[str, Any], name: str) -> dict[str, Any]:
    """The latest months of a part of the report, if it has any."""
    return {**measured, name: measured.get(name, [])[-MONTHS:]}
