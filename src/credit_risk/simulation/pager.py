"""The address that Alertmanager calls, as a pager's would be: it keeps what was posted."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FIRING = "firing"


@dataclass
class Pager:
    """url: where alerts are posted. day: of the year, set by who plays it. alarms: each that fired, once a day."""

    url: str
    day: date | None = None
    alarms: list[dict[str, Any]] = field(default_factory=list)

    def take(self, posted: dict[str, Any]) -> None:
        for alert in posted["alerts"]:
            name = alert["labels"]["alertname"]
            if alert["status"] == FIRING and not self.has(name):
                notes = alert["annotations"]
                its = {"name": name, "summary": notes["summary"], "runbook": notes["runbook_url"]}
                self.alarms.append({"day": str(self.day), **its})

    def has(self, name: str) -> bool:
        """Whether an alert has fired on this day."""
        return any(alarm["name"] == name and alarm["day"] == str(self.day) for alarm in self.alarms)


@contextmanager
def listening() -> Iterator[Pager]:
    """A pager on a free port of this machine."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            pager.take(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    pager = Pager(f"http://127.0.0.1:{server.server_port}/")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield pager
    finally:
        server.shutdown()
        server.server_close()
