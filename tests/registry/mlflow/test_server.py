"""An MLflow server by URL, as several people share it: the same registry, its files fetched over HTTP."""

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.registry.errors import RegistryUnavailable
from credit_risk.registry.lifecycle import standing
from credit_risk.registry.mlflow import promotion
from credit_risk.registry.mlflow.register import register
from credit_risk.scoring.scorer import Scorer
from registry_trial import WHY, registry
from tools import PATIENCE, free_port

CHECKER = {"by": "Ada Berg", "reason": WHY}


@pytest.fixture
def server(files, tmp_path):
    """MLflow's tracking server on a free port, with a database and a store of its own."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{files.root / 'registry' / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(tmp_path / "store")]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=tmp_path,
            start_new_session=True,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((tmp_path / "log").read_text())
            time.sleep(0.2)
        yield url, process
    finally:
        _end(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def _end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


@pytest.mark.weekly
def test_a_server_keeps_the_registry_and_gives_the_same_bytes_back(server, files, tmp_path, monkeypatch):
    url, process = server
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with registry(files, tracking=url, artifacts=None) as opened:
        register(opened, load(files.config), files, by="Kim Lee", reason=WHY)
        promotion.move(opened, "nominate", "1", **CHECKER)
        promotion.move(opened, "promote", "1", **CHECKER)
        opened.fetch(1, opened.events(), tmp_path / "release")
        assert Scorer.load(Files(tmp_path / "release").scorer).digest == opened.events()[0].scorer
        _end(process)
        with pytest.raises(RegistryUnavailable, match="cannot be used"):
            promotion.roll_back(opened, by="Kim Lee", reason="the server is gone")
        assert standing(opened.history.read()).champion == 1
