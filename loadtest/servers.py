"""A service that is loaded: how it is started and ended on this machine, and what wrk says of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
APPLICATIONS = 500
SATURATION = 16  # connections
READY_WITHIN = 90  # seconds


@dataclass(frozen=True)
class Contender:
    """One server: how it is started on a port, and what it is sent."""

    name: str
    command: Sequence[str]
    path: str
    bodies: Path
    ready: str
    environment: Mapping[str, str]
    headers: Sequence[str] = ()


def settings_for(folder: Path, **more: float | None) -> Path:
    """Settings of a loaded service: a developer's, no client is slowed down, and the ledger is thrown away."""
    path = folder / "load.yaml"
    limits = {"per_client_per_second": 1e6, "burst": 1_000_000}
    limits |= {name: limit for name, limit in more.items() if limit is not None}
    ledger = {"url": f"sqlite:///{folder / 'ledger.db'}", "key_file": str(folder / "ledger.key")}
    serving = {"access": {"mode": "off"}, "gate": "reported", "limits": limits, "ledger": ledger}
    path.write_text(json.dumps({"environment": "local", "serving": serving}), encoding="utf-8")  # JSON is YAML too
    return path


@contextmanager
def served(one: Contender) -> Iterator[tuple[int, psutil.Process]]:
    """The server on a free port of this machine, ready; at the end it and what it started are ended."""
    port = free_port()
    flags = ["--port", str(port)] if "mlserver" not in one.command[0] else []
    settings = {
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_PARALLEL_WORKERS": "1",
        "MLSERVER_GRPC_PORT": str(free_port()),
        "MLSERVER_METRICS_PORT": str(free_port()),
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*one.command, *flags],
            env={**os.environ, **one.environment, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_ready(one, port, process, log)
            yield port, psutil.Process(process.pid)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and what it started; one that does not listen within 20 s is killed."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
            return


def wait_until_ready(one: Contender, port: int, process: subprocess.Popen[bytes], log: Any) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}{one.ready}", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    log.seek(0)
    said = log.read().decode(errors="replace")[-3_000:]
    sys.exit(f"{one.name} was not ready within {READY_WITHIN} s. It said:\n{said}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wrk(one: Contender, port: int, connections: int, seconds: int, pause: float = 0) -> dict[str, Any]:
    """What wrk says of one load: requests a second, latencies in milliseconds, what was not answered with 200."""
    command = wrk_command(one, port, connections, seconds, pause)
    return wrk_result(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def wrk_command(one: Contender, port: int, connections: int, seconds: int, pause: float) -> list[str]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    command += ["-s", str(HERE / "requests.lua"), f"http://{HOST}:{port}{one.path}"]
    return [*command, "--", str(one.bodies), f"{pause:.3f}", *one.headers]


def wrk_result(said: str) -> dict[str, Any]:
    (line,) = [line for line in said.splitlines() if line.startswith("{")]
    found = json.loads(line)
    found["per_second"] = found.pop("requests") / found.pop("seconds")
    return dict(found)


def paused(per_second: float, p50: float) -> float:
    """Milliseconds before each request that halve the rate of SATURATION connections.

    A closed loop: n connections answer n / (pause + latency).
    """
    return max(2 * SATURATION / per_second * 1e3 - p50 / 2, 0)


def memory_mb(process: psutil.Process) -> float:
    """Resident memory of a server and of what it started."""
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)]) / 1e6
