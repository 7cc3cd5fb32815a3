"""The lender's own processes on a day of the year: commands as people give them, and the service with its alarms.

A process is given another day by datefudge, which moves the clock that programs read; what lasts seconds lasts them.
"""

import glob
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil

from credit_risk.errors import CheckFailed, UsageError
from credit_risk.simulation.pager import Pager

LIBRARIES = "/usr/lib/*/datefudge/datefudge.so"
PORTS, FIRST_PORT, LAST_PORT = 8, 20_000, 32_000  # below those that the system hands out
PATIENCE_S, TIMEOUT_S, AGAIN_S = 600.0, 30.0, 0.2


@dataclass(frozen=True)
class Processes:
    """What runs commands below a root on another day. library: datefudge's; port: the first of PORTS in a row.

    offsets: by how many seconds the clock of a day is moved back, from the first process of that day on.
    """

    root: Path
    library: Path
    port: int
    pager: Pager
    offsets: dict[date, int] = field(default_factory=dict)

    def run(self, day: date, *words: str, root: Path | None = None) -> str:
        """A command of `credit-risk` to its end; what it said. Raises CheckFailed with its sentence where it refuses.

        root: another one than the lender's.
        """
        command = [*self._command(words[0]), *words[1:], "--root", str(root or self.root)]
        ended = subprocess.run(  # noqa: S603  (our own words)
            command, env=self.environment(day), capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        if ended.returncode:
            raise CheckFailed(" ".join(ended.stderr.split()).replace(f"{self.root.absolute()}/", ""))
        return ended.stdout

    def begin(self, day: date, *words: str) -> subprocess.Popen[bytes]:
        """A command in the background; what it says goes to a log."""
        with (self.root / "build" / f"{words[0]}.log").open("ab") as log:
            command = [*self._command(words[0]), *words[1:], "--root", str(self.root)]
            return subprocess.Popen(command, env=self.environment(day), stdout=log, stderr=log)  # noqa: S603

    @contextmanager
    def service(self, day: date) -> Iterator["LiveService"]:
        """Router, replicas, Prometheus and Alertmanager on a day, up until the end."""
        self.pager.day = day
        try:
            self.run(day, "up", "--model-version", "champion")
            yield LiveService(self, day)
        finally:
            self.run(day, "down")

    def environment(self, day: date) -> dict[str, str]:
        """The variables by which a process takes it to be a day: noon (UTC) when its first process starts."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
        earlier = self.offsets.setdefault(day, round(time.time() - noon))
        return {**os.environ, "LD_PRELOAD": str(self.library), "DATEFUDGE": str(earlier)}

    def _command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "credit_risk.cli", *name.split()]


@dataclass
class LiveService:
    """The service while it is up. failed: answers that were no decision, each asked again until there was one."""

    processes: Processes
    day: date
    failed: int = 0
    requests: int = 0
    line: http.client.HTTPConnection | None = field(default=None, repr=False)

    def decide(self, application: str, applicant: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to an application; who gets none asks again with the same key, as the API wants it."""
        headers = {"Content-Type": "application/json", "X-Applicant-Id": applicant, "Idempotency-Key": application}
        deadline = time.monotonic() + PATIENCE_S
        self.requests += 1
        while True:
            status, answer = self._request("POST", "/decide", json.dumps(inputs), headers)
            if status == http.client.OK:
                return answer
            self.failed += 1
            if time.monotonic() > deadline:
                raise CheckFailed(f"no decision within {PATIENCE_S:g} s; the last answer was {status} {answer}")
            time.sleep(AGAIN_S)

    def decision_of(self, decision_id: str) -> dict[str, Any]:
        """What the service still knows of a decision."""
        return self._request("GET", f"/decisions/{decision_id}", None, {})[1]

    def facts(self) -> dict[str, Any]:
        """What `credit-risk status` shows."""
        status: dict[str, Any] = json.loads(self.processes.run(self.day, "status", "--json"))
        return status

    def replica(self, name: str) -> dict[str, Any]:
        return next(its for its in self.facts()["processes"] if its["process"] == name)

    def kill(self, name: str) -> None:
        """Kill a replica with all that it started."""
        process = psutil.Process(int(self.replica(name)["pid"]))
        for member in (*process.children(recursive=True), process):
            member.kill()

    def is_watched(self) -> bool:
        """Whether Prometheus has seen each replica answer."""
        line = http.client.HTTPConnection("127.0.0.1", self.processes.port + PORTS - 2, timeout=TIMEOUT_S)
        line.request("GET", "/api/v1/query?query=up")
        results = json.load(line.getresponse())["data"]["result"]
        return len(results) > 1 and all(result["value"][1] == "1" for result in results)

    def _request(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer; status 0 where the connection broke."""
        self.line = self.line or http.client.HTTPConnection("127.0.0.1", self.processes.port, timeout=TIMEOUT_S)
        try:
            self.line.request(method, path, body, dict(headers))
            reply = self.line.getresponse()
            return reply.status, json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.line.close()
            self.line = None
            return 0, {"detail": str(error)}


def library() -> Path:
    """datefudge's file. Raises UsageError where it is not installed."""
    if not (files := sorted(glob.glob(LIBRARIES))):  # noqa: PTH207  (from the root of the file system)
        raise UsageError(
            "There is no datefudge here, by which the service is given a day of the year. Install it: apt-get "
            "install datefudge, or `.ci/packages`; or play without the service: --no-service."
        )
    return Path(files[0])


def free_ports() -> int:
    """The first of PORTS that nobody listens on, in a row."""
    for first in range(FIRST_PORT + os.getpid() % 1_000, LAST_PORT, PORTS):
        if all(_is_free(port) for port in range(first, first + PORTS)):
            return first
    raise UsageError(f"no {PORTS} ports in a row are free between {FIRST_PORT} and {LAST_PORT}.")


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return tried.connect_ex(("127.0.0.1", port)) != 0


def until(condition: Callable[[], object], what: str) -> float:
    """Wait for a condition; the seconds it took. Raises CheckFailed where it does not come about."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > PATIENCE_S:
            raise CheckFailed(f"not within {PATIENCE_S:g} s: {what}")
        time.sleep(AGAIN_S)
    return time.monotonic() - begun
