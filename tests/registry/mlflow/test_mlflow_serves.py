"""`mlflow models serve` on a registered scorer answers what the scorer decides, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from credit_risk.data.writing import read_parquet
from credit_risk.registry.mlflow import packing, schemas
from credit_risk.scoring.scorer import Scorer
from tools import PATIENCE, free_port

pytestmark = pytest.mark.weekly


@pytest.fixture
def served(opened, registered, tmp_path):
    """MLflow's own server with the champion's model; ended with all its processes."""
    registered()
    model = opened.tracking.files_of(1, tmp_path)
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model), "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where MLflow looks for uvicorn
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path},
        )
    try:
        wait(f"http://127.0.0.1:{port}", process, tmp_path / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def wait(url: str, process: subprocess.Popen, log) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/ping").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"MLflow did not serve:\n{log.read_text()}")


def test_mlflows_server_answers_what_the_scorer_decides(served, files):
    scorer = Scorer.load(files.scorer)
    applications = read_parquet(files.inputs("test")).head(50).to_dict("records")
    table = packing.table(schemas.declared(scorer.config), applications)
    body = {"dataframe_split": json.loads(table.to_json(orient="split", double_precision=15))}
    answer = httpx.post(f"{served}/invocations", json=body, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    decisions = scorer.decide(table)
    assert answer.json()["predictions"] == [decisions.record(row) for row in range(len(table))]
