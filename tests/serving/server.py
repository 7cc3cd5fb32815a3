"""A real service on a free port of this machine, for tests and drills: started, waited for, ended by its pid."""

import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from ruamel.yaml import YAML

from tools import PATIENCE, free_port

# For addresses of this machine, without TLS: httpx would read every known authority again for each request (30 ms).
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Served:
    """A running service: where it answers, its process, and the file with what it said."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


def place(folder: Path, root: Path, **serving) -> Path:
    """A root of its own with the scorer, settings and an empty ledger."""
    shutil.copytree(root / "models", folder / "models")
    settings = {"access": {"mode": "off"}, "gate": "reported"} | serving
    (folder / "configs" / "deploy").mkdir(parents=True)
    with (folder / "configs" / "deploy" / "local.yaml").open("w") as file:
        YAML().dump({"serving": settings}, file)
    return folder


def begin(root: Path, *flags: str, environment: Mapping[str, str]) -> Served:
    """Start `credit-risk serve` in a process group of its own."""
    port, log = free_port(), root / f"serve-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "credit_risk.cli", "serve", "--root", str(root), "--port", str(port), *flags]
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=said, stderr=said, start_new_session=True
        )
    return Served(f"http://127.0.0.1:{port}", process, log)


def ask(method: str, url: str, *, timeout: float = PATIENCE, **content: Any) -> httpx.Response:
    """One request on a connection of its own."""
    return httpx.request(method, url, timeout=timeout, verify=NO_AUTHORITIES, **content)


def wait(served: Served) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert served.process.poll() is None, served.log.read_text()
        try:
            if ask("GET", f"{served.url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready within {PATIENCE} s: {served.log.read_text()}")


def kill(served: Served) -> None:
    """As a machine that fails would: kill -9 of every process of the service. Workers have sessions of their own."""
    processes = [*psutil.Process(served.process.pid).children(recursive=True), psutil.Process(served.process.pid)]
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    served.process.wait(PATIENCE)


def end(served: Served, sign: int = signal.SIGTERM) -> int:
    """End it and every process it started; returns the exit code of the first."""
    for each in (sign, signal.SIGKILL):
        try:
            os.killpg(served.process.pid, each)
        except ProcessLookupError:
            break
        try:
            return served.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            continue
    return served.process.wait(PATIENCE)


@contextmanager
def serving(root: Path, *flags: str, environment: Mapping[str, str]) -> Iterator[Served]:
    served = begin(root, *flags, environment=environment)
    try:
        wait(served)
        yield served
    finally:
        end(served)
